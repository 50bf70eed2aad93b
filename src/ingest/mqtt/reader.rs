//! From a message to what the driver is handed: the source's events, a dead letter, or nothing because it is a repeat.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::dedup::RedeliveryMemory;
use super::{Redelivery, Surroundings};
use crate::core::model::{DeadLetter, Event, Status};
use crate::ingest::Parcel;

/// What dead letters of no source name as theirs.
pub(super) const NO_SOURCE: &str = "mqtt";

const DOOR: &str = "mqtt";

/// One message, of a broker or of the listener.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub topic: String,
    /// Whole, or cut to what a dead letter keeps.
    payload: Bytes,
    payload_bytes: u64,
    /// Marked as sent before, or replayed from what the broker retains.
    pub dup: bool,
    pub retained: bool,
    /// Set when the sender has no right to this topic: the name of its token.
    pub unpermitted: Option<String>,
}

/// What became of a message.
#[derive(Debug)]
pub(super) enum Reading {
    Parcel(Parcel),
    /// A point without id, or a dead letter, that came before: acknowledged, kept once.
    Repeat,
}

/// Reads the messages of one door.
pub(super) struct Reader {
    surroundings: Surroundings,
    payload_max_bytes: usize,
    memory: Mutex<RedeliveryMemory>,
}

impl Message {
    /// A payload longer than the limit is let go at once, but for the beginning that the dead letter shows.
    pub fn new(topic: String, payload: Bytes, payload_max_bytes: usize) -> Message {
        let payload_bytes = payload.len() as u64;
        let payload = if payload.len() > payload_max_bytes {
            Bytes::copy_from_slice(&payload[..payload.len().min(DeadLetter::PAYLOAD_MAX_BYTES)])
        } else {
            payload
        };
        Message { topic, payload, payload_bytes, dup: false, retained: false, unpermitted: None }
    }

    /// One of which only the beginning was read.
    pub fn cut(topic: String, beginning: Bytes, payload_bytes: u64) -> Message {
        Message { topic, payload: beginning, payload_bytes, dup: false, retained: false, unpermitted: None }
    }

