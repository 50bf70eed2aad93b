//! The built-in MQTT intake for sites without a broker: devices publish to it, and a PUBACK means committed.
//!
//! It is no broker: MQTT 3.1.1 and 5 with QoS 0 and 1 goes in, nothing comes out. No subscriptions, no sessions, no
//! retained messages; a last will is taken in when its sender vanishes. What the protocol lets it refuse it refuses with
//! the protocol's words and a counted reason; a publish that no source can use is kept as a dead letter and acknowledged.
//! No address can take so much of it that the others wait.

mod addresses;
mod authentication;
mod bind;
mod connection;
mod framing;
mod handshake;
mod packets;
mod refusal;
mod replies;
mod settings;
mod shared;
mod transport;
mod writer;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use self::addresses::{Addresses, Bounds};
use self::refusal::ConnectRefusal;
use self::shared::Shared;
use super::IntakeContext;
use super::in_flight::InFlightLimit;
use super::reader::Reader;
use crate::mqtt::BackOff;

pub use authentication::{AuthError, Authenticate, Credentials, PublishPermission};
pub use bind::{Binding, ListenError};
pub use refusal::REFUSAL_REASONS;
pub use settings::ListenerSettings;
pub use transport::{ClientCertificate, TlsInForce};

/// One address may have this part of its connections still saying who they are.
const HANDSHAKES_PART: usize = 4;
const HANDSHAKES_MIN: usize = 16;

/// The listener, bound to its port; takes connections in [`MqttListener::run`].
pub struct MqttListener {
    socket: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl MqttListener {
    /// Takes the port.
    pub async fn bind(
        binding: Binding,
        settings: ListenerSettings,
        surroundings: IntakeContext,
    ) -> Result<MqttListener, ListenError> {
        let (socket, address) = bind::bind(binding).await?;
        for reason in REFUSAL_REASONS {
            surroundings.metrics.mqtt_refusals(reason);
        }
        let reader = Arc::new(Reader::new(surroundings.clone(), settings.payload_max_bytes));
        let window = InFlightLimit::new(settings.all_unacknowledged_max, settings.all_unacknowledged_bytes_max);
        let per_address = settings.connections_per_address_max;
        let addresses = Addresses::new(Bounds {
            connections: per_address,
            handshakes: (per_address / HANDSHAKES_PART).max(HANDSHAKES_MIN),
            unfinished_bytes: settings.unfinished_bytes_per_address_max,
            all_unfinished_bytes: settings.unfinished_bytes_max,
        });
        let shared = Shared {
            settings,
            surroundings,
            reader,
            window,
            addresses,
            clients: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        Ok(MqttListener { socket, address, shared: Arc::new(shared) })
    }

    /// Where it really listens.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`; then takes nothing new, confirms what is still being committed, and closes.
    pub async fn run(self, stop: CancellationToken) {
        info!(address = %self.address, "the built-in MQTT intake listens");
        let places = Arc::new(Semaphore::new(self.shared.settings.connections_max));
        let mut trouble = BackOff::new(Duration::from_millis(50), Duration::from_secs(1));
        for serial in 0_u64.. {
            let Some(accepted) = stop.run_until_cancelled(self.socket.accept()).await else { break };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, as a rule: ones that close give new ones.
                    let wait = trouble.next_wait();
                    warn!(%error, ?wait, "cannot take an MQTT connection");
                    tokio::time::sleep(wait).await;
                    continue;
                }
            };
            trouble.reset();
            match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => self.serve(stream, peer, serial, place),
                Err(_) => self.shared.refuse(peer, ConnectRefusal::TooManyConnections),
            }
        }
        drop(self.socket);
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        info!(address = %self.address, "the built-in MQTT intake has stopped");
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, serial: u64, one_of_all: OwnedSemaphorePermit) {
        let place = match self.shared.addresses.enter(peer.ip()) {
            Ok(place) => place,
            Err(refusal) => return self.shared.refuse(peer, refusal),
        };
        let shared = Arc::clone(&self.shared);
        let gone = shared.stop.child_token();
        self.shared.tasks.spawn(async move {
            connection::serve(stream, peer, place, serial, gone, shared).await;
            drop(one_of_all);
        });
    }
}
