//! Outages: begun and ended with incidents, noted by people, in the ledger that burns budgets.

use super::facts::{TARGETS, breach_reason_line, described};
use crate::core::calendar::{HOUSE_ZONE, on_the_wall_in};
use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::incident::DeskIncident;
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{CommandRefusal, Effect, LimitHit, Metric, RecordChange};
use crate::core::incidents::{Incident, TimelineEntry, TimelineKind};
use crate::core::model::{Event, IncidentId, Labels, Outage, Severity, Status, TimeDelta};
use crate::core::sla::BudgetAlert;

/// How long before an incident's first alert an outage of it may have begun: what users saw first is reported within
/// days, and a mistyped year would burn the whole budget.
const OUTAGE_BEFORE_MAX: TimeDelta = TimeDelta::from_days(7);

/// The source of watchfire's own events.
const OWN_SOURCE: &str = "watchfire";

/// The alert of a budget that burns.
const BUDGET_ALERT: &str = "OutageBudgetBurn";

pub fn note_outage(
    desk: &mut DeskState,
    id: IncidentId,
    outage: &Outage,
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    if outage.from > step.now || outage.to.is_some_and(|to| to > step.now) {
        let reason = format!("cannot note an outage of {id}: it lies in the future");
        return Err(CommandRefusal::NotAllowed { reason });
    }
    let opened_at = desk.get(id).map(|incident| incident.record.opened_at);
    if let Some(first) = opened_at.map(|at| at - OUTAGE_BEFORE_MAX).filter(|first| outage.from < *first) {
        let first = on_the_wall_in(first, HOUSE_ZONE);
        let reason = format!(
            "cannot note an outage of {id}: it begins more than {OUTAGE_BEFORE_MAX} before its first alert, before {first}"
        );
        return Err(CommandRefusal::NotAllowed { reason });
    }
    desk.change(id, |record| record.note_outage(outage.clone()))?;
    enter_outages(desk, id, step);
    follow_budgets(desk, step);
    outage_line(id, outage, actor, step);
    Ok(())
}

/// The survivor of a merge has been in contact too, and answers for whatever was promised of the other one: the
/// clock that is due sooner goes on under it, what was late makes it late, with the reason that was given for that,
/// and what was out goes on being out. So merging, by a person or by a rule, escapes no promise.
pub fn inherit_promises(desk: &mut DeskState, into: IncidentId, merged: &DeskIncident, step: &mut DeskContext<'_>) {
    let outages = &merged.record.outages;
    if let Some(survivor) = desk.get_mut(into) {
        if survivor.record.contacts.is_empty() {
            survivor.record.contacts = merged.record.contacts.clone();
        }
        let (was_breached, was_late) = (survivor.clocks.is_breached(), survivor.record.breached);
        let goes_on = survivor.clocks.inherit(&merged.clocks, step.now, &step.rulebook.calendars);
        survivor.record.breached |= merged.record.breached;
        if goes_on {
            let target = merged.clocks.target().unwrap_or_default();
            let text = format!("what {} was promised by target {target} goes on here", merged.record.id);
            step.timeline(into, TimelineKind::Promised, TARGETS, text);
        }
        if merged.record.breached && !was_late {
            step.timeline(into, TimelineKind::Breached, TARGETS, format!("as {} was", merged.record.id));
        }
        // Its own lateness, if any, is still to be explained.
        if let Some(reason) = merged.record.breach_reason.as_ref().filter(|_| !was_breached) {
            survivor.record.breach_reason = Some(reason.clone());
            breach_reason_line(into, reason, TARGETS, step);
        }
        for outage in outages {
            match survivor.record.inherit_outage(outage.clone()) {
                Ok(whole) => outage_line(into, &whole, TARGETS, step),
                Err(_full) => step.count(Metric::Bound { which: LimitHit::Outages }),
            }
        }
    }
    if !outages.is_empty() {
        if let Some(gone) = desk.get_mut(merged.record.id) {
            gone.record.outages.clear();
        }
        enter_outages(desk, merged.record.id, step);
        enter_outages(desk, into, step);
        follow_budgets(desk, step);
    }
}

