//! Backups: all committed data, read in one transaction, in one file that restores into either database.
//!
//! Every table of the schema is included, also those of later releases; only the lease is left out, because a restored
//! database has no holder. A backup is read back before it gets its name.

mod archive;
mod copying;
mod error;
mod postgres;
mod sqlite;

use self::copying::Progress;
use self::copying::blocking;
use self::copying::rename;
use self::copying::with_ending;
pub use error::BackupError;
use std::path::Path;

pub use archive::ArchiveContents;
use archive::{ArchiveReader, ArchiveWriter};

use crate::core::model::Timestamp;

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

fn same(path: &Path, written: ArchiveContents, read: ArchiveContents) -> Result<ArchiveContents, BackupError> {
    if written == read { Ok(read) } else { Err(BackupError::damaged(path, "it does not read back as it was written")) }
}
