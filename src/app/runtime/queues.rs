//! What the doors hand in, and its refusal while nothing can be taken.

use std::time::Duration;

use tokio::sync::mpsc;

use super::block::{refuse_asked, refuse_delivery};
use super::service_manager::Pulse;
use crate::api::QueuedRequest;
use crate::ingest::QueuedSubmission;

/// The receiving ends of the doors' queues. They outlive the terms in which this process holds the lease.
pub struct Queues {
    pub events: mpsc::UnboundedReceiver<QueuedSubmission>,
    pub commands: mpsc::Receiver<QueuedRequest>,
    /// The sign of life goes on while all is refused.
    pub pulse: Pulse,
}

/// How often the sign of life is given while all is refused.
const ROUND: Duration = Duration::from_secs(1);

impl Queues {
    pub fn are_empty(&self) -> bool {
        self.events.is_empty() && self.commands.is_empty()
    }

    /// Refuses whatever comes until the work is done.
    pub async fn refusing<T>(&mut self, why: &str, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let mut round = tokio::time::interval(ROUND);
        loop {
            tokio::select! {
                _ = round.tick() => self.pulse.beat(),
                done = &mut work => return done,
                Some(delivery) = self.events.recv() => refuse_delivery(delivery, why),
                Some(asked) = self.commands.recv() => refuse_asked(asked, why),
            }
        }
    }
}
