//! The consuming client of a real broker.
//!
//! The broker keeps our session and the messages that we did not acknowledge; so a lost connection, a stop or a full
//! store loses no message that the broker keeps. Settings that a broker needs for that: mosquitto `persistence true`,
//! `autosave_interval 1`, `max_queued_messages 0`, `max_inflight_messages 1000`, `message_size_limit` as large as any honest message. With
//! mosquitto's defaults (1,000 queued, 20 in flight) it drops messages for a subscriber that falls behind, though their
//! senders got confirmations; its counter of drops is watched, and its growth becomes an alert.

mod acknowledgement;
mod connection;
mod drops;
mod session_lost;
mod session_memory;
mod state;
mod subscriptions;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::acknowledgement::acknowledge_all;
use self::connection::{Connection, ConnectionEnd};
use self::drops::DropWatch;
use self::session_memory::SessionMemory;
pub use self::state::ClientState;
use self::subscriptions::Subscriptions;
use super::IntakeContext;
use super::in_flight::InFlightLimit;
use super::ordered_intake::lane;
use super::reader::Reader;
use crate::core::model::{SessionFacts, TakenMessage};
use crate::mqtt::{BackOff, BrokerAddress, LinkOptions, TlsError};

/// Settings of the client; created with the defaults, adapted by the caller.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    pub address: BrokerAddress,
    /// Maximum number of messages received and not yet acknowledged, at least 1; further ones are left with the broker.
    pub unacknowledged_max: u16,
    /// The same in bytes of topic and payload.
    pub unacknowledged_bytes_max: usize,
    /// A longer payload is kept as a dead letter and acknowledged.
    pub payload_max_bytes: usize,
    /// At least 5 s, by the library's rule.
    pub keep_alive: Duration,
    /// The wait after the first failure to connect, and the maximum.
    pub reconnect: (Duration, Duration),
    /// What earlier runs took from the session and could not know to be acknowledged, in order of arrival.
    pub taken: Vec<TakenMessage>,
    /// What they knew of the session, if they had it.
    pub facts: Option<SessionFacts>,
}

impl ClientSettings {
    pub fn new(address: BrokerAddress) -> ClientSettings {
        ClientSettings {
            address,
            // As many as there are packet ids; the limit in bytes is the effective one. Mosquitto 2.0 sends more than
            // its own limit, and reuses open ids for other messages after a session was resumed: one acknowledgement
            // then removes two. So leaving messages behind and reconnecting are a last resort.
            unacknowledged_max: u16::MAX,
            unacknowledged_bytes_max: 64 << 20,
            payload_max_bytes: 1 << 20,
            keep_alive: Duration::from_secs(30),
            reconnect: (Duration::from_secs(1), Duration::from_secs(30)),
            taken: Vec::new(),
            facts: None,
        }
    }

    /// Name of our session at the broker.
    pub fn session(&self) -> String {
        format!("{}@{}", self.address.client_id, self.address.name())
    }
}

/// The consuming client; see the module.
pub struct MqttClient {
    settings: ClientSettings,
    link: LinkOptions,
    surroundings: IntakeContext,
    state: watch::Sender<ClientState>,
}

impl MqttClient {
    /// Loads the certificates of the address; connects only in [`MqttClient::run`].
    pub fn new(mut settings: ClientSettings, surroundings: IntakeContext) -> Result<MqttClient, TlsError> {
        settings.unacknowledged_max = settings.unacknowledged_max.max(1);
        let mut link = LinkOptions::new(settings.address.clone())?;
        link.persistent = true;
        link.keep_alive = settings.keep_alive;
        link.receive_maximum = settings.unacknowledged_max;
        let state = watch::Sender::new(ClientState::Away);
        surroundings.metrics.mqtt_connected(&settings.address.name(), false);
        Ok(MqttClient { settings, link, surroundings, state })
    }

    pub fn state(&self) -> watch::Receiver<ClientState> {
        self.state.subscribe()
    }

    /// Consumes until `stop`; then confirms the messages being committed, and leaves the rest with the broker.
    pub async fn run(self, stop: CancellationToken) {
        let broker = self.settings.address.name();
        let last_dropped = self.settings.facts.and_then(|facts| facts.dropped);
        let memory = SessionMemory::new(&self.settings.session(), self.settings.taken, self.settings.facts);
        let window =
            InFlightLimit::new(self.settings.unacknowledged_max.into(), self.settings.unacknowledged_bytes_max);
        let reader = Arc::new(Reader::new(self.surroundings.clone(), self.settings.payload_max_bytes));
        let (kept, kept_receiver) = mpsc::unbounded_channel();
        let (entrance, lane_work) = lane(reader, kept.clone(), stop.clone());
        let (drop_watch, drop_reports) = DropWatch::new(&broker, last_dropped, &self.surroundings, stop.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(lane_work);
        tasks.spawn(drop_reports);
        tasks.spawn(acknowledge_all(kept_receiver, self.surroundings.clone(), Arc::clone(&window), broker.clone()));
        let mut connection = Connection {
            broker: broker.clone(),
            surroundings: self.surroundings.clone(),
            subscriptions: Subscriptions::new(&broker, &self.surroundings),
            payload_max_bytes: self.settings.payload_max_bytes,
            window,
            entrance,
            kept,
            drop_watch,
            memory,
            state: self.state,
            stop: stop.clone(),
        };
        stay_connected(&mut connection, &self.link, self.settings.reconnect, &stop).await;
        drop(connection);
        while tasks.join_next().await.is_some() {}
    }
}

async fn stay_connected(
    connection: &mut Connection,
    link: &LinkOptions,
    (first, longest): (Duration, Duration),
    stop: &CancellationToken,
) {
    let mut back_off = BackOff::new(first, longest);
    loop {
        let error = match connection.run_session(link, stop, &mut back_off).await {
            ConnectionEnd::LeftBehind => continue,
            ConnectionEnd::Lost(error) => error,
            ConnectionEnd::Stopped => {
                info!(broker = connection.broker, "left the broker; it keeps what comes meanwhile");
                connection.is_away();
                return;
            }
        };
        connection.is_away();
        let wait = back_off.next_wait();
        warn!(broker = connection.broker, %error, ?wait, "no connection to the broker; trying again");
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
        connection.surroundings.metrics.mqtt_reconnect(&connection.broker);
    }
}
