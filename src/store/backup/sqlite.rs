//! A backup of an embedded database, and into one.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use super::archive::{ArchiveCell, ArchiveContents, ArchivePart, ArchiveReader, ArchiveWriter, TableRows};
use super::copying::{FORGOTTEN_SETTINGS, LEFT_OUT, PART_BYTES, Progress, blocking, fitting};
use super::copying::{rename, with_ending};
use super::error::BackupError;
use crate::core::model::{TimeDelta, Timestamp};
use crate::store::sqlite::{migrator, parse};
use crate::store::sqlite_files;

/// Maximum wait for a lock.
const PATIENCE: TimeDelta = TimeDelta::from_seconds(5);

/// Reads every table in one transaction, while others may write.
pub(super) async fn read(
    location: &str,
    archive: ArchiveWriter,
    made_at: Timestamp,
    progress: Progress<'_>,
) -> Result<ArchiveContents, BackupError> {
    let path = path_of(location)?;
    if !path.is_file() {
        return Err(BackupError::Missing { database: path.display().to_string() });
    }
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let reading = blocking(move || {
        let mut archive = archive;
        let connection = open(&path)?;
        connection.execute_batch("BEGIN")?;
        let schema = schema(&connection)?.ok_or(BackupError::Missing { database: path.display().to_string() })?;
        archive.begin(made_at, schema, heads(&connection)?)?;
        for table in tables(&connection)? {
            read_table(&connection, &table, &mut archive, &tell)?;
        }
        drop(tell);
        archive.end()
    });
    let telling = async {
        while let Some(rows) = told.recv().await {
            progress(rows);
        }
    };
    tokio::join!(reading, telling).0
}

/// Fills a new file, which gets its name once it is complete.
pub(super) async fn write(
    location: &str,
    archive: ArchiveReader,
    contents: &ArchiveContents,
    progress: Progress<'_>,
) -> Result<(), BackupError> {
    let path = path_of(location)?;
    for taken in [path.clone(), with_ending(&path, "-wal")] {
        if std::fs::metadata(&taken).is_ok_and(|found| found.len() > 0) {
            return Err(BackupError::Occupied { target: taken.display().to_string() });
        }
    }
    let partial = with_ending(&path, ".restoring");
    for left in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(with_ending(&partial, left)));
    }
    sqlite_files::prepare(&partial).map_err(|reason| BackupError::file(&partial, reason))?;
    let filled = fill(&partial, archive, contents, progress).await;
    if filled.is_err() {
        drop(std::fs::remove_file(&partial));
        return filled;
    }
    rename(&partial, &path)
}

async fn fill(
    path: &Path,
    mut archive: ArchiveReader,
    contents: &ArchiveContents,
    progress: Progress<'_>,
) -> Result<(), BackupError> {
    let all = migrator();
    let newest = all.migrations.last().map_or(0, |migration| migration.version);
    if contents.schema > newest {
        return Err(BackupError::TooNew { path: path.display().to_string(), schema: contents.schema });
    }
    let until = all.migrations.iter().filter(|one| one.version <= contents.schema).cloned().collect();
    migrate(path, Migrator::with_migrations(until)).await?;
    let mut rows = 0;
    let place = path.to_owned();
    let mut connection = blocking(move || Ok(Connection::open(place)?)).await?;
    connection.execute_batch("BEGIN")?;
    loop {
        // Both move to the thread and back, so that progress is reported between two parts.
        let (part, back, from) = blocking(move || {
            let part = archive.next()?;
            if let Some(ArchivePart::Rows(rows)) = &part {
                put(&connection, rows)?;
            }
            Ok((part, connection, archive))
        })
        .await?;
        (connection, archive) = (back, from);
        match part {
            Some(ArchivePart::Rows(part)) => rows += part.rows.len() as u64,
            Some(ArchivePart::ArchiveHead(_) | ArchivePart::End(_)) => {}
            None => break,
        }
        progress(rows);
    }
    for name in FORGOTTEN_SETTINGS {
        connection.execute("DELETE FROM settings WHERE name = ?1", [name])?;
    }
    blocking(move || {
        connection.execute_batch("COMMIT")?;
        Ok(connection.close().map_err(|(_, error)| error)?)
    })
    .await?;
    migrate(path, all).await?;
    let synced = std::fs::File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| BackupError::file(path, error))
}

async fn migrate(path: &Path, migrator: Migrator) -> Result<(), BackupError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .page_size(4096)
        .auto_vacuum(sqlx::sqlite::SqliteAutoVacuum::Incremental);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    migrator.run_direct(None, &mut connection, false).await?;
    connection.close().await?;
    Ok(())
}

