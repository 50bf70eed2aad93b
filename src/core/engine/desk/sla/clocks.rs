//! Promises at the desk: the clocks of incidents follow whatever happens to them, people are warned and told of
//! breaches, outages enter the ledger and burn its budgets.

use crate::core::calendar::{HOUSE_ZONE, on_the_wall_in};
use crate::core::engine::desk::{Desk, DeskContext, DeskIncident};
use crate::core::engine::{CommandRefusal, Effect, LimitHit, Metric, NotificationKind, TargetOutcome};
use crate::core::incidents::{Incident, IncidentState, PendingOn, TimelineEntry, TimelineKind};
use crate::core::model::{
    BreachReason, ClockKind, ContactBy, ContactLog, Event, IncidentId, Labels, Outage, Severity, Status, TimeDelta,
};
use crate::core::rules::Rulebook;
use crate::core::sla::{BudgetAlert, ClockStage, IncidentOutcome, Situation, Turn, WaitingOn};

/// How long before an incident's first alert an outage of it may have begun: what users saw first is reported within
/// days, and a mistyped year would burn the whole budget.
const OUTAGE_BEFORE_MAX: TimeDelta = TimeDelta::from_days(7);
/// The actor of what follows from promises.
const TARGETS: &str = "targets";
/// The source of watchfire's own events.
const OWN_SOURCE: &str = "watchfire";
/// The alert of a budget that burns.
const BUDGET_ALERT: &str = "OutageBudgetBurn";

impl From<&Incident> for IncidentOutcome {
    fn from(incident: &Incident) -> IncidentOutcome {
        IncidentOutcome {
            opened_at: incident.opened_at,
            clocks: incident.clocks.clone(),
            contacts: incident.contacts.clone(),
            first_line: incident.escalations == 0,
            resolved: matches!(incident.state, IncidentState::Resolved | IncidentState::Closed),
            reopened: incident.reopened,
            breach_reason: incident.breach_reason.clone(),
        }
    }
}

impl Desk {
    /// After every input: the promises of all that it touched, and the budgets of outages.
    pub(crate) fn follow_promises(&mut self, step: &mut DeskContext<'_>) {
        let mut outages_changed = false;
        for id in step.touched.clone() {
            self.follow_clocks(id, step);
            outages_changed |= self.follow_outage(id, step);
        }
        let is_due = self.state.kept.core.outages.next_deadline().is_some_and(|at| at <= step.now);
        if outages_changed || is_due {
            self.follow_budgets(step);
        }
    }

    /// Another rulebook holds: what has run under old calendars stays as it is.
    pub(crate) fn change_promises(&mut self, old: &Rulebook, step: &mut DeskContext<'_>) {
        let (before, after) = (&old.calendars, &step.rulebook.calendars);
        let running = self.state.kept.incidents.iter().filter(|(_, one)| one.clocks.is_running());
        let ids: Vec<IncidentId> = running.map(|(id, _)| *id).collect();
        for id in ids.into_iter().filter(|_| before != after) {
            if let Some(incident) = self.state.get_mut(id) {
                incident.clocks.change_calendars(step.now, before, after);
                step.touch(id);
            }
        }
        self.follow_budgets(step);
    }

    /// Serves what is due on an incident's clocks; answers whether there was anything.
    pub(crate) fn serve_clocks(&mut self, id: IncidentId, step: &mut DeskContext<'_>) -> bool {
        let is_due = |incident: &DeskIncident| incident.clocks.next_deadline().is_some_and(|at| at <= step.now);
        if !self.state.get(id).is_some_and(is_due) {
            return false;
        }
        let Some(incident) = self.state.get_mut(id) else { return false };
        let turns = incident.clocks.tick(step.now, &step.rulebook.calendars);
        incident.record.clocks = incident.clocks.faces(step.now, &step.rulebook.calendars);
        self.announce(id, turns, step);
        step.touch(id);
        true
    }

