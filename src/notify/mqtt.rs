//! Publishing to a real broker: one connection that only publishes, and reports each message's arrival.
//!
//! Without a broker (only the built-in intake) there is no publisher, and code with an `Option` of it reports that
//! instead of trying. A publish without confirmation in time makes a new connection, because a client that lost a
//! confirmation may never send again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::metrics::Metrics;
use crate::mqtt::{
    BackOff, BrokerAddress, BrokerLink, Handle, LinkError, LinkOptions, STATUS_TOPIC, Signal, TlsError, Will,
};

/// Maximum number of messages waiting for the connection or for their turn.
const QUEUE_MAX: usize = 256;

/// Maximum number of unconfirmed publishes; fewer than the packet ids of a connection, so that none is used twice.
const UNCONFIRMED_MAX: usize = 32;

/// Maximum time of a publish from the call to the broker's confirmation.
const CONFIRMATION_MAX: Duration = Duration::from_secs(10);

/// Maximum payload; a notification is far shorter.
const PAYLOAD_MAX_BYTES: usize = 1 << 20;

/// Maximum time of the disconnect.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// Reason why a message was not delivered, as far as known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    #[error("{topic:?} is no topic to publish on; it must not be empty or hold +, # or NUL")]
    BadTopic { topic: String },
    #[error("the message has {bytes} bytes; at most {PAYLOAD_MAX_BYTES} are published")]
    TooLarge { bytes: usize },
    #[error("{QUEUE_MAX} messages wait for the broker already; try again later")]
    Full,
    /// It may have arrived nevertheless.
    #[error("the broker did not confirm the message in {} s; try again", CONFIRMATION_MAX.as_secs())]
    Unconfirmed,
    /// It may have arrived nevertheless.
    #[error("the connection to the broker was lost before it confirmed the message; try again")]
    Lost,
    #[error("the broker refuses the message: {reason}")]
    Refused { reason: String },
    #[error("the service is stopping")]
    Stopping,
}

/// The handle for publishing; cheap to clone.
#[derive(Clone)]
pub struct MqttPublisher {
    queue: mpsc::Sender<PublishJob>,
}

/// The publisher's task, to be spawned.
pub struct MqttPublishing {
    broker: String,
    link: LinkOptions,
    metrics: Arc<Metrics>,
    jobs: mpsc::Receiver<PublishJob>,
    reconnect: BackOff,
}

struct PublishJob {
    topic: String,
    payload: Bytes,
    retain: bool,
    /// `None`: our own status, without a waiting caller.
    reply: Option<oneshot::Sender<Result<(), PublishError>>>,
}

impl MqttPublisher {
    /// Loads the certificates of the address; connects only in [`MqttPublishing::run`].
    pub fn new(address: BrokerAddress, metrics: Arc<Metrics>) -> Result<(MqttPublisher, MqttPublishing), TlsError> {
        // Its state must not hide that of the consuming client of the same broker.
        let broker = format!("{} publisher", address.name());
        let mut link = LinkOptions::new(address)?;
        link.client_id.push_str("-publisher");
        link.will = Some(Will { topic: STATUS_TOPIC.to_owned(), payload: "offline" });
        metrics.mqtt_connected(&broker, false);
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let reconnect = BackOff::new(Duration::from_secs(1), Duration::from_secs(30));
        Ok((MqttPublisher { queue }, MqttPublishing { broker, link, metrics, jobs, reconnect }))
    }

