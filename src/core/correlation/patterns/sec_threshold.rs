//! Threshold as SEC counts: T is the oldest counted event; once fired it swallows until T + W + 1s and begins anew.

use serde::{Deserialize, Serialize};

use super::event_times::{Kept, Times};
use super::{Arrival, Edge, effective, is_past};
use crate::core::model::{Moment, Span};
use crate::core::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct SecThresholdWindow {
    times: Times,
    fired: bool,
    free: bool,
}

fn numbers(rule: &Rule) -> Option<(usize, Span)> {
    let Pattern::Threshold { count, within, .. } = &rule.pattern else { return None };
    Some((*count as usize, effective(rule, *within)))
}

impl SecThresholdWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &Arrival<'_>) -> Edge {
        let Some((count, within)) = numbers(rule) else { return Edge::Nothing };
        self.expire(rule, arrival.at);
        if self.fired {
            self.free |= !arrival.suppressed;
            return Edge::Nothing;
        }
        let is_out = self.times.newest().is_some_and(|newest| arrival.at + within <= newest);
        if is_out || is_past(arrival, within) || self.times.insert(Kept::of(arrival), count).is_none() {
            return Edge::Ignored;
        }
        if self.times.len() < count {
            return Edge::Nothing;
        }
        self.fired = true;
        self.free = self.times.has_free();
        Edge::Fired
    }

    pub fn due(&self, rule: &Rule) -> Option<Moment> {
        Some(self.times.oldest()? + numbers(rule)?.1)
    }

    pub fn expire(&mut self, rule: &Rule, now: Moment) {
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

    pub fn times(&self) -> &Times {
        &self.times
    }
}