    /// What opened is counted by its class.
    pub(crate) fn classified(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let Some(record) = self.state.get(id).map(|incident| &incident.record) else { return };
        step.count(Metric::Classified { class: record.class });
        if record.out_of_catalogue {
            step.count(Metric::OutOfCatalogue);
        }
    }

    pub(crate) fn log_contact(
        &mut self,
        id: IncidentId,
        by: ContactBy,
        note: &str,
        actor: &str,
        step: &mut DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        let now = step.now;
        let after = self.state.get(id).map_or(TimeDelta::ZERO, |incident| {
            incident.clocks.since(incident.record.opened_at, now, &step.rulebook.calendars)
        });
        let contact = ContactLog { at: now, by, actor: actor.to_owned(), note: note.to_owned(), after };
        self.change(id, |record| record.log_contact(contact))?;
        let words = if note.is_empty() { String::new() } else { format!(": {note}") };
        step.timeline(id, TimelineKind::Contacted, actor, format!("by {by} after {after}{words}"));
        Ok(())
    }

    /// Refuses to end what broke its promise without a word on why.
    pub(crate) fn must_be_explained(&self, id: IncidentId, verb: &str) -> Result<(), CommandRefusal> {
        let is_silent =
            |incident: &DeskIncident| incident.clocks.is_breached() && incident.record.breach_reason.is_none();
        if self.state.get(id).is_some_and(is_silent) {
            let reason = format!("cannot {verb} {id}: it was late; say why with a breach_reason of code and text");
            return Err(CommandRefusal::NotAllowed { reason });
        }
        Ok(())
    }

    /// Refuses what [`Desk::resolve`] would, before anything has changed.
    pub(crate) fn may_resolve(&self, id: IncidentId) -> Result<(), CommandRefusal> {
        let is_open = self.state.get(id).is_some_and(|incident| incident.record.state.is_open());
        let reason = || format!("cannot resolve {id}: it is not open");
        if is_open { Ok(()) } else { Err(CommandRefusal::NotAllowed { reason: reason() }) }
    }

    pub(crate) fn explain_breach(
        &mut self,
        id: IncidentId,
        reason: &BreachReason,
        actor: &str,
        step: &mut DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        let known = &step.rulebook.breach_reasons;
        if !known.contains_key(&reason.code) {
            let codes = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let reason = format!("{:?} is not the code of a breach reason; expected one of {codes}", reason.code);
            return Err(CommandRefusal::NotAllowed { reason });
        }
        if !self.state.get(id).is_some_and(|incident| incident.clocks.is_breached()) {
            let reason = format!("cannot explain the breach of {id}: it has broken no promise");
            return Err(CommandRefusal::NotAllowed { reason });
        }
        self.change(id, |record| record.explain_breach(reason.clone()))?;
        if let Some(incident) = self.state.get_mut(id).filter(|one| one.record.state == IncidentState::Resolved) {
            let after = crate::core::engine::desk::incidents::decisions::closes_after(&incident.record, step);
            incident.close_at = incident.close_at.or(after.map(|after| step.now + after));
        }
        breach_reason_line(id, reason, actor, step);
        Ok(())
    }

    pub(crate) fn note_outage(
        &mut self,
        id: IncidentId,
        outage: &Outage,
        actor: &str,
        step: &mut DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        if outage.from > step.now || outage.to.is_some_and(|to| to > step.now) {
            let reason = format!("cannot note an outage of {id}: it lies in the future");
            return Err(CommandRefusal::NotAllowed { reason });
        }
        let opened_at = self.state.get(id).map(|incident| incident.record.opened_at);
        if let Some(first) = opened_at.map(|at| at - OUTAGE_BEFORE_MAX).filter(|first| outage.from < *first) {
            let first = on_the_wall_in(first, HOUSE_ZONE);
            let reason = format!(
                "cannot note an outage of {id}: it begins more than {OUTAGE_BEFORE_MAX} before its first alert, before {first}"
            );
            return Err(CommandRefusal::NotAllowed { reason });
        }
        self.change(id, |record| record.note_outage(outage.clone()))?;
        self.enter_outages(id, step);
        self.follow_budgets(step);
        outage_line(id, outage, actor, step);
        Ok(())
    }

