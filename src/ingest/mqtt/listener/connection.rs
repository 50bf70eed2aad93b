//! One device's connection: CONNECT, then publishes in and confirmations out, until somebody ends it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, LastWill, Packet, Publish, SubAck, Subscribe, SubscribeReasonCode, UnsubAck,
};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::framing::{Frame, Frames, LongPublish, NoFrame};
use super::handshake::{PublishPermission, admit, foreign_answer};
use super::refusal::ConnectRefusal;
use super::writer::{ReplyToken, WriteFailure, encode, write, write_answers};
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
    /// It vanished or was refused.
    Lost,
    /// It came again on another connection, so its will is void here too: it is alive.
    TakenOver,
    /// We stop. Not the client's end, so no last will either.
    Stopped,
}

/// A client that came in.
struct ConnectedClient {
    peer: SocketAddr,
    shared: Arc<Shared>,
    permit: PublishPermission,
    /// Cancelled by a newer connection of the same client, by a failure to write, and by the stop of the listener.
    gone: CancellationToken,
    window: Arc<InFlightLimit>,
    entrance: OrderedIntakeSender<ReplyToken>,
    replies: mpsc::Sender<Packet>,
    silence_max: Duration,
}

pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    serial: u64,
    gone: CancellationToken,
    shared: Arc<Shared>,
) {
    // Only a delay of small answers if it fails.
    let _ = stream.set_nodelay(true);
    let (read_half, mut write_half) = stream.into_split();
    let settings = &shared.settings;
    let large = Arc::clone(&shared.large_packets);
    let mut frames = Frames::new(read_half, settings.payload_max_bytes, settings.patience, large);
    let handshake = shake_hands(&mut frames, &mut write_half, &shared);
    let (connect, permit) = match gone.run_until_cancelled(handshake).await {
        None => return,
        Some(Ok(admitted)) => admitted,
        Some(Err(refusal)) => return shared.refuse(peer, refusal),
    };
    let will = connect.last_will.as_ref().map(|will| {
        let allowed = (permit.may_publish)(&will.topic);
        (will.clone(), (!allowed).then(|| permit.name.clone()))
    });
    // The same client id under another token is another device.
    let client_id = (permit.name.clone(), connect.client_id.clone());
    if !connect.client_id.is_empty() {
        shared.enter(&client_id, serial, &gone);
    }
    let end = run_session(frames, write_half, &connect, permit, peer, &gone, Arc::clone(&shared)).await;
    let end = if end == SessionEnd::Stopped && shared.is_taken_over(&client_id, serial) {
        SessionEnd::TakenOver
    } else {
        end
    };
    match end {
        SessionEnd::TakenOver => shared.refuse(peer, ConnectRefusal::TakenOver),
        SessionEnd::Lost => {
            if let Some((will, unpermitted)) = &will {
                execute(will, unpermitted.clone(), &shared).await;
            }
        }
        SessionEnd::Goodbye | SessionEnd::Stopped => {}
    }
    shared.leave(&client_id, serial);
}

async fn shake_hands(
    frames: &mut Frames,
    socket: &mut OwnedWriteHalf,
    shared: &Shared,
) -> Result<(Connect, PublishPermission), ConnectRefusal> {
    let patience = shared.settings.patience;
    let mut answer = BytesMut::new();
    // The whole of it within the patience: no byte now and then to keep a place occupied.
    let first = tokio::time::timeout(patience, frames.next(patience)).await.unwrap_or(Err(NoFrame::Silent));
    let outcome = match first {
        Ok(Frame::Packet(Packet::Connect(connect))) => match admit(&connect, &shared.settings).await {
            Ok(permit) => {
                encode(&Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false)), &mut answer);
                Ok((connect, permit))
            }
            Err((refusal, no)) => {
                encode(&Packet::ConnAck(no), &mut answer);
                Err(refusal)
            }
        },
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