    /// Publishes at QoS 1 and waits until the broker has it, for at most 10 s.
    pub async fn publish(&self, topic: &str, payload: Bytes, retain: bool) -> Result<(), PublishError> {
        if topic.is_empty() || topic.len() > usize::from(u16::MAX) || topic.contains(['+', '#', '\0']) {
            return Err(PublishError::BadTopic { topic: topic.chars().take(200).collect() });
        }
        if payload.len() > PAYLOAD_MAX_BYTES {
            return Err(PublishError::TooLarge { bytes: payload.len() });
        }
        let (reply, answer) = oneshot::channel();
        let job = PublishJob { topic: topic.to_owned(), payload, retain, reply: Some(reply) };
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => PublishError::Full,
            mpsc::error::TrySendError::Closed(_) => PublishError::Stopping,
        })?;
        match tokio::time::timeout(CONFIRMATION_MAX, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(PublishError::Stopping),
            Err(_) => Err(PublishError::Unconfirmed),
        }
    }
}

impl MqttPublishing {
    /// Publishes until `stop`, then publishes `offline` and disconnects.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let (handle, link) = BrokerLink::open(&self.link);
            let error = match self.attend(handle, link, &stop).await {
                Ok(()) => return,
                Err(error) => error,
            };
            self.metrics.mqtt_connected(&self.broker, false);
            let wait = self.reconnect.next_wait();
            warn!(broker = self.broker, %error, ?wait, "no connection to publish on; trying again");
            if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
            self.metrics.mqtt_reconnect(&self.broker);
        }
    }

    /// Runs one connection, until it is lost (the error) or we stop.
    async fn attend(&mut self, handle: Handle, link: BrokerLink, stop: &CancellationToken) -> Result<(), LinkError> {
        let (signals, mut reports) = mpsc::unbounded_channel();
        // Never interrupted and never blocked by us, because polling must not wait for a request to be accepted.
        let mut polling = pin!(poll_all(link, signals));
        let mut unconfirmed = Unconfirmed::default();
        let mut connected = false;
        loop {
            tokio::select! {
                biased;
                Some(signal) = reports.recv() => match signal {
                    Signal::Connected { .. } => {
                        connected = true;
                        self.welcome();
                        unconfirmed.send(status("online"), &handle).await?;
                    }
                    signal => unconfirmed.hear(signal),
                },
                error = &mut polling => return Err(error),
                () = stop.cancelled() => break,
                () = unconfirmed.given_up() => {
                    return Err(LinkError::Lost("a publish was not confirmed in time".to_owned()));
                }
                job = self.jobs.recv(), if connected && unconfirmed.has_room() => match job {
                    Some(job) => unconfirmed.send(job, &handle).await?,
                    None => break,
                },
            }
        }
        if connected {
            let farewell = farewell(&handle, polling, &mut reports, &mut unconfirmed);
            let _ = tokio::time::timeout(FAREWELL_MAX, farewell).await;
        }
        self.metrics.mqtt_connected(&self.broker, false);
        Ok(())
    }

    fn welcome(&mut self) {
        info!(broker = self.broker, "connected to the broker to publish");
        self.reconnect.reset();
        self.metrics.mqtt_connected(&self.broker, true);
    }
}

/// Publishes `offline` ourselves, because the broker drops the will of a client that disconnects.
async fn farewell(
    handle: &Handle,
    mut polling: std::pin::Pin<&mut impl Future<Output = LinkError>>,
    reports: &mut mpsc::UnboundedReceiver<Signal>,
    unconfirmed: &mut Unconfirmed,
) -> Result<Infallible, LinkError> {
    unconfirmed.send(status("offline"), handle).await?;
    let mut said_goodbye = false;
    loop {
        if unconfirmed.is_empty() && !said_goodbye {
            handle.disconnect().await?;
            said_goodbye = true;
        }
        tokio::select! {
            biased;
            Some(signal) = reports.recv() => unconfirmed.hear(signal),
            // The broker closes once it has read our disconnect.
            error = &mut polling => return Err(error),
        }
    }
}

async fn poll_all(mut link: BrokerLink, signals: mpsc::UnboundedSender<Signal>) -> LinkError {
    loop {
        match link.next().await {
            Ok(signal) => {
                // The receiver lives as long as this future.
                let _ = signals.send(signal);
            }
            Err(error) => return error,
        }
    }
}

