//! The content of one transaction, and its errors.

use std::sync::Arc;

use sqlx::postgres::PgDatabaseError;

use crate::core::engine::{Effect, JournalEntry};
use crate::core::model::{DeadLetter, Offset, Partition, SessionProgress, TimeDelta, Timestamp};
use crate::core::rules::{Rulebook, RulebookHash};

/// Everything that one commit makes durable, or none of it.
#[derive(Default)]
pub struct Batch {
    /// In order; each partition's are gapless from its head.
    pub entries: Vec<(Partition, JournalEntry)>,
    /// In the order of the entries behind them.
    pub effects: Vec<Effect>,
    pub dead_letters: Vec<DeadLetter>,
    /// Stored by hash, beside the input that refers to them.
    pub rulebooks: Vec<Arc<Rulebook>>,
    /// Of brokers' sessions, in order of arrival.
    pub progress: Vec<SessionProgress>,
}

/// The right to write: valid until a newer holder takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub holder: String,
    pub epoch: i64,
}

/// A snapshot of one partition: valid once its row exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub partition: Partition,
    /// The first offset that is not in it.
    pub next_offset: Offset,
    pub taken_at: Timestamp,
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

/// Reason why a commit failed, by the required reaction of the driver.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another process took the lease: stop at once.
    #[error("another watchfire took over this database (epoch {ours} is no longer the newest); stop one of the two")]
    Fenced { ours: i64 },
    /// The offsets do not follow the head: engine and store differ. Restore the engine.
    #[error("partition {partition}: the journal stands at offset {head}, the batch begins at {first}")]
    OutOfStep { partition: Partition, head: Offset, first: Offset },
    /// The content was refused (the store is healthy): bisect.
    #[error("the database refused the content: {reason}")]
    Content { reason: String },
    /// Locked, full, gone, or the answer was lost: read the head before anything else.
    #[error("the database cannot be written now: {0}")]
    Unavailable(#[source] StoreError),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> CommitError {
        CommitError::Unavailable(error)
    }
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> CommitError {
        if blames_content(&error) {
            CommitError::Content { reason: error.to_string() }
        } else {
            CommitError::Unavailable(StoreError::Database(error))
        }
    }
}

/// A failure of the database, or an invalid request.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot open {url}: {reason}")]
    Open { url: String, reason: String },
    /// No answer came; the outcome is unknown.
    #[error("database: {what} did not answer within {after}")]
    TimedOut { what: &'static str, after: TimeDelta },
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// Of the connection that writes the embedded database.
    #[error("database: {0}")]
    Embedded(#[from] rusqlite::Error),
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Files of the embedded database were deleted or replaced; the outcome is unknown.
    #[error("the database's files are not what they were: {reason}")]
    FilesGone { reason: String },
    /// A row that this release cannot read.
    #[error("{table}: row {row} cannot be read: {reason}")]
    Corrupt { table: &'static str, row: String, reason: String },
    /// Retention deleted the requested part.
    #[error("partition {partition}: the journal before offset {earliest} is gone; offset {from} cannot be read")]
    Trimmed { partition: Partition, from: Offset, earliest: Offset },
    /// 400: not from a previous page of this list.
    #[error("{cursor:?} is not a cursor of this list; take it from the \"next\" of the page before, or leave it out")]
    BadCursor { cursor: String },
    /// 409: one valid token per name, so that the audit stays clear.
    #[error("a valid token named {name:?} exists; revoke it first, or choose another name")]
    NameTaken { name: String },
}

impl StoreError {
    /// True if the stored data is damaged, not merely out of reach, so that reading it again will not help.
    pub fn is_damage(&self) -> bool {
        match self {
            StoreError::Corrupt { .. } => true,
            StoreError::Database(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => true,
            StoreError::Database(error) => error.as_database_error().is_some_and(|error| {
                let code = error.code().unwrap_or_default();
                match error.try_downcast_ref::<PgDatabaseError>() {
                    // Data corrupted, index corrupted.
                    Some(_) => ["XX001", "XX002"].contains(&code.as_ref()),
                    None => code.parse::<i32>().is_ok_and(is_of_damage),
                }
            }),
            StoreError::Embedded(error) => error.sqlite_error().is_some_and(|error| is_of_damage(error.extended_code)),
            StoreError::Open { .. }
            | StoreError::TimedOut { .. }
            | StoreError::Migration(_)
            | StoreError::FilesGone { .. }
            | StoreError::Trimmed { .. }
            | StoreError::BadCursor { .. }
            | StoreError::NameTaken { .. } => false,
        }
    }
}

impl From<rusqlite::Error> for CommitError {
    fn from(error: rusqlite::Error) -> CommitError {
        if error.sqlite_error().is_some_and(|error| is_of_content(error.extended_code)) {
            CommitError::Content { reason: error.to_string() }
        } else {
            CommitError::Unavailable(StoreError::Embedded(error))
        }
    }
}

/// True if the database refused the content rather than every write. Only then is bisecting the batch right: a missing
/// table or a full disk would condemn every input.
fn blames_content(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Encode(_) = error {
        return true;
    }
    let postgres = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    // Data exception, integrity violation, program limit exceeded.
    postgres.is_some_and(|error| ["22", "23", "54"].iter().any(|class| error.code().starts_with(class)))
}

/// SQLITE_CORRUPT, SQLITE_NOTADB, of whatever kind.
const fn is_of_damage(code: i32) -> bool {
    matches!(code & 0xff, 11 | 26)
}

/// The low byte of SQLite's code is the primary one: SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH.
const fn is_of_content(code: i32) -> bool {
    matches!(code & 0xff, 18..=20)
}
