//! Write-behind cache for alert, incident and membership rows.
//!
//! Only their newest state counts, so a row with many changes is written once, and neighbouring rows together. No data
//! can be lost by it: the journal has their inputs before any answer, a snapshot is valid only after them, and a start
//! replays later inputs. A read of those tables writes them first.

use super::dirty_rows::DirtyRows;
use super::dirty_rows::LATE_MAX;
use super::dirty_rows::WriteBehind;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::encode_batch::Prepared;
use super::handle::within;
use super::{CommitError, Lease, Store, journal, sqlite_writer};
use crate::core::engine::Effect;
use crate::core::model::Timestamp;

impl Store {
    /// Records the rows of effects whose inputs are committed. [`Store::commit`] does so by itself; this is for a
    /// commit whose answer was lost, and for a replay.
    pub fn enqueue(&self, effects: &[Effect]) {
        self.late().take(effects);
    }

    /// Writes every delayed row now. Without a lease there are no delayed rows.
    pub async fn flush(&self) -> Result<(), CommitError> {
        let late = self.late();
        let lease = late.lease.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(lease) = lease else { return Ok(()) };
        let _alone = late.writing.lock().await;
        let mut taken = std::mem::take(&mut *late.waiting());
        while taken.len() > 0 {
            if let Err(error) = self.write_slice(&lease, &taken).await {
                late.waiting().take_back(taken);
                return Err(error);
            }
            taken.written();
        }
        Ok(())
    }

    /// Forgets every late row: the state is about to be put back, and a replay notes again what is in the journal. Those of
    /// inputs that the database has lost must not reach it.
    pub async fn forget_late_rows(&self) {
        let late = self.late();
        let _alone = late.writing.lock().await;
        *late.waiting() = DirtyRows::default();
    }

    /// True if any row is still to be written.
    pub fn has_late_rows(&self) -> bool {
        self.late().waiting().len() > 0
    }

    /// Like `flush`, in a separate task: if idle, if the oldest row has waited long, or if many wait.
    pub fn flush_if_due(&self, now: Timestamp, quiet: bool) {
        let due = self.late().waiting().is_due(now) || (quiet && self.has_late_rows());
        if !due || self.late().sent.swap(true, Ordering::Relaxed) {
            return;
        }
        let store = self.clone();
        tokio::spawn(async move {
            if let Err(error) = store.flush().await {
                tracing::error!(%error, "rows of alerts and incidents are late; the journal has everything");
            }
            store.late().sent.store(false, Ordering::Relaxed);
        });
    }

    /// Waits while so many rows are delayed that more would fill the memory.
    pub(super) async fn apply_backpressure(&self) -> Result<(), CommitError> {
        if self.late().waiting().len() < LATE_MAX { Ok(()) } else { self.flush().await }
    }

    /// Called before a read; also waits for rows being written. Rows that cannot be written now are read in their last
    /// written state.
    pub(super) async fn flush_before_read(&self) {
        if let Err(error) = self.flush().await {
            tracing::warn!(%error, "reading alerts and incidents as they were last written");
        }
    }

    async fn write_slice(&self, lease: &Lease, waiting: &DirtyRows) -> Result<(), CommitError> {
        let mut rows = waiting.slice()?;
        rows.retain(|rows| rows.len() > 0);
        let prepared = Prepared::of_rows(rows);
        match self {
            Store::Sqlite(store) => {
                within(store.patience, "late rows", sqlite_writer::commit(&store.writer, lease, prepared)).await
            }
            Store::Postgres(store) => {
                within(store.patience, "late rows", journal::commit(&store.writer, lease, prepared)).await
            }
        }
    }

    pub(super) fn hold(&self, lease: &Lease) {
        *self.late().lease.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease.clone());
    }

    /// The lease is another's: what was still to be written is theirs to write, from the journal.
    pub fn let_go(&self) {
        *self.late().lease.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.late().waiting() = DirtyRows::default();
    }

    fn late(&self) -> &WriteBehind {
        match self {
            Store::Sqlite(store) => &store.late,
            Store::Postgres(store) => &store.late,
        }
    }
}
