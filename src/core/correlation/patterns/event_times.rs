//! The event times of a window: sorted, bounded, sixteen bytes each.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::WindowEvent;
use crate::core::model::{Offset, Timestamp};

/// A counted event: its time, its journal position, and a flag if it was suppressed when it came. Ordered by time, then
/// by journal position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::core::correlation) struct CountedAt {
    pub at: Timestamp,
    /// Twice the offset, plus one if it was suppressed.
    place: u64,
}

impl CountedAt {
    pub fn new(at: Timestamp, offset: Offset, suppressed: bool) -> CountedAt {
        CountedAt { at, place: offset.0 * 2 + u64::from(suppressed) }
    }

    pub fn of(arrival: &WindowEvent<'_>) -> CountedAt {
        CountedAt::new(arrival.at, arrival.offset, arrival.suppressed)
    }

    pub fn suppressed(self) -> bool {
        self.place % 2 == 1
    }
}

/// Times in their order, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct EventTimes(VecDeque<CountedAt>);

impl EventTimes {
    /// Inserts an event in order, among at most `limit`; returns its index. `None`: it is older than all of a full
    /// list.
    pub fn insert(&mut self, kept: CountedAt, limit: usize) -> Option<usize> {
        // Nearly always the newest; a late one is inserted by its time.
        let place = self.0.iter().rposition(|other| *other <= kept).map_or(0, |before| before + 1);
        if place == 0 && self.0.len() >= limit {
            return None;
        }
        if self.0.len() == self.0.capacity() {
            let room = (self.0.len() / 2).max(2).min((limit + 1).saturating_sub(self.0.len())).max(1);
            self.0.reserve_exact(room);
        }
        self.0.insert(place, kept);
        if self.0.len() <= limit {
            return Some(place);
        }
        self.0.pop_front();
        Some(place - 1)
    }

    pub fn remove(&mut self, place: usize) {
        self.0.remove(place);
    }

    pub fn pop_oldest(&mut self) {
        self.0.pop_front();
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn get(&self, place: usize) -> Option<CountedAt> {
        self.0.get(place).copied()
    }

    pub fn oldest(&self) -> Option<Timestamp> {
        self.0.front().map(|kept| kept.at)
    }

    pub fn newest(&self) -> Option<Timestamp> {
        self.0.back().map(|kept| kept.at)
    }

    /// The time of the `n`-th newest, from 1.
    pub fn nth_newest(&self, n: usize) -> Option<Timestamp> {
        self.0.get(self.0.len().checked_sub(n)?).map(|kept| kept.at)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has_free(&self) -> bool {
        self.0.iter().any(|kept| !kept.suppressed())
    }
}
