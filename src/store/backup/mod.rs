//! Backups: all committed data, read in one transaction, in one file that restores into either database.
//!
//! Every table of the schema is included, also those of later releases; only the lease is left out, because a restored
//! database has no holder. A backup is read back before it gets its name.

mod archive;
mod postgres;
mod sqlite;

use std::path::{Path, PathBuf};

pub use archive::ArchiveContents;
use archive::{ArchiveReader, ArchiveWriter};

use super::StoreError;
use crate::core::model::Timestamp;

/// Tables that are not backed up: the lease with its heartbeats, and the list of migrations.
const LEFT_OUT: [&str; 3] = ["lease", "heartbeats", "_sqlx_migrations"];
/// The column of row numbers; left out for a database without it.
const ROW_NUMBER: &str = "id";
/// Settings that are true only for a database in use.
const FORGOTTEN_SETTINGS: [&str; 2] = ["in_use", "rehearsal"];
/// Bytes of rows per part.
const PART_BYTES: usize = 1 << 20;

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
    fn file(path: &Path, reason: impl std::fmt::Display) -> BackupError {
        BackupError::File { path: path.display().to_string(), reason: reason.to_string() }
    }

    fn damaged(path: &Path, reason: impl std::fmt::Display) -> BackupError {
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

/// Called with the number of rows written or read so far.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// Backs a database up into a new file, also while a service runs, and reads the file back before it gets its name.
pub async fn back_up(
    url: &str,
    to: &Path,
    made_at: Timestamp,
    progress: Progress<'_>,
) -> Result<ArchiveContents, BackupError> {
    if to.exists() {
        return Err(BackupError::Occupied { target: to.display().to_string() });
    }
    let partial = with_ending(to, ".partial");
    let archive = ArchiveWriter::create(&partial)?;
    let written = match url.strip_prefix("sqlite:") {
        Some(location) => sqlite::read(location, archive, made_at, progress).await,
        None => postgres::read(url, archive, made_at, progress).await,
    };
    let checked = match written {
        Ok(written) => read_back(&partial).await.and_then(|read| same(&partial, written, read)),
        Err(error) => Err(error),
    };
    let named = checked.and_then(|contents| {
        rename(&partial, to)?;
        Ok(contents)
    });
    if named.is_err() {
        drop(std::fs::remove_file(&partial));
    }
    named
}

/// Reads a backup from beginning to end: verifies every checksum, and completeness.
pub async fn read_back(path: &Path) -> Result<ArchiveContents, BackupError> {
    let path = path.to_owned();
    blocking(move || {
        let mut archive = ArchiveReader::open(&path)?;
        while archive.next()?.is_some() {}
        archive.contents()
    })
    .await
}

/// Restores a backup into a database that does not exist yet (SQLite) or is empty (PostgreSQL), of either kind whatever
/// the source; afterwards its schema is this release's. All of it, or nothing.
pub async fn restore(from: &Path, url: &str, progress: Progress<'_>) -> Result<ArchiveContents, BackupError> {
    // An incomplete file is refused before any change.
    let contents = read_back(from).await?;
    let archive = ArchiveReader::open(from)?;
    match url.strip_prefix("sqlite:") {
        Some(location) => sqlite::write(location, archive, &contents, progress).await?,
        None => postgres::write(url, archive, &contents, progress).await?,
    }
    Ok(contents)
}

/// The columns of an archive's table that fit a database's, by their index in the archive; `None` if the two tables
/// differ.
fn fitting(archived: &[String], known: &[String]) -> Option<Vec<usize>> {
    let lacks = |one: &[String], other: &[String]| other.iter().all(|name| name == ROW_NUMBER || one.contains(name));
    if known.is_empty() || !lacks(archived, known) || !lacks(known, archived) {
        return None;
    }
    Some((0..archived.len()).filter(|at| known.contains(&archived[*at])).collect())
}

fn same(path: &Path, written: ArchiveContents, read: ArchiveContents) -> Result<ArchiveContents, BackupError> {
    if written == read { Ok(read) } else { Err(BackupError::damaged(path, "it does not read back as it was written")) }
}

fn rename(from: &Path, to: &Path) -> Result<(), BackupError> {
    std::fs::rename(from, to).map_err(|error| BackupError::file(to, error))?;
    let directory = to.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = std::fs::File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| BackupError::file(directory, error))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Work on files and embedded databases, on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(BackupError::File { path: "backup".to_owned(), reason: panic.to_string() }))
}
