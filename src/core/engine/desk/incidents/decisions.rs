//! What the correlators decide becomes incidents.

use super::{grouping, member_lines, members, open, reopening, rollup, similarity, standing};
use crate::core::engine::desk::context::{DeskContext, item_of};
use crate::core::engine::desk::incident::{ConditionStatus, condition_id, standing_of};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{Decision, Effect, Member, Metric, Raised, RecordChange, Verdict};
use crate::core::incidents::{IncidentState, TimelineKind};
use crate::core::model::{Fingerprint, IncidentId, TimeDelta};

/// For the catch-all and for rules that are gone: how long all must be clear before an incident resolves.
const RESOLVE_AFTER_DEFAULT: TimeDelta = TimeDelta::from_minutes(5);

/// The same, for the reopening instead of a new incident.
const REOPEN_WITHIN_DEFAULT: TimeDelta = TimeDelta::from_hours(1);

pub fn decision(desk: &mut DeskState, decision: &Decision, step: &mut DeskContext<'_>) {
    let condition = condition_id(&decision.rule, &decision.key);
    let id = desk.of_condition(condition);
    match &decision.verdict {
        Verdict::Raised(details) => raised(desk, decision, condition, id, details, step),
        Verdict::Joined { alert } => joined(desk, decision, condition, id, alert, step),
        Verdict::Left { fingerprint } => members::left(desk, id, *fingerprint, condition, step),
        Verdict::Grouped(joins) => grouping::grouped(desk, id, joins, step),
        Verdict::Held { by, pauses } => {
            stands(desk, id, condition, ConditionStatus::Held { by: by.clone(), pauses: *pauses }, step);
        }
        Verdict::Released => stands(desk, id, condition, ConditionStatus::Raised, step),
        Verdict::Cleared => cleared(desk, id, condition, step),
        Verdict::Retired => retired(desk, id, condition, &decision.rule, step),
    }
}

fn raised(
    desk: &mut DeskState,
    decision: &Decision,
    condition: Fingerprint,
    id: Option<IncidentId>,
    raised: &Raised,
    step: &mut DeskContext<'_>,
) {
    step.count(Metric::RuleFired { rule: decision.rule.clone() });
    let was_open = id.and_then(|id| desk.get(id)).is_some_and(|incident| incident.record.state.is_open());
    let joined = raised.joins.as_ref();
    let id = match (
        usable(desk, id, condition, &decision.rule, step),
        joined.and_then(|joins| grouping::open_of(desk, joins)),
    ) {
        (Some(id), _) => {
            desk.set_condition(id, condition, standing_of(raised));
            open::note_part(desk, id, decision, condition, raised);
            reopening::recurs(desk, id, raised.counts_for_recurrence);
            reopening::fires_again(desk, id, &raised.reason, step);
            standing::hold_or_release(desk, id, step);
            id
        }
        (None, Some(into)) => {
            grouping::take_in(desk, into, decision, condition, raised, step);
            into
        }
        (None, None) => open::open(desk, decision, condition, raised, step),
    };
    for member in &raised.members {
        members::join(desk, id, condition, member, step);
    }
    if raised.members.is_empty()
        && let Some(last) = raised.evidence.last()
    {
        let item = item_of(&last.labels, step);
        rollup::affect(desk, id, item, raised.severity, last.at, condition);
    }
    if raised.held.is_none() {
        grouping::page_for(desk, id, &decision.rule, step);
    }
    rollup::follow_alerts(desk, id, step);
    if let Some(joins) = joined {
        grouping::grouped(desk, Some(id), joins, step);
    }
    // What opened it (again) is kept; what only goes on does not replace it.
    if !was_open {
        for (n, evidence) in raised.evidence.iter().enumerate() {
            let evidence = Box::new(evidence.clone());
            step.effects.push(Effect::Record(RecordChange::Evidence { incident: id, n: n as u32, evidence }));
        }
        similarity::compare(desk, id, &raised.members, &raised.evidence, step);
    }
    step.touch(id);
}

