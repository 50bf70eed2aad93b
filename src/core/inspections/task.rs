//! The checklist's settings of one item, and its answer.

use serde::{Deserialize, Serialize};

use super::change::ItemReport;
use super::record::ItemOutcome;
use crate::core::model::{Labels, Severity, TimeDelta, Timestamp};
use crate::core::rules::{Check, ChecklistItem, Expected, Limit};

/// The checklist's settings of one item, in addition to its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RunItem {
    /// The plan's item name: the same in every slot and every run.
    pub subject: String,
    pub check: Check,
    pub severity: Severity,
    pub labels: Labels,
    pub warn: Option<Limit>,
    pub fail: Option<Limit>,
    pub expect: Option<Expected>,
    /// The limit that its values must not drift to, and the horizon of the warning.
    pub trend: Option<(Limit, TimeDelta)>,
}

/// A result, to be written to an item.
pub(super) struct ItemAnswer {
    pub outcome: ItemOutcome,
    pub evidence: String,
    pub value: Option<f64>,
    pub found: Option<String>,
    /// The person; none for an automated check.
    pub by: Option<String>,
    pub at: Timestamp,
}

impl RunItem {
    pub fn of(item: &ChecklistItem) -> RunItem {
        RunItem {
            subject: item.name.clone(),
            check: item.check.clone(),
            severity: item.severity,
            labels: item.labels.clone(),
            warn: item.warn,
            fail: item.fail,
            expect: item.expect.clone(),
            trend: item.limit().zip(item.trend),
        }
    }

    /// The missing part of a person's report, if any.
    pub fn lacks(&self, report: &ItemReport) -> Option<String> {
        match report.outcome {
            ItemOutcome::NotApplicable | ItemOutcome::NotDone => return None,
            ItemOutcome::Pass | ItemOutcome::Warn | ItemOutcome::Fail => {}
        }
        let nothing_found = report.found.as_ref().is_none_or(|found| found.trim().is_empty()) && report.value.is_none();
        match (&self.expect, self.warn.or(self.fail)) {
            (Some(expected), _) if nothing_found => Some(format!("it needs what was found there ({})", expected.fact)),
            (_, Some(_)) if report.value.is_none() => Some("it needs the value that was measured".to_owned()),
            (_, _) => None,
        }
    }
}
