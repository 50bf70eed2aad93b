//! The notification dispatcher: reads the outbox and delivers each notification, a limited number at once.

use super::delivery::DeliveryReport;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::channels::ChannelConfig;
use super::delivery::{DeliveryContext, carry};
use super::receiver_limit::{ALL_ATTEMPTS_MAX, ReceiverLimiter};
use super::{RetryPolicy, webhook_client};
use crate::core::model::Cause;
use crate::core::rules::Channel;
use crate::metrics::Metrics;
use crate::store::{OutboxRow, Store, StoreError};

/// Interval of reading the outbox without a wake-up.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Notifications read from the store at once.
const PAGE: u32 = 200;
/// Maximum number of notifications in delivery, with their texts in memory.
const CARRIED_MAX: usize = 2_000;
/// Maximum of these per receiver, so that a dead one leaves room for the others.
const CARRIED_PER_LANE_MAX: usize = 200;
/// Number of finished deliveries after which the skipped notifications are read again.
const LOOK_AGAIN_AFTER: usize = 64;
/// Time for attempts under way to end on shutdown.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// Delivers the outbox. One per process.
pub struct NotificationDispatcher {
    store: Store,
    means: Arc<DeliveryContext>,
    wake: Arc<Notify>,
    /// The notifications in delivery, until their last outcome is committed.
    carried: BTreeMap<Cause, AbortHandle>,
    lanes: BTreeMap<Channel, Arc<ReceiverLimiter>>,
    carriers: JoinSet<()>,
    /// Every notification up to this one was taken or skipped; the next read begins after it.
    looked_to: Option<Cause>,
    /// Number of notifications left in the store for lack of room.
    passed_over: usize,
}

impl NotificationDispatcher {
    /// `results` goes to the driver, which answers each after its commit; `wake` is notified after each commit with new
    /// notifications in the outbox. A notification of a kind that `reach` does not configure is dead-lettered with that
    /// reason. The error comes from building the webhook client.
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
            store: store.clone(),
            means: Arc::new(DeliveryContext { results, client, store, reach, metrics, policy, stop, attempts }),
            wake,
            carried: BTreeMap::new(),
            lanes: BTreeMap::new(),
            carriers: JoinSet::new(),
            looked_to: None,
            passed_over: 0,
        })
    }

    /// Runs until shutdown; then gives attempts under way a short time to end.
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
                        // The store still has its notification.
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

    /// Reads from the beginning, if notifications were skipped.
    async fn poll_skipped(&mut self) {
        if self.passed_over > 0 {
            self.looked_to = None;
            self.passed_over = 0;
        }
        self.poll_outbox().await;
    }

    /// Starts the delivery of new notifications, as far as there is room.
    async fn poll_outbox(&mut self) {
        // Before the read: a finished delivery is committed, so that the read cannot return it again.
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
