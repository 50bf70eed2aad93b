//! What people ask of the desk, and how the desk answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::incidents::PendingOn;
use crate::core::inspections::ItemOutcome;
use crate::core::model::{BreachReason, ContactBy, Outage};
use crate::core::model::{IncidentId, ProblemId, RunId, SilenceId};
use crate::core::problems::ProblemState;

/// One command of a person, checked for shape and role at the door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    pub actor: String,
    /// The role at that time.
    pub role: String,
    /// Repeating a command with the same key within 24 h gives the first answer and changes nothing; another command
    /// of the same person with that key is refused.
    pub idempotency_key: Option<String>,
    /// The version that the person saw.
    pub if_match: Option<u64>,
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    Incident {
        id: IncidentId,
        action: IncidentAction,
    },
    Problem {
        id: ProblemId,
        action: ProblemAction,
    },
    Run {
        id: RunId,
        action: RunAction,
    },
    /// Starts a run of that plan now, outside its schedule.
    StartRun {
        plan: String,
    },
    /// Who is at work.
    Staff(super::StaffAction),
}

impl Action {
    /// What was typed by the wall clock becomes times of a service whose wall clock is that many microseconds ahead.
    pub fn follow_clock(&mut self, ahead: i64) {
        let back = ahead.saturating_neg();
        if let Action::Staff(super::StaffAction::PutOverride { roster: _, asked }) = self {
            asked.from = asked.from.shifted(back);
            asked.until = asked.until.shifted(back);
        }
        if let Action::Incident { id: _, action: IncidentAction::Outage { outage, .. } } = self {
            outage.from = outage.from.shifted(back);
            outage.to = outage.to.map(|to| to.shifted(back));
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum IncidentAction {
    Acknowledge {
        note: Option<String>,
    },
    Assign {
        assignee: String,
    },
    Comment {
        text: String,
    },
    Pend {
        on: PendingOn,
        reason: String,
    },
    Resume,
    Escalate {
        diagnosis: String,
    },
    /// What was found out: symptom, tried, affected, …
    Triage {
        fields: BTreeMap<String, String>,
    },
    /// To a lower tier again.
    HandBack {
        reason: String,
    },
    /// A step of its playbook is done.
    Tick {
        step: String,
        note: Option<String>,
    },
    Resolve {
        resolution: String,
    },
    Close {
        note: Option<String>,
    },
    Reopen {
        reason: String,
    },
    Merge {
        into: IncidentId,
    },
    Cancel {
        reason: String,
    },
    /// Somebody tried the workaround of its problem: it helped, or it did not.
    WorkaroundHelped {
        helped: bool,
        note: Option<String>,
    },
    /// It is a piece of another incident's fault, and counts as no fault of its own.
    FoundDuring {
        incident: IncidentId,
    },
    /// Somebody was in contact with the user: stops the time to own.
    Contact {
        by: ContactBy,
        note: String,
    },
    /// Why a promise was broken.
    ExplainBreach {
        reason: BreachReason,
    },
    /// Resolves what was late, and says why it was.
    ResolveBreached {
        resolution: String,
        reason: BreachReason,
    },
    /// A service was out because of it; corrects what the ledger holds of that time.
    Outage {
        outage: Outage,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ProblemAction {
    Comment {
        text: String,
    },
    Own {
        owner: String,
    },
    Move {
        to: ProblemState,
        reason: Option<String>,
    },
    /// Only what is `Some` changes. A published workaround shows on the next matching incident.
    Describe {
        root_cause: Option<String>,
        workaround: Option<String>,
        fix: Option<String>,
        change: Option<String>,
    },
    LinkIncident {
        incident: IncidentId,
    },
    /// Second line takes a new one on.
    Accept,
    /// Second line says that it is no problem.
    Reject {
        reason: String,
    },
    /// It is the same fault as another, which carries on.
    Merge {
        into: ProblemId,
        reason: String,
    },
    /// Some of its incidents are another fault.
    Split {
        incidents: Vec<IncidentId>,
        reason: String,
    },
    /// Second line looked at it again.
    Review {
        note: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RunAction {
    RecordItem { item: String, outcome: ItemOutcome, evidence: String, value: Option<f64>, found: Option<String> },
    SignOff { note: Option<String> },
    Reject { reason: String },
    Skip { reason: String },
}

/// What became of a command; given only after the commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Incident {
        id: IncidentId,
        version: u64,
    },
    Problem {
        id: ProblemId,
        version: u64,
    },
    Run {
        id: RunId,
        version: u64,
    },
    Silence {
        id: SilenceId,
    },
    /// The rulebook in force after a reload; `changed` is false when the files say what they said.
    Rulebook {
        hash: crate::core::rules::RulebookHash,
        changed: bool,
    },
    /// A word on who is at work; with the number of the override that it was about.
    Staff {
        id: Option<u64>,
    },
    Refused(CommandRefusal),
}

/// What state refuses. Journaled and audited; changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CommandRefusal {
    /// 404.
    #[error("{what} is not known here")]
    NotFound { what: String },
    /// 409.
    #[error("{reason}")]
    NotAllowed { reason: String },
    /// 403: somebody else may.
    #[error("{reason}")]
    Forbidden { reason: String },
    /// 412.
    #[error("you saw version {seen}, it is at {current} now; look again and repeat")]
    VersionMismatch { seen: u64, current: u64 },
    /// 400 of Alertmanager's silences.
    #[error("{reason}")]
    Invalid { reason: String },
}
