//! The auditor: of every record that waits for people, what it waits with.
//!
//! Each must have an armed deadline, or a stated reason why not; one with neither would be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use super::problems::review_state::{Review, review_due};
use super::state::PersistentState;
use crate::core::inspections::{FindingSubject, Run, RunState};

/// What kind of record waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitingKind {
    Incident,
    /// One with a review date.
    Problem,
    /// One that is due, late, unsigned or missed.
    Run,
}

impl WaitingKind {
    pub const ALL: [WaitingKind; 3] = [WaitingKind::Incident, WaitingKind::Problem, WaitingKind::Run];

    pub const fn as_str(self) -> &'static str {
        match self {
            WaitingKind::Incident => "incident",
            WaitingKind::Problem => "problem",
            WaitingKind::Run => "run",
        }
    }
}

/// What sees to it that a record is not forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttentionSource {
    Deadline,
    /// A stated reason why no deadline is armed.
    Reason,
    /// Nothing: a defect.
    Nothing,
}

impl AttentionSource {
    pub const ALL: [AttentionSource; 3] =
        [AttentionSource::Deadline, AttentionSource::Reason, AttentionSource::Nothing];

    pub const fn as_str(self) -> &'static str {
        match self {
            AttentionSource::Deadline => "deadline",
            AttentionSource::Reason => "reason",
            AttentionSource::Nothing => "nothing",
        }
    }
}

/// What the auditor found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttentionAudit {
    counts: BTreeMap<(WaitingKind, AttentionSource), u64>,
    /// The records with neither a deadline nor a reason, in words.
    pub broken: Vec<String>,
}

impl AttentionAudit {
    pub fn count(&self, kind: WaitingKind, by: AttentionSource) -> u64 {
        self.counts.get(&(kind, by)).copied().unwrap_or(0)
    }

    fn note(&mut self, kind: WaitingKind, id: &dyn std::fmt::Display, armed: bool, reason: Option<String>) {
        let by = match (armed, reason) {
            (true, _) => AttentionSource::Deadline,
            (false, Some(_)) => AttentionSource::Reason,
            (false, None) => AttentionSource::Nothing,
        };
        *self.counts.entry((kind, by)).or_default() += 1;
        if by == AttentionSource::Nothing {
            self.broken.push(format!("{id} waits for people without a deadline or a reason why not"));
        }
    }
}

impl PersistentState {
    /// Looks at every record that waits for people.
    pub fn attendance(&self) -> AttentionAudit {
        let mut found = AttentionAudit::default();
        for (id, incident) in self.incidents.iter().filter(|(_, incident)| incident.record.state.is_open()) {
            found.note(WaitingKind::Incident, id, incident.climb.next_deadline().is_some(), incident.climb.unarmed());
        }
        for problem in self.core.problems.iter().filter(|problem| review_due(problem).is_some()) {
            let review = self.core.reviews.get(&problem.id);
            let reason = review.and_then(Review::unarmed);
            found.note(WaitingKind::Problem, &problem.id, review.is_some() && reason.is_none(), reason);
        }
        let told: BTreeSet<(&str, &FindingSubject)> = self
            .core
            .inspections
            .findings()
            .filter(|finding| finding.firing)
            .map(|finding| (finding.plan.as_str(), &finding.subject))
            .collect();
        for run in self.core.inspections.iter() {
            if let Some((armed, reason)) = waits(run, &told) {
                found.note(WaitingKind::Run, &run.id, armed, reason);
            }
        }
        found
    }
}

/// Whether a run waits for people; then whether its own clock is armed, or what stands for it. A finding that fires is an
/// alert, and its incident climbs.
fn waits(run: &Run, told: &BTreeSet<(&str, &FindingSubject)>) -> Option<(bool, Option<String>)> {
    let is_told = |subject: FindingSubject| told.contains(&(run.plan.as_str(), &subject));
    match run.state {
        // It becomes overdue, or missed, by itself.
        RunState::Due | RunState::InProgress | RunState::Overdue => Some((true, None)),
        // It becomes unsigned by itself.
        RunState::AwaitingSignoff if !is_told(FindingSubject::Unsigned) => Some((true, None)),
        RunState::AwaitingSignoff => Some((false, Some("its finding fires: it is unsigned".to_owned()))),
        RunState::Missed if is_told(FindingSubject::Missed) => {
            Some((false, Some("its finding fires: it was missed".to_owned())))
        }
        RunState::Missed => Some((false, Some("a later run of its plan was finished".to_owned()))),
        RunState::Scheduled | RunState::Completed | RunState::Skipped => None,
    }
}
