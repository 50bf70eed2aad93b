//! One device's connection: CONNECT, then publishes in and confirmations out, until somebody ends it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::addresses::AddressSlot;
use super::authentication::PublishPermission;
use super::framing::{Frame, Frames, LongPublish, NoFrame};
use super::handshake::{admit, foreign_answer};
use super::packets::{Connect, Packet, Publish, Version, Will};
use super::refusal::ConnectRefusal;
use super::replies::{Farewell, Reply, Welcome};
use super::shared::Shared;
use super::transport;
use super::transport::{ClientCertificate, Transport, WriteHalf};
use super::writer::{ReplyToken, WriteFailure, write, write_answers};
use crate::ingest::mqtt::in_flight::InFlightLimit;
use crate::ingest::mqtt::ordered_intake::{Committed, InFlightMessage, OrderedIntakeSender, lane};
use crate::ingest::mqtt::reader::MqttMessage;
use crate::ingest::mqtt::topic::is_publishable;

/// A client without keep-alive may be silent for a day; then we take it for gone.
const SILENCE_MAX: Duration = Duration::from_secs(86_400);

/// Answers other than confirmations that may wait to be written; a client that asks for more is read no further.
const REPLIES_WAITING_MAX: usize = 64;

/// How a connection ended.
#[derive(Debug, PartialEq)]
enum SessionEnd {
    /// The client said DISCONNECT: its last will is void.
    Goodbye,
    /// It vanished, or wants its will said.
    Lost,
    Refused(ConnectRefusal),
    /// It came again on another connection, so its will is void here too: it is alive.
    TakenOver,
    /// We stop. Not the client's end, so no last will either.
    Stopped,
}

/// A connection on which a client came in.
struct AcceptedClient {
    frames: Frames,
    socket: WriteHalf,
    connect: Connect,
    permit: PublishPermission,
}

/// A client that came in.
struct ConnectedClient {
    peer: SocketAddr,
    version: Version,
    shared: Arc<Shared>,
    permit: PublishPermission,
    /// Cancelled by a newer connection of the same client, by a failure to write, and by the stop of the listener.
    gone: CancellationToken,
    window: Arc<InFlightLimit>,
    entrance: OrderedIntakeSender<ReplyToken>,
    replies: mpsc::Sender<Reply>,
    silence_max: Duration,
    /// One line of the log a connection for publishes that are not permitted.
    warned: AtomicBool,
}

pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    mut place: AddressSlot,
    serial: u64,
    gone: CancellationToken,
    shared: Arc<Shared>,
) {
    // Only a delay of small answers if it fails.
    let _ = stream.set_nodelay(true);
    let arrival = match gone.run_until_cancelled(arrive(stream, &place, serial, &shared)).await {
        None => return,
        Some(Ok(arrival)) => arrival,
        Some(Err(refusal)) => return shared.refuse(peer, refusal),
    };
    place.settle();
    let will = arrival.connect.will.clone();
    // The same client id under another token is another device.
    let client_id = (arrival.permit.name.clone(), arrival.connect.client_id.clone());
    if !client_id.1.is_empty() {
        shared.enter(&client_id, serial, &gone);
    }
    let is_taken_over = || shared.is_taken_over(&client_id, serial);
    match run_session(arrival, peer, &gone, is_taken_over, Arc::clone(&shared)).await {
        SessionEnd::TakenOver => shared.refuse(peer, ConnectRefusal::TakenOver),
        SessionEnd::Lost | SessionEnd::Refused(_) => {
            if let Some(will) = &will {
                execute(will, &shared).await;
            }
        }
        SessionEnd::Goodbye | SessionEnd::Stopped => {}
    }
    shared.leave(&client_id, serial);
}

/// From the first byte to the welcome.
async fn arrive(
    stream: TcpStream,
    place: &AddressSlot,
    serial: u64,
    shared: &Shared,
) -> Result<AcceptedClient, ConnectRefusal> {
    let settings = &shared.settings;
    let transport = transport::open(stream, settings.tls.as_ref(), settings.patience).await?;
    let Transport { reader, writer: mut socket, certificate } = transport;
    let mut frames = Frames::new(reader, settings.payload_max_bytes, settings.patience, place.assembly());
    let (connect, permit) = shake_hands(&mut frames, &mut socket, certificate, place, serial, shared).await?;
    Ok(AcceptedClient { frames, socket, connect, permit })
}

