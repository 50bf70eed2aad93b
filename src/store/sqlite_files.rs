//! The files of the embedded database: their permissions, and the check that they are still those that were opened.
//!
//! SQLite goes on writing to a file that was deleted or replaced, and answers as if it were kept. So the files are
//! checked after each commit, before any answer. Missing files are restored from the open connection; foreign files are
//! never touched: the content goes into a separate file, and writing ends.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::StoreError;

/// The file next to the embedded database that records the acknowledged position; kept by the service.
pub const MARK_FILE: &str = "acknowledged";
/// Readable by the service's own user only, because the files contain tokens' hashes, the key of links, and people's
/// texts.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// Maximum number of unread findings.
const FINDINGS_MAX: usize = 16;

/// Maximum number of rescued files per database.
const RESCUED_MAX: u32 = 100;

/// Device and inode number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

/// Files that SQLite keeps for an open database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Those that a connection has open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Companions([Option<FileId>; 2]);

/// One database's files.
pub(super) struct Files {
    path: PathBuf,
    state: Mutex<State>,
}

pub(crate) struct State {
    /// The database that was opened.
    database: FileId,
    /// Connections have missing files open: all must be closed before another is opened.
    stale: bool,
    /// Foreign files are in place: the reason why no connection is opened any more.
    refusal: Option<String>,
    /// Findings not read yet.
    findings: Vec<String>,
}

/// Result of a check.
enum Found {
    Whole,
    DatabaseGone,
    CompanionGone(PathBuf),
    Foreign(PathBuf),
}

/// Creates the directory and the file if needed, both for their owner alone. Returns true if a write-ahead log with
/// content exists.
pub(super) fn prepare(path: &Path) -> Result<bool, String> {
    let shown = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        if directory.is_dir() {
            if holds_only(directory, path) {
                tighten(directory, DIRECTORY_MODE);
            }
        } else {
            let made = DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory);
            made.map_err(|error| shown(directory, error))?;
        }
    }
    let had_log = std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    private(path).create(true).truncate(false).open(path).map_err(|error| shown(path, error))?;
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        tighten(&file, FILE_MODE);
    }
    Ok(had_log)
}

/// True if the directory contains only the database's files, because a shared directory keeps its permissions.
fn holds_only(directory: &Path, path: &Path) -> bool {
    let stem = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Ok(mut entries) = std::fs::read_dir(directory) else { return false };
    entries.all(|entry| {
        entry.is_ok_and(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(&stem) || name == MARK_FILE
        })
    })
}

fn tighten(path: &Path, mode: u32) {
    let Ok(found) = std::fs::metadata(path) else { return };
    if found.mode() & 0o777 & !mode != 0
        && let Err(error) = std::fs::set_permissions(path, Permissions::from_mode(mode))
    {
        tracing::warn!(path = %path.display(), %error, "others may read this; chmod it to {mode:o}");
    }
}