/// Takes the client's messages in until the end, and confirms all that are kept before it returns.
async fn run_session(
    mut frames: Frames,
    mut socket: OwnedWriteHalf,
    connect: &Connect,
    permit: PublishPermission,
    peer: SocketAddr,
    gone: &CancellationToken,
    shared: Arc<Shared>,
) -> SessionEnd {
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
    let client = ConnectedClient { peer, shared, permit, gone: gone.clone(), window, entrance, replies, silence_max };
    let shared = Arc::clone(&client.shared);
    let reading = async {
        let end = client.read_all(&mut frames).await;
        if end == SessionEnd::Lost {
            given_up.cancel();
        }
        drop(client);
        end
    };
    let writing = async {
        let written = write_answers(&mut socket, kept_receiver, replies_receiver, patience).await;
        if written.is_err() {
            gone.cancel();
        }
        written
    };
    let (end, written) = tokio::join!(reading, writing);
    // A lane that failed was aborted with its runtime.
    let _ = lane_work.await;
    match written {
        Ok(()) => end,
        Err(failure) => {
            if failure == WriteFailure::Slow {
                shared.refuse(peer, ConnectRefusal::SlowReceiver);
            }
            if end == SessionEnd::Stopped { SessionEnd::Lost } else { end }
        }
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
            let refusal = match frame {
                Ok(Frame::Packet(Packet::Disconnect)) => return SessionEnd::Goodbye,
                Ok(frame) => self.take(frame).await,
                Err(NoFrame::Closed) => return SessionEnd::Lost,
                Err(NoFrame::Silent) => Err(ConnectRefusal::KeepAlive),
                Err(NoFrame::Refused(refusal)) => Err(refusal),
            };
            if let Err(refusal) = refusal {
                self.shared.refuse(self.peer, refusal);
                return SessionEnd::Lost;
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
            Frame::Packet(Packet::PingReq) => self.reply(Packet::PingResp).await,
            Frame::Packet(Packet::Subscribe(subscribe)) => self.subscribe(&subscribe).await,
            Frame::Packet(Packet::Unsubscribe(unsubscribe)) => {
                self.reply(Packet::UnsubAck(UnsubAck::new(unsubscribe.pkid))).await
            }
            Frame::ForeignConnect(_)
            | Frame::Packet(
                Packet::Connect(_)
                | Packet::ConnAck(_)
                | Packet::PubAck(_)
                | Packet::PubRec(_)
                | Packet::PubRel(_)
                | Packet::PubComp(_)
                | Packet::SubAck(_)
                | Packet::UnsubAck(_)
                | Packet::PingResp
                | Packet::Disconnect,
            ) => Err(ConnectRefusal::UnexpectedPacket),
        }
    }

    fn publish(&self, publish: Publish) -> Result<(), ConnectRefusal> {
        let packet_id = match publish.qos {
            QoS::AtMostOnce => None,
            QoS::AtLeastOnce => Some(publish.pkid),
            QoS::ExactlyOnce => return Err(ConnectRefusal::Qos2),
        };
        let mut message = MqttMessage::new(publish.topic, publish.payload, self.shared.settings.payload_max_bytes);
        message.dup = publish.dup;
        self.hand_over(message, packet_id)
    }

    fn publish_long(&self, long: LongPublish) -> Result<(), ConnectRefusal> {
        self.hand_over(MqttMessage::cut(long.topic, long.beginning, long.payload_bytes), long.packet_id)
    }

    fn hand_over(&self, mut message: MqttMessage, packet_id: Option<u16>) -> Result<(), ConnectRefusal> {
        if !is_publishable(&message.topic) {
            return Err(ConnectRefusal::Topic);
        }
        if !(self.permit.may_publish)(&message.topic) {
            message.unpermitted = Some(self.permit.name.clone());
        }
        let ticket = ReplyToken { packet_id, shared: self.shared.window.enter(message.bytes()) };
        let place = self.window.enter(0);
        // A lane that is given up takes nothing more; neither does this connection then.
        let _ = self.entrance.send(InFlightMessage { message, ticket, place });
        Ok(())
    }

    async fn subscribe(&self, subscribe: &Subscribe) -> Result<(), ConnectRefusal> {
        self.shared.refuse(self.peer, ConnectRefusal::Subscribe);
        let codes = vec![SubscribeReasonCode::Failure; subscribe.filters.len()];
        self.reply(Packet::SubAck(SubAck::new(subscribe.pkid, codes))).await
    }

    async fn reply(&self, packet: Packet) -> Result<(), ConnectRefusal> {
        // The writer is gone with its socket; reading ends at once then.
        let _ = self.gone.run_until_cancelled(self.replies.send(packet)).await;
        Ok(())
    }
}

/// Takes in the last will of a client that vanished, as a message of its own.
async fn execute(will: &LastWill, unpermitted: Option<String>, shared: &Arc<Shared>) {
    let (kept, mut kept_receiver) = mpsc::unbounded_channel::<Committed<()>>();
    let (entrance, work) = lane(Arc::clone(&shared.reader), kept, shared.stop.clone());
    let mut message = MqttMessage::new(will.topic.clone(), will.message.clone(), shared.settings.payload_max_bytes);
    message.unpermitted = unpermitted;
    let place = shared.window.enter(message.bytes());
    let _ = entrance.send(InFlightMessage { message, ticket: (), place });
    drop(entrance);
    tokio::join!(work, async { while kept_receiver.recv().await.is_some() {} });
}
