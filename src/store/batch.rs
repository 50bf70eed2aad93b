//! What one transaction holds, and how it can fail.

use std::sync::Arc;

use crate::engine::{Effect, Entry};
use crate::model::{DeadLetter, Moment, Offset, Partition};
use crate::rules::{Rulebook, RulebookHash};

/// Everything that one commit makes durable, or none of it.
#[derive(Default)]
pub struct Batch {
    /// In order; each partition's are gapless from its head.
    pub entries: Vec<(Partition, Entry)>,
    /// In the order in which the entries led to them.
    pub effects: Vec<Effect>,
    pub dead_letters: Vec<DeadLetter>,
    /// Stored by hash beside the input that names them.
    pub rulebooks: Vec<Arc<Rulebook>>,
}

/// The right to write: valid while no newer holder took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub holder: String,
    pub epoch: i64,
}

/// A snapshot of one partition: valid once its row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub partition: Partition,
    /// The first offset that is not in it.
    pub next_offset: Offset,
    pub taken_at: Moment,
    pub engine_version: u32,
    pub rulebook: RulebookHash,
    pub sections: Vec<SectionRef>,
}

/// One section's bytes, by content: a section that did not change is written once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SectionRef {
    pub name: String,
    /// SHA-256 of its uncompressed bytes.
    pub digest: [u8; 32],
}

/// Why a commit did not happen, by what the driver must do.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another process took the lease: stop at once.
    #[error("another watchfire took over this database (epoch {ours} is no longer the newest); stop one of the two")]
    Fenced { ours: i64 },
    /// The offsets do not follow the head: the engine is not where the store is. Restore it.
    #[error("partition {partition}: the journal stands at offset {head}, the batch begins at {first}")]
    OutOfStep { partition: Partition, head: Offset, first: Offset },
    /// The content was refused (not the store's health): bisect.
    #[error("the database refused the content: {reason}")]
    Content { reason: String },
    /// Locked, full, gone, or the answer was lost: look at the head before anything else.
    #[error("the database cannot be written now: {0}")]
    Unavailable(#[source] StoreError),
}

/// A failure of the database itself.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot open {url}: {reason}")]
    Open { url: String, reason: String },
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row that this release cannot read.
    #[error("{table}: row {row} cannot be read: {reason}")]
    Corrupt { table: &'static str, row: String, reason: String },
}
