//! Conversion of a message into a submission: the source's events, a dead letter, or none because it is a repeat.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::dedup::RedeliveryCache;
use super::{DupFlag, IntakeContext};
use crate::core::model::SessionProgress;
use crate::core::model::{DeadLetter, Event, Status};
use crate::ingest::Submission;

/// Source name of dead letters without a source.
pub(super) const NO_SOURCE: &str = "mqtt";

const DOOR: &str = "mqtt";

/// One message, from a broker or from the listener.
#[derive(Clone, Debug)]
pub(super) struct MqttMessage {
    pub topic: String,
    /// Whole, or cut to the part that a dead letter keeps.
    payload: Bytes,
    payload_bytes: u64,
    /// Marked as sent before, or retained by the broker.
    pub dup: bool,
    pub retained: bool,
    /// Retained, and sent only because of a repeated subscription.
    pub is_history: bool,
    /// Whether the sender has a right to this topic.
    pub is_permitted: bool,
    /// Of a broker's message that needs an acknowledgement.
    pub arrival: Option<Arrival>,
}

/// A message's place in its broker's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Kept with the message.
    pub progress: SessionProgress,
    /// True if the broker sends what was taken before.
    pub is_repeat: bool,
}

/// Result of reading a message.
#[derive(Debug)]
pub(super) enum ReadOutcome {
    Parcel(Submission),
    /// A message that the broker sends again, or a repeated point without id or dead letter: acknowledged, kept once.
    Repeat,
    /// Of a sender without the right to its topic: not kept, and its sender is told.
    NotPermitted,
}

/// Reads the messages of one transport.
pub(super) struct Reader {
    surroundings: IntakeContext,
    payload_max_bytes: usize,
    memory: Mutex<RedeliveryCache>,
}

impl MqttMessage {
    /// A payload longer than the limit is dropped at once, except for the beginning that the dead letter shows.
    pub fn new(topic: String, payload: Bytes, payload_max_bytes: usize) -> MqttMessage {
        let payload_bytes = payload.len() as u64;
        let payload = if payload.len() > payload_max_bytes {
            Bytes::copy_from_slice(&payload[..payload.len().min(DeadLetter::PAYLOAD_MAX_BYTES)])
        } else {
            payload
        };
        MqttMessage {
            topic,
            payload,
            payload_bytes,
            dup: false,
            retained: false,
            is_history: false,
            is_permitted: true,
            arrival: None,
        }
    }

    /// A message of which only the beginning was read.
    pub fn cut(topic: String, beginning: Bytes, payload_bytes: u64) -> MqttMessage {
        MqttMessage { payload_bytes, ..MqttMessage::new(topic, beginning, usize::MAX) }
    }

    /// What its session gains with it.
    pub fn progress(&self) -> Option<SessionProgress> {
        self.arrival.as_ref().map(|arrival| arrival.progress.clone())
    }

