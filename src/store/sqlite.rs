//! SQLite: one file, one writing connection, a few that only read.
//!
//! The writing connection has its own thread, in `sqlite_writer.rs`.

use super::sqlite_writer::READERS;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use sqlx::migrate::{Migration, MigrationType, Migrator};
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
        let mut connection =
            SqliteConnection::connect_with(&options).await.map_err(|error| cannot(error.to_string()))?;
        // In one transaction with a lock: two processes may start on a new file at once.
        let mut transaction =
            connection.begin_with("BEGIN IMMEDIATE").await.map_err(|error| cannot(error.to_string()))?;
        migrator().run_direct(None, &mut *transaction, false).await?;
        if !had_log {
            sqlx::query(LACKS_LOG).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        connection.close().await?;
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
