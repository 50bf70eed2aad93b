//! What all connections of the listener share: its limits, and the clients that are connected.

use super::addresses::Addresses;
use super::refusal::ConnectRefusal;
use super::settings::ListenerSettings;
use crate::ingest::mqtt::IntakeContext;
use crate::ingest::mqtt::in_flight::InFlightLimit;
use crate::ingest::mqtt::reader::Reader;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The token's name, and what the client calls itself.
pub(super) type ClientId = (String, String);

/// What all connections share.
pub(super) struct Shared {
    pub(super) settings: ListenerSettings,
    pub(super) surroundings: IntakeContext,
    pub(super) reader: Arc<Reader>,
    pub(super) window: Arc<InFlightLimit>,
    pub(super) addresses: Arc<Addresses>,
    /// Who is connected: its serial number, and what ends it.
    pub(super) clients: Mutex<BTreeMap<ClientId, (u64, CancellationToken)>>,
    pub(super) tasks: TaskTracker,
    /// Of the whole listener.
    pub(super) stop: CancellationToken,
}

impl Shared {
    pub(super) fn count(&self, refusal: ConnectRefusal) {
        self.surroundings.metrics.mqtt_refused(refusal.as_str());
    }

    pub(super) fn refuse(&self, peer: SocketAddr, refusal: ConnectRefusal) {
        self.count(refusal);
        tracing::debug!(%peer, reason = refusal.as_str(), "refused an MQTT connection or packet");
    }

    /// Enters a client under its id. One that is connected by the same id is the same device before it lost its
    /// connection, by the protocol's rule: it is ended.
    pub(super) fn enter(&self, client_id: &ClientId, serial: u64, gone: &CancellationToken) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, before)) = clients.insert(client_id.clone(), (serial, gone.clone())) {
            before.cancel();
        }
    }

    pub(super) fn leave(&self, client_id: &ClientId, serial: u64) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.get(client_id).is_some_and(|(holder, _)| *holder == serial) {
            clients.remove(client_id);
        }
    }

    /// Whether a newer connection has taken over the client id.
    pub(super) fn is_taken_over(&self, client_id: &ClientId, serial: u64) -> bool {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.get(client_id).is_some_and(|(holder, _)| *holder != serial)
    }
}
