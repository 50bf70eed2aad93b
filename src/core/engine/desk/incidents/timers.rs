//! What the passing of time does to an incident by itself: it resolves, closes, and leaves the memory.

use super::lifecycle;
use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::state::DeskState;
use crate::core::incidents::TimelineKind;
use crate::core::model::IncidentId;

/// It leaves the memory. Its record is written before: a block may span days after downtime.
pub fn forget(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    desk.write_records(step.effects);
    desk.forget(id);
}

/// Nobody closed it; what was late waits for its reason.
pub fn close(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    incident.close_at = None;
    if incident.clocks.is_breached() && incident.record.breach_reason.is_none() {
        step.timeline(id, TimelineKind::Commented, "watchfire", "it stays open until somebody says why it was late");
        step.touch(id);
    } else if incident.record.close(step.now).is_ok() {
        step.timeline(id, TimelineKind::Closed, "watchfire", "closed by itself after its time");
        step.touch(id);
    }
}

/// Everything stayed clear.
pub fn resolve(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    incident.resolve_at = None;
    let record = &mut incident.record;
    if !record.state.is_open() || record.resolve_by_itself(step.now).is_err() {
        return;
    }
    lifecycle::after_resolving(desk, id, "watchfire", "resolved by itself: everything stayed clear", step);
}
