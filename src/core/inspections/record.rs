//! One execution of a checklist, item by item.

use serde::{Deserialize, Serialize};

use crate::core::model::{IncidentId, RunId, Timestamp};
use crate::core::rules::Check;

/// Where a run stands.
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

/// What one item's check said.
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
    /// Once in the run: `ups`, of a device `looks@sw3`, of an hour `voltage@09:00`.
    pub name: String,
    pub title: String,
    pub kind: String,
    /// The item of the inventory that it is about.
    #[serde(default)]
    pub device: Option<String>,
    /// Of an item that is due several times in a run: when this one is, and when it is missed.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
    #[serde(default)]
    pub missed_at: Option<Timestamp>,
    pub outcome: ItemOutcome,
    /// What was measured or seen: `expires in 6d`, a person's words, a link.
    pub evidence: String,
    pub value: Option<f64>,
    /// What stands there, and what the inventory says should.
    #[serde(default)]
    pub found: Option<String>,
    #[serde(default)]
    pub expected: Option<String>,
    /// Who did it; nobody of an automated one, or of one that was missed.
    pub by: Option<String>,
    pub at: Option<Timestamp>,
    /// Where its values are going, if towards a limit.
    #[serde(default)]
    pub trend: Option<String>,
    /// The incident that what it found led to.
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
    /// When it became due, overdue, and finished but unsigned: since when it waits for somebody.
    #[serde(default)]
    pub due_since: Option<Timestamp>,
    #[serde(default)]
    pub overdue_since: Option<Timestamp>,
    #[serde(default)]
    pub unsigned_since: Option<Timestamp>,
    pub items: Vec<ItemResult>,
    /// Why it was skipped, missed or rejected.
    pub reason: Option<String>,
    pub signed_by: Option<String>,
    pub completed_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// An automated item to check now. Asked again after a restart, until its result is journaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeRequest {
    pub run: RunId,
    pub item: String,
    pub check: Check,
}

/// What the check said. An input of the desk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeResult {
    pub run: RunId,
    pub item: String,
    pub outcome: ItemOutcome,
    pub evidence: String,
    pub value: Option<f64>,
    /// The text that stands where the item points at.
    pub found: Option<String>,
}
