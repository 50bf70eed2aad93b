//! The answers of one connection: confirmations of what is kept, and what the protocol owes otherwise.

use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{Packet, PubAck};
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc;

use crate::ingest::mqtt::in_flight::InFlightPermit;
use crate::ingest::mqtt::ordered_intake::Committed;

/// Confirmations written at once.
const BATCH_MAX: usize = 256;

/// What confirms a message of this connection.
pub(super) struct ReplyToken {
    /// `None`: QoS 0, nothing to confirm.
    pub packet_id: Option<u16>,
    /// Its place in the window of all connections.
    pub shared: InFlightPermit,
}

/// Why writing ended early.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WriteFailure {
    Closed,
    /// The client did not take its answers in time.
    Slow,
}

/// Writes until both channels are closed and everything is written.
pub(super) async fn write_answers(
    socket: &mut OwnedWriteHalf,
    mut kept: mpsc::UnboundedReceiver<Committed<ReplyToken>>,
    mut replies: mpsc::Receiver<Packet>,
    patience: Duration,
) -> Result<(), WriteFailure> {
    let mut buffer = BytesMut::new();
    let mut batch = Vec::new();
    let (mut confirms, mut replying) = (true, true);
    while confirms || replying {
        tokio::select! {
            received = kept.recv_many(&mut batch, BATCH_MAX), if confirms => {
                confirms = received > 0;
                for message in &batch {
                    if let Some(packet_id) = message.ticket.packet_id {
                        encode(&Packet::PubAck(PubAck::new(packet_id)), &mut buffer);
                    }
                }
            }
            reply = replies.recv(), if replying => match reply {
                Some(packet) => encode(&packet, &mut buffer),
                None => replying = false,
            },
        }
        write(socket, &mut buffer, patience).await?;
        for Committed { ticket, place } in batch.drain(..) {
            drop((ticket.shared, place));
        }
    }
    Ok(())
}

/// Writes and empties the buffer.
pub(super) async fn write(
    socket: &mut OwnedWriteHalf,
    buffer: &mut BytesMut,
    patience: Duration,
) -> Result<(), WriteFailure> {
    match tokio::time::timeout(patience, socket.write_all_buf(buffer)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(WriteFailure::Closed),
        Err(_) => Err(WriteFailure::Slow),
    }
}

pub(super) fn encode(packet: &Packet, buffer: &mut BytesMut) {
    packet.write(buffer, usize::MAX).expect("our answers are short and have packet ids that a client sent");
}
