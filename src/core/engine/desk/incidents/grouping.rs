//! Several conditions in one incident: what joins it, and incidents that become one.

use super::{lifecycle, member_lines, open, reopening, rollup, standing};
use crate::core::engine::desk::availability;
use crate::core::engine::desk::context::{DeskContext, GROUPING};
use crate::core::engine::desk::escalation::transitions;
use crate::core::engine::desk::incident::{ConditionStatus, DeskIncident, condition_id, standing_of};
use crate::core::engine::desk::sla::{clocks, outages};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{CommandRefusal, Decision, Effect, GroupingDecision, Raised, RecordChange};
use crate::core::incidents::{IncidentState, TimelineFact, TimelineKind, TransitionRefused};
use crate::core::model::{Fingerprint, IncidentId};

/// The open incident of another condition.
pub fn open_of(desk: &DeskState, joins: &GroupingDecision) -> Option<IncidentId> {
    let id = desk.of_condition(condition_id(&joins.rule, &joins.key))?;
    desk.get(id).is_some_and(|incident| incident.record.state.is_open()).then_some(id)
}

/// A condition that was just raised is part of an incident that is there already.
pub fn take_in(
    desk: &mut DeskState,
    into: IncidentId,
    decision: &Decision,
    condition: Fingerprint,
    raised: &Raised,
    step: &mut DeskContext<'_>,
) {
    desk.set_condition(into, condition, standing_of(raised));
    open::note_part(desk, into, decision, condition, raised);
    let because = raised.joins.as_ref().and_then(|joins| joins.because.as_ref());
    let because = because.map(|link| format!(": {link}")).unwrap_or_default();
    member_lines::member_line(desk, into, TimelineKind::Grouped, GROUPING, &format!("{}{because}", raised.title), step);
    if raised.held.is_none() {
        reopening::fires_again(desk, into, &raised.reason, step);
    }
    standing::hold_or_release(desk, into, step);
}

/// Two raised conditions are one incident: the oldest carries on.
pub fn grouped(desk: &mut DeskState, id: Option<IncidentId>, joins: &GroupingDecision, step: &mut DeskContext<'_>) {
    let (Some(one), Some(other)) = (id, open_of(desk, joins)) else { return };
    let is_open = desk.get(one).is_some_and(|incident| incident.record.state.is_open());
    if one == other || !is_open {
        return;
    }
    let because = joins.because.as_ref().map(|link| format!(": {link}")).unwrap_or_default();
    let (merged, into) = (one.max(other), one.min(other));
    // Both are open and two, so nothing is refused.
    if fold(desk, merged, into, GROUPING, &because, step).is_ok() {
        rollup::follow_alerts(desk, into, step);
    }
}

pub fn merge(
    desk: &mut DeskState,
    id: IncidentId,
    into: IncidentId,
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    if desk.get(into).is_none() {
        return Err(CommandRefusal::NotFound { what: format!("incident {into}") });
    }
    clocks::must_be_explained(desk, id, "merge")?;
    let merged = fold(desk, id, into, actor, "", step);
    merged.map_err(|not| CommandRefusal::NotAllowed { reason: not.reason })?;
    rollup::follow_alerts(desk, into, step);
    Ok(())
}

/// An incident that pages nobody has got a part whose rule pages: its ladder begins now.
pub fn page_for(desk: &mut DeskState, id: IncidentId, rule_name: &str, step: &mut DeskContext<'_>) {
    let Some(rule) = step.rulebook.rule(rule_name).filter(|rule| rule.pages) else { return };
    let Some(incident) = desk.get_mut(id).filter(|incident| incident.record.unpaged) else { return };
    incident.record.unpaged = false;
    incident.record.runbook = incident.record.runbook.take().or_else(|| rule.runbook.clone());
    let playbook = open::playbook_of(Some(rule), step);
    incident.record.support.playbook = incident.record.support.playbook.take().or(playbook);
    let record = incident.record.clone();
    let (climb, moves) = open::new_climb(&record, Some(rule), &availability::staffing_of(desk, id, step), step);
    let Some(incident) = desk.get_mut(id) else { return };
    let is_held = incident.held_by().is_some();
    incident.climb = climb;
    if is_held {
        incident.climb.hold();
    }
    transitions::take_team(desk, id, step);
    step.timeline(id, TimelineKind::Commented, GROUPING, format!("it pages now: rule {rule_name} does"));
    transitions::carry_out(desk, id, moves, step);
}

