//! Settings of the listener.

use super::authentication::Authenticate;
use super::transport::TlsInForce;
use std::time::Duration;

/// How the listener behaves; made with the defaults, adapted by the caller.
#[derive(Clone)]
pub struct ListenerSettings {
    pub authenticate: Authenticate,
    pub connections_max: usize,
    /// Of these, from one address: a network behind one address translator needs as many as it has devices.
    pub connections_per_address_max: usize,
    /// Bytes of large packets (over 64 KiB) that are begun and not complete, of one address and of all.
    pub unfinished_bytes_per_address_max: usize,
    pub unfinished_bytes_max: usize,
    /// `None`: in clear.
    pub tls: Option<TlsInForce>,
    /// Messages of one connection that wait for their commit; then it is not read any further.
    pub unacknowledged_max: usize,
    /// The same for all connections, in messages and in bytes of topic and payload.
    pub all_unacknowledged_max: usize,
    pub all_unacknowledged_bytes_max: usize,
    /// A longer payload is kept as a dead letter and acknowledged.
    pub payload_max_bytes: usize,
    /// How long a client may take for its TLS handshake, to say CONNECT, to complete a packet (a long one has more), and
    /// to take our answers; and how long looking up its token may take.
    pub patience: Duration,
}

impl ListenerSettings {
    pub fn new(authenticate: Authenticate) -> ListenerSettings {
        ListenerSettings {
            authenticate,
            connections_max: 1_024,
            connections_per_address_max: 256,
            unfinished_bytes_per_address_max: 16 << 20,
            unfinished_bytes_max: 64 << 20,
            tls: None,
            unacknowledged_max: 1_000,
            all_unacknowledged_max: 20_000,
            all_unacknowledged_bytes_max: 64 << 20,
            payload_max_bytes: 1 << 20,
            patience: Duration::from_secs(10),
        }
    }
}
