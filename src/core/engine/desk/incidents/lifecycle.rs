//! People's moves on an incident, and what follows from its end.

use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::incident::closes_after;
use crate::core::engine::desk::problems::episodes;
use crate::core::engine::desk::sla::clocks;
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::notification::NotificationKind;
use crate::core::engine::{CommandRefusal, Metric};
use crate::core::incidents::{Incident, IncidentState, PendingOn, TimelineKind};
use crate::core::model::IncidentId;

pub fn acknowledge(
    desk: &mut DeskState,
    id: IncidentId,
    actor: &str,
    note: Option<&str>,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    let now = step.now;
    let first = desk.get(id).is_some_and(|incident| incident.record.acknowledged_at.is_none());
    let calendars = &step.rulebook.calendars;
    desk.change(id, |record| record.acknowledge(now, actor))?;
    desk.climb(
        id,
        |incident, ladder| {
            if let Some(ladder) = ladder {
                incident.climb.acknowledge(now, ladder, calendars);
            }
        },
        step.rulebook,
    );
    if let Some(record) = desk.get(id).map(|incident| &incident.record).filter(|_| first) {
        let after_micros = now.since(record.opened_at).as_micros();
        step.count(Metric::Acknowledged { priority: record.priority, tier: record.tier, after_micros });
    }
    step.timeline(id, TimelineKind::Acknowledged, actor, note.unwrap_or("taken"));
    Ok(())
}

pub fn comment(id: IncidentId, actor: &str, text: &str, step: &mut DeskContext<'_>) -> Result<(), CommandRefusal> {
    if text.trim().is_empty() {
        return Err(CommandRefusal::NotAllowed { reason: "an empty comment says nothing".to_owned() });
    }
    step.timeline(id, TimelineKind::Commented, actor, text);
    Ok(())
}

pub fn pend(
    desk: &mut DeskState,
    id: IncidentId,
    actor: &str,
    (on, reason): (PendingOn, &str),
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    desk.change(id, |record| record.pend(on, reason))?;
    desk.climb(id, |incident, ladder| incident.climb.pend(step.now, ladder), step.rulebook);
    step.timeline(id, TimelineKind::Pended, actor, reason);
    Ok(())
}

pub fn resume(
    desk: &mut DeskState,
    id: IncidentId,
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    desk.change(id, Incident::resume)?;
    let (now, calendars) = (step.now, &step.rulebook.calendars);
    desk.climb(id, |incident, ladder| incident.climb.resume(now, ladder, calendars), step.rulebook);
    step.timeline(id, TimelineKind::Resumed, actor, "work goes on");
    Ok(())
}

pub fn resolve(
    desk: &mut DeskState,
    id: IncidentId,
    actor: &str,
    resolution: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    let now = step.now;
    desk.change(id, |record| record.resolve(now, resolution))?;
    after_resolving(desk, id, actor, resolution, step);
    Ok(())
}

pub fn close(
    desk: &mut DeskState,
    id: IncidentId,
    actor: &str,
    note: Option<&str>,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    clocks::must_be_explained(desk, id, "close")?;
    let now = step.now;
    desk.change(id, |record| record.close(now))?;
    end(desk, id, "closed");
    step.timeline(id, TimelineKind::Closed, actor, note.unwrap_or("closed"));
    Ok(())
}

pub fn cancel(
    desk: &mut DeskState,
    id: IncidentId,
    actor: &str,
    reason: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    clocks::must_be_explained(desk, id, "cancel")?;
    let now = step.now;
    desk.change(id, |record| record.cancel(now, reason))?;
    end(desk, id, "cancelled");
    step.timeline(id, TimelineKind::Cancelled, actor, reason);
    Ok(())
}

/// What follows any resolving, by a person or by itself.
pub fn after_resolving(desk: &mut DeskState, id: IncidentId, actor: &str, text: &str, step: &mut DeskContext<'_>) {
    let now = step.now;
    let Some(incident) = desk.get_mut(id) else { return };
    incident.climb.stop("resolved");
    incident.resolve_at = None;
    incident.close_at = closes_after(&incident.record, step.rulebook).map(|after| now + after);
    let was_paged = incident.climb.pages() > 0;
    let record = &incident.record;
    debug_assert_eq!(record.state, IncidentState::Resolved);
    let counted = Metric::Resolved {
        priority: record.priority,
        tier: record.tier,
        after_micros: now.since(record.opened_at).as_micros(),
    };
    step.count(counted);
    step.timeline(id, TimelineKind::Resolved, actor, text);
    episodes::end_episode(desk, id, step);
    // Whoever was never told of it need not be told that it is over.
    if was_paged {
        step.page(id, NotificationKind::Resolved, "resolved");
    }
    step.touch(id);
}

pub fn end(desk: &mut DeskState, id: IncidentId, why: &str) {
    if let Some(incident) = desk.get_mut(id) {
        incident.climb.stop(why);
        incident.resolve_at = None;
        incident.close_at = None;
    }
}
