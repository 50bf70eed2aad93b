//! Problems that wait for their review, and when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::escalation::EscalationProgress;
use crate::core::model::{ProblemId, Timestamp};
use crate::core::problems::Problem;

/// A problem that waits for its review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::core::engine) struct Review {
    /// When it is due.
    pub due: Timestamp,
    /// From then on.
    pub climb: Option<EscalationProgress>,
}

impl Review {
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.climb.as_ref().map_or(Some(self.due), EscalationProgress::next_deadline)
    }

    /// Why nothing is armed; `None` while something is.
    pub fn unarmed(&self) -> Option<String> {
        self.climb.as_ref().and_then(EscalationProgress::unarmed)
    }
}

/// Problems that wait for their review.
pub(in crate::core::engine) type Reviews = BTreeMap<ProblemId, Review>;

pub fn next_deadline(reviews: &Reviews) -> Option<Timestamp> {
    reviews.values().filter_map(Review::next_deadline).min()
}

/// When somebody must have looked at it, if anybody must.
pub fn review_due(problem: &Problem) -> Option<Timestamp> {
    problem.review_by.filter(|_| problem.state.is_open())
}
