//! Fakes for the unit tests of this room: a decoder of short words, a fixed time, and an intake without a driver.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::{Decode, DupFlag, IntakeContext, TopicFilters};
use crate::core::model::{DeadLetter, Event, Labels, Status, Timestamp};
use crate::ingest::{EventVerdict, Intake, QueuedSubmission, Submission, SubmitError};
use crate::metrics::Metrics;

/// Payloads `firing X`, `resolved X`, `point X`, `numbered X` (a point with id); `panic`; anything else is unreadable.
pub(super) fn decode() -> Decode {
    Arc::new(|topic: &str, payload: &[u8], _: DupFlag| {
        let text = String::from_utf8_lossy(payload).into_owned();
        let (word, name) = text.split_once(' ').unwrap_or((&text, ""));
        let status = match word {
            "firing" => Status::Firing,
            "resolved" => Status::Resolved,
            "point" | "numbered" => Status::Point,
            "panic" => panic!("a decoder with a defect"),
            _ => return Submission::DeadLetter(unreadable(topic, &text)),
        };
        let mut event = Event::new("test", status, Labels::from_pairs([("alertname", name)]));
        event.id = (word == "numbered").then(|| name.to_owned());
        event.summary = text.clone();
        Submission::Events(vec![event])
    })
}

fn unreadable(topic: &str, text: &str) -> DeadLetter {
    DeadLetter {
        at: Timestamp::EPOCH,
        source: "test".to_owned(),
        door: topic.to_owned(),
        reason: "no known word".to_owned(),
        payload: text.to_owned(),
        payload_bytes: text.len() as u64,
    }
}

/// The filter is `t/#`.
pub(super) fn surroundings(capacity: u32) -> (IntakeContext, UnboundedReceiver<QueuedSubmission>) {
    let (intake, deliveries) = Intake::new(capacity);
    let (_, filters) = watch::channel(Arc::new(TopicFilters::parse(["t/#"]).unwrap()));
    let now = Arc::new(|| Timestamp::from_seconds(1_000));
    (IntakeContext { decode: decode(), intake, metrics: Arc::new(Metrics::new()), now, filters }, deliveries)
}

/// The summary of its only event, or the reason of the dead letter.
pub(super) fn text(parcel: &Submission) -> String {
    match parcel {
        Submission::Events(events) => events.iter().map(|event| event.summary.as_str()).collect::<Vec<_>>().join(","),
        Submission::Presence(heartbeat) => format!("{heartbeat:?}"),
        Submission::DeadLetter(letter) | Submission::Partly { dead_letter: letter, .. } => letter.reason.clone(),
    }
}

/// The waiting receiver of a submission's answer.
pub(super) struct Waiting(
    oneshot::Sender<Result<Vec<EventVerdict>, SubmitError>>,
    #[expect(dead_code, reason = "holds the place")] OwnedSemaphorePermit,
);

/// The submission, and the receiver of its answer.
pub(super) fn open(delivery: QueuedSubmission) -> (Submission, Waiting) {
    let (parcel, reply, room) = delivery.into_parts();
    (parcel, Waiting(reply, room))
}

pub(super) fn keep(waiting: Waiting) {
    let _ = waiting.0.send(Ok(vec![EventVerdict::Accepted]));
}

pub(super) fn refuse(waiting: Waiting) {
    let _ = waiting.0.send(Err(SubmitError::Unavailable { reason: "the disk is full".to_owned() }));
}
