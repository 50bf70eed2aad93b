//! Places that are taken and given back: bounded altogether, and for each caller, so that one cannot take all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bounded places for callers `K`.
#[derive(Clone)]
pub struct Places<K: Ord> {
    total: usize,
    each: usize,
    taken: Arc<Mutex<TakenPlaces<K>>>,
}

struct TakenPlaces<K> {
    total: usize,
    by_caller: BTreeMap<K, usize>,
}

/// A taken place; free again when dropped.
pub struct Place<K: Ord> {
    caller: K,
    taken: Arc<Mutex<TakenPlaces<K>>>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// This caller has as many as one may.
    OfCaller,
    Altogether,
}

impl<K: Ord + Clone> Places<K> {
    pub fn new(total: usize, each: usize) -> Places<K> {
        Places { total, each, taken: Arc::new(Mutex::new(TakenPlaces { total: 0, by_caller: BTreeMap::new() })) }
    }

    pub fn take(&self, caller: K) -> Result<Place<K>, NoPlace> {
        let mut taken = lock(&self.taken);
        if taken.by_caller.get(&caller).copied().unwrap_or_default() >= self.each {
            return Err(NoPlace::OfCaller);
        }
        if taken.total >= self.total {
            return Err(NoPlace::Altogether);
        }
        taken.total += 1;
        *taken.by_caller.entry(caller.clone()).or_default() += 1;
        Ok(Place { caller, taken: Arc::clone(&self.taken) })
    }

    pub fn taken(&self) -> usize {
        lock(&self.taken).total
    }
}

impl<K: Ord> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.total -= 1;
        if let Some(count) = taken.by_caller.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                taken.by_caller.remove(&self.caller);
            }
        }
    }
}

/// Nothing that holds the lock can panic.
fn lock<K>(taken: &Mutex<TakenPlaces<K>>) -> MutexGuard<'_, TakenPlaces<K>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_cannot_take_all_and_a_place_comes_back() {
        let places = Places::new(3, 2);
        let first = places.take("a");
        let _second = places.take("a").ok().unwrap();
        assert_eq!(places.take("a").err(), Some(NoPlace::OfCaller));
        let _other = places.take("b").ok().unwrap();
        assert_eq!(places.take("c").err(), Some(NoPlace::Altogether));
        drop(first);
        assert!(places.take("c").is_ok());
        assert_eq!(places.taken(), 2);
    }
}