    /// The survivor of a merge has been in contact too, and answers for whatever was promised of the other one: the
    /// clock that is due sooner goes on under it, what was late makes it late, with the reason that was given for that,
    /// and what was out goes on being out. So merging, by a person or by a rule, escapes no promise.
    pub(crate) fn inherit_promises(&mut self, into: IncidentId, merged: &DeskIncident, step: &mut DeskContext<'_>) {
        let outages = &merged.record.outages;
        if let Some(survivor) = self.state.get_mut(into) {
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
            if let Some(gone) = self.state.get_mut(merged.record.id) {
                gone.record.outages.clear();
            }
            self.enter_outages(merged.record.id, step);
            self.enter_outages(into, step);
            self.follow_budgets(step);
        }
    }

    fn follow_clocks(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        let under_change = incident.is_paused();
        let DeskIncident { record, clocks, .. } = incident;
        // The labels are looked at seldom, and the facts are worth nothing without targets.
        let is_described = clocks.looks_up(record.priority) && !step.rulebook.targets.is_empty();
        let labels = if is_described { described(record, step.rulebook) } else { record.labels.clone() };
        let situation = Situation {
            opened_at: record.opened_at,
            class: record.class,
            priority: record.priority,
            labels: &labels,
            out_of_catalogue: record.out_of_catalogue,
            contacted_at: record.contacts.first().map(|contact| contact.at),
            stage: stage(record),
            under_change,
        };
        let turns = clocks.follow(step.now, &situation, &step.rulebook.targets, &step.rulebook.calendars);
        record.clocks = clocks.faces(step.now, &step.rulebook.calendars);
        self.announce(id, turns, step);
    }

    fn announce(&mut self, id: IncidentId, turns: Vec<Turn>, step: &mut DeskContext<'_>) {
        for turn in turns {
            let Some(incident) = self.state.get_mut(id) else { return };
            let is_told = incident.clocks.is_told();
            let pages = is_told && !incident.record.unpaged && incident.record.held.is_none();
            let pages_breach = pages && incident.clocks.pages_on_breach();
            let target = incident.clocks.target().unwrap_or_default();
            let trial = if is_told { "" } else { TimelineEntry::ON_TRIAL };
            match turn {
                Turn::Promised(text) => step.timeline(id, TimelineKind::Promised, TARGETS, text),
                Turn::Met { clock, elapsed: _ } => {
                    let outcome = if is_told { TargetOutcome::Met } else { TargetOutcome::ShadowMet };
                    step.count(Metric::Target { clock, outcome });
                }
                Turn::Warned { clock, percent, limit } => {
                    let why = format!("{}: {percent} % of {limit} have run ({target}{trial})", meaning(clock));
                    step.timeline(id, TimelineKind::TargetWarning, TARGETS, why.clone());
                    step.count(Metric::Target { clock, outcome: TargetOutcome::Warned });
                    if pages {
                        self.tell(id, NotificationKind::TargetWarning, &why, step);
                    }
                }
                Turn::Breached { clock, at, limit } => {
                    incident.record.breached |= is_told;
                    let over = on_the_wall_in(at, step.zone_of(&incident.record.team));
                    let why = format!("{}: {limit} were over at {over} ({target}{trial})", meaning(clock));
                    let outcome = if is_told { TargetOutcome::Breached } else { TargetOutcome::ShadowBreached };
                    step.timeline(id, TimelineKind::Breached, TARGETS, why.clone());
                    step.count(Metric::Target { clock, outcome });
                    if pages_breach {
                        self.tell(id, NotificationKind::TargetBreached, &why, step);
                    }
                }
            }
        }
    }

