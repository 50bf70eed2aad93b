//! What stands in for the driver: answers the intake's queue as the test says, and remembers what it kept.

use crate::support::service::until;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use watchfire::core::model::{DeadLetter, Event, Labels, Status, Timestamp};
use watchfire::ingest::mqtt::{Decode, DupFlag, IntakeContext, TopicFilters};
use watchfire::ingest::{EventVerdict, Intake, Submission, SubmitError};
use watchfire::metrics::Metrics;

/// Far longer than anything here takes; only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A driver that keeps everything at once, unless it was told to hold or to refuse.
pub struct Driver {
    pub surroundings: IntakeContext,
    pub filters: watch::Sender<Arc<TopicFilters>>,
    kept: Arc<Mutex<Vec<Submission>>>,
    gate: Arc<Semaphore>,
    refusing: watch::Sender<bool>,
}

impl Driver {
    /// Decodes topics under `t/`; an intake of that many events.
    pub fn new(capacity: u32) -> Driver {
        let driver = Driver::holding(capacity);
        driver.allow(Semaphore::MAX_PERMITS);
        driver
    }

    /// Takes parcels, but keeps none before it is allowed to.
    pub fn holding(capacity: u32) -> Driver {
        let (intake, mut deliveries) = Intake::new(capacity);
        let filters = watch::Sender::new(Arc::new(TopicFilters::parse(["t/#"]).unwrap()));
        let now = Arc::new(|| Timestamp::from_seconds(1_700_000_000));
        let metrics = Arc::new(Metrics::new());
        let surroundings = IntakeContext { decode: decode(), intake, metrics, now, filters: filters.subscribe() };
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (gate, refusing) = (Arc::new(Semaphore::new(0)), watch::Sender::new(false));
        tokio::spawn({
            let (kept, gate, refusing) = (Arc::clone(&kept), Arc::clone(&gate), refusing.subscribe());
            async move {
                while let Some(delivery) = deliveries.recv().await {
                    let (parcel, reply, _room) = delivery.into_parts();
                    // A note of the session.
                    if matches!(&parcel, Submission::Events(events) if events.is_empty()) {
                        continue;
                    }
                    if *refusing.borrow() {
                        let reason = "the disk is full".to_owned();
                        let _ = reply.send(Err(SubmitError::Unavailable { reason }));
                        continue;
                    }
                    gate.acquire().await.unwrap().forget();
                    kept.lock().unwrap().push(parcel);
                    let _ = reply.send(Ok(vec![EventVerdict::Accepted]));
                }
            }
        });
        Driver { surroundings, filters, kept, gate, refusing }
    }

    /// Lets it keep that many more parcels.
    pub fn allow(&self, parcels: usize) {
        self.gate.add_permits(parcels);
    }

    pub fn refuse(&self, refuse: bool) {
        self.refusing.send_replace(refuse);
    }

    /// Events that were handed in and are not answered.
    pub fn waiting(&self) -> u32 {
        self.surroundings.intake.waiting()
    }

    /// The summaries of the kept events in order, with doubles.
    pub fn summaries(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        let events = kept.iter().filter_map(|parcel| match parcel {
            Submission::Events(events) | Submission::Partly { events, .. } => Some(events),
            Submission::DeadLetter(_) | Submission::Presence(_) => None,
        });
        events.flatten().map(|event| event.summary.clone()).collect()
    }

    pub fn distinct(&self) -> BTreeSet<String> {
        self.summaries().into_iter().collect()
    }

    pub fn events_named(&self, alertname: &str) -> Vec<Event> {
        let kept = self.kept.lock().unwrap();
        let events = kept.iter().filter_map(|parcel| match parcel {
            Submission::Events(events) | Submission::Partly { events, .. } => Some(events),
            Submission::DeadLetter(_) | Submission::Presence(_) => None,
        });
        events.flatten().filter(|event| event.labels.get("alertname") == Some(alertname)).cloned().collect()
    }

    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        let kept = self.kept.lock().unwrap();
        let letters = kept.iter().filter_map(|parcel| match parcel {
            Submission::Events(_) | Submission::Presence(_) => None,
            Submission::DeadLetter(letter) | Submission::Partly { dead_letter: letter, .. } => Some(letter.clone()),
        });
        letters.collect()
    }

    /// The value of one series of the metrics; 0 when there is none.
    pub fn metric(&self, series: &str) -> f64 {
        let text = self.surroundings.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }
}

/// Waits for a condition of the world outside; says what did not come about.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    until(what, async || condition().then_some(())).await;
}

/// `poison…` cannot be read; `point…` is a point without id; anything else fires.
fn decode() -> Decode {
    Arc::new(|topic: &str, payload: &[u8], _: DupFlag| {
        let text = String::from_utf8_lossy(payload).into_owned();
        if text.starts_with("poison") {
            let reason = "no event in it".to_owned();
            let payload_bytes = payload.len() as u64;
            let (source, door) = ("test".to_owned(), topic.to_owned());
            return Submission::DeadLetter(DeadLetter {
                at: Timestamp::EPOCH,
                source,
                door,
                reason,
                payload: text,
                payload_bytes,
            });
        }
        let status = if text.starts_with("point") { Status::Point } else { Status::Firing };
        let mut event = Event::new("test", status, Labels::from_pairs([("topic", topic)]));
        event.summary = text;
        Submission::Events(vec![event])
    })
}
