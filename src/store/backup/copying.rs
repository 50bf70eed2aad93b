//! What copying either database shares: tables left out, the size of a part, progress.

use super::error::BackupError;
use std::path::{Path, PathBuf};

/// Tables that are not backed up: the lease with its heartbeats, and the list of migrations.
pub(super) const LEFT_OUT: [&str; 3] = ["lease", "heartbeats", "_sqlx_migrations"];

/// The column of row numbers; left out for a database without it.
const ROW_NUMBER: &str = "id";

/// Settings that are true only for a database in use.
pub(super) const FORGOTTEN_SETTINGS: [&str; 2] = ["in_use", "rehearsal"];

/// Bytes of rows per part.
pub(super) const PART_BYTES: usize = 1 << 20;

/// Called with the number of rows written or read so far.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// The columns of an archive's table that fit a database's, by their index in the archive; `None` if the two tables
/// differ.
pub(super) fn fitting(archived: &[String], known: &[String]) -> Option<Vec<usize>> {
    let lacks = |one: &[String], other: &[String]| other.iter().all(|name| name == ROW_NUMBER || one.contains(name));
    if known.is_empty() || !lacks(archived, known) || !lacks(known, archived) {
        return None;
    }
    Some((0..archived.len()).filter(|at| known.contains(&archived[*at])).collect())
}

/// Work on files and embedded databases, on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(BackupError::File { path: "backup".to_owned(), reason: panic.to_string() }))
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<(), BackupError> {
    std::fs::rename(from, to).map_err(|error| BackupError::file(to, error))?;
    let directory = to.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = std::fs::File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| BackupError::file(directory, error))
}

pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
