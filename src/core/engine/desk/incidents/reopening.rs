//! What fires again: taken back from resolving, or open once more.

use super::standing;
use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::problems::episodes;
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{CommandRefusal, Metric};
use crate::core::incidents::{IncidentState, TimelineKind};
use crate::core::model::IncidentId;

/// What had resolved comes back as an episode that counts, or does not.
pub fn recurs(desk: &mut DeskState, id: IncidentId, counts_for_recurrence: bool) {
    if let Some(incident) = desk.get_mut(id).filter(|one| one.record.state == IncidentState::Resolved) {
        incident.recurs = counts_for_recurrence;
    }
}

/// By a person.
pub fn reopen(
    desk: &mut DeskState,
    id: IncidentId,
    actor: &str,
    reason: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    desk.change(id, |record| record.reopen(reason))?;
    restart_climb(desk, id, step);
    step.timeline(id, TimelineKind::Reopened, actor, reason);
    step.count(Metric::Reopened);
    Ok(())
}

/// Takes back what was waiting to resolve, and reopens what had resolved.
pub fn fires_again(desk: &mut DeskState, id: IncidentId, reason: &str, step: &mut DeskContext<'_>) {
    let now = step.now;
    let Some(incident) = desk.get_mut(id) else { return };
    incident.resolve_at = None;
    let ladder = step.rulebook.ladder(&incident.climb.ladder);
    if incident.record.state == IncidentState::Resolved {
        if incident.record.reopen(reason).is_err() {
            return;
        }
        incident.record.acknowledged = false;
        incident.close_at = None;
        restart_climb(desk, id, step);
        step.timeline(id, TimelineKind::Reopened, "watchfire", format!("it came back: {reason}"));
        step.count(Metric::Reopened);
        episodes::count_episode(desk, id, step);
    } else if let Some(ladder) = ladder {
        incident.climb.fires_again(now, ladder);
    }
    step.touch(id);
}

/// The same step begins again, now.
pub fn restart_climb(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let now = step.now;
    desk.stand_again(id);
    let unpaged = desk.get(id).is_some_and(|incident| incident.record.unpaged);
    if unpaged {
        if let Some(incident) = desk.get_mut(id) {
            incident.close_at = None;
            incident.climb.stop("it pages nobody");
        }
        standing::hold_or_release(desk, id, step);
        step.touch(id);
        return;
    }
    let calendars = &step.rulebook.calendars;
    desk.climb(
        id,
        |incident, ladder| {
            let priority = incident.record.priority;
            incident.record.acknowledged = false;
            incident.close_at = None;
            incident.forget_at = None;
            match ladder {
                Some(ladder) => incident.climb.restart(now, ladder, calendars, priority),
                None => incident.climb.stop("its ladder is gone from the rules"),
            }
        },
        step.rulebook,
    );
    standing::hold_or_release(desk, id, step);
    step.touch(id);
}
