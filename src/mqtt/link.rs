//! One connection to a broker, of either protocol version: created once, lost once, never repaired.
//!
//! rumqttc would reconnect by itself and carry state over (buffered messages, packet ids, collisions); then an
//! acknowledgement of the old connection could confirm another message of the new one. So a lost [`BrokerLink`] is dropped and
//! a new one made, and a [`Handle`] reaches only the connection that it came with: it is the epoch of its packet ids.

mod v311;
mod v5;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::ClientConfig;

use super::tls;
use super::tls::TlsError;
use super::{BrokerAddress, Version};

/// Maximum packet of MQTT, in bytes. The broker's own limit is the one that counts: a client that refuses a longer
/// packet gets it again and again (3.1.1), or never learns of it (5). The reader handles long payloads.
const PACKET_MAX_BYTES: u32 = 268_435_455;

/// Maximum time of connecting, and of a write waiting for the network.
const CONNECT_SECONDS_MAX: u64 = 10;

/// Maximum number of requests waiting to be written: enough that acknowledgements do not wait for one another.
const REQUESTS_WAITING_MAX: usize = 1_000;

/// Publishes under way on one connection. Packet ids repeat after as many, so it must exceed what the caller allows.
const PUBLISHES_MAX: u16 = 100;

/// Time after which the broker forgets the session of a client that never returns: 7 days (MQTT 5; 3.1.1 cannot set
/// it).
const SESSION_EXPIRY_SECONDS: u32 = 7 * 86_400;

/// Settings of a connection.
#[derive(Clone)]
pub struct LinkOptions {
    pub address: BrokerAddress,
    pub client_id: String,
    /// True if the broker keeps subscriptions and unacknowledged messages while we are away.
    pub persistent: bool,
    /// The retained message that the broker publishes when the connection is lost.
    pub will: Option<Will>,
    /// At least 5 s, by the library's rule.
    pub keep_alive: Duration,
    /// Maximum number of messages without our acknowledgement; only MQTT 5 can send it to the broker.
    pub receive_maximum: u16,
    tls: Option<Arc<ClientConfig>>,
}

#[derive(Clone)]
pub struct Will {
    pub topic: String,
    pub payload: &'static str,
}

impl LinkOptions {
    /// Loads the certificates of the address; the caller adapts the rest.
    pub fn new(address: BrokerAddress) -> Result<LinkOptions, TlsError> {
        let tls = tls::configuration(&address)?;
        let client_id = address.client_id.clone();
        let keep_alive = Duration::from_secs(30);
        Ok(LinkOptions {
            address,
            client_id,
            persistent: false,
            will: None,
            keep_alive,
            receive_maximum: u16::MAX,
            tls,
        })
    }
}

/// An event of a connection.
#[derive(Debug)]
pub enum Signal {
    Connected {
        session_present: bool,
    },
    Message(Incoming),
    /// The answer to one subscribe request: for each filter, in order, true if the broker accepted it.
    Subscribed(Vec<bool>),
    /// The next publish in order of the requests was written, under this packet id.
    PublishSent(u16),
    /// The broker has it, or gives the reason why not (only MQTT 5 can).
    PublishAnswered {
        packet_id: u16,
        refusal: Option<String>,
    },
    /// An acknowledgement was written.
    Acknowledged(Ack),
    /// A ping was written; its answer shows that the broker has read everything written before it.
    PingSent,
    PingAnswered,
    Other,
}

/// A received message.
#[derive(Debug)]
pub struct Incoming {
    pub topic: String,
    pub payload: Bytes,
    /// To be acknowledged once it is kept; `None` for QoS 0.
    pub ack: Option<Ack>,
    /// The broker sends it again because it saw no acknowledgement.
    pub dup: bool,
    /// The broker retained it from earlier and sends it because of a subscription.
    pub retained: bool,
}

/// A message's packet id on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack(u16);

impl Ack {
    /// The acknowledgement of a message with that packet id.
    #[cfg(test)]
    pub(crate) fn of(packet_id: u16) -> Ack {
        Ack(packet_id)
    }

    pub fn packet_id(self) -> u16 {
        self.0
    }
}

/// End of a connection.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("the broker refuses the connection: {0}")]
    Refused(String),
    #[error("{0}")]
    Lost(String),
    #[error("the connection gave no sign for {seconds} s")]
    Silent { seconds: u64 },
    /// The link that this handle belongs to was dropped.
    #[error("the connection is gone")]
    Gone,
}

/// The polled half. After an error it must be dropped.
pub struct BrokerLink {
    event_loop: EventLoop,
    silence_max: Duration,
}

enum EventLoop {
    V311(Box<rumqttc::EventLoop>),
    V5(Box<rumqttc::v5::EventLoop>),
}

