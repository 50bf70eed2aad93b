//! The one writer's lease: who holds it, its heartbeats, taking it over, giving it back.
//!
//! The epoch fences: every commit reads it in its own transaction. The heartbeats only tell a waiting process whether the
//! holder lives, so they need not be durable, and no wall clock is compared.

use super::columns::Value;
use super::handle::within;
use super::journal::into_store_error;
use super::query_builder::QueryBuilder;
use super::statements as sql;
use super::writer::{Session, Writer, lease_row_missing};
use super::{CommitError, Lease, Store, StoreError, journal, sqlite_writer};
use crate::core::model::{Offset, Partition, TimeDelta};

/// How long one heartbeat may take: shorter than the time after which the holder no longer counts as one.
const HEARTBEAT_PATIENCE: TimeDelta = TimeDelta::from_seconds(1);

/// The lease as a waiting process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseState {
    pub epoch: i64,
    /// Moves while the holder lives.
    pub beats: i64,
    /// What the holder said of itself; empty when nobody holds it: given back, or never taken.
    pub holder: String,
}

pub(super) async fn take<S: Session>(writer: &Writer<S>, holder: &str) -> Result<Lease, StoreError> {
    let mut transaction = writer.begin().await?;
    let taken = raise_epoch(&mut transaction.session, holder).await;
    transaction.finish(taken).await.map_err(into_store_error)
}

async fn raise_epoch<S: Session>(session: &mut S, holder: &str) -> Result<Lease, CommitError> {
    let epochs = session.integers(sql::TAKE_LEASE, vec![holder.to_owned().into()]).await?;
    let epoch = epochs.first().and_then(|row| row.first()).copied().ok_or_else(lease_row_missing)?;
    session.run(sql::BEGIN_HEARTBEATS, vec![Value::Int(epoch)]).await?;
    Ok(Lease { holder: holder.to_owned(), epoch })
}

/// `None`: the holder gave a sign of life, or another was faster.
async fn take_if_still<S: Session>(
    writer: &Writer<S>,
    seen: &LeaseState,
    holder: &str,
) -> Result<Option<Lease>, StoreError> {
    let mut transaction = writer.begin().await?;
    let taken = take_seen(&mut transaction.session, seen, holder).await;
    transaction.finish(taken).await.map_err(into_store_error)
}

async fn take_seen<S: Session>(session: &mut S, seen: &LeaseState, holder: &str) -> Result<Option<Lease>, CommitError> {
    // Locks the row, so that no heartbeat comes between.
    let unmoved = session.run(sql::LOCK_HEARTBEATS, vec![Value::Int(seen.epoch), Value::Int(seen.beats)]).await?;
    if unmoved == 0 {
        return Ok(None);
    }
    raise_epoch(session, holder).await.map(Some)
}

pub(super) async fn heartbeat<S: Session>(writer: &Writer<S>, lease: &Lease) -> Result<(), CommitError> {
    let mut transaction = writer.begin().await?;
    let outcome = count_heartbeat(&mut transaction.session, lease).await;
    transaction.finish(outcome).await
}

async fn count_heartbeat<S: Session>(session: &mut S, lease: &Lease) -> Result<(), CommitError> {
    if let Some(relax) = S::NOT_DURABLE {
        session.run(relax, Vec::new()).await?;
    }
    match session.run(sql::HEARTBEAT, vec![Value::Int(lease.epoch)]).await? {
        0 => Err(CommitError::Fenced { ours: lease.epoch }),
        _ => Ok(()),
    }
}

async fn give_back<S: Session>(writer: &Writer<S>, lease: &Lease) -> Result<(), StoreError> {
    let mut transaction = writer.begin().await?;
    let given = transaction.session.run(sql::GIVE_LEASE_BACK, vec![Value::Int(lease.epoch)]).await;
    transaction.finish(given.map(drop)).await.map_err(into_store_error)
}

