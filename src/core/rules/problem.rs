//! Problem policies: the conditions under which incidents become a problem.

use crate::core::calendar::HOUSE_ZONE;
use crate::core::model::{Matchers, TimeDelta};

/// Opens a problem at the `count`-th episode of one fingerprint inside `within`, or at a regular return.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemPolicy {
    pub name: String,
    /// Over the incident's labels and `rule`.
    pub matchers: Matchers,
    pub count: u32,
    pub within: TimeDelta,
    /// Incidents at most so far apart are one episode, and count once.
    pub apart: TimeDelta,
    /// True if episodes that recur at regular times also open it, at any distance.
    pub regular: bool,
    /// IANA time zone of those hours of the day and the week.
    pub zone: String,
    /// The team that reviews it; second line.
    pub team: String,
    /// Maximum time without a review.
    pub review_after: TimeDelta,
    /// Time without recurrence under observation before it may be closed.
    pub quiet: TimeDelta,
}

impl ProblemPolicy {
    /// Default of `apart:`.
    pub const APART: TimeDelta = TimeDelta::from_minutes(60);
    /// Default of `zone:`.
    pub const ZONE: &str = HOUSE_ZONE;
    /// Default of `review_after:`.
    pub const REVIEW_AFTER: TimeDelta = TimeDelta::from_days(7);
    /// Default of `quiet:`.
    pub const QUIET: TimeDelta = TimeDelta::from_days(30);
}
