//! The problem as second line reviews it.

use serde::{Deserialize, Serialize};

use super::{CauseHint, Periodicity};
use crate::core::model::{Fingerprint, IncidentId, Labels, ProblemId, TimeDelta, Timestamp};
use crate::core::rules::ProblemPolicy;

/// State of a problem.
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
    /// The policy that opened it, and the incidents' fingerprint that it covers.
    pub policy: String,
    pub fingerprint: Fingerprint,
    pub rule: String,
    pub key: Labels,
    /// Reason for its opening: `3 incidents in 30d`.
    pub reason: String,
    /// Its incidents, oldest first; the newest 64.
    pub incidents: Vec<IncidentId>,
    /// Number of incidents ever.
    pub occurrences: u64,
    /// Number of recurrences: incidents at most an hour apart, or found during another, count once.
    #[serde(default)]
    pub episodes: u64,
    /// Periodicity of its episodes; none below three.
    #[serde(default)]
    pub rhythm: Option<Periodicity>,
    /// Alerts that tended to precede its episodes: counts, never a verdict.
    #[serde(default)]
    pub hints: Vec<CauseHint>,
    /// Other problems that look like the same fault, the most similar first.
    #[serde(default)]
    pub similar: Vec<Similar>,
    /// Causes of other problems that were merged into it.
    #[serde(default)]
    pub causes: Vec<Fingerprint>,
    pub root_cause: Option<String>,
    pub workaround: Option<String>,
    pub fix: Option<String>,
    /// The change that brings the fix, by its number in the change system.
    #[serde(default)]
    pub change: Option<String>,
    /// For a duplicate: the problem that continues.
    #[serde(default)]
    pub duplicate_of: Option<ProblemId>,
    /// Reason for its rejection by second line.
    #[serde(default)]
    pub rejected: Option<String>,
    /// Number of reports that the workaround helped, and that it did not.
    #[serde(default)]
    pub helped: u64,
    #[serde(default)]
    pub not_helped: u64,
    /// Number of recurrences after its fix.
    #[serde(default)]
    pub reopened: u64,
    /// Due time of the next review by its team; none once the work has ended.
    #[serde(default)]
    pub review_by: Option<Timestamp>,
    /// Its policy's times, as of its opening.
    #[serde(default)]
    pub terms: ProblemTerms,
    /// Under observation: it may be closed from then on, without recurrence.
    #[serde(default)]
    pub quiet_until: Option<Timestamp>,
    /// The newest notes of people; all of them are in the audit.
    pub notes: Vec<ProblemNote>,
    pub opened_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// Time settings of its policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemTerms {
    /// Incidents at most so far apart are one episode.
    pub apart: TimeDelta,
    /// Time zone of the hours of the day and the week.
    pub zone: String,
    /// Maximum time without a review.
    pub review_after: TimeDelta,
    /// Time without recurrence before it may be closed.
    pub quiet: TimeDelta,
}

impl Default for ProblemTerms {
    fn default() -> ProblemTerms {
        ProblemTerms {
            apart: ProblemPolicy::APART,
            zone: ProblemPolicy::ZONE.to_owned(),
            review_after: ProblemPolicy::REVIEW_AFTER,
            quiet: ProblemPolicy::QUIET,
        }
    }
}

impl From<&ProblemPolicy> for ProblemTerms {
    fn from(policy: &ProblemPolicy) -> ProblemTerms {
        ProblemTerms {
            apart: policy.apart,
            zone: policy.zone.clone(),
            review_after: policy.review_after,
            quiet: policy.quiet,
        }
    }
}

/// A problem that looks like another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Similar {
    pub problem: ProblemId,
    /// Cosine of the terms of both, 0 to 1.
    pub similarity: f64,
    /// So similar that it is hardly another fault; below that it is only worth a look.
    pub same: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProblemNote {
    pub at: Timestamp,
    pub actor: String,
    pub text: String,
}

impl Problem {
    /// A new problem without any text yet.
    pub fn blank(id: ProblemId, fingerprint: Fingerprint, now: Timestamp) -> Problem {
        Problem {
            id,
            version: 1,
            title: String::new(),
            state: ProblemState::New,
            team: String::new(),
            owner: None,
            policy: String::new(),
            fingerprint,
            rule: String::new(),
            key: Labels::empty(),
            reason: String::new(),
            incidents: Vec::new(),
            occurrences: 0,
            episodes: 0,
            rhythm: None,
            hints: Vec::new(),
            similar: Vec::new(),
            causes: Vec::new(),
            root_cause: None,
            workaround: None,
            fix: None,
            change: None,
            duplicate_of: None,
            rejected: None,
            helped: 0,
            not_helped: 0,
            reopened: 0,
            review_by: None,
            terms: ProblemTerms::default(),
            quiet_until: None,
            notes: Vec::new(),
            opened_at: now,
            last_seen_at: now,
            closed_at: None,
            updated_at: now,
        }
    }
}
