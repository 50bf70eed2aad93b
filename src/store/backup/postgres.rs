//! A backup of a PostgreSQL database, and into one.

use std::str::FromStr;

use futures_util::TryStreamExt;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::archive::{ArchiveCell, ArchiveContents, ArchivePart, ArchiveReader, ArchiveWriter, TableRows};
use super::copying::{FORGOTTEN_SETTINGS, LEFT_OUT, PART_BYTES, Progress, blocking, fitting};
use super::error::BackupError;
use crate::core::model::Timestamp;
use crate::store::postgres::{migrator, redacted};

/// One transaction with one snapshot of the data, however long it takes.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0";
const TABLES: &str = "SELECT table_name::text FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name";
const COLUMNS: &str = "SELECT column_name::text, data_type::text, is_identity = 'YES'
    FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";

/// One column: its name, its type, and a flag if the database numbers it.
struct Column {
    name: String,
    kind: Kind,
    is_identity: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Int,
    Text,
    Bytes,
}

impl Kind {
    fn parse(data_type: &str) -> Option<Kind> {
        Some(match data_type {
            "bigint" | "integer" | "smallint" => Kind::Int,
            "text" | "character varying" => Kind::Text,
            "bytea" => Kind::Bytes,
            _ => return None,
        })
    }

    const fn cast(self) -> &'static str {
        match self {
            Kind::Int => "bigint",
            Kind::Text => "text",
            Kind::Bytes => "bytea",
        }
    }
}

/// Reads every table in one transaction, while others may write.
pub(super) async fn read(
    url: &str,
    mut archive: ArchiveWriter,
    made_at: Timestamp,
    progress: Progress<'_>,
) -> Result<ArchiveContents, BackupError> {
    let mut connection = connect(url).await?;
    connection.execute(sqlx::raw_sql(BEGIN)).await?;
    let tables = tables(&mut connection).await?;
    if !tables.iter().any(|table| table == "_sqlx_migrations") {
        return Err(BackupError::Missing { database: redacted(url) });
    }
    let newest = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success");
    let schema: Option<i64> = newest.fetch_one(&mut connection).await?;
    let schema = schema.ok_or_else(|| BackupError::Missing { database: redacted(url) })?;
    let heads: Vec<(i64, i64)> = sqlx::query_as("SELECT partition, next_offset FROM heads ORDER BY partition")
        .fetch_all(&mut connection)
        .await?;
    let heads = heads.into_iter().filter_map(|(one, next)| Some((u8::try_from(one).ok()?, next.cast_unsigned())));
    archive.begin(made_at, schema, heads.collect())?;
    for table in tables.into_iter().filter(|table| !LEFT_OUT.contains(&table.as_str())) {
        archive = read_table(&mut connection, &table, archive, progress).await?;
    }
    connection.close().await?;
    blocking(move || archive.end()).await
}

async fn read_table(
    connection: &mut PgConnection,
    table: &str,
    mut archive: ArchiveWriter,
    progress: Progress<'_>,
) -> Result<ArchiveWriter, BackupError> {
    let columns = columns(connection, table).await?;
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let cast = |column: &Column| format!("{}::{}", quoted(&column.name), column.kind.cast());
    let select = columns.iter().map(cast).collect::<Vec<_>>().join(", ");
    // Names come from the schema itself, never from outside.
    let select = AssertSqlSafe(format!("SELECT {select} FROM {}", quoted(table)));
    archive.table(table);
    let part = |rows: Vec<Vec<ArchiveCell>>| TableRows { table: table.to_owned(), columns: names.clone(), rows };
    let mut found = sqlx::query(select).fetch(connection);
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.try_next().await? {
        let cells: Vec<ArchiveCell> =
            columns.iter().enumerate().map(|(at, one)| cell(&row, at, one.kind)).collect::<Result<_, _>>()?;
        bytes += cells.iter().map(ArchiveCell::bytes).sum::<usize>();
        rows.push(cells);
        if bytes >= PART_BYTES {
            let part = part(std::mem::take(&mut rows));
            bytes = 0;
            archive = blocking(move || {
                archive.rows(part)?;
                Ok(archive)
            })
            .await?;
            progress(archive.rows_so_far());
        }
    }
    if !rows.is_empty() {
        archive.rows(part(rows))?;
    }
    Ok(archive)
}

/// Fills an empty database in one transaction.
pub(super) async fn write(
    url: &str,
    mut archive: ArchiveReader,
    contents: &ArchiveContents,
    progress: Progress<'_>,
) -> Result<(), BackupError> {
    let all = migrator();
    let newest = all.migrations.last().map_or(0, |migration| migration.version);
    if contents.schema > newest {
        return Err(BackupError::TooNew { path: redacted(url), schema: contents.schema });
    }
    let mut connection = connect(url).await?;
    if !tables(&mut connection).await?.is_empty() {
        return Err(BackupError::Occupied { target: redacted(url) });
    }
    let mut transaction = connection.begin().await?;
    transaction.execute("SET LOCAL statement_timeout = 0").await?;
    let until = all.migrations.iter().filter(|one| one.version <= contents.schema).cloned().collect();
    Migrator::with_migrations(until).run_direct(None, &mut *transaction, false).await?;
    let mut rows = 0;
    loop {
        let (part, back) = blocking(move || Ok((archive.next()?, archive))).await?;
        archive = back;
        match part {
            Some(ArchivePart::Rows(part)) => {
                rows += part.rows.len() as u64;
                put(&mut transaction, part).await?;
                progress(rows);
            }
            Some(ArchivePart::ArchiveHead(_) | ArchivePart::End(_)) => {}
            None => break,
        }
    }
    for name in FORGOTTEN_SETTINGS {
        sqlx::query("DELETE FROM settings WHERE name = $1").bind(name).execute(&mut *transaction).await?;
    }
    for table in tables(&mut transaction).await? {
        number_on(&mut transaction, &table).await?;
    }
    all.run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await?;
    connection.close().await?;
    Ok(())
}

