//! Commands on runs, their refusals, and their consequences for the desk.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::record::{ItemOutcome, ProbeRequest, RunState};
use crate::core::model::{IncidentId, RunId, Timestamp};

/// Reason for a refusal, in words for the person who sent the command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RunRefused {
    pub reason: String,
}

/// Reason why a command changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunRefusal {
    /// Never created, or ended so long ago that only its row is left.
    #[error("{0} is not known here")]
    Unknown(RunId),
    #[error(transparent)]
    NotAllowed(#[from] RunRefused),
}

/// One consequence for the desk to act on.
#[derive(Clone, Debug, PartialEq)]
pub enum RunChange {
    /// The record changed; [`super::Inspections::get`] returns it. Once per run, before everything else.
    Changed(RunId),
    /// A request to check an automated item now.
    Probe(ProbeRequest),
    /// An item got its result.
    Checked { run: RunId, item: String, outcome: ItemOutcome },
    /// A run was completed, missed or skipped.
    Ended { run: RunId, state: RunState },
    /// An event to emit.
    Found(Finding),
    /// A finding of the run belongs to that incident; `RUN-7/ups`.
    Linked { incident: IncidentId, place: String },
}

/// A person's report on an item.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemReport {
    pub item: String,
    pub outcome: ItemOutcome,
    pub evidence: String,
    pub value: Option<f64>,
    /// The observed value.
    pub found: Option<String>,
}

/// Rules on signing or rejecting a run, in addition to the role.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignOffPolicy<'a> {
    /// A team, and its members; an empty one restricts no one.
    pub team: Option<(&'a str, &'a [String])>,
    /// True if a person who recorded an item of it may not sign.
    pub four_eyes: bool,
}

/// One call's `now`, and its results.
pub(super) struct ChangeSet {
    pub now: Timestamp,
    pub changed: BTreeSet<RunId>,
    pub then: Vec<RunChange>,
}

impl ChangeSet {
    pub fn at(now: Timestamp) -> ChangeSet {
        ChangeSet { now, changed: BTreeSet::new(), then: Vec::new() }
    }
}
