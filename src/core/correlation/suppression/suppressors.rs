//! All ways in which one firing alert holds back another: plain inhibitions and dependency, asked and changed together.

use super::dependency::{Dependencies, Rank, Tie};
use super::inhibition::{Affected, Inhibitions, Place};
use crate::core::correlation::conditions::condition::ConditionKey;
use crate::core::model::Fingerprint;

/// Where a subject stands in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    pub inhibitions: Vec<Place>,
    pub ties: Vec<Tie>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Holders {
    inhibitions: Inhibitions,
    dependencies: Dependencies,
}

impl Holders {
    pub fn insert(&mut self, rank: Rank, places: &Places, affected: &mut Affected) {
        self.inhibitions.insert(rank.1, &places.inhibitions, affected);
        self.dependencies.insert(rank, &places.ties, affected);
    }

    pub fn remove(&mut self, rank: Rank, places: &Places, affected: &mut Affected) {
        self.inhibitions.remove(rank.1, &places.inhibitions, affected);
        self.dependencies.remove(rank, &places.ties, affected);
    }

    pub fn inhibits(&self, places: &Places) -> Option<Fingerprint> {
        self.inhibitions.source_for(&places.inhibitions)
    }

    pub fn explains(&self, rank: Rank, places: &Places) -> Option<Fingerprint> {
        self.dependencies.explains(rank, &places.ties)
    }

    /// The condition wants to know when what holds something in these places lets go.
    pub fn watch(&mut self, condition: &ConditionKey, rank: Rank, places: &Places) {
        self.inhibitions.watch(condition, &places.inhibitions);
        self.dependencies.watch(condition, rank, &places.ties);
    }

    pub fn forget(&mut self, condition: &ConditionKey) {
        self.inhibitions.forget(condition);
        self.dependencies.forget(condition);
    }

    /// Whether the condition would hear when the first of them lets go; also where none of them holds anything.
    pub fn is_heard(&self, condition: &ConditionKey, rank: Rank, places: &Places) -> bool {
        let inhibited = self.inhibits(places).is_some();
        let explained = self.explains(rank, places).is_some();
        (!inhibited || self.inhibitions.is_watching(condition, &places.inhibitions))
            && (!explained || self.dependencies.is_watching(condition, rank, &places.ties))
    }
}
