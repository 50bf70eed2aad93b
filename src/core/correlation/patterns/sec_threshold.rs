//! Threshold as SEC counts: T is the oldest counted event; once fired it swallows until T + W + 1s and starts again.

use serde::{Deserialize, Serialize};

use super::event_times::{CountedAt, EventTimes};
use super::{LevelChange, WindowEvent, effective, is_past};
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct SecThresholdWindow {
    times: EventTimes,
    fired: bool,
    free: bool,
}

fn numbers(rule: &Rule) -> Option<(usize, TimeDelta)> {
    let Pattern::Threshold { count, within, .. } = &rule.pattern else { return None };
    Some((*count as usize, effective(rule, *within)))
}

impl SecThresholdWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        let Some((count, within)) = numbers(rule) else { return LevelChange::Nothing };
        self.expire(rule, arrival.at);
        if self.fired {
            self.free |= !arrival.suppressed;
            return LevelChange::Nothing;
        }
        let is_out = self.times.newest().is_some_and(|newest| arrival.at + within <= newest);
        if is_out || is_past(arrival, within) || self.times.insert(CountedAt::of(arrival), count).is_none() {
            return LevelChange::Ignored;
        }
        if self.times.len() < count {
            return LevelChange::Nothing;
        }
        self.fired = true;
        self.free = self.times.has_free();
        LevelChange::Fired
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        Some(self.times.oldest()? + numbers(rule)?.1)
    }

    pub fn expire(&mut self, rule: &Rule, now: Timestamp) {
        while self.due(rule).is_some_and(|due| due <= now) {
            if self.fired {
                *self = SecThresholdWindow::default();
            } else {
                self.times.pop_oldest();
            }
        }
    }

    pub fn is_on(&self) -> bool {
        self.fired
    }

    pub fn has_free(&self) -> bool {
        if self.fired { self.free } else { self.times.has_free() }
    }

    pub fn times(&self) -> &EventTimes {
        &self.times
    }
}