impl Store {
    /// Takes the one writer's lease whoever holds it: raises the epoch, so that an older holder's commits are refused.
    /// For a person's word, and for tests; a process waits for it with [`Store::take_over`].
    pub async fn take_lease(&self, holder: &str) -> Result<Lease, StoreError> {
        let lease = match self {
            Store::Sqlite(store) => within(store.patience, "taking the lease", take(&store.writer, holder)).await,
            Store::Postgres(store) => within(store.patience, "taking the lease", take(&store.writer, holder)).await,
        }?;
        self.hold(&lease);
        Ok(lease)
    }

    /// Takes the lease if it still stands as it was seen. `None`: the holder gave a sign of life, or another process was
    /// faster.
    pub async fn take_over(&self, seen: &LeaseState, holder: &str) -> Result<Option<Lease>, StoreError> {
        let what = "taking the lease over";
        let taken = match self {
            Store::Sqlite(store) => within(store.patience, what, take_if_still(&store.writer, seen, holder)).await,
            Store::Postgres(store) => within(store.patience, what, take_if_still(&store.writer, seen, holder)).await,
        }?;
        taken.iter().for_each(|lease| self.hold(lease));
        Ok(taken)
    }

    /// Who holds the lease, and how far its heartbeats have come.
    pub async fn lease_state(&self) -> Result<LeaseState, StoreError> {
        let rows: Vec<(i64, i64, String)> = self.fetch(QueryBuilder::fixed(sql::LEASE, Vec::new())).await?;
        let (epoch, beats, holder) = rows.into_iter().next().ok_or_else(lease_row_missing)?;
        Ok(LeaseState { epoch, beats, holder })
    }

    /// One sign of life of the holder. `Fenced`: the lease is another's.
    pub async fn heartbeat(&self, lease: &Lease) -> Result<(), CommitError> {
        let what = "a heartbeat of the lease";
        match self {
            // On the connection that commits: on a second one it might wait for the file's lock for ever.
            Store::Sqlite(store) => {
                within(HEARTBEAT_PATIENCE, what, sqlite_writer::heartbeat(&store.writer, lease)).await
            }
            Store::Postgres(store) => within(HEARTBEAT_PATIENCE, what, heartbeat(&store.heartbeat_writer, lease)).await,
        }
    }

    /// Nobody holds the lease from here on, if it is still ours: who waits for it need not watch heartbeats.
    pub async fn give_lease_back(&self, lease: &Lease) -> Result<(), StoreError> {
        let what = "giving the lease back";
        match self {
            Store::Sqlite(store) => {
                within(store.patience, what, give_back(&store.writer, lease)).await?;
                // The last word of this process is in the file itself, so that a copy of the file alone is whole.
                within(store.patience, what, super::sqlite_writer::fold_log(&store.writer)).await
            }
            Store::Postgres(store) => within(store.patience, what, give_back(&store.writer, lease)).await,
        }
    }

    /// Ends the connections of others that hold the lease's row in an open transaction: a holder that was stopped inside
    /// one would keep the row until the server's patience ends. On SQLite the lock goes only with its process.
    pub async fn end_stuck_writers(&self) -> Result<(), StoreError> {
        match self {
            Store::Sqlite(_) => Ok(()),
            Store::Postgres(store) => {
                within(store.patience, "ending a stuck transaction", store.end_stuck_writers()).await
            }
        }
    }

    /// As [`Store::head`], for the holder of that lease alone: `Fenced` when it is another's, who may have moved the head.
    pub async fn head_as(&self, lease: &Lease, partition: Partition) -> Result<Offset, CommitError> {
        let what = "reading the head";
        match self {
            Store::Sqlite(store) => {
                within(store.patience, what, journal::head_as(&store.writer, lease, partition)).await
            }
            Store::Postgres(store) => {
                within(store.patience, what, journal::head_as(&store.writer, lease, partition)).await
            }
        }
    }
}