fn status(word: &'static str) -> PublishJob {
    let payload = Bytes::from_static(word.as_bytes());
    PublishJob { topic: STATUS_TOPIC.to_owned(), payload, retain: true, reply: None }
}

/// Requests to the connection without confirmation, in order. A waiting caller gets "connection lost" when it is
/// dropped.
#[derive(Default)]
struct Unconfirmed(VecDeque<UnackedPublish>);

struct UnackedPublish {
    /// `None` before the message was written.
    packet_id: Option<u16>,
    reply: Option<oneshot::Sender<Result<(), PublishError>>>,
}

impl Unconfirmed {
    fn has_room(&self) -> bool {
        self.0.len() < UNCONFIRMED_MAX
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    async fn send(&mut self, job: PublishJob, handle: &Handle) -> Result<(), LinkError> {
        if job.reply.as_ref().is_some_and(oneshot::Sender::is_closed) {
            // Its caller gave up during the wait for the connection, and will retry.
            return Ok(());
        }
        self.0.push_back(UnackedPublish { packet_id: None, reply: job.reply });
        handle.publish(&job.topic, job.payload, job.retain).await
    }

    fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::PublishSent(packet_id) => {
                if let Some(waiting) = self.0.iter_mut().find(|waiting| waiting.packet_id.is_none()) {
                    waiting.packet_id = Some(packet_id);
                }
            }
            Signal::PublishAnswered { packet_id, refusal } => {
                let Some(index) = self.0.iter().position(|waiting| waiting.packet_id == Some(packet_id)) else {
                    return;
                };
                let outcome = refusal.map_or(Ok(()), |reason| Err(PublishError::Refused { reason }));
                self.0.remove(index).and_then(|waiting| waiting.reply).map(|reply| reply.send(outcome));
            }
            Signal::Connected { .. }
            | Signal::Message(_)
            | Signal::Subscribed(_)
            | Signal::Acknowledged(_)
            | Signal::PingSent
            | Signal::PingAnswered
            | Signal::Other => {}
        }
    }

    /// Waits until the caller that has waited longest gives up: as long as a confirmation may take.
    async fn given_up(&mut self) {
        match self.0.iter_mut().find_map(|waiting| waiting.reply.as_mut()) {
            Some(reply) => reply.closed().await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Unconfirmed {
    fn drop(&mut self) {
        for reply in self.0.drain(..).filter_map(|waiting| waiting.reply) {
            // Fails only if the caller no longer waits.
            let _ = reply.send(Err(PublishError::Lost));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_published_is_said_at_once_and_a_queue_without_a_broker_is_bounded() {
        let address = "mqtt://127.0.0.1:9".parse().unwrap();
        let (publisher, publishing) = MqttPublisher::new(address, Arc::new(Metrics::new())).unwrap();
        let check = async |topic: &str, bytes: usize, expected: PublishError| {
            assert_eq!(publisher.publish(topic, vec![b'x'; bytes].into(), false).await, Err(expected), "{topic}");
        };
        check("a/+", 1, PublishError::BadTopic { topic: "a/+".to_owned() }).await;
        check("", 1, PublishError::BadTopic { topic: String::new() }).await;
        check("事件/INC-1", 1 << 21, PublishError::TooLarge { bytes: 1 << 21 }).await;
        check("事件/INC-1", 1, PublishError::Unconfirmed).await;
        let waiting: Vec<_> = (1..QUEUE_MAX)
            .map(|_| {
                let publisher = publisher.clone();
                tokio::spawn(async move { publisher.publish("t", Bytes::new(), false).await })
            })
            .collect();
        while publisher.queue.capacity() > 0 {
            tokio::task::yield_now().await;
        }
        check("t", 1, PublishError::Full).await;
        drop(publishing);
        for publish in waiting {
            assert_eq!(publish.await.unwrap(), Err(PublishError::Stopping));
        }
        check("t", 1, PublishError::Stopping).await;
    }
}
