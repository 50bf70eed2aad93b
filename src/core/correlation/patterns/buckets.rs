//! A rate whose count is too high to keep every time: sixty buckets over the window, off by at most
//! one of them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{LevelChange, WindowEvent, is_past};
use crate::core::correlation::LATENESS;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{Pattern, Rate, Rule};

/// Number of buckets in a window.
const BUCKETS: i64 = 60;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct BucketsWindow {
    /// By number, oldest first; without empty ones.
    buckets: VecDeque<Bucket>,
    on: bool,
    free: bool,
    /// The newest bucket at the last time it was on.
    told_to: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Bucket {
    number: i64,
    count: u32,
}

/// Length of a bucket.
fn width(rate: &Rate) -> TimeDelta {
    TimeDelta::from_micros((rate.within.as_micros() / BUCKETS).max(1))
}

/// Time at which a bucket leaves the window.
fn leaves(rate: &Rate, number: i64) -> Timestamp {
    Timestamp::from_micros((number + BUCKETS).saturating_mul(width(rate).as_micros()))
}

fn rate(rule: &Rule) -> Option<&Rate> {
    if let Pattern::Rate(rate) = &rule.pattern { Some(rate) } else { None }
}

impl BucketsWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        let Some(rate) = rate(rule) else { return LevelChange::Nothing };
        let number = arrival.at.as_micros().div_euclid(width(rate).as_micros());
        let newest = self.buckets.back().map_or(number, |newest| newest.number.max(number));
        if is_past(arrival, rate.within) || number <= newest - BUCKETS {
            return LevelChange::Ignored;
        }
        match self.buckets.iter().rposition(|bucket| bucket.number <= number) {
            Some(place) if self.buckets[place].number == number => {
                self.buckets[place].count = self.buckets[place].count.saturating_add(1);
            }
            before => self.buckets.insert(before.map_or(0, |before| before + 1), Bucket { number, count: 1 }),
        }
        while self.buckets.front().is_some_and(|oldest| oldest.number <= newest - BUCKETS) {
            self.buckets.pop_front();
        }
        if self.on || self.told_to.is_some_and(|told_to| newest <= told_to) || self.count() < u64::from(rate.count) {
            self.free |= self.on && !arrival.suppressed;
            return LevelChange::Nothing;
        }
        self.on = true;
        self.free = !arrival.suppressed;
        LevelChange::Fired
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        let rate = rate(rule)?;
        if !self.on {
            return self.buckets.back().map(|newest| leaves(rate, newest.number) + LATENESS);
        }
        let mut left = self.count();
        let deciding = self.buckets.iter().find(|bucket| {
            left -= u64::from(bucket.count);
            left < u64::from(rate.count)
        });
        deciding.map(|bucket| leaves(rate, bucket.number))
    }

    pub fn expire(&mut self, rule: &Rule, now: Timestamp) {
        let Some(rate) = rate(rule) else { return };
        if self.on && self.due(rule).is_none_or(|due| due <= now) {
            self.on = false;
            self.free = false;
            self.told_to = self.buckets.back().map(|newest| newest.number);
        }
        while self.buckets.front().is_some_and(|oldest| leaves(rate, oldest.number) + LATENESS <= now) {
            self.buckets.pop_front();
        }
    }

    pub fn is_on(&self) -> bool {
        self.on
    }

    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    pub fn has_free(&self) -> bool {
        self.free
    }

    /// Number of matches in the window.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| u64::from(bucket.count)).sum()
    }
}