fn path_of(location: &str) -> Result<PathBuf, BackupError> {
    let parsed = parse(location).map(|(path, _)| path);
    parsed.map_err(|reason| BackupError::File { path: format!("sqlite:{location}"), reason })
}

fn open(path: &Path) -> Result<Connection, BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE.to_std())?;
    // The write-ahead log belongs to the service, even if none runs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// The newest migration; `None` for a foreign database.
fn schema(connection: &Connection) -> Result<Option<i64>, BackupError> {
    let ours = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    if connection.query_row(ours, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(None);
    }
    Ok(connection.query_row("SELECT max(version) FROM _sqlx_migrations WHERE success", [], |row| row.get(0))?)
}

fn heads(connection: &Connection) -> Result<Vec<(u8, u64)>, BackupError> {
    let mut statement = connection.prepare("SELECT partition, next_offset FROM heads ORDER BY partition")?;
    let heads = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
    Ok(heads.collect::<Result<_, _>>()?)
}

fn tables(connection: &Connection) -> Result<Vec<String>, BackupError> {
    let all = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut statement = connection.prepare(all)?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(names.into_iter().filter(|name| !LEFT_OUT.contains(&name.as_str())).collect())
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<String>, BackupError> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
    Ok(statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// Names come from the schema itself, never from outside.
fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect::<Vec<_>>().join(", ")
}

fn read_table(
    connection: &Connection,
    table: &str,
    archive: &mut ArchiveWriter,
    tell: &tokio::sync::mpsc::UnboundedSender<u64>,
) -> Result<(), BackupError> {
    let columns = columns(connection, table)?;
    let select = format!("SELECT {} FROM {}", quoted(&columns), quoted(&[table.to_owned()]));
    let mut statement = connection.prepare(&select)?;
    let mut found = statement.query([])?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    archive.table(table);
    let part = |rows: &mut Vec<Vec<ArchiveCell>>| TableRows {
        table: table.to_owned(),
        columns: columns.clone(),
        rows: std::mem::take(rows),
    };
    while let Some(row) = found.next()? {
        let cells =
            (0..columns.len()).map(|column| cell(row.get_ref(column)?)).collect::<rusqlite::Result<Vec<_>>>()?;
        bytes += cells.iter().map(ArchiveCell::bytes).sum::<usize>();
        rows.push(cells);
        if bytes >= PART_BYTES {
            archive.rows(part(&mut rows))?;
            bytes = 0;
            // Fails only if no one listens.
            let _ = tell.send(archive.rows_so_far());
        }
    }
    if rows.is_empty() { Ok(()) } else { archive.rows(part(&mut rows)) }
}

fn cell(value: ValueRef<'_>) -> rusqlite::Result<ArchiveCell> {
    Ok(match value {
        ValueRef::Null => ArchiveCell::Null,
        ValueRef::Integer(value) => ArchiveCell::Int(value),
        ValueRef::Text(text) => ArchiveCell::Text(std::str::from_utf8(text)?.to_owned()),
        ValueRef::Blob(bytes) => ArchiveCell::Bytes(bytes.to_vec()),
        // The tables are strict, and none has a column of that kind.
        ValueRef::Real(_) => return Err(rusqlite::Error::InvalidQuery),
    })
}

impl ToSql for ArchiveCell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            ArchiveCell::Null => ValueRef::Null,
            ArchiveCell::Int(value) => ValueRef::Integer(*value),
            ArchiveCell::Text(text) => ValueRef::Text(text.as_bytes()),
            ArchiveCell::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn put(connection: &Connection, part: &TableRows) -> Result<(), BackupError> {
    let known = columns(connection, &part.table)?;
    let places = fitting(&part.columns, &known).filter(|_| !LEFT_OUT.contains(&part.table.as_str()));
    let places = places.ok_or_else(|| {
        let reason = format!("table {} has other columns than the schema it names", part.table);
        BackupError::Damaged { path: "backup".to_owned(), reason }
    })?;
    let names: Vec<String> = places.iter().map(|at| part.columns[*at].clone()).collect();
    let (table, columns) = (quoted(std::slice::from_ref(&part.table)), quoted(&names));
    let values = (1..=names.len()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
    let mut statement = connection.prepare_cached(&format!("INSERT INTO {table} ({columns}) VALUES ({values})"))?;
    for row in &part.rows {
        statement.execute(rusqlite::params_from_iter(places.iter().filter_map(|at| row.get(*at))))?;
    }
    Ok(())
}
