//! From bytes to packets. What is too long to take is skipped as it comes, so that its sender can be told.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use rumqttc::mqttbytes::v4::Packet;
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::ConnectRefusal;
use crate::core::model::DeadLetter;

/// The longest topic that the protocol can carry, with its length and a packet id.
const TOPIC_MAX_BYTES: usize = 65_535 + 2 + 2;

/// The longest packet other than PUBLISH: a CONNECT with a full last will.
const OTHER_MAX_BYTES: usize = 80_000;

/// Longer packets wait their turn, so that a thousand connections do not each hold a megabyte.
const LARGE_BYTES: usize = 65_536;

const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const SUBSCRIBE: u8 = 8;
const UNSUBSCRIBE: u8 = 10;
const PINGREQ: u8 = 12;
const DISCONNECT: u8 = 14;

/// What a client sent.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    Packet(Packet),
    /// A PUBLISH whose payload is longer than the limit; only its beginning was kept.
    LongPublish(LongPublish),
    /// A CONNECT of another protocol version, by its level.
    ForeignConnect(u8),
}

#[derive(Debug, PartialEq)]
pub(super) struct LongPublish {
    pub topic: String,
    /// `None`: QoS 0.
    pub packet_id: Option<u16>,
    pub beginning: Bytes,
    pub payload_bytes: u64,
}

/// Why no frame came.
#[derive(Debug, PartialEq)]
pub(super) enum NoFrame {
    /// The client is gone.
    Closed,
    /// Nothing for longer than allowed.
    Silent,
    Refused(ConnectRefusal),
}

/// Cuts frames out of bytes. Never panics, whatever the bytes are, and never needs more than a packet's limit of them.
pub(super) struct Framer {
    publish_max_bytes: usize,
    /// A long publish whose last so many bytes are still to come.
    skipping: Option<(LongPublish, usize)>,
}

impl Framer {
    pub fn new(payload_max_bytes: usize) -> Framer {
        Framer { publish_max_bytes: payload_max_bytes + TOPIC_MAX_BYTES, skipping: None }
    }

    /// Takes the next frame out of the buffer; `None`: more bytes are needed.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, ConnectRefusal> {
        if self.skipping.is_some() {
            return Ok(self.skip(buffer));
        }
        let Some((header, remaining)) = fixed_header(buffer)? else { return Ok(None) };
        let kind = buffer[0] >> 4;
        match kind {
            PUBLISH if remaining > self.publish_max_bytes => return self.begin_long(buffer, header, remaining),
            PUBLISH => {}
            CONNECT | SUBSCRIBE | UNSUBSCRIBE | PINGREQ | DISCONNECT if remaining > OTHER_MAX_BYTES => {
                return Err(ConnectRefusal::TooLarge);
            }
            CONNECT | SUBSCRIBE | UNSUBSCRIBE | PINGREQ | DISCONNECT => {}
            _other_packets => return Err(ConnectRefusal::UnexpectedPacket),
        }
        let length = header + remaining;
        if buffer.len() < length {
            buffer.reserve(length - buffer.len());
            return Ok(None);
        }
        if kind == CONNECT
            && let Some(level) = foreign_level(&buffer[header..length])
        {
            buffer.advance(length);
            return Ok(Some(Frame::ForeignConnect(level)));
        }
        Packet::read(buffer, remaining).map(|packet| Some(Frame::Packet(packet))).map_err(|_| ConnectRefusal::Malformed)
    }

    /// Whether what is coming in is longer than most packets.
    fn is_large(&self, buffer: &[u8]) -> bool {
        let announced = fixed_header(buffer).ok().flatten().map_or(0, |(_, remaining)| remaining);
        self.skipping.is_some() || announced > LARGE_BYTES
    }

    /// Keeps the topic, the packet id and what a dead letter shows of a publish that is too long.
    fn begin_long(
        &mut self,
        buffer: &mut BytesMut,
        header: usize,
        remaining: usize,
    ) -> Result<Option<Frame>, ConnectRefusal> {
        let kept = header + TOPIC_MAX_BYTES + DeadLetter::PAYLOAD_MAX_BYTES;
        if buffer.len() < kept.min(header + remaining) {
            buffer.reserve(kept - buffer.len());
            return Ok(None);
        }
        let quality = (buffer[0] >> 1) & 0b11;
        let topic_length = usize::from(u16::from_be_bytes([buffer[header], buffer[header + 1]]));
        let topic_end = header + 2 + topic_length;
        let payload_start = topic_end + if quality == 0 { 0 } else { 2 };
        let Some(payload_bytes) = (header + remaining).checked_sub(payload_start) else {
            return Err(ConnectRefusal::Malformed);
        };
        let topic =
            std::str::from_utf8(&buffer[header + 2..topic_end]).map_err(|_| ConnectRefusal::Malformed)?.to_owned();
        let packet_id = match quality {
            0 => None,
            1 => Some(u16::from_be_bytes([buffer[topic_end], buffer[topic_end + 1]])),
            2 => return Err(ConnectRefusal::Qos2),
            _no_such_quality => return Err(ConnectRefusal::Malformed),
        };
        if packet_id == Some(0) {
            return Err(ConnectRefusal::Malformed);
        }
        let shown = payload_bytes.min(DeadLetter::PAYLOAD_MAX_BYTES);
        let beginning = Bytes::copy_from_slice(&buffer[payload_start..payload_start + shown]);
        let long = LongPublish { topic, packet_id, beginning, payload_bytes: payload_bytes as u64 };
        self.skipping = Some((long, header + remaining));
        Ok(self.skip(buffer))
    }

    fn skip(&mut self, buffer: &mut BytesMut) -> Option<Frame> {
        let (long, left) = self.skipping.take()?;
        let skipped = left.min(buffer.len());
        buffer.advance(skipped);
        if skipped == left {
            return Some(Frame::LongPublish(long));
        }
        self.skipping = Some((long, left - skipped));
        None
    }
}

