//! From the store to an engine: the newest usable snapshot of every partition, then the journal after it.

use std::collections::BTreeMap;
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
    #[error("partition {partition}: the journal begins at offset {first}, and no readable snapshot reaches that far")]
    JournalTooShort { partition: Partition, first: Offset },
}

/// An engine at the head of the store, and how it got there.
pub struct Recovered {
    pub engine: Engine,
    /// Inputs replayed after the snapshots.
    pub replayed: u64,
    pub from_snapshots: usize,
}

/// Rebuilds the engine. Reads only; rows that are missing are written when rows are next written.
pub async fn recover(store: &Store, domain_label: Option<String>) -> Result<Recovered, NotRecovered> {
    let mut library = Library { store: store.clone(), known: BTreeMap::new() };
    let mut saved = Vec::new();
    for partition in Engine::partitions(domain_label.is_some()) {
        saved.extend(newest_snapshot(store, partition, &mut library).await?);
    }
    let from_snapshots = saved.len();
    let mut engine = match Engine::restore(domain_label.clone(), library.all(), saved) {
        Ok(engine) => engine,
        Err(bad) => {
            tracing::warn!(error = %bad, "a snapshot cannot be used; replaying the whole journal instead");
            Engine::restore(domain_label, library.all(), Vec::new())
                .map_err(|bad| NotRecovered::Store(unusable(&bad)))?
        }
    };
    let mut replayed = 0;
    let heads: Vec<(Partition, Offset)> = engine.heads().collect();
    for (partition, from) in heads {
        replayed += replay_tail(store, &mut engine, &mut library, partition, from).await?;
    }
    engine.settle_rulebook();
    Ok(Recovered { engine, replayed, from_snapshots })
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

/// The newest manifest of this release whose sections all read; an older one if the newest does not.
async fn newest_snapshot(
    store: &Store,
    partition: Partition,
    library: &mut Library,
) -> Result<Option<Snapshot>, NotRecovered> {
    for manifest in store.manifests(partition).await? {
        if manifest.engine_version != ENGINE_VERSION {
            tracing::warn!(%partition, version = manifest.engine_version, "snapshot of another release passed over");
            continue;
        }
        match read_sections(store, &manifest).await {
            Ok(sections) => {
                library.get(manifest.rulebook).await?;
                return Ok(Some(Snapshot {
                    partition,
                    next_offset: manifest.next_offset,
                    taken_at: manifest.taken_at,
                    rulebook: manifest.rulebook,
                    sections,
                }));
            }
            Err(StoreError::Corrupt { row, reason, .. }) => {
                tracing::error!(%partition, row, reason, "snapshot section is damaged; trying the older snapshot");
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(None)
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
        let entries = store.read_journal(partition, next, READ_ENTRIES).await?;
        let Some(first) = entries.first() else { return Ok(replayed) };
        if first.offset > next {
            return Err(NotRecovered::JournalTooShort { partition, first: first.offset });
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

fn unusable(bad: &ParseSnapshotError) -> StoreError {
    StoreError::Corrupt { table: "snapshots", row: String::new(), reason: bad.to_string() }
}
