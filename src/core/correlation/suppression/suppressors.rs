//! All ways in which one firing alert suppresses another: plain inhibitions and dependency, queried and changed
//! together.

use super::dependency::{Dependencies, DependencyEdge, FiringOrder};
use super::inhibition::{InhibitionRole, Inhibitions, SourceChange};
use crate::core::correlation::keys::ConditionKey;
use crate::core::correlation::output::CountedEvent;
use crate::core::model::Fingerprint;

/// A subject's keys in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SuppressorKeys {
    pub inhibitions: Vec<InhibitionRole>,
    pub ties: Vec<DependencyEdge>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Suppressors {
    inhibitions: Inhibitions,
    dependencies: Dependencies,
}

impl Suppressors {
    pub fn insert(&mut self, rank: FiringOrder, places: &SuppressorKeys, affected: &mut SourceChange) {
        self.inhibitions.insert(rank.1, &places.inhibitions, affected);
        self.dependencies.insert(rank, &places.ties, affected);
    }

    pub fn remove(&mut self, rank: FiringOrder, places: &SuppressorKeys, affected: &mut SourceChange) {
        self.inhibitions.remove(rank.1, &places.inhibitions, affected);
        self.dependencies.remove(rank, &places.ties, affected);
    }

    pub fn inhibits(&self, places: &SuppressorKeys) -> Option<Fingerprint> {
        self.inhibitions.source_for(&places.inhibitions)
    }

    pub fn explains(&self, rank: FiringOrder, places: &SuppressorKeys) -> Option<Fingerprint> {
        self.dependencies.explains(rank, &places.ties)
    }

    /// Registers the condition for the end of the suppression of these keys.
    pub fn watch(&mut self, condition: &ConditionKey, rank: FiringOrder, places: &SuppressorKeys) {
        self.inhibitions.watch(condition, &places.inhibitions);
        self.dependencies.watch(condition, rank, &places.ties);
    }

    pub fn forget(&mut self, condition: &ConditionKey) {
        self.inhibitions.forget(condition);
        self.dependencies.forget(condition);
    }

    /// True if the condition is registered for the first release; also if nothing suppresses it.
    pub fn is_heard(&self, condition: &ConditionKey, rank: FiringOrder, places: &SuppressorKeys) -> bool {
        let inhibited = self.inhibits(places).is_some();
        let explained = self.explains(rank, places).is_some();
        (!inhibited || self.inhibitions.is_watching(condition, &places.inhibitions))
            && (!explained || self.dependencies.is_watching(condition, rank, &places.ties))
    }
}

/// Order of an event in a dependency circle.
pub(in crate::core::correlation) fn rank_of(evidence: &CountedEvent) -> FiringOrder {
    (evidence.at, evidence.labels.fingerprint())
}
