//! The tasks that carry consequences out: the courier of notices, the prober of inspection items, the MQTT publisher.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio_util::task::TaskTracker;

use super::heartbeat::OutgoingHeartbeat;
use super::mqtt_state;
use super::notify_config;
use super::services::Services;
use crate::core::inspections::{ProbeRequest, ProbeResult};
use crate::mqtt::{BrokerAddress, LinkOptions};
use crate::notify::{DeliveryReport, MqttPublisher, NotificationDispatcher, Publish, RetryPolicy, webhook_client};
use crate::probes::Prober;

/// The ends of the queues between them and the driver.
pub struct WorkerQueues {
    pub reports: mpsc::Sender<DeliveryReport>,
    pub notices: Arc<Notify>,
    pub probe_queue: mpsc::UnboundedReceiver<ProbeRequest>,
    pub probe_results: mpsc::Sender<ProbeResult>,
}

/// Makes everything that the configuration can spoil, and throws it away.
pub fn rehearse(doors: &Services) -> Result<(), String> {
    let broker = doors.broker()?;
    notify_config::of(doors, None)?;
    webhook_client().map_err(|error| error.to_string())?;
    if let Some(address) = broker {
        MqttPublisher::new(address.clone(), Arc::clone(&doors.metrics)).map_err(|error| error.to_string())?;
        LinkOptions::new(address).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Starts all of them; each ends with the doors' `stop`.
pub fn start(doors: &Services, tasks: &TaskTracker, queues: WorkerQueues) -> Result<(), String> {
    let WorkerQueues { reports, notices, probe_queue, probe_results } = queues;
    let broker = doors.broker()?;
    let publisher = broker.clone().map(|address| publisher(doors, address, tasks)).transpose()?;
    if let Some(publisher) = publisher.clone() {
        tasks.spawn(mqtt_state::incidents(Arc::clone(&doors.live), publisher, doors.stop.clone()));
    }
    let courier = NotificationDispatcher::new(
        doors.store.clone(),
        reports,
        notify_config::of(doors, publisher.map(publish))?,
        Arc::clone(&doors.metrics),
        notices,
        RetryPolicy::STANDARD,
        doors.stop.clone(),
    )
    .map_err(|error| error.to_string())?;
    tasks.spawn(courier.run());
    if let Some(url) = doors.config.heartbeat_url.clone() {
        let every = doors.config.heartbeat_every.to_std();
        let client = webhook_client().map_err(|error| error.to_string())?;
        let (live, metrics) = (Arc::clone(&doors.live), Arc::clone(&doors.metrics));
        tasks.spawn(OutgoingHeartbeat { url, every, client }.beat(live, metrics, doors.steady(), doors.stop.clone()));
    }
    let listening = broker.map(LinkOptions::new).transpose().map_err(|error| error.to_string())?;
    let prober = Prober::new(listening, Arc::clone(&doors.metrics), doors.now()).map_err(|error| error.to_string())?;
    tasks.spawn(Arc::new(prober).serve(probe_queue, probe_results, doors.stop.clone()));
    Ok(())
}

fn publisher(doors: &Services, address: BrokerAddress, tasks: &TaskTracker) -> Result<MqttPublisher, String> {
    let (publisher, publishing) =
        MqttPublisher::new(address, Arc::clone(&doors.metrics)).map_err(|error| error.to_string())?;
    tasks.spawn(publishing.run(doors.stop.clone()));
    Ok(publisher)
}

/// The courier's way to the broker: not retained, confirmed.
fn publish(publisher: MqttPublisher) -> Publish {
    Arc::new(move |topic, payload| {
        let publisher = publisher.clone();
        Box::pin(
            async move { publisher.publish(&topic, payload.into(), false).await.map_err(|error| error.to_string()) },
        )
    })
}