/// The length of the fixed header and of what follows it; `None`: more bytes are needed.
fn fixed_header(buffer: &[u8]) -> Result<Option<(usize, usize)>, ConnectRefusal> {
    let mut remaining = 0_usize;
    for index in 0..4 {
        let Some(byte) = buffer.get(1 + index) else { return Ok(None) };
        remaining |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((2 + index, remaining)));
        }
    }
    Err(ConnectRefusal::Malformed)
}

/// The level of a CONNECT that is not 3.1.1; the codec would read the rest of it wrongly.
fn foreign_level(connect: &[u8]) -> Option<u8> {
    let name_length = usize::from(u16::from_be_bytes([*connect.first()?, *connect.get(1)?]));
    let name = connect.get(2..2 + name_length)?;
    let level = *connect.get(2 + name_length)?;
    let foreign = match name {
        b"MQTT" => level != 4,
        b"MQIsdp" => true,
        // No MQTT at all: the codec says so.
        _ => false,
    };
    foreign.then_some(level)
}

/// A connection's frames, one after the other.
pub(super) struct Frames {
    socket: OwnedReadHalf,
    buffer: BytesMut,
    framer: Framer,
    /// How long a packet that was begun may stand still.
    patience: Duration,
    large_packets: Arc<Semaphore>,
    large: Option<OwnedSemaphorePermit>,
}

impl Frames {
    pub fn new(
        socket: OwnedReadHalf,
        payload_max_bytes: usize,
        patience: Duration,
        large_packets: Arc<Semaphore>,
    ) -> Frames {
        let framer = Framer::new(payload_max_bytes);
        Frames { socket, buffer: BytesMut::new(), framer, patience, large_packets, large: None }
    }

    /// The next frame, or why none comes. Dropping the future loses nothing.
    pub async fn next(&mut self, silence_max: Duration) -> Result<Frame, NoFrame> {
        loop {
            if let Some(frame) = self.framer.next(&mut self.buffer).map_err(NoFrame::Refused)? {
                self.large = None;
                return Ok(frame);
            }
            if self.large.is_none() && self.framer.is_large(&self.buffer) {
                self.large = Arc::clone(&self.large_packets).acquire_owned().await.ok();
            }
            let begun = !self.buffer.is_empty() || self.large.is_some();
            let wait = if begun { self.patience } else { silence_max };
            match tokio::time::timeout(wait, self.socket.read_buf(&mut self.buffer)).await {
                Err(_) if begun => return Err(NoFrame::Refused(ConnectRefusal::SlowSender)),
                Err(_) => return Err(NoFrame::Silent),
                Ok(Ok(0) | Err(_)) => return Err(NoFrame::Closed),
                Ok(Ok(_)) => {}
            }
        }
    }
}

#[cfg(test)]
#[path = "framing_tests.rs"]
mod tests;
