//! One connection of the consuming client, from its making to its loss.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::drops::{DROPPED_TOPIC, DropWatch};
use super::subscriptions::Subscriptions;
use super::{AckToken, ClientState, report_unacknowledged};
use crate::ingest::mqtt::IntakeContext;
use crate::ingest::mqtt::in_flight::InFlightLimit;
use crate::ingest::mqtt::ordered_intake::{Committed, InFlightMessage, OrderedIntakeSender};
use crate::ingest::mqtt::reader::{MqttMessage, NO_SOURCE};
use crate::metrics::Metrics;
use crate::mqtt::{BackOff, BrokerLink, Handle, Incoming, LinkError, LinkOptions, Signal};

/// How long the last acknowledgements may take at the end.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum ConnectionEnd {
    Stopped,
    Lost(LinkError),
    /// Messages were left with the broker for want of room; now there is room, and a new connection brings them.
    LeftBehind,
}

/// What lasts over connections.
pub(super) struct Connection {
    pub broker: String,
    pub surroundings: IntakeContext,
    pub subscriptions: Subscriptions,
    pub payload_max_bytes: usize,
    pub window: Arc<InFlightLimit>,
    pub entrance: OrderedIntakeSender<AckToken>,
    /// For what is confirmed without being kept.
    pub kept: mpsc::UnboundedSender<Committed<AckToken>>,
    pub drop_watch: DropWatch,
    pub state: watch::Sender<ClientState>,
}

impl Connection {
    /// Says that there is no connection.
    pub fn is_away(&self) {
        self.state.send_replace(ClientState::Away);
        self.surroundings.metrics.mqtt_connected(&self.broker, false);
    }

    /// Connects, subscribes and receives until it is over. Success begins the back-off anew.
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
            Some(Ok(session_present)) => info!(broker = self.broker, session_present, "connected to the broker"),
        }
        self.state.send_if_modified(|state| match state {
            ClientState::Away => {
                *state = ClientState::Connected;
                true
            }
            // Made anew without a loss: nothing that anybody must know.
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
            let _ = tokio::time::timeout(FAREWELL_MAX, disconnect(&self.window, &handle, &mut link)).await;
        }
        end
    }
}

/// Polls until the broker took us; whether it still had our session.
async fn connected(link: &mut BrokerLink) -> Result<bool, LinkError> {
    loop {
        if let Signal::Connected { session_present } = link.next().await? {
            return Ok(session_present);
        }
    }
}

/// Receives no more; the acknowledgements of what is being committed still go out, then a proper goodbye.
async fn disconnect(window: &InFlightLimit, handle: &Handle, link: &mut BrokerLink) {
    let settled = async {
        window.wait_until(|window| window.messages() == 0).await;
        let _ = handle.disconnect().await;
    };
    // Until the broker closes: a socket that is closed with unread bytes resets the connection, and the last
    // acknowledgements are lost with it. What comes meanwhile stays unacknowledged, so it comes again.
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
    metrics: &'c Metrics,
    handle: &'c Handle,
    /// The broker's answers to subscribe requests.
    answers: mpsc::Sender<Vec<bool>>,
    /// Whether a message of this connection was not taken.
    left_behind: &'c AtomicBool,
}

impl MessageReceiver<'_> {
    /// Never stops polling: it is what answers the broker's pings and writes acknowledgements.
    async fn receive(&mut self, link: &mut BrokerLink) -> LinkError {
        loop {
            match link.next().await {
                Ok(Signal::Message(incoming)) => self.take(incoming),
                Ok(Signal::Subscribed(answer)) => {
                    // At most one request is under way, so there is room; a surplus answer means nothing.
                    let _ = self.answers.try_send(answer);
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
            self.drop_watch.take(&incoming.payload);
            let _ = self.kept.send(Committed { ticket, place: self.window.enter(0) });
            return;
        }
        if self.is_left_behind(&incoming) {
            return;
        }
        let mut message = MqttMessage::new(incoming.topic, incoming.payload, self.payload_max_bytes);
        message.dup = incoming.dup;
        message.retained = incoming.retained;
        let place = self.window.enter(message.bytes());
        report_unacknowledged(self.metrics, self.broker, self.window);
        if self.entrance.send(InFlightMessage { message, ticket, place }).is_err() {
            tracing::debug!(broker = self.broker, "a message came in after the stop; the broker keeps it");
        }
    }

    /// Without room a message is not taken: unacknowledged, it stays with the broker, which sends it again on the next
    /// connection. What comes behind it must stay behind it. Reading less is no way: rumqttc reads while it writes, and
    /// some brokers send more than they were allowed to.
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