async fn shake_hands(
    frames: &mut Frames,
    socket: &mut WriteHalf,
    certificate: Option<ClientCertificate>,
    place: &AddressSlot,
    serial: u64,
    shared: &Shared,
) -> Result<(Connect, PublishPermission), ConnectRefusal> {
    let patience = shared.settings.patience;
    let mut answer = BytesMut::new();
    // The whole of it within the patience: no byte now and then to keep a place occupied.
    let first = tokio::time::timeout(patience, frames.next(patience)).await.unwrap_or(Err(NoFrame::Silent));
    let outcome = match first {
        Ok(Frame::Packet(Packet::Connect(connect))) => {
            if !place.login_delay().is_zero() {
                shared.count(ConnectRefusal::LoginDelayed);
            }
            match admit(&connect, certificate, place, &shared.settings).await {
                Ok(permit) => {
                    shared.welcome(&connect, serial).encode(connect.version, &mut answer);
                    Ok((*connect, permit))
                }
                Err(refusal) => {
                    Reply::Refused(refusal).encode(connect.version, &mut answer);
                    Err(refusal)
                }
            }
        }
        Ok(Frame::ForeignConnect(level)) => {
            answer.extend_from_slice(foreign_answer(level));
            Err(ConnectRefusal::ProtocolVersion)
        }
        Ok(Frame::Packet(_) | Frame::LongPublish(_)) => Err(ConnectRefusal::UnexpectedPacket),
        Err(NoFrame::Refused(refusal)) => Err(refusal),
        Err(NoFrame::Closed | NoFrame::Silent) => Err(ConnectRefusal::NoConnect),
    };
    match write(socket, &mut answer, patience).await {
        Ok(()) => outcome,
        Err(WriteFailure::Closed) => outcome.and(Err(ConnectRefusal::NoConnect)),
        Err(WriteFailure::Slow) => outcome.and(Err(ConnectRefusal::SlowReceiver)),
    }
}

/// Takes the client's messages in until the end, confirms all that are kept, and says goodbye if we end it.
async fn run_session(
    arrival: AcceptedClient,
    peer: SocketAddr,
    gone: &CancellationToken,
    is_taken_over: impl Fn() -> bool,
    shared: Arc<Shared>,
) -> SessionEnd {
    let AcceptedClient { mut frames, mut socket, connect, permit } = arrival;
    let version = connect.version;
    let (kept, kept_receiver) = mpsc::unbounded_channel();
    // A message that is refused after its connection was lost is its sender's to send again.
    let given_up = gone.child_token();
    let (entrance, lane_work) = lane(Arc::clone(&shared.reader), kept, given_up.clone());
    let lane_work = shared.tasks.spawn(lane_work);
    let (replies, replies_receiver) = mpsc::channel(REPLIES_WAITING_MAX);
    let patience = shared.settings.patience;
    let silence_max = match connect.keep_alive {
        0 => SILENCE_MAX,
        seconds => Duration::from_secs(seconds.into()) * 3 / 2,
    };
    let window = InFlightLimit::new(shared.settings.unacknowledged_max, usize::MAX);
    let (gone_too, warned) = (gone.clone(), AtomicBool::new(false));
    let client = ConnectedClient {
        peer,
        version,
        shared,
        permit,
        gone: gone_too,
        window,
        entrance,
        replies,
        silence_max,
        warned,
    };
    let shared = Arc::clone(&client.shared);
    let reading = async {
        let end = client.read_all(&mut frames).await;
        if matches!(end, SessionEnd::Lost | SessionEnd::Refused(_)) {
            given_up.cancel();
        }
        drop(client);
        end
    };
    let writing = async {
        let written = write_answers(&mut socket, kept_receiver, replies_receiver, version, patience).await;
        if written.is_err() {
            gone.cancel();
        }
        written
    };
    let (end, written) = tokio::join!(reading, writing);
    // A lane that failed was aborted with its runtime.
    let _ = lane_work.await;
    let end = if end == SessionEnd::Stopped && is_taken_over() { SessionEnd::TakenOver } else { end };
    match written {
        Ok(()) => {
            say_goodbye(&end, &mut socket, version, patience).await;
            end
        }
        Err(failure) => {
            if failure == WriteFailure::Slow {
                shared.refuse(peer, ConnectRefusal::SlowReceiver);
            }
            if end == SessionEnd::Stopped { SessionEnd::Lost } else { end }
        }
    }
}

/// Why we end the connection, to a client that can understand it.
async fn say_goodbye(end: &SessionEnd, socket: &mut WriteHalf, version: Version, patience: Duration) {
    let farewell = match end {
        SessionEnd::Goodbye | SessionEnd::Lost => return,
        SessionEnd::Refused(refusal) => Farewell::Refused(*refusal),
        SessionEnd::TakenOver => Farewell::Refused(ConnectRefusal::TakenOver),
        SessionEnd::Stopped => Farewell::ShuttingDown,
    };
    let mut bytes = BytesMut::new();
    Reply::Disconnect(farewell).encode(version, &mut bytes);
    // The connection ends whether it is heard or not.
    let _ = write(socket, &mut bytes, patience).await;
}

impl Shared {
    fn welcome(&self, connect: &Connect, serial: u64) -> Reply {
        let is_nameless = connect.client_id.is_empty();
        Reply::Welcome(Welcome {
            assigned_client_id: is_nameless.then(|| format!("watchfire-{serial}")),
            receive_maximum: u16::try_from(self.settings.unacknowledged_max).unwrap_or(u16::MAX).max(1),
        })
    }
}

