//! One connection to a broker, of either protocol version: created once, lost once, never repaired.
//!
//! rumqttc would reconnect by itself and carry state over (buffered messages, packet ids, collisions); then an
//! acknowledgement of the old connection could confirm another message of the new one. So a lost [`BrokerLink`] is dropped and
//! a new one made, and a [`Handle`] reaches only the connection that it came with: it is the epoch of its packet ids.

mod options;
mod signal;
mod v311;
mod v5;

pub use options::{LinkOptions, Will};
pub use signal::{Ack, Incoming, LinkError, Signal};

use self::options::CONNECT_SECONDS_MAX;
use std::time::Duration;

use bytes::Bytes;

use super::Version;

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
