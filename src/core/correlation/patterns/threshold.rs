//! Threshold: fires when the newest `count` matches lie within `within`, is clear when fewer than `clear` are left in
//! its window. Rates up to a count of 1000 and flapping by time are thresholds with other numbers.
//!
//! Exact with the last `count` event times alone: the k-th newest decides whether k are in the window.

use serde::{Deserialize, Serialize};

use super::event_times::{CountedAt, EventTimes};
use super::{LevelChange, WindowEvent, is_past};
use crate::core::correlation::LATENESS;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{Flap, Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct ThresholdWindow {
    /// Never more than the threshold's count.
    times: EventTimes,
    on: bool,
    /// The newest event at the last time it was on: a late event of that time does not fire again.
    told_to: Option<Timestamp>,
}

/// The numbers of a threshold, for every pattern that is one.
#[derive(Clone, Copy, Debug)]
pub(in crate::core::correlation) struct Limits {
    pub count: usize,
    pub within: TimeDelta,
    pub clear: usize,
    pub clear_within: TimeDelta,
}

impl Limits {
    /// `None` for patterns that are no threshold.
    pub fn of(rule: &Rule) -> Option<Limits> {
        let (count, within, clear, clear_within) = match &rule.pattern {
            Pattern::Threshold { count, within, clear, distinct: _ } => (*count, *within, *clear, *within),
            Pattern::Rate(rate) => (rate.count, rate.within, rate.count, rate.within),
            Pattern::Flap(Flap::Timed { start, stop }) => (start.count, start.within, stop.count + 1, stop.within),
            Pattern::Each
            | Pattern::Suppress { .. }
            | Pattern::Thresholds { .. }
            | Pattern::Pair { .. }
            | Pattern::PairWindow { .. }
            | Pattern::Absence { .. }
            | Pattern::Sequence(_)
            | Pattern::Group(_)
            | Pattern::Flap(Flap::Nagios | Flap::Icinga)
            | Pattern::Calendar { .. } => return None,
        };
        let count = count.max(1) as usize;
        Some(Limits { count, within, clear: (clear.max(1) as usize).min(count), clear_within })
    }

    /// Time for which an event may still matter.
    fn remembered(&self) -> TimeDelta {
        self.within.max(self.clear_within) + LATENESS
    }
}

impl ThresholdWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        match Limits::of(rule) {
            Some(limits) => self.count_one(&limits, arrival).0,
            None => LevelChange::Nothing,
        }
    }

    /// Counts one event; also returns the index of its time.
    pub fn count_one(&mut self, limits: &Limits, arrival: &WindowEvent<'_>) -> (LevelChange, Option<usize>) {
        // An alert that comes over from another rule may have begun long before this window.
        if is_past(arrival, limits.within) {
            return (LevelChange::Ignored, None);
        }
        let place = self.times.insert(CountedAt::of(arrival), limits.count);
        if place.is_none() {
            return (LevelChange::Ignored, None);
        }
        let is_old_news = self.times.newest() <= self.told_to;
        if self.on || is_old_news || !self.is_reached(limits) {
            return (LevelChange::Nothing, place);
        }
        self.on = true;
        (LevelChange::Fired, place)
    }

    fn is_reached(&self, limits: &Limits) -> bool {
        match (self.times.nth_newest(limits.count), self.times.newest()) {
            (Some(oldest), Some(newest)) => newest < oldest + limits.within,
            (None, _) | (_, None) => false,
        }
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        let limits = Limits::of(rule)?;
        if self.on {
            // From then on fewer than `clear` are left in the window.
            return self.times.nth_newest(limits.clear).map(|deciding| deciding + limits.clear_within);
        }
        self.times.newest().map(|newest| newest + limits.remembered())
    }

    /// Returns the number of oldest times that were dropped.
    pub fn expire(&mut self, rule: &Rule, now: Timestamp) -> usize {
        let Some(limits) = Limits::of(rule) else { return 0 };
        let is_over = self.times.nth_newest(limits.clear).is_none_or(|deciding| deciding + limits.clear_within <= now);
        if self.on && is_over {
            self.on = false;
            self.told_to = self.times.newest();
        }
        // A late event may still share one window with these.
        let mut dropped = 0;
        while self.times.oldest().is_some_and(|oldest| oldest + limits.remembered() <= now) {
            self.times.pop_oldest();
            dropped += 1;
        }
        dropped
    }

    pub fn is_on(&self) -> bool {
        self.on
    }

    pub fn times(&self) -> &EventTimes {
        &self.times
    }

    /// Removes the time at that index.
    pub fn remove(&mut self, place: usize) {
        self.times.remove(place);
    }
}
