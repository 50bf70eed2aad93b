//! A store in memory that fails: a block is kept whole, or kept with its answer lost, or not kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::stage;
use super::stage::Bytes;
use crate::core::engine::{BatchOutput, Effect, Engine, JournalEntry};
use crate::core::model::{Offset, Partition};
use crate::core::rules::Rulebook;

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    Committed,
    /// Kept, but nobody hears of it.
    AnswerLost,
    NotKept,
}

#[derive(Default)]
pub struct ToyStore {
    pub journal: Vec<(Partition, JournalEntry)>,
    pub effects: Vec<Effect>,
    snapshots: BTreeMap<Partition, Vec<Bytes>>,
}

impl ToyStore {
    /// One transaction; `Err` where no answer comes back.
    pub fn commit(&mut self, work: BatchOutput, fate: Fate) -> Result<(), ()> {
        if fate != Fate::NotKept {
            self.journal.extend(work.entries);
            self.effects.extend(work.effects);
        }
        if fate == Fate::Committed { Ok(()) } else { Err(()) }
    }

    /// The offset that a partition's next input gets.
    pub fn head(&self, partition: Partition) -> Offset {
        let last = self.journal.iter().rev().find(|(of, _)| *of == partition);
        last.map_or(Offset(0), |(_, entry)| entry.offset.next())
    }

    pub fn keep_snapshot(&mut self, engine: &Engine) {
        for frozen in engine.freeze() {
            self.snapshots.entry(frozen.partition).or_default().push(stage::bytes_of(&frozen));
        }
    }

    /// An engine at the head. Each partition comes from one of its newest snapshots, or from none.
    pub fn recover(&self, domain_label: Option<&str>, rulebooks: &[Arc<Rulebook>], seed: u8) -> Engine {
        let chosen = self.snapshots.iter().enumerate().filter_map(|(index, (_, taken))| {
            let back = (index + usize::from(seed)) % 3;
            taken.len().checked_sub(back + 1).map(|place| stage::saved(&taken[place]))
        });
        let mut engine = Engine::restore(domain_label.map(str::to_owned), rulebooks.to_vec(), chosen.collect())
            .expect("a snapshot that was kept can be read");
        let order = stage::order(&engine, seed);
        stage::replay(&mut engine, &self.journal, &order);
        engine
    }
}