fn private(path: &Path) -> OpenOptions {
    debug_assert!(!path.as_os_str().is_empty(), "a path was parsed before");
    let mut options = OpenOptions::new();
    options.write(true).mode(FILE_MODE);
    options
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn id_of(path: &Path) -> Option<FileId> {
    std::fs::metadata(path).ok().map(|found| FileId(found.dev(), found.ino()))
}

impl Files {
    /// For a database that is open now.
    pub(super) fn new(path: PathBuf) -> Result<Files, String> {
        let database = id_of(&path).ok_or_else(|| format!("{}: it was deleted just now", path.display()))?;
        Ok(Files { path, state: Mutex::new(State { database, stale: false, refusal: None, findings: Vec::new() }) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns true if every connection must be closed before one is opened; an error if none may be opened at all.
    pub(super) fn before_opening(&self) -> Result<bool, StoreError> {
        let state = self.state();
        match &state.refusal {
            Some(reason) => Err(StoreError::FilesGone { reason: reason.clone() }),
            None => Ok(state.stale),
        }
    }

    /// Records the files of a new connection; refuses a database other than the one of the start.
    pub(super) fn opened(&self) -> Result<Companions, StoreError> {
        let mut state = self.state();
        let found = id_of(&self.path);
        if found != Some(state.database) {
            let path = self.path.display();
            let reason = format!(
                "{path} is no longer the file that this service opened; stop the service, put the right file back with \
                 its -wal beside it (or `watchfire restore` a backup), and start it again"
            );
            return Err(StoreError::FilesGone { reason });
        }
        state.stale = false;
        Ok(Companions(COMPANIONS.map(|ending| id_of(&beside(&self.path, ending)))))
    }

    /// After a commit and before its answer: checks that the written data is where the next start will look for it.
    /// Missing files are restored first; the error describes the findings.
    pub(super) fn check(&self, opened: &Companions, connection: &Connection) -> Result<(), StoreError> {
        let mut state = self.state();
        let found = self.look(&state, opened);
        let reason = match found {
            Found::Whole => return Ok(()),
            Found::CompanionGone(path) => match fold_log(connection) {
                Ok(()) => {
                    state.stale = true;
                    format!("{} was deleted; everything is in the database itself now", path.display())
                }
                Err(error) => self.set_aside(&mut state, connection, &path, &error),
            },
            Found::DatabaseGone => match self.put_back(&mut state, opened, connection) {
                Ok(()) => format!("{} was deleted; it is put back from the open connection", self.path.display()),
                Err(error) => self.set_aside(&mut state, connection, &self.path, &error),
            },
            Found::Foreign(path) => self.set_aside(&mut state, connection, &path, "it was replaced"),
        };
        if state.findings.len() < FINDINGS_MAX && !state.findings.contains(&reason) {
            state.findings.push(reason.clone());
        }
        Err(StoreError::FilesGone { reason })
    }

    /// The findings since the last call.
    pub(super) fn take_findings(&self) -> Vec<String> {
        std::mem::take(&mut self.state().findings)
    }

    fn look(&self, state: &State, opened: &Companions) -> Found {
        match id_of(&self.path) {
            None => return Found::DatabaseGone,
            Some(id) if id != state.database => return Found::Foreign(self.path.clone()),
            Some(_) => {}
        }
        for (ending, opened) in COMPANIONS.into_iter().zip(opened.0) {
            let path = beside(&self.path, ending);
            match id_of(&path) {
                found if found == opened => {}
                None => return Found::CompanionGone(path),
                Some(_) => return Found::Foreign(path),
            }
        }
        Found::Whole
    }

    /// Restores the database from the open connection, under its own name.
    fn put_back(&self, state: &mut State, opened: &Companions, connection: &Connection) -> Result<(), String> {
        for (ending, opened) in COMPANIONS.into_iter().zip(opened.0) {
            let found = id_of(&beside(&self.path, ending));
            if found.is_some() && found != opened {
                return Err(format!("a foreign {ending} lies beside it"));
            }
        }
        let rescued = self.rescue(connection)?;
        let failed = |error: io::Error| error.to_string();
        if self.path.exists() {
            return Err("another file was put there".to_owned());
        }
        for ending in COMPANIONS {
            // Its content is in the rescued file; left there, it would be read into it again.
            drop(std::fs::remove_file(beside(&self.path, ending)));
        }
        std::fs::rename(&rescued, &self.path).map_err(failed)?;
        sync_directory(&self.path).map_err(failed)?;
        state.database = id_of(&self.path).ok_or("it was deleted again")?;
        state.stale = true;
        Ok(())
    }

    /// Saves the content next to the foreign files, and opens no connection any more.
    fn set_aside(&self, state: &mut State, connection: &Connection, what: &Path, why: &str) -> String {
        let what = what.display();
        let reason = match self.rescue(connection) {
            Ok(rescued) => format!(
                "{what}: {why}. Everything acknowledged is in {}: stop the service, move it to {} (without -wal and \
                 -shm beside it), and start it again",
                rescued.display(),
                self.path.display()
            ),
            Err(error) => format!(
                "{what}: {why}, and the content cannot be saved beside it ({error}). Do not stop the service before \
                 there is room and permission to write in that directory",
            ),
        };
        // Without a rescued file the next commit tries again.
        if !reason.contains("cannot be saved") {
            state.refusal = Some(reason.clone());
        }
        reason
    }

    /// Writes all committed data into a complete separate database on disk.
    fn rescue(&self, connection: &Connection) -> Result<PathBuf, String> {
        if let Some(directory) = self.path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            let made = DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory);
            made.map_err(|error| error.to_string())?;
        }
        let names = (1..=RESCUED_MAX).map(|n| beside(&self.path, &format!(".rescued-{n}")));
        let path = names.into_iter().find(|path| !path.exists()).ok_or("too many rescued files lie there")?;
        let file = private(&path).create_new(true).open(&path).map_err(|error| error.to_string())?;
        let text = path.to_str().ok_or("its path is no text")?;
        connection.execute("VACUUM INTO ?1", [text]).map_err(|error| error.to_string())?;
        let copy = Connection::open(&path).map_err(|error| error.to_string())?;
        let set =
            copy.pragma_update(None, "journal_mode", "wal").and_then(|()| copy.close().map_err(|(_, error)| error));
        set.map_err(|error| error.to_string())?;
        file.sync_all().map_err(|error| error.to_string())?;
        sync_directory(&path).map_err(|error| error.to_string())?;
        Ok(path)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Copies the write-ahead log that only open connections still have into the database.
fn fold_log(connection: &Connection) -> Result<(), String> {
    let row = connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    match row {
        Ok((0, in_log, copied)) if in_log == copied => Ok(()),
        Ok(_) => Err("it was deleted, and others hold what was in it".to_owned()),
        Err(error) => Err(format!("it was deleted, and what was in it cannot be copied: {error}")),
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    std::fs::File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_the_owners_alone_and_a_shared_directory_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("深/数据/watchfire.db");
        assert!(!prepare(&path).unwrap());
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (FILE_MODE, DIRECTORY_MODE));
        // Removes permissions that an earlier release left open to others.
        let open = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        std::fs::write(beside(&path, "-wal"), "x").unwrap();
        open(&path, 0o644);
        open(&beside(&path, "-wal"), 0o644);
        open(path.parent().unwrap(), 0o755);
        assert!(prepare(&path).unwrap());
        assert_eq!((mode(&path), mode(&beside(&path, "-wal"))), (FILE_MODE, FILE_MODE));
        assert_eq!(mode(path.parent().unwrap()), DIRECTORY_MODE);
        std::fs::write(path.with_file_name("somebody's"), "x").unwrap();
        open(path.parent().unwrap(), 0o755);
        prepare(&path).unwrap();
        assert_eq!(mode(path.parent().unwrap()), 0o755);
    }
}
