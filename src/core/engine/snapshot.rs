//! Snapshots: a partition's state frozen between two inputs, encoded elsewhere while the engine goes on.
//!
//! Freezing shares the large maps (copy-on-write sections), so no input waits for it. The bytes of a section are
//! canonical: equal states give equal bytes, whatever way led to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::EngineError;
use super::correlator_adapter::{FrozenCorrelator, PartitionCorrelator};
use super::desk::{AttentionAudit, Desk, PersistentState};
use super::partitions::{Engine, live_partitions};
use super::position::Position;
use crate::core::model::{Offset, Partition, Timestamp};
use crate::core::rules::{Rulebook, RulebookHash};

/// One partition as it stood before its offset `next_offset`.
#[derive(Clone)]
pub struct SnapshotView {
    pub partition: Partition,
    /// The first offset that is not in it.
    pub next_offset: Offset,
    /// The newest `now` in it.
    pub taken_at: Timestamp,
    pub rulebook: RulebookHash,
    /// By how many microseconds the wall clock is ahead of `now`.
    ahead: i64,
    state: EngineState,
}

/// The section beside those of the state: how the partition's clock stands.
const CLOCK: &str = "clock";

#[derive(Clone)]
enum EngineState {
    Correlator(Box<FrozenCorrelator>),
    Desk(Box<PersistentState>),
}

impl SnapshotView {
    pub fn section_names(&self) -> Vec<String> {
        let mut names = match &self.state {
            EngineState::Correlator(correlator) => correlator.section_names(),
            EngineState::Desk(_) => PersistentState::section_names().collect(),
        };
        names.push(CLOCK.to_owned());
        names
    }

    /// The canonical bytes of one section.
    pub fn encode(&self, name: &str) -> Result<Vec<u8>, EncodingError> {
        let bad = |reason: String| EncodingError { section: name.to_owned(), reason };
        if name == CLOCK {
            return postcard::to_allocvec(&self.ahead).map_err(|error| bad(error.to_string()));
        }
        match &self.state {
            EngineState::Correlator(correlator) => correlator.encode(name).map_err(|error| bad(error.to_string())),
            EngineState::Desk(kept) => match kept.encode(name) {
                Some(bytes) => bytes.map_err(|error| bad(error.to_string())),
                None => Err(bad("there is no such section".to_owned())),
            },
        }
    }

    /// What the auditor finds in it: whether everything that waits for people is attended to. Of the desk only.
    pub fn attendance(&self) -> Option<AttentionAudit> {
        match &self.state {
            EngineState::Correlator(_) => None,
            EngineState::Desk(kept) => Some(kept.attendance()),
        }
    }

    /// Lets go of the content once it is written; it stays good for [`SnapshotView::is_same`] as the earlier one.
    pub fn drop_contents(&mut self) {
        match &mut self.state {
            EngineState::Correlator(correlator) => correlator.drop_contents(),
            EngineState::Desk(kept) => kept.hollow(),
        }
    }

    /// Whether a section is the same as in an earlier snapshot, and need not be written again.
    pub fn is_same(&self, earlier: &SnapshotView, name: &str) -> bool {
        if name == CLOCK {
            return self.ahead == earlier.ahead;
        }
        match (&self.state, &earlier.state) {
            (EngineState::Correlator(now), EngineState::Correlator(before)) => now.is_same(before, name),
            (EngineState::Desk(now), EngineState::Desk(before)) => now.is_same(before, name),
            (EngineState::Correlator(_), EngineState::Desk(_)) | (EngineState::Desk(_), EngineState::Correlator(_)) => {
                false
            }
        }
    }
}

/// Why a state cannot be written down: never for lack of I/O, always a defect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("section {section} cannot be encoded: {reason}")]
pub struct EncodingError {
    pub section: String,
    pub reason: String,
}

/// One partition's snapshot as the store gave it back.
pub struct Snapshot {
    pub partition: Partition,
    pub next_offset: Offset,
    pub taken_at: Timestamp,
    pub rulebook: RulebookHash,
    pub sections: BTreeMap<String, Vec<u8>>,
}

/// Why a snapshot cannot be used; the older one or the whole journal can.
#[derive(Debug, thiserror::Error)]
pub enum ParseSnapshotError {
    #[error("partition {partition}: section {section} cannot be read: {reason}")]
    Section { partition: Partition, section: String, reason: String },
    #[error(transparent)]
    Rulebook(EngineError),
}

impl Engine {
    /// Every partition as it stands now.
    pub fn freeze(&self) -> Vec<SnapshotView> {
        let correlators = self
            .correlators
            .iter()
            .map(|(partition, correlator)| (*partition, EngineState::Correlator(Box::new(correlator.freeze()))));
        let desk = (Partition::DESK, EngineState::Desk(Box::new(self.desk.kept().clone())));
        correlators
            .chain([desk])
            .map(|(partition, state)| {
                let Position { next, last, rulebook, ahead } = self.position(partition);
                SnapshotView { partition, next_offset: next, taken_at: last, rulebook, ahead, state }
            })
            .collect()
    }

    /// An engine from saved partitions; partitions without one begin at their first offset. The journals after them
    /// are replayed by the caller, who hands in every rulebook that they name.
    pub fn restore(
        domain_label: Option<String>,
        rulebooks: Vec<Arc<Rulebook>>,
        saved: Vec<Snapshot>,
    ) -> Result<Engine, ParseSnapshotError> {
        let mut engine = Engine::new(domain_label);
        for rulebook in rulebooks {
            engine.register_rulebook(rulebook);
        }
        for mut one in saved {
            let Some(rulebook) = engine.known.get(&one.rulebook).cloned() else {
                return Err(ParseSnapshotError::Rulebook(EngineError::UnknownRulebook(one.rulebook)));
            };
            let partition = one.partition;
            let bad = |section: &str, reason: String| ParseSnapshotError::Section {
                partition,
                section: section.to_owned(),
                reason,
            };
            let clock = one.sections.remove(CLOCK).unwrap_or_default();
            let ahead = postcard::from_bytes(&clock).map_err(|error| bad(CLOCK, error.to_string()))?;
            let position = Position { next: one.next_offset, last: one.taken_at, rulebook: one.rulebook, ahead };
            engine.positions.insert(one.partition, position);
            engine.civil.keep(one.partition, &engine.positions, &engine.known);
            if one.partition.is_desk() {
                let mut kept = PersistentState::default();
                for (name, bytes) in &one.sections {
                    kept.restore(name, bytes).map_err(|error| bad(name, error.to_string()))?;
                }
                engine.desk = Desk::from_kept(kept);
            } else {
                let correlator = PartitionCorrelator::restore(&one.sections, &engine.rulebook_of(one.partition))
                    .map_err(|error| bad("correlator", error.to_string()))?;
                engine.correlators.insert(one.partition, correlator);
            }
            engine.rulebook = rulebook;
        }
        Ok(engine)
    }

    /// After the tails: the desk's rulebook is the one in force.
    pub fn settle_rulebook(&mut self) {
        let hash = self.position(Partition::DESK).rulebook;
        if let Some(rulebook) = self.known.get(&hash) {
            self.rulebook = Arc::clone(rulebook);
        }
    }

    /// The partitions that this engine has: its correlators and the desk.
    pub fn partitions(by_domain: bool) -> impl Iterator<Item = Partition> {
        live_partitions(by_domain).chain([Partition::DESK])
    }
}
