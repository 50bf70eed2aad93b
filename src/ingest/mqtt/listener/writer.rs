//! The answers of one connection: confirmations of what is kept, and what the protocol owes otherwise.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use super::packets::Version;
use super::replies::Reply;
use super::transport::WriteHalf;
use crate::ingest::mqtt::in_flight::InFlightPermit;
use crate::ingest::mqtt::ordered_intake::Committed;

/// Confirmations written at once.
const BATCH_MAX: usize = 256;

/// What confirms a message of this connection.
pub(super) struct ReplyToken {
    /// `None`: QoS 0, nothing to confirm.
    pub packet_id: Option<u16>,
    pub is_permitted: bool,
    /// Its place in the window of all connections.
    pub shared: InFlightPermit,
}

impl ReplyToken {
    fn answer(&self) -> Option<Reply> {
        let packet_id = self.packet_id?;
        Some(if self.is_permitted { Reply::Kept { packet_id } } else { Reply::NotPermitted { packet_id } })
    }
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
    socket: &mut WriteHalf,
    mut kept: mpsc::UnboundedReceiver<Committed<ReplyToken>>,
    mut replies: mpsc::Receiver<Reply>,
    version: Version,
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
                    if let Some(answer) = message.ticket.answer() {
                        answer.encode(version, &mut buffer);
                    }
                }
            }
            reply = replies.recv(), if replying => match reply {
                Some(answer) => answer.encode(version, &mut buffer),
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
    socket: &mut WriteHalf,
    buffer: &mut BytesMut,
    patience: Duration,
) -> Result<(), WriteFailure> {
    let writing = async {
        socket.write_all_buf(buffer).await?;
        // TLS keeps what the socket did not take at once.
        socket.flush().await
    };
    match tokio::time::timeout(patience, writing).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(WriteFailure::Closed),
        Err(_) => Err(WriteFailure::Slow),
    }
}
