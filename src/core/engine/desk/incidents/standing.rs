//! What holds an incident back: it is silent while everything that stands in it is held.

use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::incident::ConditionStatus;
use crate::core::engine::desk::state::DeskState;
use crate::core::incidents::TimelineKind;
use crate::core::model::{Fingerprint, IncidentId};

/// An alert fires under a condition: it is not clear, but what holds it back still does until it is released.
pub fn still_stands(desk: &mut DeskState, id: IncidentId, condition: Fingerprint) {
    let standing = desk.get(id).and_then(|incident| incident.conditions.get(&condition));
    let standing = standing.filter(|standing| **standing != ConditionStatus::Clear).cloned();
    desk.set_condition(id, condition, standing.unwrap_or(ConditionStatus::Raised));
}

/// An incident is held back while everything that stands in it is; what is free again is raised again.
pub fn hold_or_release(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
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
            step.timeline(id, TimelineKind::Held, "watchfire", format!("every firing alert is held back by {by}"));
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
