//! What holds an incident back: it is silent while everything that stands in it is held, or of rules that page nobody
//! at that time.

use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::incident::{ConditionStatus, DeskIncident};
use crate::core::engine::desk::state::DeskState;
use crate::core::incidents::TimelineKind;
use crate::core::model::{Fingerprint, IncidentId};
use crate::core::rules::Rule;

/// An alert fires under a condition: it is not clear, but what holds it back still does until it is released.
pub fn still_stands(desk: &mut DeskState, id: IncidentId, condition: Fingerprint) {
    let standing = desk.get(id).and_then(|incident| incident.conditions.get(&condition));
    let standing = standing.filter(|standing| **standing != ConditionStatus::Clear).cloned();
    desk.set_condition(id, condition, standing.unwrap_or(ConditionStatus::Raised));
}

/// Looks whether all rules of what stands in it page nobody now, and when that may change.
fn mute(incident: &mut DeskIncident, step: &DeskContext<'_>) {
    let rulebook = step.rulebook;
    if rulebook.time_intervals.is_empty() && incident.muted.is_none() {
        return;
    }
    let mut muted = None;
    let mut boundary = None;
    let mut is_free = false;
    for rule in incident.standing_rules(rulebook) {
        let times = rule.map(|rule| &rule.notify_times);
        let by = times.and_then(|times| times.muted_by(&rulebook.time_intervals, step.now));
        let next = times.and_then(|times| times.next_boundary(&rulebook.time_intervals, step.now));
        is_free |= by.is_none();
        muted = muted.or(by);
        boundary = boundary.into_iter().chain(next).min();
    }
    incident.muted = muted.filter(|_| !is_free);
    incident.mute_ends_at = boundary;
}

/// Other rules or another clock may have other time intervals.
pub fn follow_rules(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    let may_mute = |incident: &DeskIncident| {
        let names = |rule: Option<&Rule>| rule.is_some_and(|rule| !rule.notify_times.is_empty());
        incident.mute_ends_at.is_some() || incident.standing_rules(step.rulebook).any(names)
    };
    let open = desk.kept.incidents.iter().filter(|(_, incident)| incident.record.state.is_open());
    let ids: Vec<IncidentId> = open.filter(|(_, incident)| may_mute(incident)).map(|(id, _)| *id).collect();
    for id in ids {
        hold_or_release(desk, id, step);
        step.touch(id);
    }
}

/// An incident is held back while everything that stands in it is; what is free again is raised again.
pub fn hold_or_release(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    mute(incident, step);
    let held_by = incident.held_by().map(str::to_owned);
    if incident.is_paused() {
        incident.climb.pause(step.now);
    } else {
        let ladder = step.rulebook.ladder(&incident.climb.ladder);
        incident.climb.unpause(step.now, ladder, &step.rulebook.calendars);
    }
    let was = std::mem::replace(&mut incident.record.held, held_by.clone());
    if was == held_by {
        return;
    }
    match held_by {
        Some(by) => {
            incident.climb.hold();
            let text = match &incident.muted {
                Some(_) => format!("it pages nobody during {by}"),
                None => format!("every firing alert is held back by {by}"),
            };
            step.timeline(id, TimelineKind::Held, "watchfire", text);
        }
        None => {
            let is_clear = incident.is_clear();
            incident.climb.release(step.now, step.rulebook.ladder(&incident.climb.ladder));
            if !is_clear {
                step.timeline(id, TimelineKind::Released, "watchfire", "an alert of it is no longer held back");
            }
        }
    }
    step.touch(id);
}
