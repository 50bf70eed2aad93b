//! How long a pattern stands that has no end of its own: by its alerts, and by time for what is no alert.

use serde::{Deserialize, Serialize};

use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::Rule;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct HoldTimer {
    fired: bool,
    /// Stands until then, members or not.
    until: Option<Timestamp>,
}

impl HoldTimer {
    /// It fired, its newest event being of `at`. By an alert that stays as a member: that is enough to hold it.
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

    /// The condition is clear: it may fire anew.
    pub fn rest(&mut self) {
        *self = HoldTimer::default();
    }
}