impl ConnectedClient {
    async fn read_all(&self, frames: &mut Frames) -> SessionEnd {
        loop {
            if self.gone.run_until_cancelled(self.room()).await.is_none() {
                return SessionEnd::Stopped;
            }
            let Some(frame) = self.gone.run_until_cancelled(frames.next(self.silence_max)).await else {
                return SessionEnd::Stopped;
            };
            let taken = match frame {
                Ok(Frame::Packet(Packet::Disconnect { with_will: false })) => return SessionEnd::Goodbye,
                Ok(Frame::Packet(Packet::Disconnect { with_will: true })) => return SessionEnd::Lost,
                Ok(frame) => self.take(frame).await,
                Err(NoFrame::Closed) => return SessionEnd::Lost,
                Err(NoFrame::Silent) => Err(ConnectRefusal::KeepAlive),
                Err(NoFrame::Refused(refusal)) => Err(refusal),
            };
            if let Err(refusal) = taken {
                self.shared.refuse(self.peer, refusal);
                return SessionEnd::Refused(refusal);
            }
        }
    }

    /// Until both this connection and all of them together have room for another message.
    async fn room(&self) {
        while !(self.window.has_room() && self.shared.window.has_room()) {
            self.window.wait_until(InFlightLimit::has_room).await;
            self.shared.window.wait_until(InFlightLimit::has_room).await;
        }
    }

    async fn take(&self, frame: Frame) -> Result<(), ConnectRefusal> {
        match frame {
            Frame::Packet(Packet::Publish(publish)) => self.publish(publish),
            Frame::LongPublish(long) => self.publish_long(long),
            Frame::Packet(Packet::PingReq) => self.reply(Reply::PingResp).await,
            Frame::Packet(Packet::Subscribe { packet_id, filters }) => {
                self.shared.refuse(self.peer, ConnectRefusal::Subscribe);
                self.reply(Reply::SubscribedToNothing { packet_id, filters }).await
            }
            Frame::Packet(Packet::Unsubscribe { packet_id, filters }) => {
                self.reply(Reply::Unsubscribed { packet_id, filters }).await
            }
            Frame::ForeignConnect(_) | Frame::Packet(Packet::Connect(_) | Packet::Disconnect { .. }) => {
                Err(ConnectRefusal::UnexpectedPacket)
            }
        }
    }

    fn publish(&self, publish: Publish) -> Result<(), ConnectRefusal> {
        let mut message = MqttMessage::new(publish.topic, publish.payload, self.shared.settings.payload_max_bytes);
        message.dup = publish.dup;
        self.hand_over(message, publish.packet_id)
    }

    fn publish_long(&self, long: LongPublish) -> Result<(), ConnectRefusal> {
        self.hand_over(MqttMessage::cut(long.topic, long.beginning, long.payload_bytes), long.packet_id)
    }

    fn hand_over(&self, mut message: MqttMessage, packet_id: Option<u16>) -> Result<(), ConnectRefusal> {
        if !is_publishable(&message.topic) {
            return Err(ConnectRefusal::Topic);
        }
        message.is_permitted = (self.permit.may_publish)(&message.topic);
        if !message.is_permitted {
            self.warn_of(&message.topic);
            // Only a confirmation of version 5 can say no to a single message.
            if self.version == Version::V4 || packet_id.is_none() {
                return Err(ConnectRefusal::NotPermitted);
            }
            self.shared.refuse(self.peer, ConnectRefusal::NotPermitted);
        }
        let is_permitted = message.is_permitted;
        let ticket = ReplyToken { packet_id, is_permitted, shared: self.shared.window.enter(message.bytes()) };
        let place = self.window.enter(0);
        // A lane that is given up takes nothing more; neither does this connection then.
        let _ = self.entrance.send(InFlightMessage { message, ticket, place });
        Ok(())
    }

    fn warn_of(&self, topic: &str) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            let topic: String = topic.chars().take(200).collect();
            tracing::warn!(
                token = self.permit.name,
                topic,
                peer = %self.peer,
                "a publish is refused: this token may not publish on that topic; give the device a token of the topic's source"
            );
        }
    }

    async fn reply(&self, answer: Reply) -> Result<(), ConnectRefusal> {
        // The writer is gone with its socket; reading ends at once then.
        let _ = self.gone.run_until_cancelled(self.replies.send(answer)).await;
        Ok(())
    }
}

/// Takes in the last will of a client that vanished, as a message of its own.
async fn execute(will: &Will, shared: &Arc<Shared>) {
    let (kept, mut kept_receiver) = mpsc::unbounded_channel::<Committed<()>>();
    let (entrance, work) = lane(Arc::clone(&shared.reader), kept, shared.stop.clone());
    let message = MqttMessage::new(will.topic.clone(), will.message.clone(), shared.settings.payload_max_bytes);
    let place = shared.window.enter(message.bytes());
    let _ = entrance.send(InFlightMessage { message, ticket: (), place });
    drop(entrance);
    tokio::join!(work, async { while kept_receiver.recv().await.is_some() {} });
}
