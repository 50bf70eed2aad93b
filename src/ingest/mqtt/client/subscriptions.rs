//! The subscriptions of the consuming client: the rulebook's filters, sent again on every connection.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use super::drops::DROPPED_TOPIC;
use crate::ingest::mqtt::{IntakeContext, TopicFilters};
use crate::metrics::Metrics;
use crate::mqtt::{Handle, LinkError};

/// A broker that does not answer within this time has forgotten the request.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Interval of repeating a refused filter, because the right to it may have been granted.
const ASK_AGAIN: Duration = Duration::from_secs(60);

pub(super) struct Subscriptions {
    broker: String,
    filters: watch::Receiver<Arc<TopicFilters>>,
    metrics: Arc<Metrics>,
    /// Filters subscribed and not withdrawn, over all connections.
    held: BTreeSet<String>,
    drops: DropsSubscription,
}

/// What became of the subscription to the broker's count of drops, over all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DropsSubscription {
    Answered,
    /// Asked for on this connection, or on one that ended before the answer.
    Unanswered,
    EndsConnection,
}

impl Subscriptions {
    pub fn new(broker: &str, surroundings: &IntakeContext) -> Subscriptions {
        Subscriptions {
            broker: broker.to_owned(),
            filters: surroundings.filters.clone(),
            metrics: Arc::clone(&surroundings.metrics),
            held: BTreeSet::new(),
            drops: DropsSubscription::Answered,
        }
    }

    /// We ended the connection ourselves, whatever was asked on it.
    pub fn left(&mut self) {
        if self.drops == DropsSubscription::Unanswered {
            self.drops = DropsSubscription::Answered;
        }
    }

    /// Keeps the broker's subscriptions equal to the rulebook's filters until the connection fails. `subscribed` is
    /// called after each answer with true if the broker accepted every filter.
    pub async fn keep(
        &mut self,
        handle: &Handle,
        mut answers: mpsc::Receiver<Vec<bool>>,
        mut subscribed: impl FnMut(bool),
    ) -> LinkError {
        let mut watches_drops = false;
        loop {
            let refused = match self.subscribe(handle, &mut answers).await {
                Ok(refused) => refused,
                Err(error) => return error,
            };
            subscribed(refused.is_empty());
            if !watches_drops {
                if let Err(error) = self.watch_drops(handle, &mut answers).await {
                    return error;
                }
                watches_drops = true;
            }
            if refused.is_empty() {
                if self.filters.changed().await.is_err() {
                    // The rulebook's owner is gone, so these are the last filters.
                    std::future::pending::<()>().await;
                }
            } else {
                warn!(broker = self.broker, ?refused, "the broker refuses topic filters; nothing arrives on them");
                let _ = tokio::time::timeout(ASK_AGAIN, self.filters.changed()).await;
            }
        }
    }

    /// A broker without the count of drops, or without the right to it, is acceptable too. One that ends the connection
    /// over it is not asked again.
    async fn watch_drops(&mut self, handle: &Handle, answers: &mut mpsc::Receiver<Vec<bool>>) -> Result<(), LinkError> {
        match self.drops {
            DropsSubscription::EndsConnection => return Ok(()),
            DropsSubscription::Unanswered => {
                warn!(
                    broker = self.broker,
                    topic = DROPPED_TOPIC,
                    "the broker ended the connection over this subscription; it is left out, so drops at the broker go unseen"
                );
                self.drops = DropsSubscription::EndsConnection;
                return Ok(());
            }
            DropsSubscription::Answered => self.drops = DropsSubscription::Unanswered,
        }
        ask(handle, answers, &[DROPPED_TOPIC.to_owned()]).await?;
        self.drops = DropsSubscription::Answered;
        Ok(())
    }

    /// Withdraws unneeded filters, requests all needed ones; returns the refused ones.
    async fn subscribe(
        &mut self,
        handle: &Handle,
        answers: &mut mpsc::Receiver<Vec<bool>>,
    ) -> Result<Vec<String>, LinkError> {
        let wanted = Arc::clone(&self.filters.borrow_and_update());
        let gone: Vec<String> =
            self.held.iter().filter(|filter| wanted.as_slice().binary_search(filter).is_err()).cloned().collect();
        for filter in gone {
            handle.unsubscribe(&filter).await?;
            self.held.remove(&filter);
        }
        if wanted.as_slice().is_empty() {
            return Ok(Vec::new());
        }
        self.held.extend(wanted.as_slice().iter().cloned());
        let taken = ask(handle, answers, wanted.as_slice()).await?;
        let refused = wanted.as_slice().iter().zip(taken).filter(|(_, taken)| !taken);
        let refused: Vec<String> = refused.map(|(filter, _)| filter.clone()).collect();
        self.metrics.mqtt_filters_refused(&self.broker, refused.len());
        let accepted = wanted.as_slice().len() - refused.len();
        if accepted > 0 {
            info!(broker = self.broker, filters = accepted, refused = refused.len(), "subscribed");
        }
        Ok(refused)
    }
}

async fn ask(
    handle: &Handle,
    answers: &mut mpsc::Receiver<Vec<bool>>,
    filters: &[String],
) -> Result<Vec<bool>, LinkError> {
    handle.subscribe(filters).await?;
    match tokio::time::timeout(ANSWER_MAX, answers.recv()).await {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(LinkError::Gone),
        Err(_) => Err(LinkError::Lost(format!("the broker did not answer a subscribe request in {ANSWER_MAX:?}"))),
    }
}
