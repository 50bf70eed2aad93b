//! The passing of time: ladders, resolving by itself, closing, forgetting.

use super::decisions::closes_after;
use crate::core::engine::NotificationKind;
use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::incidents::{Incident, IncidentState, TimelineKind};
use crate::core::model::IncidentId;

impl Desk {
    /// Serves every incident that is due, in the order of (deadline, id).
    pub(crate) fn serve_incidents(&mut self, step: &mut DeskContext<'_>) {
        while let Some(id) = self.state.due(step.now) {
            self.serve(id, step);
            self.state.arm(id);
        }
    }

    fn serve(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let now = step.now;
        if self.serve_clocks(id, step) {
            return;
        }
        let staffing = self.staffing_of(id, step);
        let Some(incident) = self.state.get_mut(id) else { return };
        if incident.forget_at.is_some_and(|at| at <= now) {
            // A block may span days after downtime.
            self.write_records(step.effects);
            self.state.forget(id);
        } else if incident.close_at.is_some_and(|at| at <= now) {
            incident.close_at = None;
            if incident.clocks.is_breached() && incident.record.breach_reason.is_none() {
                step.timeline(
                    id,
                    TimelineKind::Commented,
                    "watchfire",
                    "it stays open until somebody says why it was late",
                );
                step.touch(id);
            } else if incident.record.close(now).is_ok() {
                step.timeline(id, TimelineKind::Closed, "watchfire", "closed by itself after its time");
                step.touch(id);
            }
        } else if incident.resolve_at.is_some_and(|at| at <= now) {
            incident.resolve_at = None;
            self.resolve_by_itself(id, step);
        } else if incident.calls.iter().any(|call| call.at <= now) {
            self.make_calls(id, step);
        } else {
            let moves = match step.rulebook.ladder(&incident.climb.ladder) {
                Some(ladder) => incident.climb.tick(now, ladder, &staffing),
                None => {
                    incident.climb.stop("its ladder is gone from the rules");
                    Vec::new()
                }
            };
            self.carry_out(id, moves, step);
        }
    }

    fn resolve_by_itself(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        let record = &mut incident.record;
        if !record.state.is_open() || record.resolve(step.now, Incident::RESOLVED_BY_ITSELF).is_err() {
            return;
        }
        self.after_resolving(id, "watchfire", "resolved by itself: everything stayed clear", step);
    }

    /// What follows any resolving, by a person or by itself.
    pub(crate) fn after_resolving(&mut self, id: IncidentId, actor: &str, text: &str, step: &mut DeskContext<'_>) {
        let now = step.now;
        let Some(incident) = self.state.get_mut(id) else { return };
        incident.climb.stop("resolved");
        incident.resolve_at = None;
        incident.close_at = closes_after(&incident.record, step).map(|after| now + after);
        let was_paged = incident.climb.pages() > 0;
        let record = &incident.record;
        debug_assert_eq!(record.state, IncidentState::Resolved);
        let counted = crate::core::engine::Metric::Resolved {
            priority: record.priority,
            tier: record.tier,
            after_micros: now.since(record.opened_at).as_micros(),
        };
        step.count(counted);
        step.timeline(id, TimelineKind::Resolved, actor, text);
        self.end_episode(id, step);
        // Whoever was never told of it need not be told that it is over.
        if was_paged {
            self.tell(id, NotificationKind::Resolved, "resolved", step);
        }
        step.touch(id);
    }
}
