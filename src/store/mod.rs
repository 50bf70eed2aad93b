//! The store: journal, snapshots, records, outbox and the committed views of them; SQLite and PostgreSQL.
//!
//! Stores decisions, never makes them. Returns only committed data. The kind of database shows in this file and in
//! those named after one; all others are written once for both.

mod archive;
mod audit_chain;
mod audit_reads;
mod backup;
mod batch;
mod codec;
mod columns;
mod cow_map;
mod dirty_rows;
mod encode_batch;
mod handle;
mod journal;
mod journal_reads;
mod label_filter;
mod lease;
mod list;
mod live_normalisation;
mod live_staff;
mod live_view;
mod pooler;
mod postgres;
mod query;
mod query_builder;
mod readers;
mod records;
mod retention;
mod snapshots;
mod sqlite;
mod sqlite_files;
mod sqlite_statements;
mod sqlite_writer;
mod statements;
mod taken_messages;
mod taken_messages_reads;
mod tokens;
mod write_behind;
mod writer;

use std::sync::Arc;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Postgres, Sqlite};

pub use audit_chain::AuditLink;
pub use audit_reads::AuditVerdict;
pub use backup::{ArchiveContents, BackupError, back_up, read_back, restore};

pub use batch::{Batch, CommitError, Lease, Manifest, SectionRef, StoreError};
pub use codec::effects_hash;
pub use handle::Store;
pub use lease::LeaseState;
pub use live_staff::StaffView;
pub use live_view::{LiveAlert, LiveView, Readiness, StreamChange};
pub use query::{
    AlertFilter, AuditFilter, BlockRow, DeadLetterRow, DeliveryRow, IncidentFilter, OutboxRow, Page, PageRequest,
    ProblemFilter, RunFilter, TokenRole, TokenRow,
};
pub use sqlite_files::MARK_FILE;

use columns::Value;
use handle::{reading, unread, within};
use postgres::PostgresStore;
use query_builder::QueryBuilder;
use sqlite::SqliteStore;

use crate::core::model::{Offset, Partition, TimeDelta, Timestamp};

/// The setting that marks an embedded database as in use by a service.
const IN_USE: &str = "in_use";

/// Time limit of one statement, after which the database counts as unavailable.
const PATIENCE: TimeDelta = TimeDelta::from_seconds(5);

/// Runs the same with either writer, within at most twice the time limit of one statement.
macro_rules! with_writer {
    ($store:expr, $what:literal, $writer:ident => $work:expr) => {
        match $store {
            Store::Sqlite(store) => {
                let $writer = &store.writer;
                within(store.patience, $what, async { $work.await }).await
            }
            Store::Postgres(store) => {
                let $writer = &store.writer;
                within(store.patience, $what, async { $work.await }).await
            }
        }
    };
}
use with_writer;

