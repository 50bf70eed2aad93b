//! Read access to the engine's state, for the driver, the API and tests. It changes nothing that is journaled.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::correlator_adapter::PartitionCorrelator;
use super::desk::DeskIncident;
use super::{AlertRecord, Control, Engine, Input, JournalEntry};
use crate::core::correlation::{Firing, QuarantinedName, TemplateRecord};
use crate::core::model::{Fingerprint, IncidentId, Offset, Partition, Silence, TimeDelta, Timestamp};
use crate::core::rules::{Rulebook, RulebookHash};

impl Engine {
    pub fn rulebook(&self) -> &Arc<Rulebook> {
        &self.rulebook
    }

    /// The offset that each partition's next input gets.
    pub fn heads(&self) -> impl Iterator<Item = (Partition, Offset)> + '_ {
        self.positions.iter().map(|(partition, position)| (*partition, position.next))
    }

    /// The newest `now` that any partition has seen.
    pub fn last_now(&self) -> Timestamp {
        self.positions.values().map(|position| position.last).max().unwrap_or_default()
    }

    /// The rulebooks that these entries put in force, each once: stored beside them.
    pub fn named_rulebooks(&self, entries: &[(Partition, JournalEntry)]) -> Vec<Arc<Rulebook>> {
        let mut named: BTreeMap<RulebookHash, Arc<Rulebook>> = BTreeMap::new();
        for (_, entry) in entries {
            if let Input::Control(Control::Rulebook { hash, by: _ }) = &entry.input
                && let Some(rulebook) = self.known.get(hash)
            {
                named.insert(*hash, Arc::clone(rulebook));
            }
        }
        named.into_values().collect()
    }

    pub fn alerts(&self) -> impl Iterator<Item = AlertRecord> + '_ {
        self.correlators.values().flat_map(PartitionCorrelator::alerts)
    }

    /// Whether to note from now on each firing and clear of every rule, incidents or not: for replays.
    pub fn follow_firings(&mut self, follow: bool) {
        self.correlators.values_mut().for_each(|correlator| correlator.follow_firings(follow));
    }

    /// What fired and cleared since the last call, by partition, then in its order.
    pub fn take_firings(&mut self) -> impl Iterator<Item = Firing> + '_ {
        self.correlators.values_mut().flat_map(PartitionCorrelator::take_firings)
    }

    pub fn silences(&self) -> Vec<Silence> {
        self.correlators.values().next().map(PartitionCorrelator::silences).unwrap_or_default()
    }

    /// Names that break the naming standard, once for each partition that saw them.
    pub fn quarantined(&self) -> impl Iterator<Item = QuarantinedName> + '_ {
        self.correlators.values().flat_map(PartitionCorrelator::quarantined)
    }

    /// The templates of free texts, once for each partition that saw them.
    pub fn templates(&self) -> impl Iterator<Item = TemplateRecord> + '_ {
        self.correlators.values().flat_map(PartitionCorrelator::templates)
    }

    pub fn incidents(&self) -> impl Iterator<Item = &DeskIncident> {
        self.desk.incidents()
    }

    pub fn members(&self) -> impl Iterator<Item = (IncidentId, Fingerprint)> + '_ {
        self.incidents()
            .flat_map(|incident| incident.members.keys().map(move |fingerprint| (incident.record.id, *fingerprint)))
    }

    pub fn problems(&self) -> impl Iterator<Item = &crate::core::problems::Problem> {
        self.desk.problems()
    }

    pub fn presences(&self) -> impl Iterator<Item = &crate::core::on_call::Presence> {
        self.desk.presences()
    }

    pub fn overrides(&self) -> impl Iterator<Item = &crate::core::on_call::Override> {
        self.desk.overrides()
    }

    pub fn pending_probes(&self) -> Vec<crate::core::inspections::ProbeRequest> {
        self.desk.pending_probes()
    }

    /// Every broken invariant, in words. Tests panic on one; the driver counts and logs it.
    pub fn broken_invariants(&self) -> Vec<String> {
        let mut broken = self.desk.broken_invariants();
        let desk = self.position(Partition::DESK);
        broken.extend(self.desk.broken_dispatch(&self.rulebook_of(Partition::DESK), desk.last));
        for correlator in self.correlators.values() {
            broken.extend(correlator.broken_invariants());
        }
        broken
    }

    /// By how many microseconds the wall clock is ahead of `now`, after all its steps that were journaled.
    pub fn ahead(&self) -> i64 {
        self.position(Partition::DESK).ahead
    }

    /// How long since the newest input, if there ever was one.
    pub fn gap(&self, now: Timestamp) -> Option<TimeDelta> {
        let last = self.last_now();
        (last > Timestamp::EPOCH).then(|| now.since(last))
    }
}
