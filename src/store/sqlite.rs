//! SQLite: one file, one writing connection, a few that only read.
//!
//! The writing connection has its own thread, in `sqlite_writer.rs`.

use super::sqlite_writer::READERS;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{Connection, SqlStr, Sqlite, SqliteConnection};

use super::StoreError;
use super::dirty_rows::WriteBehind;
use super::readers::Readers;
use super::sqlite_files;
use super::sqlite_files::Files;
use super::sqlite_writer::{SqliteSession, SqliteTarget};
use super::writer::Writer;
use crate::core::model::TimeDelta;

const PAGE_BYTES: u64 = 4096;
/// Marks a database that a service had in use without its write-ahead log, before this connection creates another log.
const LACKS_LOG: &str = "UPDATE settings SET value = 'without its log' WHERE name = 'in_use' AND value = '1'";

/// Wait between two attempts to open a file that another process is opening.
const OPEN_AGAIN: Duration = Duration::from_millis(20);

/// Reason why a file cannot be opened and migrated.
enum OpenError {
    Database(sqlx::Error),
    Migration(MigrateError),
}

/// An opened SQLite file.
pub struct SqliteStore {
    pub(super) readers: Arc<Readers<Sqlite>>,
    pub(super) writer: Writer<SqliteSession>,
    pub(super) patience: TimeDelta,
    pub(super) late: WriteBehind,
    pub(super) files: Arc<Files>,
}

impl SqliteStore {
    /// `location` is the URL after `sqlite:`: a path, and `?max_bytes=N` to limit the file's size.
    pub(super) async fn open(location: &str, patience: TimeDelta) -> Result<SqliteStore, StoreError> {
        let cannot = |reason: String| StoreError::Open { url: format!("sqlite:{location}"), reason };
        let (path, max_bytes) = parse(location).map_err(&cannot)?;
        let of_file = path.clone();
        let prepared = tokio::task::spawn_blocking(move || sqlite_files::prepare(&of_file)).await;
        let had_log = prepared.unwrap_or_else(|panic| Err(panic.to_string())).map_err(&cannot)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .page_size(PAGE_BYTES as u32)
            // For a new file: space freed by retention can be returned to the disk without copying everything.
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(patience.to_std());
        let mut attempt = migrate(&options, had_log).await;
        // SQLite does not wait for a lock when the switch to the write-ahead log could deadlock: it answers "locked" at
        // once, for as long as another process is opening the file.
        let mut tries = patience.to_std().as_millis() / OPEN_AGAIN.as_millis();
        while tries > 0 && attempt.as_ref().is_err_and(is_locked) {
            tokio::time::sleep(OPEN_AGAIN).await;
            tries -= 1;
            attempt = migrate(&options, had_log).await;
        }
        attempt.map_err(|error| match error {
            OpenError::Database(error) => cannot(error.to_string()),
            OpenError::Migration(error) => StoreError::from(error),
        })?;
        let files = Arc::new(Files::new(path.clone()).map_err(cannot)?);
        let readers = Arc::new(Readers::new(READERS, move |most| {
            SqlitePoolOptions::new()
                .max_connections(most)
                .acquire_timeout(patience.to_std())
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_lazy_with(
                    SqliteConnectOptions::new().filename(&path).read_only(true).busy_timeout(patience.to_std()),
                )
        }));
        let pages_max = max_bytes.map(|bytes| (bytes / PAGE_BYTES).max(1));
        let target = SqliteTarget::new(Arc::clone(&files), pages_max, patience, Arc::clone(&readers));
        Ok(SqliteStore { readers, writer: Writer::new(target), patience, late: WriteBehind::default(), files })
    }
}

/// Brings the file to the current schema, in one transaction with a lock: two processes may start on a new file at once.
async fn migrate(options: &SqliteConnectOptions, had_log: bool) -> Result<(), OpenError> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    migrator().run_direct(None, &mut *transaction, false).await.map_err(OpenError::Migration)?;
    if !had_log {
        sqlx::query(LACKS_LOG).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    connection.close().await?;
    Ok(())
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> OpenError {
        OpenError::Database(error)
    }
}

/// True if another connection has the file. SQLite's extended codes have the primary one in their lowest byte.
fn is_locked(error: &OpenError) -> bool {
    const BUSY: u32 = 5;
    let error = match error {
        OpenError::Database(error) | OpenError::Migration(MigrateError::Execute(error)) => error,
        OpenError::Migration(_) => return false,
    };
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == BUSY)
}

pub(super) fn parse(location: &str) -> Result<(PathBuf, Option<u64>), String> {
    let location = location.strip_prefix("//").unwrap_or(location);
    let (path, query) = location.split_once('?').unwrap_or((location, ""));
    if path.is_empty() || path.starts_with(':') {
        return Err("expected the path of a file, for example sqlite:watchfire-data/watchfire.db".to_owned());
    }
    let mut max_bytes = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let number = pair.strip_prefix("max_bytes=").and_then(|number| u64::from_str(number).ok());
        max_bytes = Some(number.ok_or_else(|| format!("unknown parameter {pair:?}; expected max_bytes=NUMBER"))?);
    }
    Ok((Path::new(path).to_owned(), max_bytes))
}

pub(super) fn migrator() -> Migrator {
    let migration = |version, description: &'static str, text| {
        Migration::new(version, description.into(), MigrationType::Simple, SqlStr::from_static(text), false)
    };
    Migrator::with_migrations(vec![
        migration(1, "journal and records", include_str!("../../migrations/sqlite/0001_journal_and_records.sql")),
        migration(2, "alerts in their order", include_str!("../../migrations/sqlite/0002_alerts_in_their_order.sql")),
        migration(
            3,
            "heartbeats of the lease",
            include_str!("../../migrations/sqlite/0003_heartbeats_of_the_lease.sql"),
        ),
        migration(5, "chained audit", include_str!("../../migrations/sqlite/0005_chained_audit.sql")),
        migration(6, "taken messages", include_str!("../../migrations/sqlite/0006_taken_messages.sql")),
    ])
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_location_is_a_path_with_an_optional_bound() {
        let check = |location: &str, path: &str, bytes| {
            assert_eq!(parse(location).unwrap(), (path.into(), bytes), "{location}");
        };
        check("data/w.db", "data/w.db", None);
        check("///var/lib/w.db", "/var/lib/w.db", None);
        check("数据/w.db?max_bytes=8192", "数据/w.db", Some(8192));
        for location in ["", "//", ":memory:", "w.db?max_bytes=x", "w.db?mode=ro"] {
            assert!(parse(location).is_err(), "{location:?}");
        }
    }
}
