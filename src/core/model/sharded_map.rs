//! A map in fixed sections, so that a snapshot copies and writes only the changed ones.
//!
//! Freezing is a clone of 64 pointers. A write after it copies the one section it touches, so no input ever waits for
//! a snapshot; sections that are still the same pointer at the next snapshot need not be written again.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use serde::de::DeserializeOwned;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize};

/// Number of sections. Part of the snapshot's format: changing it is a new format.
pub const SECTION_COUNT: usize = 64;

/// A key that always falls into the same section.
pub trait SectionKey: Ord + Clone {
    /// Any stable spread; only its value modulo [`SECTION_COUNT`] matters.
    fn spread(&self) -> u64;
}

impl SectionKey for super::Fingerprint {
    fn spread(&self) -> u64 {
        self.0
    }
}

impl SectionKey for super::IncidentId {
    fn spread(&self) -> u64 {
        self.0
    }
}

/// An ordered map in [`SECTION_COUNT`] copy-on-write sections. Iteration is by section, then by key: a fixed order.
#[derive(Clone, Debug)]
pub struct ShardedMap<K, V> {
    sections: Vec<Arc<BTreeMap<K, V>>>,
    /// For an emptied map: the former sections, without keeping them alive.
    had: Vec<Weak<BTreeMap<K, V>>>,
    len: usize,
}

impl<K: PartialEq, V: PartialEq> PartialEq for ShardedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.sections == other.sections
    }
}

impl<K: SectionKey, V: Clone> Default for ShardedMap<K, V> {
    fn default() -> Self {
        ShardedMap { sections: (0..SECTION_COUNT).map(|_| Arc::default()).collect(), had: Vec::new(), len: 0 }
    }
}

impl<K: SectionKey, V: Clone> ShardedMap<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.sections[Self::index(key)].get(key)
    }

    /// The value for in-place changes; copies the section first if a snapshot shares it.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let section = &mut self.sections[Self::index(key)];
        if Arc::get_mut(section).is_none() && !section.contains_key(key) {
            return None;
        }
        Arc::make_mut(section).get_mut(key)
    }

    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let old = Arc::make_mut(&mut self.sections[Self::index(&key)]).insert(key, value);
        if old.is_none() {
            self.len += 1;
        }
        old
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let section = &mut self.sections[Self::index(key)];
        if Arc::get_mut(section).is_none() && !section.contains_key(key) {
            return None;
        }
        let old = Arc::make_mut(section).remove(key);
        if old.is_some() {
            self.len -= 1;
        }
        old
    }

    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.sections.iter().flat_map(|section| section.iter())
    }

    /// The entries in the section of `key`, in key order: a bounded part of the map to sweep.
    pub fn section_of(&self, key: &K) -> impl Iterator<Item = (&K, &V)> {
        self.sections[Self::index(key)].iter()
    }

    /// True if section `index` is still the one that `earlier` has or had, so that it need not be written again.
    pub fn same_section(&self, earlier: &Self, index: usize) -> bool {
        let before = earlier.had.get(index).map_or_else(|| Arc::as_ptr(&earlier.sections[index]), Weak::as_ptr);
        Arc::as_ptr(&self.sections[index]) == before
    }

    /// Drops the content; only [`ShardedMap::same_section`] still works. A written snapshot must not keep its state in
    /// memory until the next.
    pub fn drop_contents(&mut self) {
        // While the weak reference lives its address is not reused; the first change after it moves the section away.
        let had = self.sections.iter().map(Arc::downgrade).collect();
        *self = ShardedMap { had, ..ShardedMap::default() };
    }

    fn index(key: &K) -> usize {
        (key.spread() % SECTION_COUNT as u64) as usize
    }
}

impl<K: SectionKey + Serialize, V: Clone + Serialize> ShardedMap<K, V> {
    /// The canonical bytes of one section: its entries in key order.
    pub fn encode_section(&self, index: usize) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_allocvec(&*self.sections[index])
    }
}

impl<K: SectionKey + DeserializeOwned, V: Clone + DeserializeOwned> ShardedMap<K, V> {
    /// Restores the bytes of one section. Whole sections only; the caller restores all of them.
    pub fn restore_section(&mut self, index: usize, bytes: &[u8]) -> Result<(), postcard::Error> {
        let section: BTreeMap<K, V> = postcard::from_bytes(bytes)?;
        self.len = self.len - self.sections[index].len() + section.len();
        self.sections[index] = Arc::new(section);
        Ok(())
    }
}

/// Encodes a whole map, for the small ones that are kept in one piece.
impl<K: SectionKey + Serialize, V: Clone + Serialize> Serialize for ShardedMap<K, V> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.len))?;
        self.iter().try_for_each(|entry| sequence.serialize_element(&entry))?;
        sequence.end()
    }
}

impl<'de, K, V> Deserialize<'de> for ShardedMap<K, V>
where
    K: SectionKey + Deserialize<'de>,
    V: Clone + Deserialize<'de>,
{
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries: Vec<(K, V)> = Vec::deserialize(deserializer)?;
        let mut sections = ShardedMap::default();
        for (key, value) in entries {
            sections.insert(key, value);
        }
        Ok(sections)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fingerprint;
    use super::*;

    #[test]
    fn a_hollow_copy_holds_nothing_and_still_tells_what_was_touched() {
        let mut live: ShardedMap<Fingerprint, Arc<u32>> = ShardedMap::default();
        for n in 0..1000 {
            live.insert(Fingerprint(n), Arc::new(1));
        }
        let mut frozen = live.clone();
        frozen.drop_contents();
        assert!(frozen.is_empty() && frozen.get(&Fingerprint(5)).is_none());
        let value = live.get_mut(&Fingerprint(5)).unwrap();
        assert_eq!(Arc::strong_count(value), 1, "nothing was copied");
        *Arc::make_mut(value) = 2;
        let differ: Vec<usize> = (0..SECTION_COUNT).filter(|index| !live.same_section(&frozen, *index)).collect();
        assert_eq!(differ, [5]);
        assert_eq!((live.len(), live.get(&Fingerprint(69))), (1000, Some(&Arc::new(1))));
    }

    #[test]
    fn a_frozen_copy_keeps_its_moment_and_only_touched_sections_differ() {
        let mut live: ShardedMap<Fingerprint, u32> = ShardedMap::default();
        for n in 0..1000 {
            live.insert(Fingerprint(n), 1);
        }
        let frozen = live.clone();
        *live.get_mut(&Fingerprint(5)).unwrap() = 2;
        assert_eq!(frozen.get(&Fingerprint(5)), Some(&1));
        let differ: Vec<usize> = (0..SECTION_COUNT).filter(|index| !live.same_section(&frozen, *index)).collect();
        assert_eq!(differ, [5]);
        let mut restored: ShardedMap<Fingerprint, u32> = ShardedMap::default();
        for index in 0..SECTION_COUNT {
            restored.restore_section(index, &live.encode_section(index).unwrap()).unwrap();
        }
        assert_eq!(restored, live);
    }
}