impl Store {
    /// Opens and migrates: `sqlite:PATH` (the directory is created if needed; `?max_bytes=N` limits the file) or
    /// `postgres://…`.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        Store::open_with(url, PATIENCE).await
    }

    /// Like `open`, with another time limit for one statement.
    pub async fn open_with(url: &str, patience: TimeDelta) -> Result<Store, StoreError> {
        let store = if let Some(location) = url.strip_prefix("sqlite:") {
            Store::Sqlite(Arc::new(SqliteStore::open(location, patience).await?))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Store::Postgres(Arc::new(PostgresStore::open(url, patience).await?))
        } else {
            let reason = "expected sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned();
            // Only the scheme is shown, because a text that is no URL may be a secret in the wrong place.
            let scheme = url.split_once(':').map_or("(not a URL)", |(scheme, _)| scheme);
            return Err(StoreError::Open { url: scheme.chars().take(16).collect(), reason });
        };
        store.check_schema().await?;
        Ok(store)
    }

    /// Prepares every statement, so that a schema of another release stops the start, not the first alarm. Returns the
    /// number of statements.
    pub async fn check_schema(&self) -> Result<usize, StoreError> {
        with_writer!(self, "checking the schema", writer => journal::check_schema(writer))
    }

    /// The database's durability setting, read inside a transaction that began as a commit's does: `full` (SQLite's
    /// synchronous) or `on` (PostgreSQL's synchronous_commit).
    pub async fn durability_in_writer(&self) -> Result<String, StoreError> {
        with_writer!(self, "reading the durability", writer => journal::durability(writer))
    }

    /// Checks that the files of an embedded database are still those that were opened. [`Store::commit`] does so by
    /// itself, before it answers; this is for times without commits. Does nothing for PostgreSQL.
    pub async fn check_files(&self) -> Result<(), StoreError> {
        match self {
            Store::Sqlite(store) => {
                within(store.patience, "looking at the files", sqlite_writer::check_files(&store.writer)).await
            }
            Store::Postgres(_) => Ok(()),
        }
    }

    /// Findings about deleted or replaced files, each once: the event, the reaction, and the remedy.
    pub fn take_file_findings(&self) -> Vec<String> {
        match self {
            Store::Sqlite(store) => store.files.take_findings(),
            Store::Postgres(_) => Vec::new(),
        }
    }

    /// Errors from the database's own check of its file; none for PostgreSQL, which checks every read.
    pub async fn check_database(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Store::Sqlite(_) => {
                let rows: Vec<(String,)> =
                    self.fetch(QueryBuilder::fixed("PRAGMA integrity_check(20)", Vec::new())).await?;
                Ok(rows.into_iter().map(|(line,)| line).filter(|line| line != "ok").collect())
            }
            Store::Postgres(_) => Ok(Vec::new()),
        }
    }

    /// Marks the embedded database's file as in use by a service, or no longer, so that a copy of the file alone shows
    /// that its write-ahead log is missing.
    pub async fn set_in_use(&self, in_use: bool) -> Result<(), StoreError> {
        match self {
            Store::Sqlite(store) => {
                let word = if in_use { "1" } else { "0" };
                if self.setting(IN_USE).await?.as_deref() != Some(word) {
                    self.put_setting(IN_USE, word).await?;
                }
                within(store.patience, "writing the log into the database", sqlite_writer::fold_log(&store.writer))
                    .await
            }
            Store::Postgres(_) => Ok(()),
        }
    }

    /// True for an embedded database that was in use when its file was copied or its write-ahead log was lost: the
    /// content of the log may be missing.
    pub async fn may_lack_its_log(&self) -> Result<bool, StoreError> {
        match self {
            Store::Sqlite(_) => Ok(self.setting(IN_USE).await?.is_some_and(|word| word != "0" && word != "1")),
            Store::Postgres(_) => Ok(false),
        }
    }

    /// One transaction: epoch check, journal blocks, records, outbox, dead letters, rulebooks. The rows of alerts,
    /// incidents and memberships follow within a second, and before any read of them (`write_behind.rs`). After
    /// `Unavailable` it may have happened: `head` shows it.
    pub async fn commit(&self, lease: &Lease, batch: &Batch) -> Result<(), CommitError> {
        self.apply_backpressure().await?;
        let prepared = encode_batch::prepare(batch)?;
        let written = match self {
            Store::Sqlite(store) => {
                within(store.patience, "a commit", sqlite_writer::commit(&store.writer, lease, prepared)).await
            }
            Store::Postgres(store) => {
                within(store.patience, "a commit", journal::commit(&store.writer, lease, prepared)).await
            }
        };
        if written.is_ok() {
            self.enqueue(&batch.effects);
        }
        written
    }

    /// The offset of the partition's next input. Waits until a commit under way, even one whose answer was lost, is
    /// over, so that the result stays true.
    pub async fn head(&self, partition: Partition) -> Result<Offset, StoreError> {
        with_writer!(self, "reading the head", writer => journal::head(writer, partition))
    }

    /// A small named value that outlives restarts (the correlation domain's label, the format of the data).
    pub async fn put_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        with_writer!(self, "writing a setting", writer => journal::put_setting(writer, name, value))
    }

    /// The value of a setting, which is this one if there was none: of two processes that begin at once both get the same.
    pub async fn setting_or(&self, name: &str, value: &str) -> Result<String, StoreError> {
        if let Some(kept) = self.setting(name).await? {
            return Ok(kept);
        }
        with_writer!(self, "writing a setting", writer => journal::put_setting_once(writer, name, value))?;
        Ok(self.setting(name).await?.unwrap_or_else(|| value.to_owned()))
    }

    /// Writes sections first, then the manifest that makes them valid, then deletes sections that no kept manifest
    /// names; in small transactions, so that commits pass between them. `new` holds the sections that no kept manifest
    /// has yet.
    pub async fn save_snapshot(
        &self,
        lease: &Lease,
        manifest: &Manifest,
        new: &[(SectionRef, Vec<u8>)],
    ) -> Result<(), CommitError> {
        self.save_sections(lease, manifest.partition, new).await?;
        // A start replays only the entries after the manifest, so the rows before it must be written.
        self.flush().await?;
        with_writer!(self, "saving a manifest", writer => snapshots::put_manifest(writer, lease, manifest))?;
        with_writer!(self, "deleting old sections", writer => snapshots::prune(writer, lease, manifest.partition))
    }

    /// Writes sections before the manifest that will name them, for a snapshot too large for memory.
    pub async fn save_sections(
        &self,
        lease: &Lease,
        partition: Partition,
        new: &[(SectionRef, Vec<u8>)],
    ) -> Result<(), CommitError> {
        for part in snapshots::parts(partition, new)? {
            with_writer!(self, "saving sections", writer => snapshots::put_sections(writer, lease, &part))?;
        }
        Ok(())
    }

    /// Deletes blocks below the older manifest that are older than `keep`, then oldest first while over `max_bytes`,
    /// and all but the newest 10,000 dead letters; in small transactions. Returns the number of deleted blocks and the
    /// remaining bytes of the journal.
    pub async fn retain(
        &self,
        lease: &Lease,
        now: Timestamp,
        keep: TimeDelta,
        max_bytes: u64,
    ) -> Result<(u64, u64), CommitError> {
        let bounds =
            retention::Bounds { older_than: now - keep, max_bytes: i64::try_from(max_bytes).unwrap_or(i64::MAX) };
        let mut gone = 0;
        loop {
            let slice = with_writer!(self, "deleting old blocks", writer => retention::slice(writer, lease, &bounds))?;
            gone += slice.gone;
            if slice.gone == 0 {
                return Ok((gone, slice.bytes_left));
            }
        }
    }

    /// Adds a token (by its SHA-256) and its audit entry. The one write outside the driver, because it must work before
    /// a service that refuses to start without tokens has ever started.
    pub async fn add_token(&self, token: &TokenRow) -> Result<(), StoreError> {
        with_writer!(self, "adding a token", writer => tokens::add(writer, token))
    }

    /// Revokes by name; false if there is none, or it is revoked already.
    pub async fn revoke_token(&self, name: &str, at: Timestamp) -> Result<bool, StoreError> {
        with_writer!(self, "revoking a token", writer => tokens::revoke(writer, name, at))
    }

    /// All rows of a query, through the read-only connections.
    async fn fetch<T>(&self, question: QueryBuilder) -> Result<Vec<T>, StoreError>
    where
        T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        let (sql, values) = question.into_parts();
        match self {
            Store::Sqlite(store) => {
                let query = values.into_iter().fold(sqlx::query_as::<Sqlite, T>(sql), |query, value| match value {
                    Value::Int(value) => query.bind(value),
                    Value::MaybeInt(value) => query.bind(value),
                    Value::Text(value) => query.bind(value),
                    Value::Bytes(value) => query.bind(value),
                });
                let rows = async {
                    let readers = store.readers.lend().await;
                    query.fetch_all(&*readers.pool).await.map_err(|error| unread(error, store.patience))
                };
                within(reading(store.patience), "a query", rows).await
            }
            Store::Postgres(store) => {
                let query = values.into_iter().fold(sqlx::query_as::<Postgres, T>(sql), |query, value| match value {
                    Value::Int(value) => query.bind(value),
                    Value::MaybeInt(value) => query.bind(value),
                    Value::Text(value) => query.bind(value),
                    Value::Bytes(value) => query.bind(value),
                });
                let rows = async {
                    let readers = store.readers.lend().await;
                    query.fetch_all(&*readers.pool).await.map_err(|error| unread(error, store.patience))
                };
                within(reading(store.patience), "a query", rows).await
            }
        }
    }
}
