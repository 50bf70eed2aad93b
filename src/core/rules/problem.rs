//! When incidents become a problem.

use crate::core::calendar::HOUSE_ZONE;
use crate::core::model::{Matchers, TimeDelta};

/// When incidents become a problem: the `count`-th episode of one fingerprint inside `within`, or a regular return.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemPolicy {
    pub name: String,
    /// On the incident's labels and `rule`.
    pub matchers: Matchers,
    pub count: u32,
    pub within: TimeDelta,
    /// Incidents at most so far apart are one episode, and count once.
    pub apart: TimeDelta,
    /// Whether episodes that come back with the clock open it too, however far apart.
    pub regular: bool,
    /// Whose hours of the day and the week those are: an IANA name.
    pub zone: String,
    /// Who reviews it; second line.
    pub team: String,
    /// How long it may lie before somebody has to look at it (again).
    pub review_after: TimeDelta,
    /// How long it must stay away under observation before it may be closed.
    pub quiet: TimeDelta,
}

impl ProblemPolicy {
    /// What `apart:` is where a policy does not say.
    pub const APART: TimeDelta = TimeDelta::from_minutes(60);
    /// What `zone:` is where a policy does not say.
    pub const ZONE: &str = HOUSE_ZONE;
    /// What `review_after:` is where a policy does not say.
    pub const REVIEW_AFTER: TimeDelta = TimeDelta::from_days(7);
    /// What `quiet:` is where a policy does not say.
    pub const QUIET: TimeDelta = TimeDelta::from_days(30);
}
