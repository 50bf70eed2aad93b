//! The tasks that carry consequences out: the courier of notices, the prober of inspection items, the MQTT publisher.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::doors::Doors;
use crate::broker::BrokerAddress;
use crate::inspections::{ProbeRequest, ProbeResult};
use crate::notify::{Courier, MqttPublisher, Publish, Report, RetryPolicy};
use crate::probes::Prober;

/// Starts all of them; each ends with the doors.
pub fn start(
    doors: &Doors,
    reports: mpsc::Sender<Report>,
    notices: Arc<Notify>,
    probe_queue: mpsc::UnboundedReceiver<ProbeRequest>,
    probe_results: mpsc::Sender<ProbeResult>,
) -> Result<Vec<JoinHandle<()>>, String> {
    let broker = doors.broker()?;
    let mut tasks = Vec::new();
    let publish = match &broker {
        Some(address) => Some(publisher(doors, address, &mut tasks)?),
        None => None,
    };
    let courier = Courier::new(
        doors.store.clone(),
        reports,
        publish,
        Arc::clone(&doors.metrics),
        notices,
        RetryPolicy::STANDARD,
        doors.stop.clone(),
    )
    .map_err(|error| error.to_string())?;
    tasks.push(tokio::spawn(courier.run()));
    tasks.push(prober(doors, broker, probe_queue, probe_results)?);
    Ok(tasks)
}