/// An open incident of a rule that says so is an outage; an ended one is none. Answers whether that changed.
pub fn follow_outage(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) -> bool {
    let Some(incident) = desk.get(id) else { return false };
    let record = &incident.record;
    let goes_on = record.outages.iter().any(|outage| outage.to.is_none());
    if record.state.is_open() {
        if incident.outage_begun {
            return false;
        }
        let Some(outage) = outage_of(record, step) else { return false };
        if let Some(incident) = desk.get_mut(id) {
            incident.outage_begun = true;
        }
        let begun = desk.change(id, |record| record.note_outage(outage.clone()));
        if begun.is_err() {
            step.count(Metric::Bound { which: LimitHit::Outages });
            return false;
        }
        outage_line(id, &outage, TARGETS, step);
    } else {
        if !incident.outage_begun && !goes_on {
            return false;
        }
        let Some(incident) = desk.get_mut(id) else { return false };
        incident.outage_begun = false;
        let end = incident.record.resolved_at.unwrap_or(step.now);
        for outage in incident.record.outages.iter_mut().filter(|outage| outage.to.is_none()) {
            outage.to = Some(end.max(outage.from));
        }
    }
    enter_outages(desk, id, step);
    true
}

/// What budgets have to say enters as events of watchfire itself.
pub fn follow_budgets(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    for alert in desk.kept.core.outages.follow(step.now, &step.rulebook.outage_budgets) {
        let (budget, status, severity, summary) = match alert {
            BudgetAlert::Used { budget, percent, used, of } => {
                let severity = match percent {
                    0..80 => Severity::Minor,
                    80..100 => Severity::Major,
                    _ => Severity::Critical,
                };
                let text = format!("{budget}: {percent} % of the year's {of} of outage are used ({used})");
                (budget, Status::Firing, severity, text)
            }
            BudgetAlert::Fast { budget, used, of } => {
                let text = format!("{budget}: at this pace {of} of outage will not last the year ({used} are used)");
                (budget, Status::Firing, Severity::Major, text)
            }
            BudgetAlert::Renewed { budget } => {
                let text = format!("{budget}: a new year has begun");
                (budget, Status::Resolved, Severity::Cleared, text)
            }
        };
        let labels = Labels::from_pairs([("alertname", BUDGET_ALERT), ("budget", budget.as_str())]);
        let mut event = Event::new(OWN_SOURCE, status, labels);
        event.severity = Some(severity).filter(|severity| *severity != Severity::Cleared);
        event.summary = summary;
        event.occurred_at = Some(step.now);
        step.count(Metric::BudgetAlert);
        step.events.push(event);
    }
}

fn enter_outages(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let outages = desk.get(id).map(|incident| incident.record.outages.clone()).unwrap_or_default();
    if desk.kept.core.outages.set(id, &outages) {
        step.count(Metric::Bound { which: LimitHit::Outages });
    }
}

fn outage_line(id: IncidentId, outage: &Outage, actor: &str, step: &mut DeskContext<'_>) {
    let verb = if outage.to.is_some() { "was" } else { "is" };
    let text = format!("{} {verb} out, caused by the {}", outage.service, outage.party);
    step.effects.push(Effect::Record(RecordChange::Timeline(TimelineEntry {
        incident: id,
        at: step.now,
        kind: TimelineKind::OutageNoted,
        actor: actor.to_owned(),
        text,
        tier: None,
        outage: Some(outage.clone()),
        fact: None,
    })));
}

fn outage_of(record: &Incident, step: &DeskContext<'_>) -> Option<Outage> {
    let rule = step.rulebook.rule(&record.rule)?;
    let cause = rule.grading.outage.as_ref()?;
    let labels = described(record, step.rulebook);
    let said = |name: &str| labels.get(name).or_else(|| labels.get(&format!("fact.{name}"))).map(str::to_owned);
    Some(Outage {
        customer: said("customer").unwrap_or_default(),
        service: cause.service.clone().or_else(|| said("service")).unwrap_or_else(|| rule.name.clone()),
        party: cause.party,
        from: step.now,
        to: None,
    })
}
