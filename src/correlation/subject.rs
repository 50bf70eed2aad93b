//! What rules look at: an event with the normalised words that matchers may name.

use crate::model::{Event, Labels, Matchers, Severity, Status};

/// An event, as sent or as its alert would say it again.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub event: &'a Event,
    pub severity: Severity,
    /// As decided here: a v2 message says `firing` at the door whatever its end.
    pub status: Status,
}

impl<'a> Subject<'a> {
    pub fn labels(&self) -> &'a Labels {
        &self.event.labels
    }

    /// The value of a label or of `@severity`, `@source`, `@status`; empty when absent.
    pub fn value(&self, name: &str) -> &'a str {
        match name {
            "@severity" => self.severity.as_str(),
            "@source" => &self.event.source,
            "@status" => self.status.as_str(),
            label => self.event.labels.get(label).unwrap_or_default(),
        }
    }

    pub fn fits(&self, matchers: &Matchers) -> bool {
        matchers.iter().all(|matcher| matcher.matches_value(self.value(matcher.name())))
    }
}
