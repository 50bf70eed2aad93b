//! The view of a message that rules match: labels, and the normalised words that matchers may name.

use super::alerts::alert::Alert;
use super::output::CountedEvent;
use crate::core::model::{Cause, Event, Labels, Matchers, Severity, Status, Timestamp};
use crate::core::rules::fact_named;

/// A message on its way through the rules, with its journal position and its event time.
#[derive(Clone, Copy)]
pub(super) struct EventInFlight<'a> {
    pub event: &'a Event,
    pub cause: Cause,
    /// Event time, within the allowed lateness.
    pub at: Timestamp,
}

/// The data that matchers are compared with.
#[derive(Clone, Copy)]
pub(super) struct MatchTarget<'a> {
    pub labels: &'a Labels,
    /// Its facts, named `fact.…`.
    pub facts: &'a Labels,
    pub source: &'a str,
    pub severity: Severity,
    /// As decided here, because a v2 message arrives as `firing` whatever its end.
    pub status: Status,
    /// For `when:`; absent if only matchers are evaluated.
    pub event: Option<&'a Event>,
    /// False for an alert that timed out.
    pub is_message: bool,
}

impl<'a> MatchTarget<'a> {
    pub fn of_event(event: &'a Event, severity: Severity, status: Status, facts: &'a Labels) -> MatchTarget<'a> {
        let (labels, source) = (&event.labels, event.source.as_str());
        MatchTarget { labels, facts, source, severity, status, event: Some(event), is_message: true }
    }

    pub fn of_alert(alert: &'a Alert) -> MatchTarget<'a> {
        let (labels, source, severity) = (&alert.labels, &*alert.source, alert.severity);
        let facts = &alert.facts;
        MatchTarget { labels, facts, source, severity, status: Status::Firing, event: None, is_message: false }
    }

    pub fn of_evidence(evidence: &'a CountedEvent) -> MatchTarget<'a> {
        let (labels, source, severity) = (&evidence.labels, evidence.source.as_str(), evidence.severity);
        let (facts, status) = (&evidence.facts, evidence.status);
        MatchTarget { labels, facts, source, severity, status, event: None, is_message: false }
    }

    /// The value of a label, of a fact, or of `@severity`, `@source`, `@status`; empty when absent.
    pub fn value(&self, name: &str) -> &'a str {
        match name {
            "@severity" => self.severity.as_str(),
            "@source" => self.source,
            "@status" => self.status.as_str(),
            name => match fact_named(name) {
                Some(fact) => self.facts.get(fact).unwrap_or_default(),
                None => self.labels.get(name).unwrap_or_default(),
            },
        }
    }

    pub fn fits(&self, matchers: &Matchers) -> bool {
        matchers.iter().all(|matcher| matcher.matches_value(self.value(matcher.name())))
    }
}
