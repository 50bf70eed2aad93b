//! The problem as second line reviews it.

use serde::{Deserialize, Serialize};

use crate::model::{Fingerprint, IncidentId, Labels, Moment, ProblemId};

/// Where a problem stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemState {
    New,
    Investigating,
    KnownError,
    FixInProgress,
    Observing,
    Closed,
    AcceptedRisk,
    Duplicate,
}

impl ProblemState {
    pub const ALL: [ProblemState; 8] = [
        ProblemState::New,
        ProblemState::Investigating,
        ProblemState::KnownError,
        ProblemState::FixInProgress,
        ProblemState::Observing,
        ProblemState::Closed,
        ProblemState::AcceptedRisk,
        ProblemState::Duplicate,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            ProblemState::New => "new",
            ProblemState::Investigating => "investigating",
            ProblemState::KnownError => "known_error",
            ProblemState::FixInProgress => "fix_in_progress",
            ProblemState::Observing => "observing",
            ProblemState::Closed => "closed",
            ProblemState::AcceptedRisk => "accepted_risk",
            ProblemState::Duplicate => "duplicate",
        }
    }
}

/// One recurring cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    pub id: ProblemId,
    pub version: u64,
    pub title: String,
    pub state: ProblemState,
    pub team: String,
    pub owner: Option<String>,
    /// The policy that opened it, and the incidents' fingerprint that it stands for.
    pub policy: String,
    pub fingerprint: Fingerprint,
    pub rule: String,
    pub key: Labels,
    /// Why it was opened: `3 incidents in 30d`.
    pub reason: String,
    /// Its incidents, oldest first; the newest 64.
    pub incidents: Vec<IncidentId>,
    /// How many there ever were.
    pub occurrences: u64,
    pub root_cause: Option<String>,
    pub workaround: Option<String>,
    pub fix: Option<String>,
    /// Until when somebody of its team has to look at it; none once nobody works on it.
    #[serde(default)]
    pub review_by: Option<Moment>,
    /// The newest notes of people; all of them are in the audit.
    pub notes: Vec<ProblemNote>,
    pub opened_at: Moment,
    pub last_seen_at: Moment,
    pub closed_at: Option<Moment>,
    pub updated_at: Moment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProblemNote {
    pub at: Moment,
    pub actor: String,
    pub text: String,
}
