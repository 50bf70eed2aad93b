//! Pair with window: fires when the second event did not come within `within` of the first, is ended by one that does.

use serde::{Deserialize, Serialize};

use super::{LevelChange, MatchRole, WindowEvent, effective};
use crate::core::correlation::LATENESS;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct UnansweredWindow {
    /// Event time of the first event that waits for its second.
    waits_since: Option<Timestamp>,
    /// End of the wait; extended by a downtime of this service.
    deadline: Option<Timestamp>,
    /// Event time of the last first event without a second.
    overdue: Option<Timestamp>,
    /// True if an unsuppressed first event came.
    free: bool,
    /// Event time of the second; kept while an earlier point may still arrive.
    closed_at: Option<Timestamp>,
}

impl UnansweredWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        match arrival.role {
            MatchRole::Entry => self.first(rule, arrival),
            MatchRole::Closer => self.second(arrival),
            MatchRole::Steps(_) | MatchRole::Class(_) => LevelChange::Nothing,
        }
    }

    fn first(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        let Some(within) = within(rule) else { return LevelChange::Nothing };
        if self.waits_since.is_some() {
            self.free |= !arrival.suppressed;
            return LevelChange::Nothing;
        }
        if arrival.is_point && self.closed_at.is_some_and(|closed_at| arrival.at < closed_at) {
            return LevelChange::Ignored;
        }
        self.waits_since = Some(arrival.at);
        self.deadline = Some(arrival.at + within);
        self.free = (self.overdue.is_some() && self.free) || !arrival.suppressed;
        LevelChange::Nothing
    }

    fn second(&mut self, arrival: &WindowEvent<'_>) -> LevelChange {
        self.closed_at = self.closed_at.max(Some(arrival.at));
        let first = self.waits_since.or(self.overdue);
        if first.is_none_or(|first| arrival.at < first) {
            return LevelChange::Nothing;
        }
        *self = UnansweredWindow { closed_at: self.closed_at, ..UnansweredWindow::default() };
        LevelChange::Closed
    }

    fn forgets(&self) -> Option<Timestamp> {
        self.closed_at.map(|closed_at| closed_at + LATENESS)
    }

    pub fn due(&self) -> Option<Timestamp> {
        [self.deadline, self.forgets()].into_iter().flatten().min()
    }

    /// Returns true if it fires by that.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        if self.forgets().is_some_and(|forgets| forgets <= now) {
            self.closed_at = None;
        }
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return false;
        }
        self.overdue = self.waits_since.take();
        self.deadline = None;
        true
    }

    /// Time until which it waits for the second event.
    pub fn awaited(&self) -> Option<Timestamp> {
        self.deadline
    }

    pub fn postpone(&mut self, deadline: Timestamp) {
        self.deadline = Some(deadline);
    }

    pub fn is_on(&self) -> bool {
        self.overdue.is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.overdue.is_none() && self.waits_since.is_none() && self.closed_at.is_none()
    }

    pub fn has_free(&self) -> bool {
        self.free
    }

    pub fn waits_since(&self) -> Option<Timestamp> {
        self.waits_since
    }
}

fn within(rule: &Rule) -> Option<TimeDelta> {
    if let Pattern::PairWindow { within, .. } = &rule.pattern { Some(effective(rule, *within)) } else { None }
}
