//! One connection of the consuming client, from start to loss.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::acknowledgement::{AckToken, report_unacknowledged};
use super::drops::{DROPPED_TOPIC, DropWatch};
use super::session_lost::{raise, session_lost};
use super::session_memory::SessionMemory;
use super::state::ClientState;
use super::subscriptions::Subscriptions;
use crate::ingest::Intake;
use crate::ingest::mqtt::IntakeContext;
use crate::ingest::mqtt::in_flight::InFlightLimit;
use crate::ingest::mqtt::ordered_intake::{Committed, InFlightMessage, OrderedIntakeSender};
use crate::ingest::mqtt::reader::{MqttMessage, NO_SOURCE};
use crate::metrics::Metrics;
use crate::mqtt::{BackOff, BrokerLink, Handle, Incoming, LinkError, LinkOptions, Signal};

/// Maximum time for the last acknowledgements on shutdown.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// Reason for a connection's end.
#[derive(Debug)]
pub(super) enum ConnectionEnd {
    Stopped,
    Lost(LinkError),
    /// Messages were left with the broker for lack of room; now there is room, and a new connection brings them.
    LeftBehind,
}

/// State that outlives connections.
pub(super) struct Connection {
    pub broker: String,
    pub surroundings: IntakeContext,
    pub subscriptions: Subscriptions,
    pub payload_max_bytes: usize,
    pub window: Arc<InFlightLimit>,
    pub entrance: OrderedIntakeSender<AckToken>,
    /// Receives entries that are confirmed without being kept.
    pub kept: mpsc::UnboundedSender<Committed<AckToken>>,
    pub drop_watch: DropWatch,
    pub memory: SessionMemory,
    pub state: watch::Sender<ClientState>,
    pub stop: CancellationToken,
}

impl Connection {
    /// Reports that there is no connection.
    pub fn is_away(&self) {
        self.state.send_replace(ClientState::Away);
        self.surroundings.metrics.mqtt_connected(&self.broker, false);
    }

    /// The broker forgot our session: what it had kept for us is gone, though its senders got confirmations.
    fn tell_lost_session(&self) {
        warn!(
            broker = self.broker,
            "the broker forgot our session and what it had kept; it must keep sessions on disk"
        );
        self.surroundings.metrics.mqtt_session_lost(&self.broker);
        let event = session_lost(&self.broker, (self.surroundings.now)());
        tokio::spawn(raise(event, self.surroundings.intake.clone(), self.stop.clone()));
    }

    /// Connects, subscribes and receives until the end. A success resets the back-off.
    pub async fn run_session(
        &mut self,
        options: &LinkOptions,
        stop: &CancellationToken,
        back_off: &mut BackOff,
    ) -> ConnectionEnd {
        let (handle, mut link) = BrokerLink::open(options);
        match stop.run_until_cancelled(connected(&mut link)).await {
            None => return ConnectionEnd::Stopped,
            Some(Err(error)) => return ConnectionEnd::Lost(error),
            Some(Ok(session_present)) => {
                info!(broker = self.broker, session_present, "connected to the broker");
                if self.memory.connected(session_present) {
                    self.tell_lost_session();
                }
            }
        }
        self.state.send_if_modified(|state| match state {
            ClientState::Away => {
                *state = ClientState::Connected;
                true
            }
            // Reconnected without a loss, so no report is needed.
            ClientState::Connected | ClientState::Subscribed => false,
        });
        self.surroundings.metrics.mqtt_connected(&self.broker, true);
        let (answers, answers_receiver) = mpsc::channel(4);
        let state = self.state.clone();
        let subscribed = |all: bool| {
            back_off.reset();
            state.send_replace(if all { ClientState::Subscribed } else { ClientState::Connected });
        };
        let left_behind = AtomicBool::new(false);
        let mut receiver = MessageReceiver {
            broker: &self.broker,
            payload_max_bytes: self.payload_max_bytes,
            window: &self.window,
            entrance: &self.entrance,
            kept: &self.kept,
            drop_watch: &mut self.drop_watch,
            memory: &mut self.memory,
            intake: &self.surroundings.intake,
            metrics: &self.surroundings.metrics,
            handle: &handle,
            answers,
            left_behind: &left_behind,
        };
        let end = tokio::select! {
            error = receiver.receive(&mut link) => ConnectionEnd::Lost(error),
            () = self.window.wait_until(|window| window.messages() == 0 && left_behind.load(Ordering::Relaxed)) => ConnectionEnd::LeftBehind,
            error = self.subscriptions.keep(&handle, answers_receiver, subscribed) => ConnectionEnd::Lost(error),
            () = stop.cancelled() => ConnectionEnd::Stopped,
        };
        if matches!(end, ConnectionEnd::Stopped | ConnectionEnd::LeftBehind) {
            let left = tokio::time::timeout(FAREWELL_MAX, disconnect(&self.window, &handle, &mut link)).await;
            self.subscriptions.left();
            if left.is_ok() {
                self.surroundings.intake.note(self.memory.left());
            }
        }
        end
    }
}

