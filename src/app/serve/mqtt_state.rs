//! The present state of every incident on its own MQTT topic, retained: what a wall display subscribes to.
//!
//! State, not news: a missed change is made good by the next one, and after a lag everything open is said again. What
//! must not be missed goes through the outbox.

use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::core::incidents::Incident;
use crate::notify::MqttPublisher;
use crate::store::{LiveView, StreamChange};

/// Until `stop`.
pub async fn incidents(live: Arc<LiveView>, publisher: MqttPublisher, stop: CancellationToken) {
    let mut changes = live.subscribe();
    say_all(&live, &publisher).await;
    while let Some(change) = stop.run_until_cancelled(changes.recv()).await {
        match change {
            Ok(StreamChange::Incident(incident)) => say(&incident, &publisher).await,
            Ok(StreamChange::Alert(_) | StreamChange::Problem(_) | StreamChange::Run(_)) => {}
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "incident announcements fell behind; saying all open ones again");
                say_all(&live, &publisher).await;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn say_all(live: &LiveView, publisher: &MqttPublisher) {
    for incident in live.open_incidents() {
        say(&incident, publisher).await;
    }
}

async fn say(incident: &Incident, publisher: &MqttPublisher) {
    let Ok(body) = serde_json::to_vec(incident) else { return };
    let topic = format!("watchfire/incidents/{}", incident.id);
    if let Err(error) = publisher.publish(&topic, body.into(), true).await {
        tracing::debug!(%error, id = %incident.id, "incident not announced");
    }
}
