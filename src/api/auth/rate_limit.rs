//! Token buckets by key, in a table that cannot grow without bound. Time is an argument.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::core::model::{TimeDelta, Timestamp};

/// How much at once, and how much for good.
#[derive(Clone, Copy, Debug)]
pub struct BucketRate {
    /// At once, after a rest; at least 1.
    pub burst: u32,
    /// For good; at least 1.
    pub per_second: u32,
}

/// One bucket a key. A bucket is the moment at which it is full again, so an idle one needs no place.
pub struct Rates<K> {
    rate: BucketRate,
    capacity: usize,
    full_at: Mutex<BTreeMap<K, Timestamp>>,
}

impl<K: Ord + Clone> Rates<K> {
    /// At most `capacity` keys are told apart; more of them at once are refused as if they were spent.
    pub fn new(rate: BucketRate, capacity: usize) -> Rates<K> {
        Rates { rate, capacity, full_at: Mutex::new(BTreeMap::new()) }
    }

    /// Takes one; refused with how long to wait when the bucket is empty.
    pub fn take(&self, key: &K, now: Timestamp) -> Result<(), TimeDelta> {
        let mut table = self.table();
        let full_at = table.get(key).copied().unwrap_or(now).max(now) + self.cost();
        if full_at.since(now) > self.depth() {
            return Err(full_at.since(now).saturating_sub(self.depth()));
        }
        if table.len() >= self.capacity && !table.contains_key(key) {
            table.retain(|_, full_at| *full_at > now);
            if table.len() >= self.capacity {
                return Err(self.cost());
            }
        }
        table.insert(key.clone(), full_at);
        Ok(())
    }

    fn cost(&self) -> TimeDelta {
        TimeDelta::from_micros(1_000_000 / i64::from(self.rate.per_second.max(1)))
    }

    fn depth(&self) -> TimeDelta {
        TimeDelta::from_micros(self.cost().as_micros() * i64::from(self.rate.burst.max(1)))
    }

    /// A panic elsewhere cannot leave the table half changed: every change is one insert.
    fn table(&self) -> MutexGuard<'_, BTreeMap<K, Timestamp>> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn a_burst_passes_then_the_rate_holds_then_a_rest_refills() {
        let rates = Rates::new(BucketRate { burst: 3, per_second: 2 }, 10);
        let taken: Vec<bool> = (0..5).map(|_| rates.take(&"a", at(0)).is_ok()).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert_eq!(rates.take(&"a", at(0)), Err(TimeDelta::from_millis(500)));
        assert!(rates.take(&"b", at(0)).is_ok(), "another key has its own bucket");
        assert!(rates.take(&"a", at(500)).is_ok());
        assert!(rates.take(&"a", at(500)).is_err());
        let later: Vec<bool> = (0..5).map(|_| rates.take(&"a", at(60_000)).is_ok()).collect();
        assert_eq!(later, [true, true, true, false, false]);
    }

    #[test]
    fn the_table_never_outgrows_its_bound_and_forgets_the_idle_first() {
        let rates = Rates::new(BucketRate { burst: 1, per_second: 1 }, 2);
        assert!(rates.take(&1, at(0)).is_ok());
        assert!(rates.take(&2, at(0)).is_ok());
        assert!(rates.take(&3, at(0)).is_err(), "both places are taken by the busy");
        assert!(rates.take(&3, at(1_500)).is_ok(), "the idle made room");
        assert_eq!(rates.table().len(), 1);
    }
}
