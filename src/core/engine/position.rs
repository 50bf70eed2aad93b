//! Where each partition stands: its next offset, its time, its rulebook, and how its wall clock makes that read.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::core::model::{Offset, Partition, Timestamp};
use crate::core::rules::{Rulebook, RulebookHash};

/// Where a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub next: Offset,
    pub last: Timestamp,
    pub rulebook: RulebookHash,
    /// By how many microseconds the wall clock is ahead of `now`, after all its steps that were journaled.
    pub ahead: i64,
}

/// Rulebooks whose civil times follow a wall clock that was set. Derived; empty while none was.
#[derive(Clone, Default)]
pub(super) struct CivilRulebooks(BTreeMap<(RulebookHash, i64), Arc<Rulebook>>);

impl CivilRulebooks {
    /// The one of that position, if its wall clock was ever set.
    pub fn at(&self, position: Position) -> Option<&Arc<Rulebook>> {
        self.0.get(&(position.rulebook, position.ahead))
    }

    /// Makes the one of that partition, and lets go of those that no partition stands under.
    pub fn keep(
        &mut self,
        partition: Partition,
        positions: &BTreeMap<Partition, Position>,
        known: &BTreeMap<RulebookHash, Arc<Rulebook>>,
    ) {
        let set = positions.get(&partition).filter(|one| one.ahead != 0 && self.at(**one).is_none());
        if let Some(Position { rulebook, ahead, .. }) = set
            && let Some(civil) = known.get(rulebook).and_then(|known| known.with_clock_ahead(*ahead))
        {
            self.0.insert((*rulebook, *ahead), Arc::new(civil));
        }
        self.0.retain(|kept, _| positions.values().any(|one| (one.rulebook, one.ahead) == *kept));
    }
}