/// The requesting half; for this connection only.
#[derive(Clone)]
pub struct Handle(ProtocolClient);

#[derive(Clone)]
enum ProtocolClient {
    V311(rumqttc::AsyncClient),
    V5(rumqttc::v5::AsyncClient),
}

impl BrokerLink {
    /// Prepares a connection; the first [`BrokerLink::next`] establishes it.
    pub fn open(options: &LinkOptions) -> (Handle, BrokerLink) {
        let (client, event_loop) = match options.address.version {
            Version::V311 => {
                let (client, event_loop) = v311::open(options);
                (ProtocolClient::V311(client), EventLoop::V311(Box::new(event_loop)))
            }
            Version::V5 => {
                let (client, event_loop) = v5::open(options);
                (ProtocolClient::V5(client), EventLoop::V5(Box::new(event_loop)))
            }
        };
        // A ping and its answer belong to every keep-alive interval, so three without any packet are a hang.
        let silence_max = options.keep_alive * 3 + Duration::from_secs(CONNECT_SECONDS_MAX);
        (Handle(client), BrokerLink { event_loop, silence_max })
    }

    /// The next event. Dropping the future half-way may lose a request: drop the link with it.
    pub async fn next(&mut self) -> Result<Signal, LinkError> {
        let polled = async {
            match &mut self.event_loop {
                EventLoop::V311(event_loop) => {
                    event_loop.poll().await.map(v311::signal).map_err(|error| v311::error(&error))
                }
                EventLoop::V5(event_loop) => event_loop.poll().await.map(v5::signal).map_err(|error| v5::error(&error)),
            }
        };
        let seconds = self.silence_max.as_secs();
        tokio::time::timeout(self.silence_max, polled).await.unwrap_or(Err(LinkError::Silent { seconds }))
    }
}

impl Handle {
    /// Subscribes at QoS 1; the answer comes as [`Signal::Subscribed`].
    pub async fn subscribe(&self, filters: &[String]) -> Result<(), LinkError> {
        match &self.0 {
            ProtocolClient::V311(client) => v311::subscribe(client, filters).await,
            ProtocolClient::V5(client) => v5::subscribe(client, filters).await,
        }
    }

    pub async fn unsubscribe(&self, filter: &str) -> Result<(), LinkError> {
        match &self.0 {
            ProtocolClient::V311(client) => client.unsubscribe(filter).await.map_err(|_| LinkError::Gone),
            ProtocolClient::V5(client) => client.unsubscribe(filter).await.map_err(|_| LinkError::Gone),
        }
    }

    /// Confirms a message of this connection. Fails if the connection is gone: the broker sends the message again.
    pub async fn acknowledge(&self, ack: Ack) -> Result<(), LinkError> {
        match &self.0 {
            ProtocolClient::V311(client) => v311::acknowledge(client, ack).await,
            ProtocolClient::V5(client) => v5::acknowledge(client, ack).await,
        }
    }

    /// Publishes at QoS 1; [`Signal::PublishSent`] and [`Signal::PublishAnswered`] follow.
    pub async fn publish(&self, topic: &str, payload: Bytes, retain: bool) -> Result<(), LinkError> {
        match &self.0 {
            ProtocolClient::V311(client) => {
                let qos = rumqttc::QoS::AtLeastOnce;
                client.publish_bytes(topic, qos, retain, payload).await.map_err(|_| LinkError::Gone)
            }
            ProtocolClient::V5(client) => {
                let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
                client.publish_bytes(topic, qos, retain, payload).await.map_err(|_| LinkError::Gone)
            }
        }
    }

    /// Disconnects properly, so that the broker drops the will.
    pub async fn disconnect(&self) -> Result<(), LinkError> {
        match &self.0 {
            ProtocolClient::V311(client) => client.disconnect().await.map_err(|_| LinkError::Gone),
            ProtocolClient::V5(client) => client.disconnect().await.map_err(|_| LinkError::Gone),
        }
    }
}

/// Our own written packets, in terms common to both versions.
fn outgoing(outgoing: &rumqttc::Outgoing) -> Signal {
    use rumqttc::Outgoing;
    match outgoing {
        Outgoing::Publish(packet_id) => Signal::PublishSent(*packet_id),
        Outgoing::PubAck(packet_id) => Signal::Acknowledged(Ack(*packet_id)),
        Outgoing::PingReq => Signal::PingSent,
        Outgoing::Subscribe(_)
        | Outgoing::Unsubscribe(_)
        | Outgoing::PubRec(_)
        | Outgoing::PubRel(_)
        | Outgoing::PubComp(_)
        | Outgoing::Disconnect
        | Outgoing::PingResp
        | Outgoing::AwaitAck(_) => Signal::Other,
    }
}
