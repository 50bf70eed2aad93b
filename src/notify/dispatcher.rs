//! The courier: finds what waits in the outbox and has each notice carried, a bounded number at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::channels::ChannelConfig;
use super::delivery::{DeliveryContext, carry};
use super::receiver_limit::{ALL_ATTEMPTS_MAX, ReceiverLimiter};
use super::{RetryPolicy, webhook_client};
use crate::core::engine::DeliveryResult;
use crate::core::model::Cause;
use crate::core::rules::Channel;
use crate::metrics::Metrics;
use crate::store::{OutboxRow, Store, StoreError};

/// How often the outbox is looked at when nobody says that there is something new.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Notices read from the store at once.
const PAGE: u32 = 200;
/// Notices carried at once, with their texts in memory.
const CARRIED_MAX: usize = 2_000;
/// Of these, to one receiver: a dead one leaves room for the others.
const CARRIED_PER_LANE_MAX: usize = 200;
/// So many of them finished: there is room worth looking for those passed over.
const LOOK_AGAIN_AFTER: usize = 64;
/// How long attempts under way may take to end when the service stops.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// What came of one attempt, on its way to the driver as an input of the desk.
#[derive(Debug)]
pub struct DeliveryReport {
    pub result: DeliveryResult,
    /// Answered after the commit. Dropped without an answer, the result (never the notice) is handed in again.
    pub committed: oneshot::Sender<()>,
}

/// Delivers the outbox. One a process.
pub struct NotificationDispatcher {
    store: Store,
    means: Arc<DeliveryContext>,
    wake: Arc<Notify>,
    /// The notices under way, until their last outcome is committed.
    carried: BTreeMap<Cause, AbortHandle>,
    lanes: BTreeMap<Channel, Arc<ReceiverLimiter>>,
    carriers: JoinSet<()>,
    /// Everything up to this notice was taken or passed over; the next look begins after it.
    looked_to: Option<Cause>,
    /// Notices left in the store because there was no room for them.
    passed_over: usize,
}

impl NotificationDispatcher {
    /// `results` goes to the driver, which answers each after its commit; `wake` is notified after each commit that put
    /// notices into the outbox. Notices of a kind that `reach` has no means for are dead-lettered with that reason. The
    /// error is of making the webhook client.
    pub fn new(
        store: Store,
        results: mpsc::Sender<DeliveryReport>,
        reach: ChannelConfig,
        metrics: Arc<Metrics>,
        wake: Arc<Notify>,
        policy: RetryPolicy,
        stop: CancellationToken,
    ) -> Result<NotificationDispatcher, reqwest::Error> {
        let client = webhook_client()?;
        let attempts = Semaphore::new(ALL_ATTEMPTS_MAX);
        Ok(NotificationDispatcher {
            store,
            means: Arc::new(DeliveryContext { results, client, reach, metrics, policy, stop, attempts }),
            wake,
            carried: BTreeMap::new(),
            lanes: BTreeMap::new(),
            carriers: JoinSet::new(),
            looked_to: None,
            passed_over: 0,
        })
    }

    /// Runs until the service stops; then lets attempts under way end, for a short while.
    pub async fn run(mut self) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        let mut ended = 0;
        loop {
            tokio::select! {
                () = self.means.stop.cancelled() => break,
                () = self.wake.notified() => self.poll_outbox().await,
                _ = every.tick() => self.poll_skipped().await,
                Some(end) = self.carriers.join_next() => {
                    ended += 1;
                    if let Err(error) = end {
                        // Its notice is found again in the store.
                        tracing::error!(%error, "the carrier of a notice failed");
                        self.passed_over += 1;
                    }
                    if ended >= LOOK_AGAIN_AFTER || self.carriers.is_empty() {
                        ended = 0;
                        self.poll_skipped().await;
                    }
                }
            }
        }
        let all = async { while self.carriers.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_GRACE, all).await.is_err() {
            tracing::warn!(
                notices = self.carriers.len(),
                "deliveries cut off by the stop; they are repeated after the start"
            );
        }
    }

    /// From the beginning, if something was passed over.
    async fn poll_skipped(&mut self) {
        if self.passed_over > 0 {
            self.looked_to = None;
            self.passed_over = 0;
        }
        self.poll_outbox().await;
    }

    /// Has everything new in the outbox carried, as far as there is room.
    async fn poll_outbox(&mut self) {
        // Before the read: what is finished now is committed, so that the read cannot show it again.
        self.carried.retain(|_, carried| !carried.is_finished());
        self.lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        if let Err(error) = self.load_pages().await {
            tracing::warn!(%error, "the outbox cannot be read now; the next look is in a few seconds");
        }
        self.means.metrics.outbox_waiting((self.carried.len() + self.passed_over) as i64);
    }

    async fn load_pages(&mut self) -> Result<(), StoreError> {
        loop {
            let rows = self.store.outbox(self.looked_to, PAGE).await?;
            let is_last = rows.len() < PAGE as usize;
            for row in rows {
                if self.carried.len() >= CARRIED_MAX {
                    self.passed_over += 1;
                    return Ok(());
                }
                self.looked_to = Some(row.notice.cause);
                self.take(row);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn take(&mut self, row: OutboxRow) {
        let OutboxRow { notice, attempts } = row;
        if self.carried.contains_key(&notice.cause) {
            return;
        }
        let lane =
            self.lanes.entry(notice.channel.clone()).or_insert_with(|| Arc::new(ReceiverLimiter::to(&notice.channel)));
        if Arc::strong_count(lane) > CARRIED_PER_LANE_MAX {
            self.passed_over += 1;
            return;
        }
        let (means, lane, cause) = (Arc::clone(&self.means), Arc::clone(lane), notice.cause);
        self.carried.insert(cause, self.carriers.spawn(carry(means, lane, notice, attempts)));
    }
}
