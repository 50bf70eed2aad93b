//! Settings of a connection.

use crate::mqtt::BrokerAddress;
use crate::mqtt::tls;
use crate::mqtt::tls::TlsError;
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;

/// Maximum packet of MQTT, in bytes. The broker's own limit is the one that counts: a client that refuses a longer
/// packet gets it again and again (3.1.1), or never learns of it (5). The reader handles long payloads.
pub(super) const PACKET_MAX_BYTES: u32 = 268_435_455;

/// Maximum time of connecting, and of a write waiting for the network.
pub(super) const CONNECT_SECONDS_MAX: u64 = 10;

/// Maximum number of requests waiting to be written: enough that acknowledgements do not wait for one another.
pub(super) const REQUESTS_WAITING_MAX: usize = 1_000;

/// Publishes under way on one connection. Packet ids repeat after as many, so it must exceed what the caller allows.
pub(super) const PUBLISHES_MAX: u16 = 100;

/// Time after which the broker forgets the session of a client that never returns: 7 days (MQTT 5; 3.1.1 cannot set
/// it).
pub(super) const SESSION_EXPIRY_SECONDS: u32 = 7 * 86_400;

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
    pub(super) tls: Option<Arc<ClientConfig>>,
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
