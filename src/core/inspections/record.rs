//! One execution of a checklist, item by item.

use serde::{Deserialize, Serialize};

use crate::core::model::{IncidentId, RunId, Timestamp};
use crate::core::rules::Check;

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Scheduled,
    Due,
    InProgress,
    Overdue,
    AwaitingSignoff,
    Completed,
    Missed,
    Skipped,
}

impl RunState {
    pub const ALL: [RunState; 8] = [
        RunState::Scheduled,
        RunState::Due,
        RunState::InProgress,
        RunState::Overdue,
        RunState::AwaitingSignoff,
        RunState::Completed,
        RunState::Missed,
        RunState::Skipped,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            RunState::Scheduled => "scheduled",
            RunState::Due => "due",
            RunState::InProgress => "in_progress",
            RunState::Overdue => "overdue",
            RunState::AwaitingSignoff => "awaiting_signoff",
            RunState::Completed => "completed",
            RunState::Missed => "missed",
            RunState::Skipped => "skipped",
        }
    }
}

/// Result of one item's check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ItemOutcome {
    #[serde(rename = "pass")]
    Pass,
    #[serde(rename = "warn")]
    Warn,
    #[serde(rename = "fail")]
    Fail,
    #[serde(rename = "n/a")]
    NotApplicable,
    #[serde(rename = "not_done")]
    NotDone,
}

impl ItemOutcome {
    pub const ALL: [ItemOutcome; 5] =
        [ItemOutcome::Pass, ItemOutcome::Warn, ItemOutcome::Fail, ItemOutcome::NotApplicable, ItemOutcome::NotDone];

    pub const fn as_str(self) -> &'static str {
        match self {
            ItemOutcome::Pass => "pass",
            ItemOutcome::Warn => "warn",
            ItemOutcome::Fail => "fail",
            ItemOutcome::NotApplicable => "n/a",
            ItemOutcome::NotDone => "not_done",
        }
    }
}

/// One item of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemResult {
    /// Unique in the run: `ups`, for a device `looks@sw3`, for a slot `voltage@09:00`.
    pub name: String,
    pub title: String,
    pub kind: String,
    /// The inventory item that it checks.
    #[serde(default)]
    pub device: Option<String>,
    /// For an item with several slots in a run: due time and missed time of this one.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
    #[serde(default)]
    pub missed_at: Option<Timestamp>,
    pub outcome: ItemOutcome,
    /// The measurement or observation: `expires in 6d`, a person's text, a link.
    pub evidence: String,
    pub value: Option<f64>,
    /// The observed value, and the expected one of the inventory.
    #[serde(default)]
    pub found: Option<String>,
    #[serde(default)]
    pub expected: Option<String>,
    /// The person who did it; none for an automated or a missed one.
    pub by: Option<String>,
    pub at: Option<Timestamp>,
    /// Drift of its values, if towards a limit.
    #[serde(default)]
    pub trend: Option<String>,
    /// The incident of its finding.
    #[serde(default)]
    pub incident: Option<IncidentId>,
}

/// One execution of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub version: u64,
    pub plan: String,
    pub title: String,
    pub team: String,
    pub state: RunState,
    pub scheduled_at: Timestamp,
    pub overdue_at: Timestamp,
    pub missed_at: Timestamp,
    /// Time at which it became due, overdue, or finished but unsigned: start of its present wait.
    #[serde(default)]
    pub due_since: Option<Timestamp>,
    #[serde(default)]
    pub overdue_since: Option<Timestamp>,
    #[serde(default)]
    pub unsigned_since: Option<Timestamp>,
    pub items: Vec<ItemResult>,
    /// Reason why it was skipped, missed or rejected.
    pub reason: Option<String>,
    pub signed_by: Option<String>,
    pub completed_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// A request to check an automated item now. Repeated after a restart, until its result is journaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeRequest {
    pub run: RunId,
    pub item: String,
    pub check: Check,
}

/// Result of a check. An input of the desk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeResult {
    pub run: RunId,
    pub item: String,
    pub outcome: ItemOutcome,
    pub evidence: String,
    pub value: Option<f64>,
    /// The text at the item's JSON pointer.
    pub found: Option<String>,
}
