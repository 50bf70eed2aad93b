//! Two thresholds: rises at the `rise.count`-th match inside `rise.within`, falls when at most `fall.count` came for
//! `fall.within`, counted from the rise on.

use serde::{Deserialize, Serialize};

use super::event_times::{CountedAt, EventTimes};
use super::{LevelChange, WindowEvent, effective, is_past};
use crate::core::correlation::LATENESS;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{CountWithin, Pattern, Rule, Semantics};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct TwoThresholdsWindow {
    times: EventTimes,
    phase: HysteresisPhase,
    /// True if an unsuppressed event counted since the rise.
    free: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum HysteresisPhase {
    #[default]
    Rising,
    /// Risen; earlier events do not count. Under SEC's semantics its T, which moves.
    Risen { since: Timestamp },
    /// Fallen at that time; earlier events do not count.
    Fallen { at: Timestamp },
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
    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        let Some(numbers) = numbers(rule) else { return LevelChange::Nothing };
        if numbers.is_sec && self.due(rule).is_some_and(|due| due <= arrival.at) {
            self.expire(rule, arrival.at);
        }
        match self.phase {
            HysteresisPhase::Fallen { at } if arrival.at < at => LevelChange::Ignored,
            HysteresisPhase::Rising | HysteresisPhase::Fallen { .. } => self.rise(&numbers, arrival),
            HysteresisPhase::Risen { since } if arrival.at < since && !numbers.is_sec => LevelChange::Ignored,
            HysteresisPhase::Risen { since } => {
                self.free |= !arrival.suppressed;
                let most = numbers.fall.count as usize;
                self.times.insert(CountedAt::of(arrival), most + 1);
                if numbers.is_sec && self.times.len() > most {
                    self.times.pop_oldest();
                    let since = since.max(self.times.oldest().unwrap_or(arrival.at));
                    self.phase = HysteresisPhase::Risen { since };
                }
                LevelChange::Nothing
            }
        }
    }

    fn rise(&mut self, numbers: &Numbers, arrival: &WindowEvent<'_>) -> LevelChange {
        let count = numbers.rise.count.max(1) as usize;
        if is_past(arrival, numbers.rise.within) || self.times.insert(CountedAt::of(arrival), count).is_none() {
            return LevelChange::Ignored;
        }
        let (Some(newest), Some(oldest)) = (self.times.newest(), self.times.nth_newest(count)) else {
            return LevelChange::Nothing;
        };
        if newest >= oldest + numbers.rise.within {
            return LevelChange::Nothing;
        }
        self.free = self.times.has_free();
        self.times.clear();
        self.phase = HysteresisPhase::Risen { since: newest };
        LevelChange::Fired
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        let numbers = numbers(rule)?;
        let forgotten = |within: TimeDelta| self.times.newest().map(|newest| newest + within + LATENESS);
        match self.phase {
            HysteresisPhase::Rising => forgotten(numbers.rise.within),
            HysteresisPhase::Fallen { at } => Some(forgotten(numbers.rise.within).unwrap_or(at + LATENESS)),
            HysteresisPhase::Risen { since } => {
                let last_of_too_many = self.times.nth_newest(numbers.fall.count as usize + 1);
                Some(last_of_too_many.map_or(since, |last| last.max(since)) + numbers.fall.within)
            }
        }
    }

    pub fn expire(&mut self, rule: &Rule, now: Timestamp) {
        let Some(numbers) = numbers(rule) else { return };
        let Some(due) = self.due(rule).filter(|due| *due <= now) else { return };
        match self.phase {
            HysteresisPhase::Risen { .. } => {
                *self = TwoThresholdsWindow {
                    phase: HysteresisPhase::Fallen { at: due },
                    ..TwoThresholdsWindow::default()
                };
                if numbers.is_sec || due + LATENESS <= now {
                    self.phase = HysteresisPhase::Rising;
                }
            }
            HysteresisPhase::Rising | HysteresisPhase::Fallen { .. } => *self = TwoThresholdsWindow::default(),
        }
    }

    pub fn is_on(&self) -> bool {
        matches!(self.phase, HysteresisPhase::Risen { .. })
    }

    pub fn is_empty(&self) -> bool {
        self.times.is_empty() && self.phase == HysteresisPhase::Rising
    }

    pub fn has_free(&self) -> bool {
        if self.is_on() { self.free } else { self.times.has_free() }
    }

    pub fn times(&self) -> &EventTimes {
        &self.times
    }
}