    /// An open incident of a rule that says so is an outage; an ended one is none. Answers whether that changed.
    fn follow_outage(&mut self, id: IncidentId, step: &mut DeskContext<'_>) -> bool {
        let Some(incident) = self.state.get(id) else { return false };
        let record = &incident.record;
        let goes_on = record.outages.iter().any(|outage| outage.to.is_none());
        if record.state.is_open() {
            if incident.outage_begun {
                return false;
            }
            let Some(outage) = outage_of(record, step) else { return false };
            if let Some(incident) = self.state.get_mut(id) {
                incident.outage_begun = true;
            }
            let begun = self.change(id, |record| record.note_outage(outage.clone()));
            if begun.is_err() {
                step.count(Metric::Bound { which: LimitHit::Outages });
                return false;
            }
            outage_line(id, &outage, TARGETS, step);
        } else {
            if !incident.outage_begun && !goes_on {
                return false;
            }
            let Some(incident) = self.state.get_mut(id) else { return false };
            incident.outage_begun = false;
            let end = incident.record.resolved_at.unwrap_or(step.now);
            for outage in incident.record.outages.iter_mut().filter(|outage| outage.to.is_none()) {
                outage.to = Some(end.max(outage.from));
            }
        }
        self.enter_outages(id, step);
        true
    }

    fn enter_outages(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let outages = self.state.get(id).map(|incident| incident.record.outages.clone()).unwrap_or_default();
        if self.state.kept.core.outages.set(id, &outages) {
            step.count(Metric::Bound { which: LimitHit::Outages });
        }
    }

    /// What budgets have to say enters as events of watchfire itself.
    fn follow_budgets(&mut self, step: &mut DeskContext<'_>) {
        for alert in self.state.kept.core.outages.follow(step.now, &step.rulebook.outage_budgets) {
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
                    let text =
                        format!("{budget}: at this pace {of} of outage will not last the year ({used} are used)");
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
}

fn breach_reason_line(id: IncidentId, reason: &BreachReason, actor: &str, step: &mut DeskContext<'_>) {
    let title = step.rulebook.breach_reasons.get(&reason.code).map_or("", String::as_str);
    let text = format!("{} ({title}): {}", reason.code, reason.text);
    step.timeline(id, TimelineKind::BreachExplained, actor, text);
}

fn outage_line(id: IncidentId, outage: &Outage, actor: &str, step: &mut DeskContext<'_>) {
    let verb = if outage.to.is_some() { "was" } else { "is" };
    let text = format!("{} {verb} out, caused by the {}", outage.service, outage.party);
    step.effects.push(Effect::Timeline(TimelineEntry {
        incident: id,
        at: step.now,
        kind: TimelineKind::OutageNoted,
        actor: actor.to_owned(),
        text,
        tier: None,
        outage: Some(outage.clone()),
    }));
}

fn meaning(clock: ClockKind) -> &'static str {
    match clock {
        ClockKind::Tto => "time to first contact",
        ClockKind::Ttr => "time to resolve",
    }
}

fn stage(record: &Incident) -> ClockStage {
    match (record.state, record.pending_on) {
        (IncidentState::Pending, Some(PendingOn::Customer)) => ClockStage::Pending(WaitingOn::Customer),
        (IncidentState::Pending, Some(PendingOn::Vendor)) => ClockStage::Pending(WaitingOn::Vendor),
        (IncidentState::Pending, Some(PendingOn::Change)) => ClockStage::Pending(WaitingOn::Change),
        (IncidentState::New | IncidentState::Assigned | IncidentState::InProgress | IncidentState::Pending, _) => {
            ClockStage::Open
        }
        (IncidentState::Resolved | IncidentState::Closed, _) => {
            ClockStage::Resolved(record.resolved_at.unwrap_or(record.updated_at))
        }
        (IncidentState::Merged | IncidentState::Cancelled, _) => ClockStage::Ended,
    }
}

/// The labels of an incident with the facts of its item.
fn described(record: &Incident, rulebook: &Rulebook) -> Labels {
    let inventory = &rulebook.inventory;
    let Some(item) = inventory.concerned(&record.labels) else { return record.labels.clone() };
    let facts = inventory.facts(item).iter().map(|(name, value)| (format!("fact.{name}"), value));
    record.labels.with(&Labels::from_pairs(facts))
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
