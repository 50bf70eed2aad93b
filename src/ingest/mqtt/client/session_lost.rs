//! The event that a broker forgot our session, handed in until it is kept.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::core::model::{Event, Labels, Severity, Status, Timestamp};
use crate::ingest::{Intake, Submission};
use crate::mqtt::BackOff;

/// The source of everything that the service says of itself.
const SOURCE: &str = "watchfire";

/// The broker lost what it had kept for us since the last connection.
pub(super) fn session_lost(broker: &str, at: Timestamp) -> Event {
    let labels = Labels::from_pairs([("alertname", "BrokerSessionLost"), ("broker", broker)]);
    let mut event = Event::new(SOURCE, Status::Point, labels);
    event.severity = Some(Severity::Major);
    event.summary = format!(
        "the MQTT broker {broker} forgot our session, and with it every message that it had kept for us; make it keep \
         sessions on disk (mosquitto: persistence true, autosave_interval 1)"
    );
    event.occurred_at = Some(at);
    event
}

/// Hands the event in until it is kept or the service stops.
pub(super) async fn raise(event: Event, intake: Intake, stop: CancellationToken) {
    let mut back_off = BackOff::new(Duration::from_millis(100), Duration::from_secs(5));
    loop {
        let parcel = Submission::Events(vec![event.clone()]);
        let kept = async { intake.push(parcel, None).await.ok()?.await.ok()?.ok() };
        match stop.run_until_cancelled(kept).await {
            None | Some(Some(_)) => return,
            Some(None) => {}
        }
        if stop.run_until_cancelled(tokio::time::sleep(back_off.next_wait())).await.is_none() {
            return;
        }
    }
}
