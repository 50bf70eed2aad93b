//! From bytes to packets. What is too long to take is skipped as it comes, so that its sender can be told.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::addresses::steady_now;
use super::addresses::{Assembly, Room};
use super::packets;
use super::packets::{Packet, Version};
use super::refusal::ConnectRefusal;
use super::transport::ReadHalf;
use crate::core::model::DeadLetter;

/// The longest topic that the protocol can carry, with its length and a packet id.
const TOPIC_MAX_BYTES: usize = 65_535 + 2 + 2;

/// The longest packet other than PUBLISH: a CONNECT with a full last will.
const OTHER_MAX_BYTES: usize = 80_000;

/// The longest properties of a publish of version 5 that is too long itself.
const PROPERTIES_MAX_BYTES: usize = 65_536;

/// Longer packets wait for room, so that a thousand connections do not each hold a megabyte.
const LARGE_BYTES: usize = 65_536;

/// As slowly may a packet come, in bytes a second, over and above the patience that every packet has.
const SLOWEST: u64 = 16_384;

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
    /// As the client's CONNECT says.
    version: Version,
    /// A long publish whose last so many bytes are still to come.
    skipping: Option<(LongPublish, usize)>,
}

impl Framer {
    pub fn new(payload_max_bytes: usize) -> Framer {
        let publish_max_bytes = payload_max_bytes + TOPIC_MAX_BYTES;
        Framer { publish_max_bytes, version: Version::V4, skipping: None }
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
        if kind == CONNECT {
            match level(&buffer[header..length]) {
                ProtocolLevel::Spoken(version) => self.version = version,
                ProtocolLevel::Foreign(level) => {
                    buffer.advance(length);
                    return Ok(Some(Frame::ForeignConnect(level)));
                }
            }
        }
        packets::read(self.version, buffer, header, remaining).map(|packet| Some(Frame::Packet(packet)))
    }

    /// How long the packet is that is coming in, as far as it says so yet.
    fn announced(&self, buffer: &[u8]) -> usize {
        match &self.skipping {
            Some((_, left)) => *left,
            None => fixed_header(buffer).ok().flatten().map_or(0, |(header, remaining)| header + remaining),
        }
    }

    /// How much of it is held at once.
    fn held(&self, announced: usize) -> usize {
        announced.min(self.publish_max_bytes + TOPIC_MAX_BYTES)
    }

    /// Keeps the topic, the packet id and what a dead letter shows of a publish that is too long.
    fn begin_long(
        &mut self,
        buffer: &mut BytesMut,
        header: usize,
        remaining: usize,
    ) -> Result<Option<Frame>, ConnectRefusal> {
        let kept = header + TOPIC_MAX_BYTES + PROPERTIES_MAX_BYTES + DeadLetter::PAYLOAD_MAX_BYTES;
        if buffer.len() < kept.min(header + remaining) {
            buffer.reserve(kept - buffer.len());
            return Ok(None);
        }
        let quality = (buffer[0] >> 1) & 0b11;
        let topic_length = usize::from(u16::from_be_bytes([buffer[header], buffer[header + 1]]));
        let topic_end = header + 2 + topic_length;
        let properties_start = topic_end + if quality == 0 { 0 } else { 2 };
        let payload_start = properties_start + self.properties_length(&buffer[properties_start..])?;
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

    /// Of a publish, with the bytes that say how long they are; version 3.1.1 has none.
    fn properties_length(&self, from: &[u8]) -> Result<usize, ConnectRefusal> {
        match self.version {
            Version::V4 => Ok(0),
            Version::V5 => match variable_length(from)? {
                Some((bytes, length)) if length <= PROPERTIES_MAX_BYTES - bytes => Ok(bytes + length),
                Some(_) | None => Err(ConnectRefusal::TooLarge),
            },
        }
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
    let Some(from) = buffer.get(1..) else { return Ok(None) };
    Ok(variable_length(from)?.map(|(bytes, remaining)| (1 + bytes, remaining)))
}

/// How many bytes a length takes, and the length; `None`: more bytes are needed.
fn variable_length(from: &[u8]) -> Result<Option<(usize, usize)>, ConnectRefusal> {
    let mut length = 0_usize;
    for index in 0..4 {
        let Some(byte) = from.get(index) else { return Ok(None) };
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((1 + index, length)));
        }
    }
    Err(ConnectRefusal::Malformed)
}

/// What a CONNECT says of its version.
enum ProtocolLevel {
    Spoken(Version),
    /// The codecs would read the rest of it wrongly.
    Foreign(u8),
}

fn level(connect: &[u8]) -> ProtocolLevel {
    let name_length = connect.first_chunk().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
    let name = connect.get(2..2 + name_length);
    let level = connect.get(2 + name_length).copied();
    match (name, level) {
        (Some(b"MQTT"), Some(5)) => ProtocolLevel::Spoken(Version::V5),
        (Some(b"MQTT"), Some(level)) if level != 4 => ProtocolLevel::Foreign(level),
        (Some(b"MQIsdp"), Some(level)) => ProtocolLevel::Foreign(level),
        // What is no MQTT at all the codec refuses.
        (_, _) => ProtocolLevel::Spoken(Version::V4),
    }
}

/// A connection's frames, one after the other.
pub(super) struct Frames {
    socket: ReadHalf,
    buffer: BytesMut,
    framer: Framer,
    /// How long a packet that was begun may take, besides the time that its length needs.
    patience: Duration,
    assembly: Assembly,
    room: Option<Room>,
    /// When the packet that is coming in was begun, or had waited for its room; and how long it said it was.
    begun: Option<Instant>,
    announced: usize,
}

impl Frames {
    pub fn new(socket: ReadHalf, payload_max_bytes: usize, patience: Duration, assembly: Assembly) -> Frames {
        let framer = Framer::new(payload_max_bytes);
        Frames { socket, buffer: BytesMut::new(), framer, patience, assembly, room: None, begun: None, announced: 0 }
    }

    /// The next frame, or why none comes. Dropping the future loses nothing.
    pub async fn next(&mut self, silence_max: Duration) -> Result<Frame, NoFrame> {
        loop {
            if let Some(frame) = self.framer.next(&mut self.buffer).map_err(NoFrame::Refused)? {
                (self.room, self.begun, self.announced) = (None, None, 0);
                return Ok(frame);
            }
            // Of a long one that is skipped less and less is to come; its time was that of the whole.
            self.announced = self.announced.max(self.framer.announced(&self.buffer));
            if self.room.is_none() && self.announced > LARGE_BYTES {
                self.room = self.assembly.room(self.framer.held(self.announced)).await;
                // Waiting for the packets of others is not its fault.
                self.begun = None;
            }
            let is_begun = !self.buffer.is_empty() || self.room.is_some();
            let deadline = if is_begun {
                let begun = *self.begun.get_or_insert_with(steady_now);
                begun + self.patience + Duration::from_secs(self.announced as u64 / SLOWEST)
            } else {
                steady_now() + silence_max
            };
            match tokio::time::timeout_at(deadline, self.socket.read_buf(&mut self.buffer)).await {
                Err(_) if is_begun => return Err(NoFrame::Refused(ConnectRefusal::SlowSender)),
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
