//! The handle of a store: one of two databases behind one interface.

use std::sync::Arc;

use super::StoreError;
use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use crate::core::model::TimeDelta;

/// One of two databases behind one interface. Cloning shares the connections.
#[derive(Clone)]
pub enum Store {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

/// Describes a database that could not be reached, not the pool's view of it.
pub(super) fn unread(error: sqlx::Error, patience: TimeDelta) -> StoreError {
    match error {
        sqlx::Error::PoolTimedOut => StoreError::TimedOut { what: "connecting", after: patience },
        error => StoreError::Database(error),
    }
}

/// Searching takes longer than writing, and no one waits behind it.
pub(super) fn reading(patience: TimeDelta) -> TimeDelta {
    patience + patience
}

/// Limits an operation that a dead network or disk would hang for ever.
pub(super) async fn within<T, E: From<StoreError>>(
    patience: TimeDelta,
    what: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let after = patience + patience;
    match tokio::time::timeout(after.to_std(), work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StoreError::TimedOut { what, after }.into()),
    }
}
