//! The event: one message from a tool, decoded and normalised, immutable from then on.

use serde::{Deserialize, Serialize};

use super::{Labels, Severity, Stamp, TimeDelta, Timestamp};

/// Status of the condition in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Firing,
    Resolved,
    /// A log line, a trap: it happened, and has no lifetime.
    Point,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Firing => "firing",
            Status::Resolved => "resolved",
            Status::Point => "point",
        }
    }

    /// The status of that exact word; `None` for any other.
    pub fn from_word(word: &str) -> Option<Status> {
        [Status::Firing, Status::Resolved, Status::Point].into_iter().find(|status| status.as_str() == word)
    }
}

/// End of a firing alert without a clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expiry {
    /// Fires until a resolved event comes.
    Never,
    /// A v2 alert: ends at its `ends_at`, or the resolve time-out after its last message.
    AlertmanagerV2,
    /// Ends that long after its last message (a source file's `expires:`).
    After(TimeDelta),
}

/// One message from a tool. Identity is the fingerprint of `labels`; the rest only describes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The source file (or built-in API: `v2`, `native`, `inspection`) that it came through.
    pub source: String,
    /// The producer's own id, for deduplication of points.
    pub id: Option<String>,
    /// For v2 always `Firing` at the intake; the engine decides by `ends_at` against its `now`.
    pub status: Status,
    pub labels: Labels,
    /// The source's severity; with `None` the engine reads the label `severity`.
    pub severity: Option<Severity>,
    pub summary: String,
    pub annotations: Labels,
    /// The producer's time, unclamped.
    pub occurred_at: Option<Timestamp>,
    pub value: Option<f64>,
    pub generator_url: String,
    /// v2 only: as sent, with its offset; `None` when unset.
    pub starts_at: Option<Stamp>,
    /// v2 only: as sent, with its offset; `None` when unset.
    pub ends_at: Option<Stamp>,
    pub expiry: Expiry,
    /// The raw message of the tool, cut at 4 KiB, for the evidence of an incident. Only for mapped payloads.
    pub raw: Option<String>,
}

impl Event {
    /// Maximum length of a raw payload kept with an event, in bytes.
    pub const RAW_MAX_BYTES: usize = 4096;

    /// An event with only its labels; the caller fills in the rest.
    pub fn new(source: &str, status: Status, labels: Labels) -> Event {
        Event {
            source: source.to_owned(),
            id: None,
            status,
            labels,
            severity: None,
            summary: String::new(),
            annotations: Labels::empty(),
            occurred_at: None,
            value: None,
            generator_url: String::new(),
            starts_at: None,
            ends_at: None,
            expiry: Expiry::Never,
            raw: None,
        }
    }

    /// Its times as the wall clock shows them become times of a service whose wall clock is that many microseconds ahead.
    pub fn follow_clock(&mut self, ahead: i64) {
        let back = ahead.saturating_neg();
        self.occurred_at = self.occurred_at.map(|at| at.shifted(back));
        for stamp in [&mut self.starts_at, &mut self.ends_at] {
            *stamp = stamp.map(|stamp| stamp.shifted(back));
        }
    }

    /// The annotation that keeps a tool's severity word that nobody knows.
    pub const SEVERITY_WORD: &str = "severity_word";

    /// The normalised severity: the source's, else the label `severity`, else indeterminate. A word that nobody knows
    /// is [`Event::UNKNOWN_WORD_MEANS`].
    pub fn normalised_severity(&self) -> Severity {
        self.severity.unwrap_or_else(|| match self.labels.get("severity").map(str::trim).unwrap_or_default() {
            "" => Severity::Indeterminate,
            word => Severity::from_tool_word(word).unwrap_or(Event::UNKNOWN_WORD_MEANS),
        })
    }

    /// What an unknown severity word counts as: neither a page at night nor nothing.
    pub const UNKNOWN_WORD_MEANS: Severity = Severity::Minor;

    /// The severity word that came with it and that nobody knows.
    pub fn unknown_severity_word(&self) -> Option<&str> {
        self.annotations.get(Event::SEVERITY_WORD).or_else(|| {
            let word = self.labels.get("severity").map(str::trim).filter(|word| !word.is_empty())?;
            (self.severity.is_none() && Severity::from_tool_word(word).is_none()).then_some(word)
        })
    }
}
