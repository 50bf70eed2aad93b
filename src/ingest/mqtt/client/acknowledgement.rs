//! Confirms messages to the broker as soon as they are committed.

use crate::ingest::mqtt::IntakeContext;
use crate::ingest::mqtt::in_flight::InFlightLimit;
use crate::ingest::mqtt::ordered_intake::Committed;
use crate::metrics::Metrics;
use crate::mqtt::{Ack, Handle};
use std::sync::Arc;
use tokio::sync::mpsc;
use tracing::debug;

/// The token that confirms a message: its connection, and nothing for QoS 0.
pub(in crate::ingest::mqtt) struct AckToken {
    pub(super) handle: Handle,
    pub(super) ack: Option<Ack>,
}

/// Confirms each message as soon as it is kept, without batching.
pub(super) async fn acknowledge_all(
    mut kept: mpsc::UnboundedReceiver<Committed<AckToken>>,
    surroundings: IntakeContext,
    window: Arc<InFlightLimit>,
    broker: String,
) {
    while let Some(Committed { ticket, place }) = kept.recv().await {
        if let Some(ack) = ticket.ack
            && ticket.handle.acknowledge(ack).await.is_err()
        {
            debug!(broker, "kept a message of a lost connection; the broker will send it again");
        }
        drop(place);
        report_unacknowledged(&surroundings.metrics, &broker, &window);
    }
}

pub(super) fn report_unacknowledged(metrics: &Metrics, broker: &str, window: &InFlightLimit) {
    metrics.mqtt_unacknowledged(broker, i64::try_from(window.messages()).unwrap_or(i64::MAX));
}
