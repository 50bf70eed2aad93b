//! Snapshots: a partition's state frozen between two inputs, encoded elsewhere while the engine goes on.
//!
//! Freezing shares the large maps (copy-on-write sections), so no input waits for it. The bytes of a section are
//! canonical: equal states give equal bytes, whatever way led to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::NotTaken;
use super::correlator_adapter::{Correlating, FrozenCorrelator};
use super::desk::{Attendance, Desk, Kept};
use super::partitions::{Engine, Position, live_partitions};
use crate::core::model::{Moment, Offset, Partition};
use crate::core::rules::{Rulebook, RulebookHash};

/// One partition as it stood before its offset `next_offset`.
#[derive(Clone)]
pub struct Frozen {
    pub partition: Partition,
    /// The first offset that is not in it.
    pub next_offset: Offset,
    /// The newest `now` in it.
    pub taken_at: Moment,
    pub rulebook: RulebookHash,
    state: State,
}

#[derive(Clone)]
enum State {
    Correlator(Box<FrozenCorrelator>),
    Desk(Box<Kept>),
}

impl Frozen {
    pub fn section_names(&self) -> Vec<String> {
        match &self.state {
            State::Correlator(correlator) => correlator.section_names(),
            State::Desk(_) => Kept::section_names().collect(),
        }
    }

    /// The canonical bytes of one section.
    pub fn encode(&self, name: &str) -> Result<Vec<u8>, BadEncoding> {
        let bad = |reason: String| BadEncoding { section: name.to_owned(), reason };
        match &self.state {
            State::Correlator(correlator) => correlator.encode(name).map_err(|error| bad(error.to_string())),
            State::Desk(kept) => match kept.encode(name) {
                Some(bytes) => bytes.map_err(|error| bad(error.to_string())),
                None => Err(bad("there is no such section".to_owned())),
            },
        }
    }

    /// What the auditor finds in it: whether everything that waits for people is attended to. Of the desk only.
    pub fn attendance(&self) -> Option<Attendance> {
        match &self.state {
            State::Correlator(_) => None,
            State::Desk(kept) => Some(kept.attendance()),
        }
    }

    /// Lets go of the content once it is written; it stays good for [`Frozen::is_same`] as the earlier one.
    pub fn hollow(&mut self) {
        match &mut self.state {
            State::Correlator(correlator) => correlator.hollow(),
            State::Desk(kept) => kept.hollow(),
        }
    }

    /// Whether a section is the same as in an earlier snapshot, and need not be written again.
    pub fn is_same(&self, earlier: &Frozen, name: &str) -> bool {
        match (&self.state, &earlier.state) {
            (State::Correlator(now), State::Correlator(before)) => now.is_same(before, name),
            (State::Desk(now), State::Desk(before)) => now.is_same(before, name),
            (State::Correlator(_), State::Desk(_)) | (State::Desk(_), State::Correlator(_)) => false,
        }
    }
}

/// Why a state cannot be written down: never for lack of I/O, always a defect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("section {section} cannot be encoded: {reason}")]
pub struct BadEncoding {
    pub section: String,
    pub reason: String,
}

/// One partition's snapshot as the store gave it back.
pub struct Saved {
    pub partition: Partition,
    pub next_offset: Offset,
    pub taken_at: Moment,
    pub rulebook: RulebookHash,
    pub sections: BTreeMap<String, Vec<u8>>,
}

/// Why a snapshot cannot be used; the older one or the whole journal can.
#[derive(Debug, thiserror::Error)]
pub enum BadSnapshot {
    #[error("partition {partition}: section {section} cannot be read: {reason}")]
    Section { partition: Partition, section: String, reason: String },
    #[error(transparent)]
    Rulebook(NotTaken),
}

impl Engine {
    /// Every partition as it stands now.
    pub fn freeze(&self) -> Vec<Frozen> {
        let correlators = self
            .correlators
            .iter()
            .map(|(partition, correlator)| (*partition, State::Correlator(Box::new(correlator.freeze()))));
        let desk = (Partition::DESK, State::Desk(Box::new(self.desk.kept().clone())));
        correlators
            .chain([desk])
            .map(|(partition, state)| {
                let Position { next, last, rulebook } = self.position(partition);
                Frozen { partition, next_offset: next, taken_at: last, rulebook, state }
            })
            .collect()
    }

    /// An engine from saved partitions; partitions without one begin at their first offset. The journals after them
    /// are replayed by the caller, who hands in every rulebook that they name.
    pub fn restore(
        domain_label: Option<String>,
        rulebooks: Vec<Arc<Rulebook>>,
        saved: Vec<Saved>,
    ) -> Result<Engine, BadSnapshot> {
        let mut engine = Engine::new(domain_label);
        for rulebook in rulebooks {
            engine.learn(rulebook);
        }
        for one in saved {
            let Some(rulebook) = engine.known.get(&one.rulebook).cloned() else {
                return Err(BadSnapshot::Rulebook(NotTaken::UnknownRulebook(one.rulebook)));
            };
            let bad = |section: &str, reason: String| BadSnapshot::Section {
                partition: one.partition,
                section: section.to_owned(),
                reason,
            };
            if one.partition.is_desk() {
                let mut kept = Kept::default();
                for (name, bytes) in &one.sections {
                    kept.restore(name, bytes).map_err(|error| bad(name, error.to_string()))?;
                }
                engine.desk = Desk::from_kept(kept);
            } else {
                let correlator = Correlating::restore(&one.sections, &rulebook)
                    .map_err(|error| bad("correlator", error.to_string()))?;
                engine.correlators.insert(one.partition, correlator);
            }
            let position = Position { next: one.next_offset, last: one.taken_at, rulebook: one.rulebook };
            engine.positions.insert(one.partition, position);
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
