//! One connection to a broker, of either protocol version: made once, lost once, never mended.
//!
//! rumqttc would reconnect by itself and carry state over (buffered messages, packet ids, collisions); then an
//! acknowledgement of the old connection could confirm another message of the new one. So a lost [`Link`] is dropped and
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

/// The longest packet that MQTT knows, in bytes. The broker's own limit is the one that counts: a client that refuses a
/// longer packet gets it again and again (3.1.1), or never learns of it (5). Too long is the reader's business.
const PACKET_MAX_BYTES: u32 = 268_435_455;

/// How long connecting may take, and how long a write may wait for the network.
const CONNECT_SECONDS_MAX: u64 = 10;

/// Requests to the connection that wait to be written: enough that acknowledgements do not wait for one another.
const REQUESTS_WAITING_MAX: usize = 1_000;

/// Publishes under way on one connection. Packet ids repeat after as many, so it must exceed what the caller allows.
const PUBLISHES_MAX: u16 = 100;

/// A session of a client that never comes back is the broker's to forget after 7 days (MQTT 5; 3.1.1 cannot say).
const SESSION_EXPIRY_SECONDS: u32 = 7 * 86_400;

/// What a connection is made with.
#[derive(Clone)]
pub struct LinkOptions {
    pub address: BrokerAddress,
    pub client_id: String,
    /// Whether the broker keeps subscriptions and unacknowledged messages while we are away.
    pub persistent: bool,
    /// What the broker publishes, retained, when the connection is lost.
    pub will: Option<Will>,
    /// At least 5 s, by the library's rule.
    pub keep_alive: Duration,
    /// How many messages may wait for our acknowledgement; only MQTT 5 can say it to the broker.
    pub receive_maximum: u16,
    tls: Option<Arc<ClientConfig>>,
}

#[derive(Clone)]
pub struct Will {
    pub topic: String,
    pub payload: &'static str,
}

impl LinkOptions {
    /// Reads the certificates that the address names; the rest is for the caller to adapt.
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

/// What a connection reports.
#[derive(Debug)]
pub enum Signal {
    Connected {
        session_present: bool,
    },
    Message(Incoming),
    /// The answer to one subscribe request: for each filter, in order, whether the broker took it.
    Subscribed(Vec<bool>),
    /// The next publish in order of the requests was written, under this packet id.
    PublishSent(u16),
    /// The broker has it, or says why not (only MQTT 5 can).
    PublishAnswered {
        packet_id: u16,
        refusal: Option<String>,
    },
    Other,
}

/// A message that came in.
#[derive(Debug)]
pub struct Incoming {
    pub topic: String,
    pub payload: Bytes,
    /// What to acknowledge once it is kept; `None` for QoS 0.
    pub ack: Option<Ack>,
    /// The broker sends it again because it saw no acknowledgement.
    pub dup: bool,
    /// The broker kept it from earlier and sends it because of a subscription.
    pub retained: bool,
}

/// A message's packet id on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack(u16);

/// How a connection ended.
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

/// The half that is polled. Once it returned an error it must be dropped.
pub struct BrokerLink {
    event_loop: EventLoop,
    silence_max: Duration,
}

enum EventLoop {
    V311(Box<rumqttc::EventLoop>),
    V5(Box<rumqttc::v5::EventLoop>),
}

/// The half that asks; for this connection only.
#[derive(Clone)]
pub struct Handle(ProtocolClient);

#[derive(Clone)]
enum ProtocolClient {
    V311(rumqttc::AsyncClient),
    V5(rumqttc::v5::AsyncClient),
}

impl BrokerLink {
    /// Prepares a connection; the first [`Link::next`] makes it.
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
        // A ping and its answer belong to every keep-alive interval: three without any sign are a hang.
        let silence_max = options.keep_alive * 3 + Duration::from_secs(CONNECT_SECONDS_MAX);
        (Handle(client), BrokerLink { event_loop, silence_max })
    }

    /// The next thing that happened. Dropping the future half-way may lose a request: drop the link with it.
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

    /// Confirms a message of this connection. Fails when the connection is gone: the broker sends the message again.
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

    /// Says goodbye, so that the broker keeps the will to itself.
    pub async fn disconnect(&self) -> Result<(), LinkError> {
        match &self.0 {
            ProtocolClient::V311(client) => client.disconnect().await.map_err(|_| LinkError::Gone),
            ProtocolClient::V5(client) => client.disconnect().await.map_err(|_| LinkError::Gone),
        }
    }
}

/// What we wrote ourselves, in words common to both versions.
fn outgoing(outgoing: &rumqttc::Outgoing) -> Signal {
    use rumqttc::Outgoing;
    match outgoing {
        Outgoing::Publish(packet_id) => Signal::PublishSent(*packet_id),
        Outgoing::PubAck(_)
        | Outgoing::Subscribe(_)
        | Outgoing::Unsubscribe(_)
        | Outgoing::PubRec(_)
        | Outgoing::PubRel(_)
        | Outgoing::PubComp(_)
        | Outgoing::PingReq
        | Outgoing::Disconnect
        | Outgoing::PingResp
        | Outgoing::AwaitAck(_) => Signal::Other,
    }
}
