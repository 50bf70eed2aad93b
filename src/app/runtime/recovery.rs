//! From the store to an engine: the newest usable snapshot of every partition, then the journal after it.
//!
//! Damage of a snapshot costs time, not data: an older one and a longer piece of the journal lead to the same state. Damage
//! of the journal between the two is refused.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::core::engine::{Control, ENGINE_VERSION, Engine, EngineError, Input, ParseSnapshotError, Snapshot};
use crate::core::model::{Offset, Partition};
use crate::core::rules;
use crate::core::rules::{Rulebook, RulebookHash};
use crate::store::{Manifest, Store, StoreError};

/// How many entries are read from the journal at once.
const READ_ENTRIES: usize = 20_000;

/// Why the state cannot be put back. The service must not start on half of it.
#[derive(Debug, thiserror::Error)]
pub enum NotRecovered {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("partition {partition}: {reason}")]
    Replay { partition: Partition, reason: EngineError },
    #[error("rulebook {0} is named by the journal but not stored")]
    RulebookMissing(RulebookHash),
    #[error("the stored rulebook {hash} does not compile any more: {report}")]
    RulebookBroken { hash: RulebookHash, report: String },
    #[error(
        "the database is not whole: partition {partition}: {reason}. Put the database back with all its files \
         (watchfire.db, watchfire.db-wal), or restore the newest backup (`watchfire restore FILE`); `watchfire verify` \
         says what else is missing"
    )]
    NotWhole { partition: Partition, reason: String },
}

/// An engine at the head of the store, and how it got there.
pub struct Recovered {
    pub engine: Engine,
    /// Inputs replayed after the snapshots.
    pub replayed: u64,
    pub from_snapshots: usize,
    /// Snapshots that could not be used, each with the reason; what came after them was replayed instead.
    pub passed_over: Vec<String>,
}

/// Which snapshots an engine is put back from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// The newest readable one of each partition.
    Newest,
    /// The oldest kept one of each partition.
    Oldest,
    /// None: the whole journal.
    Nothing,
}

/// Rebuilds the engine. Reads only; rows that are missing are written when rows are next written.
pub async fn recover(store: &Store, domain_label: Option<String>) -> Result<Recovered, NotRecovered> {
    recover_from(store, domain_label, Begin::Newest).await
}

/// As `recover`, from other snapshots: every way leads to the same state.
pub async fn recover_from(
    store: &Store,
    domain_label: Option<String>,
    begin: Begin,
) -> Result<Recovered, NotRecovered> {
    let mut library = Library { store: store.clone(), known: BTreeMap::new() };
    let mut snapshots = LoadedSnapshots { kept: BTreeMap::new(), passed_over: Vec::new() };
    for partition in Engine::partitions(domain_label.is_some()).filter(|_| begin != Begin::Nothing) {
        snapshots.list(store, partition, begin).await?;
    }
    let (mut engine, from_snapshots) = loop {
        let saved = snapshots.readable(store, &mut library).await?;
        let count = saved.len();
        match Engine::restore(domain_label.clone(), library.all(), saved) {
            Ok(engine) => break (engine, count),
            Err(bad) => snapshots.pass_over(&bad),
        }
    };
    let mut replayed = 0;
    let heads: Vec<(Partition, Offset)> = engine.heads().collect();
    for (partition, from) in heads {
        replayed += replay_tail(store, &mut engine, &mut library, partition, from).await?;
    }
    let stored: BTreeMap<Partition, Offset> = store.heads().await?.into_iter().collect();
    for (partition, reached) in engine.heads() {
        let head = stored.get(&partition).copied().unwrap_or(Offset(0));
        if reached > head {
            let reason = format!("a snapshot stands at offset {reached}, the journal ends at {head}");
            return Err(NotRecovered::NotWhole { partition, reason });
        }
    }
    engine.settle_rulebook();
    Ok(Recovered { engine, replayed, from_snapshots, passed_over: snapshots.passed_over })
}

/// The manifests that may still be used, and what became of the others.
struct LoadedSnapshots {
    /// The one to be tried next first.
    kept: BTreeMap<Partition, VecDeque<Manifest>>,
    passed_over: Vec<String>,
}

