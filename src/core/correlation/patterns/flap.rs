//! Flapping by results, as Nagios and Icinga compute it: the last twenty changes, weighted towards the newer.
//!
//! Twenty bits and the last state are the whole state; weights are whole numbers, so the limits are met exactly.

use serde::{Deserialize, Serialize};

use super::{LevelChange, WindowEvent};
use crate::core::model::{Severity, Status, TimeDelta, Timestamp};
use crate::core::rules::{Flap, Pattern, Rule};

/// Number of changes that count.
const CHANGES: u32 = 20;
/// Retention of a history without results if the rule has no `quiet:`.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::from_days(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct FlapWindow {
    /// Bit 0 is set if the newest result was a change.
    changes: u32,
    state: Severity,
    last: Option<Timestamp>,
    on: bool,
    free: bool,
}

/// Numerators over one denominator: the weight of the i-th change (from the oldest, 0), and the start and stop limits.
struct Weights {
    first: u32,
    step: u32,
    starts: fn(u32) -> bool,
    goes_on: fn(u32) -> bool,
    /// The sum of weights that makes 100 %.
    whole: u32,
}

/// In seventy-sixths: .75 are 57 and .5/19 are 2; 30 % of 20 are 6, 20 % are 4.
const NAGIOS: Weights =
    Weights { first: 57, step: 2, starts: |sum| sum >= 6 * 76, goes_on: |sum| sum > 4 * 76, whole: 20 * 76 };
/// In hundredths: .8 + .02 i; 30 % of 20 are 6, 25 % are 5.
const ICINGA: Weights =
    Weights { first: 80, step: 2, starts: |sum| sum > 6 * 100, goes_on: |sum| sum > 5 * 100, whole: 20 * 100 };

impl Default for FlapWindow {
    fn default() -> Self {
        FlapWindow { changes: 0, state: Severity::Cleared, last: None, on: false, free: false }
    }
}

impl FlapWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        let Pattern::Flap(mode) = &rule.pattern else { return LevelChange::Nothing };
        let Some(weights) = weights(*mode) else { return LevelChange::Nothing };
        let subject = arrival.subject;
        let state = if subject.status == Status::Resolved { Severity::Cleared } else { subject.severity };
        self.changes = (self.changes << 1 | u32::from(state != self.state)) & ((1 << CHANGES) - 1);
        self.state = state;
        self.last = self.last.max(Some(arrival.at));
        let sum = self.sum(&weights);
        let was_on = self.on;
        self.on = if was_on { (weights.goes_on)(sum) } else { (weights.starts)(sum) };
        self.free = self.on && ((was_on && self.free) || !arrival.suppressed);
        if self.on && !was_on { LevelChange::Fired } else { LevelChange::Nothing }
    }

    fn sum(&self, weights: &Weights) -> u32 {
        (0..CHANGES)
            .filter(|i| self.changes >> (CHANGES - 1 - i) & 1 == 1)
            .map(|i| weights.first + i * weights.step)
            .sum()
    }

    /// The flapping measure in percent, rounded down.
    pub fn percent(&self, mode: Flap) -> u32 {
        weights(mode).map_or(0, |weights| self.sum(&weights) * 100 / weights.whole)
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        Some(self.last? + rule.quiet.unwrap_or(FORGOTTEN_AFTER))
    }

    pub fn expire(&mut self, rule: &Rule, now: Timestamp) {
        if self.due(rule).is_some_and(|due| due <= now) {
            *self = FlapWindow::default();
        }
    }

    pub fn is_on(&self) -> bool {
        self.on
    }

    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    pub fn has_free(&self) -> bool {
        self.free
    }

    pub fn changes(&self) -> u32 {
        self.changes.count_ones()
    }
}

const fn weights(mode: Flap) -> Option<Weights> {
    match mode {
        Flap::Timed { .. } => None,
        Flap::Nagios => Some(NAGIOS),
        Flap::Icinga => Some(ICINGA),
    }
}
