//! An ordered map of fingerprints in many small copy-on-write shards.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::core::model::Fingerprint;

/// By the fingerprint's upper bits, so that shard after shard is fingerprint order. Many, so that the copy for a write
/// while a reader has a frozen map is small: 100 entries of 100,000.
const SHARD_BITS: u32 = 10;

/// Cloning copies one pointer, and freezes the content.
#[derive(Clone)]
pub(super) struct CowMap<V>(Arc<Vec<Arc<BTreeMap<Fingerprint, V>>>>);

impl<V> Default for CowMap<V> {
    fn default() -> Self {
        // All begin as the same empty shard.
        let empty = Arc::default();
        CowMap(Arc::new((0..1 << SHARD_BITS).map(|_| Arc::clone(&empty)).collect()))
    }
}

impl<V: Clone> CowMap<V> {
    pub(super) fn insert(&mut self, fingerprint: Fingerprint, value: V) {
        self.shard(fingerprint).insert(fingerprint, value);
    }

    pub(super) fn remove(&mut self, fingerprint: Fingerprint) {
        if self.0[index(fingerprint)].contains_key(&fingerprint) {
            self.shard(fingerprint).remove(&fingerprint);
        }
    }

    pub(super) fn get_mut(&mut self, fingerprint: Fingerprint) -> Option<&mut V> {
        if !self.0[index(fingerprint)].contains_key(&fingerprint) {
            return None;
        }
        self.shard(fingerprint).get_mut(&fingerprint)
    }

    /// In the order of the fingerprints.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().flat_map(|shard| shard.values())
    }

    fn shard(&mut self, fingerprint: Fingerprint) -> &mut BTreeMap<Fingerprint, V> {
        Arc::make_mut(&mut Arc::make_mut(&mut self.0)[index(fingerprint)])
    }
}

fn index(fingerprint: Fingerprint) -> usize {
    (fingerprint.0 >> (u64::BITS - SHARD_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_map_keeps_its_moment_and_order_is_that_of_the_fingerprints() {
        let mut live = CowMap::default();
        for n in [u64::MAX, 1 << 60, 0, 1 << 54, 7] {
            live.insert(Fingerprint(n), n);
        }
        let frozen = live.clone();
        live.remove(Fingerprint(7));
        live.remove(Fingerprint(8));
        assert_eq!(live.get_mut(Fingerprint(8)), None);
        if let Some(value) = live.get_mut(Fingerprint(0)) {
            *value = 9;
        }
        assert_eq!(frozen.values().copied().collect::<Vec<_>>(), [0, 7, 1 << 54, 1 << 60, u64::MAX]);
        assert_eq!(live.values().copied().collect::<Vec<_>>(), [9, 1 << 54, 1 << 60, u64::MAX]);
    }
}