async fn put(connection: &mut PgConnection, part: TableRows) -> Result<(), BackupError> {
    let known = columns(connection, &part.table).await?;
    let known_names: Vec<String> = known.iter().map(|column| column.name.clone()).collect();
    let damaged = |reason: String| BackupError::Damaged { path: "backup".to_owned(), reason };
    let places = fitting(&part.columns, &known_names).filter(|_| !LEFT_OUT.contains(&part.table.as_str()));
    let places =
        places.ok_or_else(|| damaged(format!("table {} has other columns than the schema it names", part.table)))?;
    let kind = |at: &usize| known.iter().find(|column| column.name == part.columns[*at]).map(|column| column.kind);
    let kinds: Vec<Kind> = places.iter().filter_map(kind).collect();
    let names = places.iter().map(|at| quoted(&part.columns[*at])).collect::<Vec<_>>().join(", ");
    let arrays = kinds.iter().enumerate().map(|(at, kind)| format!("${}::{}[]", at + 1, kind.cast()));
    let arrays = arrays.collect::<Vec<_>>().join(", ");
    let into = quoted(&part.table);
    let insert = format!("INSERT INTO {into} ({names}) OVERRIDING SYSTEM VALUE SELECT * FROM UNNEST({arrays})");
    let mut query = sqlx::query(AssertSqlSafe(insert));
    for (at, kind) in places.into_iter().zip(kinds) {
        let cells = part.rows.iter().map(|row| row.get(at));
        let wrong = || damaged(format!("table {}: a value of another kind than its column", part.table));
        query = match kind {
            Kind::Int => query.bind(cells.map(int).collect::<Option<Vec<Option<i64>>>>().ok_or_else(wrong)?),
            Kind::Text => query.bind(cells.map(text).collect::<Option<Vec<Option<String>>>>().ok_or_else(wrong)?),
            Kind::Bytes => query.bind(cells.map(bytes).collect::<Option<Vec<Option<Vec<u8>>>>>().ok_or_else(wrong)?),
        };
    }
    query.execute(connection).await?;
    Ok(())
}

fn int(cell: Option<&ArchiveCell>) -> Option<Option<i64>> {
    match cell? {
        ArchiveCell::Null => Some(None),
        ArchiveCell::Int(value) => Some(Some(*value)),
        ArchiveCell::Text(_) | ArchiveCell::Bytes(_) => None,
    }
}

fn text(cell: Option<&ArchiveCell>) -> Option<Option<String>> {
    match cell? {
        ArchiveCell::Null => Some(None),
        ArchiveCell::Text(value) => Some(Some(value.clone())),
        ArchiveCell::Int(_) | ArchiveCell::Bytes(_) => None,
    }
}

fn bytes(cell: Option<&ArchiveCell>) -> Option<Option<Vec<u8>>> {
    match cell? {
        ArchiveCell::Null => Some(None),
        ArchiveCell::Bytes(value) => Some(Some(value.clone())),
        ArchiveCell::Int(_) | ArchiveCell::Text(_) => None,
    }
}

/// Sets the next row number after the newest restored one.
async fn number_on(connection: &mut PgConnection, table: &str) -> Result<(), BackupError> {
    for column in columns(connection, table).await?.iter().filter(|column| column.is_identity) {
        let (name, from) = (quoted(&column.name), quoted(table));
        let set =
            format!("SELECT setval(pg_get_serial_sequence($1, $2), COALESCE(max({name}), 0) + 1, false) FROM {from}");
        sqlx::query(AssertSqlSafe(set)).bind(&from).bind(&column.name).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn connect(url: &str) -> Result<PgConnection, BackupError> {
    let options = PgConnectOptions::from_str(url)?.application_name("watchfire backup");
    Ok(PgConnection::connect_with(&options).await?)
}

async fn tables(connection: &mut PgConnection) -> Result<Vec<String>, BackupError> {
    Ok(sqlx::query_scalar(TABLES).fetch_all(connection).await?)
}

async fn columns(connection: &mut PgConnection, table: &str) -> Result<Vec<Column>, BackupError> {
    if LEFT_OUT.contains(&table) {
        return Ok(Vec::new());
    }
    let found: Vec<(String, String, bool)> = sqlx::query_as(COLUMNS).bind(table).fetch_all(connection).await?;
    let column = |(name, data_type, is_identity): (String, String, bool)| match Kind::parse(&data_type) {
        Some(kind) => Ok(Column { name, kind, is_identity }),
        None => {
            let reason = format!("column {name} is of type {data_type}, which no backup can hold");
            Err(BackupError::File { path: table.to_owned(), reason })
        }
    };
    found.into_iter().map(column).collect()
}

fn cell(row: &PgRow, at: usize, kind: Kind) -> Result<ArchiveCell, sqlx::Error> {
    Ok(match kind {
        Kind::Int => row.try_get::<Option<i64>, _>(at)?.map_or(ArchiveCell::Null, ArchiveCell::Int),
        Kind::Text => row.try_get::<Option<String>, _>(at)?.map_or(ArchiveCell::Null, ArchiveCell::Text),
        Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at)?.map_or(ArchiveCell::Null, ArchiveCell::Bytes),
    })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