/// Polls until the broker accepts us; returns true if it still had our session.
async fn connected(link: &mut BrokerLink) -> Result<bool, LinkError> {
    loop {
        if let Signal::Connected { session_present } = link.next().await? {
            return Ok(session_present);
        }
    }
}

/// Stops receiving; sends the acknowledgements of messages being committed, then disconnects properly.
async fn disconnect(window: &InFlightLimit, handle: &Handle, link: &mut BrokerLink) {
    let settled = async {
        window.wait_until(|window| window.messages() == 0).await;
        let _ = handle.disconnect().await;
    };
    // Until the broker closes: a socket closed with unread bytes resets the connection, and loses the last
    // acknowledgements. A message that arrives meanwhile stays unacknowledged, so it comes again.
    let polled = async { while link.next().await.is_ok() {} };
    tokio::join!(settled, polled);
}

/// The receiving side of one connection.
struct MessageReceiver<'c> {
    broker: &'c str,
    payload_max_bytes: usize,
    window: &'c Arc<InFlightLimit>,
    entrance: &'c OrderedIntakeSender<AckToken>,
    kept: &'c mpsc::UnboundedSender<Committed<AckToken>>,
    drop_watch: &'c mut DropWatch,
    memory: &'c mut SessionMemory,
    intake: &'c Intake,
    metrics: &'c Metrics,
    handle: &'c Handle,
    /// The broker's answers to subscribe requests.
    answers: mpsc::Sender<Vec<bool>>,
    /// True if a message of this connection was left with the broker.
    left_behind: &'c AtomicBool,
}

impl MessageReceiver<'_> {
    /// Never stops polling, because polling answers the broker's pings and writes acknowledgements.
    async fn receive(&mut self, link: &mut BrokerLink) -> LinkError {
        loop {
            match link.next().await {
                Ok(Signal::Message(incoming)) => self.take(incoming),
                Ok(Signal::Subscribed(answer)) => {
                    if answer.contains(&true)
                        && let Some(progress) = self.memory.subscribed()
                    {
                        self.intake.note(progress);
                    }
                    // At most one request is under way, so there is room; a surplus answer is ignored.
                    let _ = self.answers.try_send(answer);
                }
                Ok(Signal::Acknowledged(ack)) => self.memory.acknowledged(ack),
                Ok(Signal::PingSent) => self.memory.ping_sent(),
                Ok(Signal::PingAnswered) => {
                    if let Some(progress) = self.memory.ping_answered() {
                        self.intake.note(progress);
                    }
                }
                Ok(
                    Signal::Connected { .. } | Signal::PublishSent(_) | Signal::PublishAnswered { .. } | Signal::Other,
                ) => {}
                Err(error) => return error,
            }
        }
    }

    fn take(&mut self, incoming: Incoming) {
        let ticket = AckToken { handle: self.handle.clone(), ack: incoming.ack };
        if incoming.topic == DROPPED_TOPIC {
            if let Some(count) = self.drop_watch.take(&incoming.payload) {
                self.intake.note(self.memory.dropped(count));
            }
            let _ = self.kept.send(Committed { ticket, place: self.window.enter(0) });
            return;
        }
        if self.is_left_behind(&incoming) {
            return;
        }
        let is_history = self.memory.is_history(&incoming);
        let arrival = incoming.ack.map(|ack| self.memory.arrived(&incoming, ack));
        let mut message = MqttMessage::new(incoming.topic, incoming.payload, self.payload_max_bytes);
        message.arrival = arrival;
        message.is_history = is_history;
        message.retained = incoming.retained;
        let place = self.window.enter(message.bytes());
        report_unacknowledged(self.metrics, self.broker, self.window);
        if self.entrance.send(InFlightMessage { message, ticket, place }).is_err() {
            tracing::debug!(broker = self.broker, "a message came in after the stop; the broker keeps it");
        }
    }

    /// Without room a message is not accepted: unacknowledged, it stays with the broker, which sends it again on the
    /// next connection. Later messages must stay behind it. Reading less is impossible: rumqttc reads while it writes,
    /// and some brokers send more than they were allowed to.
    fn is_left_behind(&self, incoming: &Incoming) -> bool {
        let has_room = self.window.has_room();
        if incoming.ack.is_none() {
            if !has_room {
                self.metrics.event_refused("mqtt", NO_SOURCE, "no_room_at_qos_0");
            }
            return !has_room;
        }
        if !has_room && !self.left_behind.swap(true, Ordering::Relaxed) {
            info!(broker = self.broker, "no room for more messages; the broker keeps them until these are committed");
        }
        self.left_behind.load(Ordering::Relaxed)
    }
}