/// Ends an incident as a part of another one, which takes over its conditions, alerts and whatever somebody has
/// done about it.
fn fold(
    desk: &mut DeskState,
    id: IncidentId,
    into: IncidentId,
    actor: &str,
    because: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), TransitionRefused> {
    let Some(survivor) = desk.get(into).map(|incident| incident.record.clone()) else { return Ok(()) };
    let Some(incident) = desk.get_mut(id) else { return Ok(()) };
    let merged = incident.clone();
    incident.record.merge_into(&survivor)?;
    lifecycle::end(desk, id, "merged");
    for (condition, standing) in &merged.conditions {
        // What is clear may stand again, here or elsewhere.
        let stands = *standing == ConditionStatus::Clear && stands_elsewhere(desk, *condition, into);
        if !stands {
            desk.set_condition(into, *condition, standing.clone());
        }
    }
    desk.take_over(into, &merged);
    for (fingerprint, member) in &merged.members {
        step.effects.push(Effect::Record(RecordChange::Membership {
            incident: into,
            fingerprint: *fingerprint,
            firing: member.firing,
            link_only: false,
        }));
    }
    carry_on(desk, into, &merged, step);
    outages::inherit_promises(desk, into, &merged, step);
    if let Some(incident) = desk.get_mut(into).filter(|incident| !incident.is_clear()) {
        incident.resolve_at = None;
        if let Some(ladder) = step.rulebook.ladder(&incident.climb.ladder) {
            incident.climb.fires_again(step.now, ladder);
        }
    }
    standing::hold_or_release(desk, into, step);
    let (ended, took_in) = (TimelineFact::MergedInto { incident: into }, TimelineFact::TookIn { incident: id });
    step.timeline_fact(id, TimelineKind::Merged, actor, format!("into {into}{because}"), ended);
    step.timeline_fact(into, TimelineKind::Merged, actor, format!("{id} is part of it now{because}"), took_in);
    step.touch(id);
    step.touch(into);
    Ok(())
}

fn stands_elsewhere(desk: &DeskState, condition: Fingerprint, merged_into: IncidentId) -> bool {
    let Some(id) = desk.of_condition(condition) else { return false };
    desk.get(id).is_some_and(|incident| {
        let standing = incident.conditions.get(&condition);
        incident.record.state.is_open()
            && (id != merged_into || standing.is_some_and(|one| *one != ConditionStatus::Clear))
    })
}

/// The survivor stands where the further of the two stood: somebody's hand on it, a page, a higher step are kept.
fn carry_on(desk: &mut DeskState, into: IncidentId, merged: &DeskIncident, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(into) else { return };
    let was_unpaged = incident.record.unpaged && !merged.record.unpaged;
    let same_ladder = incident.climb.ladder == merged.climb.ladder;
    let further = same_ladder && incident.climb.step < merged.climb.step;
    let owned = incident.record.state == IncidentState::New && merged.record.state != IncidentState::New;
    if !(was_unpaged || (!incident.record.unpaged && !merged.record.unpaged && (further || owned))) {
        return;
    }
    let record = &mut incident.record;
    let climbs = merged.record.escalations.saturating_sub(record.escalations);
    let bounces = merged.record.support.bounces.saturating_sub(record.support.bounces);
    let taken_at = merged.record.acknowledged_at.filter(|_| record.acknowledged_at.is_none());
    record.unpaged = false;
    (record.tier, record.team) = (merged.record.tier, merged.record.team.clone());
    record.escalations += climbs;
    record.acknowledged = merged.record.acknowledged;
    record.acknowledged_at = record.acknowledged_at.or(merged.record.acknowledged_at);
    if record.state == IncidentState::New {
        record.state = merged.record.state;
        record.assignee = merged.record.assignee.clone();
        record.pending_on = merged.record.pending_on;
    }
    record.runbook = record.runbook.take().or_else(|| merged.record.runbook.clone());
    let support = &merged.record.support;
    record.support.kind = support.kind;
    record.support.playbook = record.support.playbook.take().or_else(|| support.playbook.clone());
    record.support.bounces += bounces;
    for (field, text) in &support.triage {
        record.support.triage.entry(field.clone()).or_insert_with(|| text.clone());
    }
    incident.climb = merged.climb.clone();
    incident.paged = incident.paged.into_iter().chain(merged.paged).min();
    let (from, tier) = (merged.record.id, merged.record.tier);
    // A line for each, so that the lines count what the record does.
    for _ in 0..climbs {
        step.timeline(into, TimelineKind::Escalated, GROUPING, format!("at tier {tier}, where {from} stood"));
    }
    for _ in 0..bounces {
        step.timeline(into, TimelineKind::HandedBack, GROUPING, format!("as {from} was"));
    }
    if let Some(at) = taken_at {
        step.timeline_at(at, into, TimelineKind::Acknowledged, GROUPING, format!("taken, as {from} was"));
    }
    if was_unpaged {
        let text = format!("it pages now, as {} did", merged.record.id);
        step.timeline(into, TimelineKind::Commented, GROUPING, text);
    }
}
