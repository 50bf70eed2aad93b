//! The dead man's switch of watchfire itself: a sign of life to a watcher outside, who notices when none comes.
//!
//! Sent only while the service is ready, so that one which runs but takes nothing is noticed too.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use tokio_util::sync::CancellationToken;

use crate::api::Now;
use crate::metrics::Metrics;
use crate::store::{LiveView, Readiness};

/// How long one sign of life may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where it goes, and how often.
#[derive(Clone)]
pub struct OutgoingHeartbeat {
    /// May hold a secret, so it is never logged.
    pub url: String,
    pub every: Duration,
    pub client: Client,
}

impl OutgoingHeartbeat {
    /// The first one at once, then one every interval, until `stop`.
    pub async fn beat(self, live: Arc<LiveView>, metrics: Arc<Metrics>, steady: Now, stop: CancellationToken) {
        let mut interval = tokio::time::interval(self.every);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(interval.tick()).await.is_some() {
            if live.readiness_at(steady()) != Readiness::Ready {
                continue;
            }
            let sent = stop.run_until_cancelled(self.send()).await;
            match sent {
                None => return,
                Some(Ok(())) => metrics.heartbeat(true),
                Some(Err(error)) => {
                    tracing::warn!(error, "the outside watcher did not take the sign of life");
                    metrics.heartbeat(false);
                }
            }
        }
    }

    async fn send(&self) -> Result<(), String> {
        let sending = self.client.get(&self.url).send();
        match tokio::time::timeout(PATIENCE, sending).await {
            Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
            Ok(Ok(answer)) => Err(format!("it answered {}", answer.status())),
            Ok(Err(error)) => Err(error.without_url().to_string()),
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }
}
