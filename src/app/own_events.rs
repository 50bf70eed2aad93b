//! Events of watchfire about itself, handed in like any other, so that rules and people treat them alike.

use crate::core::model::{Event, Labels, Severity, Status, Timestamp};
use crate::ingest::{Intake, Submission};

/// The source that they name.
const SOURCE: &str = "watchfire";

/// A trouble of this service, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnTrouble {
    /// Its `alertname`.
    pub name: &'static str,
    /// What it is about, beside the name; a firing one and its end carry the same.
    pub labels: Vec<(&'static str, String)>,
    /// `None`: it is over.
    pub severity: Option<Severity>,
    /// What is wrong, and what to do.
    pub summary: String,
}

impl OwnTrouble {
    /// Hands it in and waits for its commit; `false`: not now, say it again later.
    pub async fn tell(&self, intake: &Intake, now: Timestamp) -> bool {
        let status = if self.severity.is_some() { Status::Firing } else { Status::Resolved };
        let named = self.labels.iter().map(|(name, value)| (*name, value.as_str()));
        let labels = Labels::from_pairs([("alertname", self.name)].into_iter().chain(named));
        let event = Event {
            severity: self.severity,
            summary: self.summary.clone(),
            occurred_at: Some(now),
            ..Event::new(SOURCE, status, labels)
        };
        intake.offer(Submission::Events(vec![event])).await.is_ok()
    }
}
