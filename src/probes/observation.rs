//! The result of one probe.

use crate::core::inspections::ItemOutcome;

/// Maximum length of evidence, in characters.
pub(super) const EVIDENCE_MAX_CHARS: usize = 1_000;

/// Observation of a check.
#[derive(Debug, PartialEq)]
pub(super) struct Observation {
    pub(super) outcome: ItemOutcome,
    pub(super) evidence: String,
    pub(super) value: Option<f64>,
    pub(super) found: Option<String>,
}

impl Observation {
    pub(super) fn pass(evidence: impl Into<String>) -> Observation {
        Observation { outcome: ItemOutcome::Pass, evidence: evidence.into(), value: None, found: None }
    }

    pub(super) fn warn(evidence: impl Into<String>) -> Observation {
        Observation { outcome: ItemOutcome::Warn, evidence: evidence.into(), value: None, found: None }
    }

    pub(super) fn fail(evidence: impl Into<String>) -> Observation {
        Observation { outcome: ItemOutcome::Fail, evidence: evidence.into(), value: None, found: None }
    }

    pub(super) fn not_done(evidence: impl Into<String>) -> Observation {
        Observation { outcome: ItemOutcome::NotDone, evidence: evidence.into(), value: None, found: None }
    }

    pub(super) fn with_value(self, value: f64) -> Observation {
        Observation { value: Some(value), ..self }
    }
}
