//! Two thresholds: rises at the `rise.count`-th match inside `rise.within`, falls when at most `fall.count` came for
//! `fall.within`, counted afresh from the rise on.

use serde::{Deserialize, Serialize};

use super::event_times::{Kept, Times};
use super::{Arrival, Edge, effective, is_past};
use crate::core::correlation::LATENESS;
use crate::core::model::{Moment, Span};
use crate::core::rules::{CountWithin, Pattern, Rule, Semantics};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct TwoThresholdsWindow {
    times: Times,
    phase: Phase,
    /// Whether something free counted since it rose.
    free: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Phase {
    #[default]
    Rising,
    /// Risen; what happened before that moment does not count. Under SEC's semantics its T, which moves.
    Risen { since: Moment },
    /// It fell then; what happened before does not count.
    Fallen { at: Moment },
}

struct Numbers {
    rise: CountWithin,
    fall: CountWithin,
    is_sec: bool,
}

fn numbers(rule: &Rule) -> Option<Numbers> {
    let Pattern::Thresholds { rise, fall } = &rule.pattern else { return None };
    let of = |one: &CountWithin| CountWithin { count: one.count, within: effective(rule, one.within) };
    Some(Numbers { rise: of(rise), fall: of(fall), is_sec: rule.semantics == Semantics::Sec })
}

impl TwoThresholdsWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &Arrival<'_>) -> Edge {
        let Some(numbers) = numbers(rule) else { return Edge::Nothing };
        if numbers.is_sec && self.due(rule).is_some_and(|due| due <= arrival.at) {
            self.expire(rule, arrival.at);
        }
        match self.phase {
            Phase::Fallen { at } if arrival.at < at => Edge::Ignored,
            Phase::Rising | Phase::Fallen { .. } => self.rise(&numbers, arrival),
            Phase::Risen { since } if arrival.at < since && !numbers.is_sec => Edge::Ignored,
            Phase::Risen { since } => {
                self.free |= !arrival.suppressed;
                let most = numbers.fall.count as usize;
                self.times.insert(Kept::of(arrival), most + 1);
                if numbers.is_sec && self.times.len() > most {
                    self.times.pop_oldest();
                    let since = since.max(self.times.oldest().unwrap_or(arrival.at));
                    self.phase = Phase::Risen { since };
                }
                Edge::Nothing
            }
        }
    }

    fn rise(&mut self, numbers: &Numbers, arrival: &Arrival<'_>) -> Edge {
        let count = numbers.rise.count.max(1) as usize;
        if is_past(arrival, numbers.rise.within) || self.times.insert(Kept::of(arrival), count).is_none() {
            return Edge::Ignored;
        }
        let (Some(newest), Some(oldest)) = (self.times.newest(), self.times.nth_newest(count)) else {
            return Edge::Nothing;
        };
        if newest >= oldest + numbers.rise.within {
            return Edge::Nothing;
        }
        self.free = self.times.has_free();
        self.times.clear();
        self.phase = Phase::Risen { since: newest };
        Edge::Fired
    }

    pub fn due(&self, rule: &Rule) -> Option<Moment> {
        let numbers = numbers(rule)?;
        let forgotten = |within: Span| self.times.newest().map(|newest| newest + within + LATENESS);
        match self.phase {
            Phase::Rising => forgotten(numbers.rise.within),
            Phase::Fallen { at } => Some(forgotten(numbers.rise.within).unwrap_or(at + LATENESS)),
            Phase::Risen { since } => {
                let last_of_too_many = self.times.nth_newest(numbers.fall.count as usize + 1);
                Some(last_of_too_many.map_or(since, |last| last.max(since)) + numbers.fall.within)
            }
        }
    }

    pub fn expire(&mut self, rule: &Rule, now: Moment) {
        let Some(numbers) = numbers(rule) else { return };
        let Some(due) = self.due(rule).filter(|due| *due <= now) else { return };
        match self.phase {
            Phase::Risen { .. } => {
                *self = TwoThresholdsWindow { phase: Phase::Fallen { at: due }, ..TwoThresholdsWindow::default() };
                if numbers.is_sec || due + LATENESS <= now {
                    self.phase = Phase::Rising;
                }
            }
            Phase::Rising | Phase::Fallen { .. } => *self = TwoThresholdsWindow::default(),
        }
    }

    pub fn is_on(&self) -> bool {
        matches!(self.phase, Phase::Risen { .. })
    }

    pub fn is_empty(&self) -> bool {
        self.times.is_empty() && self.phase == Phase::Rising
    }

    pub fn has_free(&self) -> bool {
        if self.is_on() { self.free } else { self.times.has_free() }
    }

    pub fn times(&self) -> &Times {
        &self.times
    }
}
