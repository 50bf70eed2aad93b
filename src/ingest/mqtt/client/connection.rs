//! One connection of the consuming client, from its making to its loss.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::drops::{DROPPED_TOPIC, DropWatch};
use super::subscriptions::Subscriptions;
use super::{ClientState, Ticket, report_unacknowledged};
use crate::broker::{BackOff, Handle, Incoming, Link, LinkError, LinkOptions, Signal};
use crate::ingest::mqtt::Surroundings;
use crate::ingest::mqtt::lane::{Entry, Kept, LaneSender};
use crate::ingest::mqtt::reading::Message;
use crate::ingest::mqtt::window::Window;
use crate::metrics::Metrics;

/// How long the last acknowledgements may take at the end.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum End {
    Stopped,
    Lost(LinkError),
    /// Nothing could be kept for so long that the connection was let go.
    NoRoom,
}

/// What lasts over connections.
pub(super) struct Connection {
    pub broker: String,
    pub surroundings: Surroundings,
    pub subscriptions: Subscriptions,
    pub payload_max_bytes: usize,
    /// Without reading there is no ping either: shorter than what the broker allows.
    pub stall_max: Duration,
    pub window: Arc<Window>,
    pub entrance: LaneSender<Ticket>,
    /// For what is confirmed without being kept.
    pub kept: mpsc::UnboundedSender<Kept<Ticket>>,
    pub drop_watch: DropWatch,
    pub state: watch::Sender<ClientState>,
}

impl Connection {
    /// Connects, subscribes and receives until it is over. Success begins the back-off anew.
    pub async fn attend(&mut self, options: &LinkOptions, stop: &CancellationToken, back_off: &mut BackOff) -> End {
        let (handle, mut link) = Link::open(options);
        match stop.run_until_cancelled(connected(&mut link)).await {
            None => return End::Stopped,
            Some(Err(error)) => return End::Lost(error),
            Some(Ok(session_present)) => info!(broker = self.broker, session_present, "connected to the broker"),
        }
        self.state.send_replace(ClientState::Connected);
        self.surroundings.metrics.mqtt_connected(&self.broker, true);
        let (answers, answers_receiver) = mpsc::channel(4);
        let state = self.state.clone();
        let subscribed = |all: bool| {
            back_off.reset();
            state.send_replace(if all { ClientState::Subscribed } else { ClientState::Connected });
        };
        let mut receiver = Receiver {
            broker: &self.broker,
            payload_max_bytes: self.payload_max_bytes,
            stall_max: self.stall_max,
            window: &self.window,
            entrance: &self.entrance,
            kept: &self.kept,
            drop_watch: &mut self.drop_watch,
            metrics: &self.surroundings.metrics,
            handle: &handle,
            answers,
        };
        let end = tokio::select! {
            end = receiver.receive(&mut link) => end,
            error = self.subscriptions.keep(&handle, answers_receiver, subscribed) => End::Lost(error),
            () = stop.cancelled() => End::Stopped,
        };
        if matches!(end, End::Stopped) {
            let _ = tokio::time::timeout(FAREWELL_MAX, farewell(&self.window, &handle, &mut link)).await;
        }
        end
    }
}

/// Polls until the broker took us; whether it still had our session.
async fn connected(link: &mut Link) -> Result<bool, LinkError> {
    loop {
        if let Signal::Connected { session_present } = link.next().await? {
            return Ok(session_present);
        }
    }
}

/// Receives no more; the acknowledgements of what is being committed still go out, then a proper goodbye.
async fn farewell(window: &Window, handle: &Handle, link: &mut Link) {
    let settled = async {
        window.wait_until(|window| window.messages() == 0).await;
        let _ = handle.disconnect().await;
    };
    let polled = async {
        // What comes meanwhile stays unacknowledged, so it comes again after the next start.
        while let Ok(signal) = link.next().await {
            if matches!(signal, Signal::Disconnected) {
                return;
            }
        }
    };
    tokio::join!(settled, polled);
}

/// The receiving side of one connection.
struct Receiver<'c> {
    broker: &'c str,
    payload_max_bytes: usize,
    stall_max: Duration,
    window: &'c Arc<Window>,
    entrance: &'c LaneSender<Ticket>,
    kept: &'c mpsc::UnboundedSender<Kept<Ticket>>,
    drop_watch: &'c mut DropWatch,
    metrics: &'c Metrics,
    handle: &'c Handle,
    /// The broker's answers to subscribe requests.
    answers: mpsc::Sender<Vec<bool>>,
}

impl Receiver<'_> {
    async fn receive(&mut self, link: &mut Link) -> End {
        loop {
            // Polling is what reads; but it also writes acknowledgements, which make room.
            let may_poll = |window: &Window| window.has_room() || self.handle.acks_waiting() > 0;
            if !may_poll(self.window)
                && tokio::time::timeout(self.stall_max, self.window.wait_until(may_poll)).await.is_err()
            {
                return End::NoRoom;
            }
            match link.next().await {
                Ok(Signal::Message(incoming)) => self.take(incoming),
                Ok(Signal::Subscribed(answer)) => {
                    // At most one request is under way, so there is room; a surplus answer means nothing.
                    let _ = self.answers.try_send(answer);
                }
                Ok(
                    Signal::Connected { .. }
                    | Signal::PublishSent(_)
                    | Signal::PublishAnswered { .. }
                    | Signal::Disconnected
                    | Signal::Other,
                ) => {}
                Err(error) => return End::Lost(error),
            }
        }
    }

    fn take(&mut self, incoming: Incoming) {
        let ticket = Ticket { handle: self.handle.clone(), ack: incoming.ack };
        if incoming.topic == DROPPED_TOPIC {
            self.drop_watch.take(&incoming.payload);
            let _ = self.kept.send(Kept { ticket, place: self.window.enter(0) });
            return;
        }
        let mut message = Message::new(incoming.topic, incoming.payload, self.payload_max_bytes);
        message.dup = incoming.dup;
        message.retained = incoming.retained;
        let place = self.window.enter(message.bytes());
        report_unacknowledged(self.metrics, self.broker, self.window);
        if self.entrance.send(Entry { message, ticket, place }).is_err() {
            tracing::debug!(broker = self.broker, "a message came in after the stop; the broker keeps it");
        }
    }
}
