//! Duration of a pattern without an end of its own: by its alerts, and by time for points.

use serde::{Deserialize, Serialize};

use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::Rule;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct HoldTimer {
    fired: bool,
    /// Holds until then, members or not.
    until: Option<Timestamp>,
}

impl HoldTimer {
    /// Records that it fired, with its newest event at `at`. An alert that stays as a member is enough to hold it.
    pub fn fire(&mut self, rule: &Rule, within: TimeDelta, at: Timestamp, is_member: bool) {
        self.fired = true;
        if !is_member {
            self.until = self.until.max(Some(at + rule.quiet.unwrap_or(within)));
        }
    }

    pub fn is_on(&self, has_members: bool) -> bool {
        self.fired && (has_members || self.until.is_some())
    }

    pub fn has_fired(&self) -> bool {
        self.fired
    }

    pub fn due(&self) -> Option<Timestamp> {
        self.until
    }

    pub fn expire(&mut self, now: Timestamp) {
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
        }
    }

    /// The condition is clear: the pattern may fire again.
    pub fn rest(&mut self) {
        *self = HoldTimer::default();
    }
}
