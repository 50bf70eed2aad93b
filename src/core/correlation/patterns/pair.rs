//! Pair: fires at the first event, is ended by the second. Repeats of the first are swallowed and extend nothing.

use serde::{Deserialize, Serialize};

use super::{LevelChange, MatchRole, WindowEvent, effective};
use crate::core::correlation::LATENESS;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct PairWindow {
    /// Event time of the first event.
    opened_at: Option<Timestamp>,
    /// True if an unsuppressed first event came.
    free: bool,
    /// Event time of the second; kept while an earlier point may still arrive.
    closed_at: Option<Timestamp>,
}

impl PairWindow {
    pub fn enter(&mut self, _rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        match arrival.role {
            MatchRole::Entry => self.first(arrival),
            MatchRole::Closer => self.second(arrival),
            MatchRole::Steps(_) | MatchRole::Class(_) => LevelChange::Nothing,
        }
    }

    fn first(&mut self, arrival: &WindowEvent<'_>) -> LevelChange {
        if self.opened_at.is_some() {
            self.free |= !arrival.suppressed;
            return LevelChange::Nothing;
        }
        if arrival.is_point && self.closed_at.is_some_and(|closed_at| arrival.at < closed_at) {
            return LevelChange::Ignored;
        }
        self.opened_at = Some(arrival.at);
        self.free = !arrival.suppressed;
        LevelChange::Fired
    }

    fn second(&mut self, arrival: &WindowEvent<'_>) -> LevelChange {
        self.closed_at = self.closed_at.max(Some(arrival.at));
        if self.opened_at.is_none_or(|opened_at| arrival.at < opened_at) {
            return LevelChange::Nothing;
        }
        self.close();
        LevelChange::Closed
    }

    fn close(&mut self) {
        self.opened_at = None;
        self.free = false;
    }

    fn ends(&self, rule: &Rule) -> Option<Timestamp> {
        Some(self.opened_at? + within(rule)?)
    }

    fn forgets(&self) -> Option<Timestamp> {
        self.closed_at.map(|closed_at| closed_at + LATENESS)
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        [self.ends(rule), self.forgets()].into_iter().flatten().min()
    }

    pub fn expire(&mut self, rule: &Rule, now: Timestamp) {
        if self.ends(rule).is_some_and(|ends| ends <= now) {
            self.close();
        }
        if self.forgets().is_some_and(|forgets| forgets <= now) {
            self.closed_at = None;
        }
    }

    pub fn is_open(&self) -> bool {
        self.opened_at.is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.opened_at.is_none() && self.closed_at.is_none()
    }

    pub fn has_free(&self) -> bool {
        self.free
    }

    pub fn opened_at(&self) -> Option<Timestamp> {
        self.opened_at
    }
}

fn within(rule: &Rule) -> Option<TimeDelta> {
    if let Pattern::Pair { within, .. } = &rule.pattern { within.map(|within| effective(rule, within)) } else { None }
}