    /// What it holds in memory.
    pub fn bytes(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

impl Reader {
    pub fn new(surroundings: Surroundings, payload_max_bytes: usize) -> Reader {
        Reader { surroundings, payload_max_bytes, memory: Mutex::default() }
    }

    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// Reads a message that came in just now.
    pub fn read(&self, message: &Message) -> Reading {
        let parcel = match self.decode(message) {
            Ok(parcel) => parcel,
            Err((reason, why)) => {
                self.surroundings.metrics.event_refused(DOOR, NO_SOURCE, reason);
                return self.unless_repeated(message, self.dead_letter(message, why));
            }
        };
        self.unless_repeated(message, parcel)
    }

    /// Reads a message again whose parcel was refused: neither counted nor remembered a second time.
    pub fn read_again(&self, message: &Message) -> Parcel {
        self.decode(message).unwrap_or_else(|(_, why)| self.dead_letter(message, why))
    }

    /// The source's parcel, or the reason (for the metric, for the person) why no source got to see it.
    fn decode(&self, message: &Message) -> Result<Parcel, (&'static str, String)> {
        if message.payload_bytes > self.payload_max_bytes as u64 {
            let (bytes, most) = (message.payload_bytes, self.payload_max_bytes);
            return Err(("too_large", format!("the payload has {bytes} bytes; at most {most} are read")));
        }
        if let Some(token) = &message.unpermitted {
            return Err(("not_permitted", format!("{token} may not publish on {}", message.topic)));
        }
        if !self.surroundings.filters.borrow().take(&message.topic) {
            return Err(("no_source_for_topic", format!("no source takes the topic {}", message.topic)));
        }
        let decode = &self.surroundings.decode;
        let redelivery = Redelivery { dup: message.dup };
        // A message that makes a decoder panic would otherwise come round for ever.
        catch_unwind(AssertUnwindSafe(|| decode(&message.topic, &message.payload, redelivery)))
            .map(storable_parcel)
            .map_err(|_| {
                ("decoder_panicked", "the decoder failed on it; this is a defect, please report it".to_owned())
            })
    }

    fn unless_repeated(&self, message: &Message, parcel: Parcel) -> Reading {
        if let Some(source) = nameless(&parcel)
            && self.came_before(message)
        {
            self.surroundings.metrics.event_refused(DOOR, source, "redelivered");
            return Reading::Repeat;
        }
        Reading::Parcel(parcel)
    }

    fn came_before(&self, message: &Message) -> bool {
        let again = message.dup || message.retained;
        let now = (self.surroundings.now)();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.seen(&message.topic, &message.payload, again, now)
    }

    fn dead_letter(&self, message: &Message, reason: String) -> Parcel {
        let shown = &message.payload[..message.payload.len().min(DeadLetter::PAYLOAD_MAX_BYTES)];
        Parcel::DeadLetter(storable_letter(DeadLetter {
            at: (self.surroundings.now)(),
            source: NO_SOURCE.to_owned(),
            door: message.topic.clone(),
            reason,
            payload: String::from_utf8_lossy(shown).into_owned(),
            payload_bytes: message.payload_bytes,
        }))
    }
}

/// Whether what is said behind a refused message may be said once more after it: nothing in it counts twice.
pub(super) fn is_idempotent(parcel: &Parcel) -> bool {
    match parcel {
        Parcel::Events(events) | Parcel::Partly { events, .. } => {
            events.iter().all(|event| event.status != Status::Point)
        }
        Parcel::DeadLetter(_) => false,
        Parcel::Presence(_) => true,
    }
}

/// The source of a parcel in which nothing has an identity by which the engine could know a second delivery: only points
/// without id, or a dead letter.
fn nameless(parcel: &Parcel) -> Option<&str> {
    match parcel {
        Parcel::DeadLetter(letter) => Some(&letter.source),
        Parcel::Presence(_) => None,
        Parcel::Events(events) | Parcel::Partly { events, .. } => {
            let nameless = |event: &Event| event.status == Status::Point && event.id.is_none();
            events.first().filter(|_| events.iter().all(nameless)).map(|event| event.source.as_str())
        }
    }
}

fn storable_parcel(parcel: Parcel) -> Parcel {
    match parcel {
        Parcel::Events(_) | Parcel::Presence(_) => parcel,
        Parcel::DeadLetter(letter) => Parcel::DeadLetter(storable_letter(letter)),
        Parcel::Partly { events, dead_letter } => Parcel::Partly { events, dead_letter: storable_letter(dead_letter) },
    }
}

fn storable_letter(letter: DeadLetter) -> DeadLetter {
    let (door, reason, payload) = (storable(&letter.door), storable(&letter.reason), storable(&letter.payload));
    DeadLetter { door, reason, payload, ..letter }
}

/// A database may refuse NUL in a text, and nothing else would be kept with it.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::super::fakes::{surroundings, text};
    use super::*;

    fn check(message: Message, expected: &str) {
        let (surroundings, _deliveries) = surroundings(10);
        let reader = Reader::new(surroundings, 100);
        let Reading::Parcel(parcel) = reader.read(&message) else { panic!("a repeat: {message:?}") };
        assert!(text(&parcel).starts_with(expected), "{parcel:?}");
        if let Parcel::DeadLetter(letter) = &parcel {
            assert!(!format!("{letter:?}").contains("\\0"), "{letter:?}");
        }
        assert_eq!(text(&reader.read_again(&message)), text(&parcel));
    }

    fn message(topic: &str, payload: &[u8]) -> Message {
        Message::new(topic.to_owned(), Bytes::copy_from_slice(payload), 100)
    }

    #[test]
    fn what_no_source_can_read_becomes_a_dead_letter_with_the_reason() {
        check(message("t/广州", "firing 链路".as_bytes()), "firing 链路");
        check(message("t/x", b"\xff\xfe\0"), "no known word");
        check(message("other/广州\0", b"firing \0"), "no source takes the topic other/广州");
        check(message("t/x", &[b'x'; 101]), "the payload has 101 bytes; at most 100 are read");
        check(message("t/x", b"panic"), "the decoder failed");
        check(Message::cut("t/x".to_owned(), Bytes::from_static(b"f"), 1 << 28), "the payload has 268435456 bytes");
        let unpermitted = Message { unpermitted: Some("token 3".to_owned()), ..message("t/x", b"firing a") };
        check(unpermitted, "token 3 may not publish on t/x");
    }

    #[test]
    fn a_long_payload_is_let_go_but_for_its_beginning() {
        let long = Message::new("t".to_owned(), Bytes::from(vec![b'x'; 1 << 20]), 100);
        assert_eq!(long.bytes(), 1 + DeadLetter::PAYLOAD_MAX_BYTES);
        assert_eq!(long.payload_bytes, 1 << 20);
    }

    #[test]
    fn only_what_has_no_identity_can_be_a_repeat() {
        for (payload, repeats) in
            [("point a", true), ("numbered a", false), ("firing a", false), ("unknown", true), ("panic", true)]
        {
            for (dup, retained) in [(true, false), (false, true)] {
                let (surroundings, _deliveries) = surroundings(10);
                let reader = Reader::new(surroundings, 100);
                let first = message("t/x", payload.as_bytes());
                assert!(matches!(reader.read(&first), Reading::Parcel(_)), "{payload}");
                assert!(matches!(reader.read(&first), Reading::Parcel(_)), "{payload}, sent twice on purpose");
                let again = Message { dup, retained, ..first };
                assert_eq!(matches!(reader.read(&again), Reading::Repeat), repeats, "{payload}");
            }
        }
    }
}
