//! When snapshots are taken, and the journal that they make dispensable.
//!
//! Freezing happens between two inputs; encoding and writing in a task of its own, so that no input waits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use crate::core::engine::{AttentionAudit, ENGINE_VERSION, EncodingError, Engine, SnapshotView};
use crate::core::model::{Partition, TimeDelta, Timestamp};
use crate::metrics::{Metrics, Stopwatch};
use crate::store::{Lease, Manifest, SectionRef, Store};

/// Inputs after which a snapshot is due: a restart replays at most about that many, well under the 500,000 allowed.
const INPUTS_BETWEEN: usize = 100_000;

/// The same by time, when anything happened at all.
const TIME_BETWEEN: TimeDelta = TimeDelta::from_minutes(5);

/// How often a full journal is looked at again.
const LOOK_AGAIN: TimeDelta = TimeDelta::from_minutes(1);

/// The newest written snapshot of a partition, without its content: to write only what changed since.
type Previous = BTreeMap<Partition, (SnapshotView, Manifest)>;

/// Takes snapshots when they are due.
pub struct Snapshots {
    keep: TimeDelta,
    max_bytes: u64,
    metrics: Arc<Metrics>,
    previous: Arc<Mutex<Previous>>,
    inputs: usize,
    taken_at: Option<Timestamp>,
    running: Option<JoinHandle<()>>,
    /// The journal is at its size bound although everything that may go has gone.
    full: Arc<AtomicBool>,
}

impl Snapshots {
    /// `keep` and `max_bytes` bound the journal below the older of two snapshots.
    pub fn new(keep: TimeDelta, max_bytes: u64, metrics: Arc<Metrics>) -> Snapshots {
        Snapshots {
            keep,
            max_bytes,
            metrics,
            previous: Arc::default(),
            inputs: 0,
            taken_at: None,
            running: None,
            full: Arc::default(),
        }
    }

    /// Whether intake must stop until old history may go: at the size bound nothing new is taken.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// The database lost what earlier snapshots hold: none under way may land, and the next one is written whole.
    pub fn forget_written(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
        self.previous.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub fn count(&mut self, inputs: usize) {
        self.inputs += inputs;
    }

    /// Begins one if enough has happened and none is under way.
    pub fn when_due(&mut self, engine: &Engine, store: &Store, lease: &Lease, now: Timestamp) {
        let since = *self.taken_at.get_or_insert(now);
        let due = self.inputs >= INPUTS_BETWEEN
            || (self.inputs > 0 && since + TIME_BETWEEN <= now)
            || (self.is_full() && since + LOOK_AGAIN <= now);
        if !due || self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return;
        }
        self.inputs = 0;
        self.taken_at = Some(now);
        self.running = Some(tokio::spawn(self.writer(engine, store, lease).write(engine.freeze())));
    }

    /// The clean stop's snapshot, at the head: the next start replays nothing.
    pub async fn at_the_end(&mut self, engine: &Engine, store: &Store, lease: &Lease) {
        if let Some(running) = self.running.take() {
            // A task that failed has logged why.
            drop(running.await);
        }
        if self.inputs > 0 {
            self.writer(engine, store, lease).write(engine.freeze()).await;
        }
    }

    fn writer(&self, engine: &Engine, store: &Store, lease: &Lease) -> SnapshotWriter {
        SnapshotWriter {
            store: store.clone(),
            lease: lease.clone(),
            metrics: Arc::clone(&self.metrics),
            previous: Arc::clone(&self.previous),
            now: engine.last_now(),
            keep: self.keep,
            max_bytes: self.max_bytes,
            full: Arc::clone(&self.full),
        }
    }
}

/// One snapshot being written.
struct SnapshotWriter {
    store: Store,
    lease: Lease,
    metrics: Arc<Metrics>,
    previous: Arc<Mutex<Previous>>,
    now: Timestamp,
    keep: TimeDelta,
    max_bytes: u64,
    full: Arc<AtomicBool>,
}

