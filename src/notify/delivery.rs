//! Delivery of one notification: attempt after attempt until it is accepted or given up, and the outcome is committed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::RetryPolicy;
use super::attempt_outcome::AttemptOutcome;
use super::channels::{ChannelConfig, attempt_once};
use super::receiver_limit::ReceiverLimiter;
use crate::core::engine::{DeliveryOutcome, DeliveryResult, Notification, Unreached};
use crate::metrics::{Metrics, Stopwatch};
use crate::store::Store;

/// Delay before a result is handed in again, after the driver could not commit it.
const HAND_IN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Data shared by all deliveries.
pub(super) struct DeliveryContext {
    pub results: mpsc::Sender<DeliveryReport>,
    pub client: reqwest::Client,
    pub store: Store,
    pub reach: ChannelConfig,
    pub metrics: Arc<Metrics>,
    pub policy: RetryPolicy,
    pub stop: CancellationToken,
    /// Limits the simultaneous attempts to all receivers together.
    pub attempts: Semaphore,
}

/// Ends after the commit of the last outcome, on shutdown, or without a driver. `tried`: attempts before a restart.
pub(super) async fn carry(means: Arc<DeliveryContext>, lane: Arc<ReceiverLimiter>, notice: Notification, tried: u32) {
    let mut attempt = tried;
    loop {
        attempt = attempt.saturating_add(1);
        let Some((outcome, after)) = attempt_in_turn(&means, &lane, &notice, attempt).await else { return };
        log(&notice, attempt, &outcome);
        let failed = matches!(outcome, DeliveryOutcome::Failed { .. });
        let result = DeliveryResult { notice: notice.cause, subject: notice.subject.clone(), attempt, outcome };
        if !failed {
            return settle(&means, result).await;
        }
        // An uncommitted intermediate failure matters little, because the next result carries the number of its
        // attempt.
        let (committed, _) = oneshot::channel();
        if means.results.send(DeliveryReport { result, committed }).await.is_err() {
            return;
        }
        let wait = tokio::time::sleep(means.policy.wait_after(attempt, after));
        if means.stop.run_until_cancelled(wait).await.is_none() {
            return;
        }
    }
}

/// Waits for a permit and makes one attempt; `None` if the service stops before the attempt begins.
async fn attempt_in_turn(
    means: &DeliveryContext,
    lane: &Arc<ReceiverLimiter>,
    notice: &Notification,
    attempt: u32,
) -> Option<(DeliveryOutcome, Option<Duration>)> {
    let turn = means.stop.run_until_cancelled(lane.turn(&means.attempts)).await?;
    // A process that was stopped and continued may stand right here, long after another took over.
    while !(means.reach.may_tell)() {
        means.stop.run_until_cancelled(tokio::time::sleep(HAND_IN_AGAIN_AFTER)).await?;
    }
    let watch = Stopwatch::start();
    let attempt_made = attempt_once(&means.client, &means.reach, &means.store, notice);
    let answer = tokio::time::timeout(means.policy.timeout, attempt_made).await.unwrap_or_else(|_| {
        let error = format!("no answer within {} s", means.policy.timeout.as_secs_f64());
        AttemptOutcome::Again { error, after: None }
    });
    turn.end(matches!(answer, AttemptOutcome::Again { .. } | AttemptOutcome::TooMany { .. }));
    let (outcome, after) = match answer {
        AttemptOutcome::Taken => (DeliveryOutcome::Delivered, None),
        AttemptOutcome::Refused { error } => (given_up(notice, error), None),
        AttemptOutcome::Again { error, .. } | AttemptOutcome::TooMany { error, .. }
            if means.policy.is_last(attempt, &notice.channel) =>
        {
            (given_up(notice, format!("given up after {attempt} attempts: {error}")), None)
        }
        AttemptOutcome::Again { error, after } => (DeliveryOutcome::Failed { error }, after),
        AttemptOutcome::TooMany { error, rest } => {
            lane.rest(rest.min(means.policy.cap));
            (DeliveryOutcome::Failed { error }, Some(rest))
        }
    };
    means.metrics.delivery(&notice.channel, &outcome, watch.seconds());
    Some((outcome, after))
}

/// What is on an incident may have to be told by another way.
fn given_up(notice: &Notification, error: String) -> DeliveryOutcome {
    if !notice.subject.starts_with("INC-") {
        return DeliveryOutcome::DeadLettered { error };
    }
    let (kind, channel, person) = (notice.kind, notice.channel.clone(), notice.person.clone());
    DeliveryOutcome::Unreached(Box::new(Unreached { error, kind, channel, person }))
}

/// Hands in the last result until it is committed. Never sends the notification again for a failed commit.
async fn settle(means: &DeliveryContext, result: DeliveryResult) {
    loop {
        let (committed, answer) = oneshot::channel();
        let report = DeliveryReport { result: result.clone(), committed };
        if means.results.send(report).await.is_err() || answer.await.is_ok() {
            return;
        }
        if means.stop.run_until_cancelled(tokio::time::sleep(HAND_IN_AGAIN_AFTER)).await.is_none() {
            return;
        }
    }
}

fn log(notice: &Notification, attempt: u32, outcome: &DeliveryOutcome) {
    let (cause, subject, team) = (&notice.cause, &notice.subject, &notice.team);
    let to = format!("{} {}", notice.channel.kind(), notice.channel.shown());
    match outcome {
        DeliveryOutcome::Delivered => tracing::debug!(%cause, subject, team, to, attempt, "notice delivered"),
        DeliveryOutcome::Failed { error } => {
            tracing::warn!(%cause, subject, team, to, attempt, error, "notice not delivered yet; it will be tried again");
        }
        DeliveryOutcome::DeadLettered { error } => {
            tracing::error!(%cause, subject, team, to, attempt, error, "notice given up; tell the team by another way");
        }
        DeliveryOutcome::Unreached(unreached) => {
            let error = &unreached.error;
            tracing::error!(%cause, subject, team, to, attempt, error, "notice given up; the team is told by its other channels");
        }
    }
}

/// Result of one attempt, on its way to the driver as an input of the desk.
#[derive(Debug)]
pub struct DeliveryReport {
    pub result: DeliveryResult,
    /// Answered after the commit. If dropped without an answer, the result (never the notification) is handed in again.
    pub committed: oneshot::Sender<()>,
}
