//! Errors of backup and restore.

use crate::store::StoreError;
use std::path::Path;

/// Reason why a backup cannot be written, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{path}: {reason}")]
    File { path: String, reason: String },
    /// The file was damaged after it was written.
    #[error("{path} is no whole backup: {reason}; take another one")]
    Damaged { path: String, reason: String },
    #[error("{path} was made with schema {schema}, which this release does not know; use the release that made it")]
    TooNew { path: String, schema: i64 },
    #[error("{target} is not empty; move it away first, or restore into another place")]
    Occupied { target: String },
    #[error("{database}: there is no database of watchfire there")]
    Missing { database: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    pub(super) fn file(path: &Path, reason: impl std::fmt::Display) -> BackupError {
        BackupError::File { path: path.display().to_string(), reason: reason.to_string() }
    }

    pub(super) fn damaged(path: &Path, reason: impl std::fmt::Display) -> BackupError {
        BackupError::Damaged { path: path.display().to_string(), reason: reason.to_string() }
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> BackupError {
        BackupError::Store(StoreError::Database(error))
    }
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> BackupError {
        BackupError::Store(StoreError::Embedded(error))
    }
}

impl From<sqlx::migrate::MigrateError> for BackupError {
    fn from(error: sqlx::migrate::MigrateError) -> BackupError {
        BackupError::Store(StoreError::Migration(error))
    }
}