impl SnapshotWriter {
    async fn write(self, partitions: Vec<SnapshotView>) {
        let watch = Stopwatch::start();
        let mut bytes = 0;
        for frozen in partitions {
            let partition = frozen.partition;
            let previous = self.previous.lock().unwrap_or_else(PoisonError::into_inner).get(&partition).cloned();
            if previous.as_ref().is_some_and(|(before, _)| before.next_offset == frozen.next_offset) {
                continue;
            }
            let (frozen, attendance) = audit(frozen).await;
            self.handle_delivery_report(attendance);
            let encoding = Encoding::new(frozen, previous);
            match self.write_partition(partition, encoding, &mut bytes).await {
                Ok(written) => {
                    self.previous.lock().unwrap_or_else(PoisonError::into_inner).insert(partition, written);
                }
                Err(reason) => {
                    return tracing::error!(%partition, reason, "snapshot not written; the journal keeps everything");
                }
            }
        }
        self.metrics.snapshot_taken(watch.seconds(), bytes);
        match self.store.retain(&self.lease, self.now, self.keep, self.max_bytes).await {
            Ok((deleted, left)) => {
                self.metrics.journal_bytes(left);
                let full = left > self.max_bytes;
                if self.full.swap(full, Ordering::Relaxed) != full {
                    if full {
                        tracing::error!(bytes = left, bound = self.max_bytes, "the journal is full: nothing is taken");
                    } else {
                        tracing::info!(bytes = left, "the journal has room again");
                    }
                }
                if deleted > 0 {
                    tracing::info!(blocks = deleted, bytes_left = left, "old journal blocks deleted");
                }
            }
            Err(error) => tracing::error!(%error, "old journal blocks not deleted"),
        }
    }

    /// What the auditor found: counted, and logged where it is a defect.
    fn handle_delivery_report(&self, attendance: Option<AttentionAudit>) {
        let Some(attendance) = attendance else { return };
        for broken in &attendance.broken {
            tracing::error!(broken, "a record would be forgotten; this is a bug");
        }
        self.metrics.audited(&attendance);
    }

    /// Piece by piece, so that never all of it is in memory beside the state itself.
    async fn write_partition(
        &self,
        partition: Partition,
        mut encoding: Encoding,
        bytes: &mut u64,
    ) -> Result<(SnapshotView, Manifest), String> {
        loop {
            let next = move || {
                let piece = encoding.next_piece();
                (encoding, piece)
            };
            let (rest, piece) = tokio::task::spawn_blocking(next).await.map_err(|error| error.to_string())?;
            encoding = rest;
            let new = piece.map_err(|error| error.to_string())?;
            if new.is_empty() {
                break;
            }
            *bytes += new.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
            let saved = self.store.save_sections(&self.lease, partition, &new).await;
            saved.map_err(|error| error.to_string())?;
        }
        let (mut frozen, manifest) = encoding.finish();
        self.store.save_snapshot(&self.lease, &manifest, &[]).await.map_err(|error| error.to_string())?;
        frozen.drop_contents();
        Ok((frozen, manifest))
    }
}

/// The auditor looks at every open record of the desk, beside the inputs.
async fn audit(frozen: SnapshotView) -> (SnapshotView, Option<AttentionAudit>) {
    let spare = frozen.clone();
    let looking = tokio::task::spawn_blocking(move || {
        let attendance = frozen.attendance();
        (frozen, attendance)
    });
    match looking.await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(%error, "the auditor failed");
            (spare, None)
        }
    }
}

/// How many bytes of sections are encoded before they are written.
const PIECE_BYTES: usize = 2 << 20;

/// One partition's sections on their way into the store.
struct Encoding {
    frozen: SnapshotView,
    previous: Option<(SnapshotView, Manifest)>,
    names: std::vec::IntoIter<String>,
    /// All that the manifest will name.
    sections: Vec<SectionRef>,
}

impl Encoding {
    fn new(frozen: SnapshotView, previous: Option<(SnapshotView, Manifest)>) -> Encoding {
        Encoding { names: frozen.section_names().into_iter(), frozen, previous, sections: Vec::new() }
    }

    /// The next sections that the store does not have yet; none at the end.
    fn next_piece(&mut self) -> Result<Vec<(SectionRef, Vec<u8>)>, EncodingError> {
        let (mut new, mut size) = (Vec::new(), 0);
        for name in self.names.by_ref() {
            let unchanged = self
                .previous
                .as_ref()
                .filter(|(before, _)| self.frozen.is_same(before, &name))
                .and_then(|(_, manifest)| manifest.sections.iter().find(|section| section.name == name));
            if let Some(section) = unchanged {
                self.sections.push(section.clone());
                continue;
            }
            let bytes = self.frozen.encode(&name)?;
            let section = SectionRef { digest: Sha256::digest(&bytes).into(), name };
            self.sections.push(section.clone());
            size += bytes.len();
            new.push((section, bytes));
            if size >= PIECE_BYTES {
                break;
            }
        }
        Ok(new)
    }

    fn finish(self) -> (SnapshotView, Manifest) {
        let manifest = Manifest {
            partition: self.frozen.partition,
            next_offset: self.frozen.next_offset,
            taken_at: self.frozen.taken_at,
            engine_version: ENGINE_VERSION,
            rulebook: self.frozen.rulebook,
            sections: self.sections,
        };
        (self.frozen, manifest)
    }
}