    /// Its size in memory.
    pub fn bytes(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

impl Reader {
    pub fn new(surroundings: IntakeContext, payload_max_bytes: usize) -> Reader {
        Reader { surroundings, payload_max_bytes, memory: Mutex::default() }
    }

    pub fn surroundings(&self) -> &IntakeContext {
        &self.surroundings
    }

    /// Reads a newly received message.
    pub fn read(&self, message: &MqttMessage) -> ReadOutcome {
        if !message.is_permitted {
            self.surroundings.metrics.event_refused(DOOR, NO_SOURCE, "not_permitted");
            return ReadOutcome::NotPermitted;
        }
        if message.arrival.as_ref().is_some_and(|arrival| arrival.is_repeat) {
            self.surroundings.metrics.event_refused(DOOR, NO_SOURCE, "redelivered");
            return ReadOutcome::Repeat;
        }
        let parcel = match self.decode(message) {
            Ok(parcel) => parcel,
            Err((reason, why)) => {
                self.surroundings.metrics.event_refused(DOOR, NO_SOURCE, reason);
                return self.unless_repeated(message, self.dead_letter(message, why));
            }
        };
        self.unless_repeated(message, parcel)
    }

    /// Reads a message again after its submission was refused, without counting or remembering it twice.
    pub fn read_again(&self, message: &MqttMessage) -> Submission {
        self.decode(message).unwrap_or_else(|(_, why)| self.dead_letter(message, why))
    }

    /// The source's submission, or the reason (for the metric, for the person) why no source could read it.
    fn decode(&self, message: &MqttMessage) -> Result<Submission, (&'static str, String)> {
        if message.payload_bytes > self.payload_max_bytes as u64 {
            let (bytes, most) = (message.payload_bytes, self.payload_max_bytes);
            return Err(("too_large", format!("the payload has {bytes} bytes; at most {most} are read")));
        }
        if !self.surroundings.filters.borrow().take(&message.topic) {
            return Err(("no_source_for_topic", format!("no source takes the topic {}", message.topic)));
        }
        let decode = &self.surroundings.decode;
        let redelivery = DupFlag { dup: message.dup };
        // A message that makes a decoder panic would otherwise loop for ever.
        catch_unwind(AssertUnwindSafe(|| decode(&message.topic, &message.payload, redelivery)))
            .map(storable_parcel)
            .map_err(|_| {
                ("decoder_panicked", "the decoder failed on it; this is a defect, please report it".to_owned())
            })
    }

    fn unless_repeated(&self, message: &MqttMessage, parcel: Submission) -> ReadOutcome {
        if let Some(source) = nameless(&parcel) {
            let reason = match self.came_before(message) {
                // What a state says is applied however often; a happening happened once.
                _ if message.is_history => "retained",
                true => "redelivered",
                false => return ReadOutcome::Parcel(parcel),
            };
            self.surroundings.metrics.event_refused(DOOR, source, reason);
            return ReadOutcome::Repeat;
        }
        ReadOutcome::Parcel(parcel)
    }

    fn came_before(&self, message: &MqttMessage) -> bool {
        let again = message.dup || message.retained;
        let now = (self.surroundings.now)();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.seen(&message.topic, &message.payload, again, now)
    }

    fn dead_letter(&self, message: &MqttMessage, reason: String) -> Submission {
        let shown = &message.payload[..message.payload.len().min(DeadLetter::PAYLOAD_MAX_BYTES)];
        Submission::DeadLetter(storable_letter(DeadLetter {
            at: (self.surroundings.now)(),
            source: NO_SOURCE.to_owned(),
            door: message.topic.clone(),
            reason,
            payload: String::from_utf8_lossy(shown).into_owned(),
            payload_bytes: message.payload_bytes,
        }))
    }
}

/// True if the submission may be repeated after a refused one, because nothing in it counts twice.
pub(super) fn is_idempotent(parcel: &Submission) -> bool {
    match parcel {
        Submission::Events(events) | Submission::Partly { events, .. } => {
            events.iter().all(|event| event.status != Status::Point)
        }
        Submission::DeadLetter(_) => false,
        Submission::Presence(_) => true,
    }
}

/// The source of a submission without any identity for deduplication: only points without id, or a dead letter.
fn nameless(parcel: &Submission) -> Option<&str> {
    match parcel {
        Submission::DeadLetter(letter) => Some(&letter.source),
        Submission::Presence(_) => None,
        Submission::Events(events) | Submission::Partly { events, .. } => {
            let nameless = |event: &Event| event.status == Status::Point && event.id.is_none();
            events.first().filter(|_| events.iter().all(nameless)).map(|event| event.source.as_str())
        }
    }
}

fn storable_parcel(parcel: Submission) -> Submission {
    match parcel {
        Submission::Events(_) | Submission::Presence(_) => parcel,
        Submission::DeadLetter(letter) => Submission::DeadLetter(storable_letter(letter)),
        Submission::Partly { events, dead_letter } => {
            Submission::Partly { events, dead_letter: storable_letter(dead_letter) }
        }
    }
}

fn storable_letter(letter: DeadLetter) -> DeadLetter {
    let (door, reason, payload) = (storable(&letter.door), storable(&letter.reason), storable(&letter.payload));
    DeadLetter { door, reason, payload, ..letter }
}

/// A database may refuse NUL in a text, and with it the whole batch.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::super::fakes::{surroundings, text};
    use super::*;

    fn check(message: MqttMessage, expected: &str) {
        let (surroundings, _deliveries) = surroundings(10);
        let reader = Reader::new(surroundings, 100);
        let ReadOutcome::Parcel(parcel) = reader.read(&message) else { panic!("a repeat: {message:?}") };
        assert!(text(&parcel).starts_with(expected), "{parcel:?}");
        if let Submission::DeadLetter(letter) = &parcel {
            assert!(!format!("{letter:?}").contains("\\0"), "{letter:?}");
        }
        assert_eq!(text(&reader.read_again(&message)), text(&parcel));
    }

    fn message(topic: &str, payload: &[u8]) -> MqttMessage {
        MqttMessage::new(topic.to_owned(), Bytes::copy_from_slice(payload), 100)
    }

    #[test]
    fn what_no_source_can_read_becomes_a_dead_letter_with_the_reason() {
        check(message("t/广州", "firing 链路".as_bytes()), "firing 链路");
        check(message("t/x", b"\xff\xfe\0"), "no known word");
        check(message("other/广州\0", b"firing \0"), "no source takes the topic other/广州");
        check(message("t/x", &[b'x'; 101]), "the payload has 101 bytes; at most 100 are read");
        check(message("t/x", b"panic"), "the decoder failed");
        check(MqttMessage::cut("t/x".to_owned(), Bytes::from_static(b"f"), 1 << 28), "the payload has 268435456 bytes");
        let (surroundings, _deliveries) = surroundings(10);
        let unpermitted = MqttMessage { is_permitted: false, ..message("t/x", b"firing a") };
        assert!(matches!(Reader::new(surroundings, 100).read(&unpermitted), ReadOutcome::NotPermitted));
    }

    #[test]
    fn a_long_payload_is_let_go_but_for_its_beginning() {
        let long = MqttMessage::new("t".to_owned(), Bytes::from(vec![b'x'; 1 << 20]), 100);
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
                assert!(matches!(reader.read(&first), ReadOutcome::Parcel(_)), "{payload}");
                assert!(matches!(reader.read(&first), ReadOutcome::Parcel(_)), "{payload}, sent twice on purpose");
                let again = MqttMessage { dup, retained, ..first };
                assert_eq!(matches!(reader.read(&again), ReadOutcome::Repeat), repeats, "{payload}");
            }
        }
    }
}