/// The incident of that condition, if it still stands for it: open, or resolved so recently that it reopens.
/// Of an incident with other conditions too, one that is clear is no part any more: what fails next is grouped anew.
fn usable(
    desk: &DeskState,
    id: Option<IncidentId>,
    condition: Fingerprint,
    rule: &str,
    step: &DeskContext<'_>,
) -> Option<IncidentId> {
    let id = id?;
    let incident = desk.get(id)?;
    let record = &incident.record;
    if incident.parts.len() > 1 {
        let is_part = incident.conditions.get(&condition).is_some_and(|standing| *standing != ConditionStatus::Clear);
        return (record.state.is_open() && is_part).then_some(id);
    }
    let within = step.rulebook.rule(rule).map_or(REOPEN_WITHIN_DEFAULT, |rule| rule.reopen_within);
    let recent = record.resolved_at.is_some_and(|at| at + within > step.now);
    (record.state.is_open() || (record.state == IncidentState::Resolved && recent)).then_some(id)
}

fn joined(
    desk: &mut DeskState,
    decision: &Decision,
    condition: Fingerprint,
    id: Option<IncidentId>,
    member: &Member,
    step: &mut DeskContext<'_>,
) {
    match usable(desk, id, condition, &decision.rule, step) {
        Some(id) => {
            if member.firing {
                reopening::recurs(desk, id, !member.maintained);
                standing::still_stands(desk, id, condition);
                reopening::fires_again(desk, id, "an alert of it fires", step);
                standing::hold_or_release(desk, id, step);
            }
            members::join(desk, id, condition, member, step);
            rollup::follow_alerts(desk, id, step);
        }
        // Its incident has ended while the condition went on; a transition opens a new one.
        None if member.firing => {
            let details = Raised {
                title: member_lines::title_of(&member.labels),
                reason: "an alert fires under a condition whose incident had ended".to_owned(),
                severity: member.severity,
                labels: member.labels.clone(),
                members: vec![member.clone()],
                evidence: Vec::new(),
                counts_for_recurrence: !member.maintained,
                joins: None,
                held: None,
            };
            raised(desk, decision, condition, None, &details, step);
        }
        None => {}
    }
}

/// A condition is held back, or free again.
fn stands(
    desk: &mut DeskState,
    id: Option<IncidentId>,
    condition: Fingerprint,
    standing: ConditionStatus,
    step: &mut DeskContext<'_>,
) {
    let Some(id) = id else { return };
    desk.set_condition(id, condition, standing);
    standing::hold_or_release(desk, id, step);
    rollup::follow_severity(desk, id, step);
}

fn cleared(desk: &mut DeskState, id: Option<IncidentId>, condition: Fingerprint, step: &mut DeskContext<'_>) {
    let Some(id) = id else { return };
    desk.set_condition(id, condition, ConditionStatus::Clear);
    standing::hold_or_release(desk, id, step);
    rollup::follow_severity(desk, id, step);
    let Some(incident) = desk.get_mut(id) else { return };
    if incident.is_clear() && incident.record.state.is_open() {
        let rule = step.rulebook.rule(&incident.record.rule);
        let after = rule.map_or(RESOLVE_AFTER_DEFAULT, |rule| rule.resolve_after);
        incident.resolve_at = Some(step.now + after);
        incident.climb.all_clear();
        step.touch(id);
    }
}

fn retired(
    desk: &mut DeskState,
    id: Option<IncidentId>,
    condition: Fingerprint,
    rule: &str,
    step: &mut DeskContext<'_>,
) {
    let Some(id) = id else { return };
    if desk.get(id).is_some_and(|incident| incident.record.state.is_open()) {
        let text = format!("rule {rule} is gone from the rules; the incident stays as a manual one");
        step.timeline(id, TimelineKind::Commented, "watchfire", text);
    }
    // Not cleared: nobody has seen it clear. A person ends it.
    stands(desk, Some(id), condition, ConditionStatus::Raised, step);
    step.touch(id);
}
