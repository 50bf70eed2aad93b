//! What became of notices: in their outbox rows, and in the timelines of their incidents.

use super::unreachable::notify_otherwise;
use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{DeliveryOutcome, DeliveryResult, Effect, RecordChange};
use crate::core::incidents::TimelineKind;
use crate::core::model::IncidentId;

/// What became of a notice: into its outbox row and, when it is settled, its incident's timeline.
pub fn delivery(desk: &mut DeskState, result: &DeliveryResult, step: &mut DeskContext<'_>) {
    step.effects.push(Effect::Record(RecordChange::Delivery(result.clone())));
    let Some(id) = result.subject.parse::<IncidentId>().ok().filter(|id| desk.get(*id).is_some()) else {
        return digest_delivered(desk, result, step);
    };
    match &result.outcome {
        DeliveryOutcome::Delivered => {
            let text = format!("notice {} at attempt {}", result.notice, result.attempt);
            step.timeline(id, TimelineKind::Delivered, "notify", text);
        }
        DeliveryOutcome::DeadLettered { error } => {
            let text = format!("notice {} given up after {} attempts: {error}", result.notice, result.attempt);
            step.timeline(id, TimelineKind::DeliveryFailed, "notify", text);
        }
        DeliveryOutcome::Unreached(unreached) => {
            let (notice, attempts, error) = (result.notice, result.attempt, &unreached.error);
            let text = format!("notice {notice} given up after {attempts} attempts: {error}");
            step.timeline(id, TimelineKind::DeliveryFailed, "notify", text);
            notify_otherwise(desk, id, unreached, step);
        }
        DeliveryOutcome::Failed { .. } => {}
    }
}

/// What became of a digest stands in the timeline of each of its incidents.
fn digest_delivered(desk: &mut DeskState, result: &DeliveryResult, step: &mut DeskContext<'_>) {
    let (kind, text) = match &result.outcome {
        DeliveryOutcome::Failed { .. } => return,
        DeliveryOutcome::Delivered => {
            (TimelineKind::Delivered, format!("{} at attempt {}", result.subject, result.attempt))
        }
        DeliveryOutcome::DeadLettered { error } => {
            let text = format!("{} given up after {} attempts: {error}", result.subject, result.attempt);
            (TimelineKind::DeliveryFailed, text)
        }
        // Its incident is no longer here, so nobody waits for the page.
        DeliveryOutcome::Unreached(_) => return,
    };
    for id in desk.kept.core.digests.settled(result.notice) {
        if desk.get(id).is_some() {
            step.timeline(id, kind, "notify", text.clone());
        }
    }
}