impl LoadedSnapshots {
    async fn list(&mut self, store: &Store, partition: Partition, begin: Begin) -> Result<(), NotRecovered> {
        let manifests = match store.manifests(partition).await {
            Ok(manifests) => manifests,
            Err(error) if error.is_damage() => {
                self.note(partition, "its snapshots", &error);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let mut ours = VecDeque::new();
        for manifest in manifests {
            if manifest.engine_version == ENGINE_VERSION {
                ours.push_back(manifest);
            } else {
                tracing::warn!(%partition, version = manifest.engine_version, "snapshot of another release passed over");
            }
        }
        if begin == Begin::Oldest {
            ours.drain(..ours.len().saturating_sub(1));
        }
        self.kept.insert(partition, ours);
        Ok(())
    }

    /// Of each partition the first that reads; those that do not are passed over for good.
    async fn readable(&mut self, store: &Store, library: &mut Library) -> Result<Vec<Snapshot>, NotRecovered> {
        let mut saved = Vec::new();
        for partition in self.kept.keys().copied().collect::<Vec<_>>() {
            while let Some(manifest) = self.kept.get(&partition).and_then(VecDeque::front).cloned() {
                match read_snapshot(store, &manifest, library).await {
                    Ok(one) => {
                        saved.push(one);
                        break;
                    }
                    Err(NotRecovered::Store(error)) if !error.is_damage() => return Err(error.into()),
                    Err(error) => {
                        self.note(partition, &format!("the snapshot at offset {}", manifest.next_offset), &error);
                        self.kept.entry(partition).or_default().pop_front();
                    }
                }
            }
        }
        Ok(saved)
    }

    /// The engine could not read what the store could.
    fn pass_over(&mut self, bad: &ParseSnapshotError) {
        match bad {
            ParseSnapshotError::Section { partition, .. } => {
                self.note(*partition, "a snapshot", bad);
                self.kept.entry(*partition).or_default().pop_front();
            }
            ParseSnapshotError::Rulebook(_) => {
                self.passed_over.push(format!("all snapshots: {bad}"));
                self.kept.clear();
            }
        }
    }

    fn note(&mut self, partition: Partition, what: &str, error: &dyn std::fmt::Display) {
        tracing::error!(%partition, %error, "{what} cannot be used; going on with an older one and the journal");
        self.passed_over.push(format!("partition {partition}: {what}: {error}"));
    }
}

/// Rulebooks by hash, compiled once.
struct Library {
    store: Store,
    known: BTreeMap<RulebookHash, Arc<Rulebook>>,
}

impl Library {
    async fn get(&mut self, hash: RulebookHash) -> Result<Arc<Rulebook>, NotRecovered> {
        if let Some(rulebook) = self.known.get(&hash) {
            return Ok(Arc::clone(rulebook));
        }
        if hash == Rulebook::empty().hash {
            return Ok(Arc::new(Rulebook::empty()));
        }
        let texts = self.store.rulebook(hash).await?.ok_or(NotRecovered::RulebookMissing(hash))?;
        let loaded = rules::load(texts).map_err(|mistakes| NotRecovered::RulebookBroken {
            hash,
            report: mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        })?;
        let rulebook = Arc::new(loaded.rulebook);
        self.known.insert(hash, Arc::clone(&rulebook));
        Ok(rulebook)
    }

    fn all(&self) -> Vec<Arc<Rulebook>> {
        self.known.values().cloned().collect()
    }
}

async fn read_snapshot(store: &Store, manifest: &Manifest, library: &mut Library) -> Result<Snapshot, NotRecovered> {
    let sections = read_sections(store, manifest).await?;
    library.get(manifest.rulebook).await?;
    Ok(Snapshot {
        partition: manifest.partition,
        next_offset: manifest.next_offset,
        taken_at: manifest.taken_at,
        rulebook: manifest.rulebook,
        sections,
    })
}

async fn read_sections(store: &Store, manifest: &Manifest) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
    let mut sections = BTreeMap::new();
    for section in &manifest.sections {
        sections.insert(section.name.clone(), store.section(manifest.partition, section).await?);
    }
    Ok(sections)
}

async fn replay_tail(
    store: &Store,
    engine: &mut Engine,
    library: &mut Library,
    partition: Partition,
    from: Offset,
) -> Result<u64, NotRecovered> {
    let (mut next, mut replayed, mut effects) = (from, 0, Vec::new());
    loop {
        let entries = match store.read_journal(partition, next, READ_ENTRIES).await {
            Ok(entries) => entries,
            Err(StoreError::Trimmed { from, earliest, .. }) => {
                let reason = format!("the journal lacks the offsets {from} to {}", earliest.0.saturating_sub(1));
                return Err(NotRecovered::NotWhole { partition, reason });
            }
            Err(error) if error.is_damage() => {
                return Err(NotRecovered::NotWhole { partition, reason: error.to_string() });
            }
            Err(error) => return Err(error.into()),
        };
        if entries.is_empty() {
            return Ok(replayed);
        }
        for entry in entries.iter().filter(|entry| entry.offset >= next) {
            if let Input::Control(Control::Rulebook { hash, by: _ }) = &entry.input {
                engine.register_rulebook(library.get(*hash).await?);
            }
            effects.clear();
            engine
                .replay(partition, entry, &mut effects)
                .map_err(|reason| NotRecovered::Replay { partition, reason })?;
            // Rows that had not been written when the journal ended.
            store.enqueue(&effects);
            replayed += 1;
        }
        next = entries.last().map_or(next, |last| last.offset.next());
    }
}
