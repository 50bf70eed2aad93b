//! SQLite: one file, one writing connection, a few that only read.
//!
//! WAL with synchronous=FULL: when COMMIT returns, the transaction survives a power cut. BEGIN IMMEDIATE always: a
//! transaction that reads first and writes later would be refused while another writes.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Connection, Executor, Row, SqlStr, Sqlite, SqliteConnection, SqlitePool};

use super::columns::{Rows, Table, Value};
use super::session::{Session, Writer};
use super::{CommitError, StoreError, statements};
use crate::model::Span;

const PAGE_BYTES: u64 = 4096;
const READERS: u32 = 4;
/// The write-ahead log is cut back to that after a checkpoint.
const LOG_KEPT_BYTES: &str = "67108864";

/// An opened SQLite file.
pub struct SqliteStore {
    pub(super) readers: SqlitePool,
    pub(super) writer: Writer<SqliteSession>,
    pub(super) patience: Span,
}

impl SqliteStore {
    /// `location` is the URL after `sqlite:`: a path, and `?max_bytes=N` to bound the file's size.
    pub(super) async fn open(location: &str, patience: Span) -> Result<SqliteStore, StoreError> {
        let cannot = |reason: String| StoreError::Open { url: format!("sqlite:{location}"), reason };
        let (path, max_bytes) = parse(location).map_err(&cannot)?;
        if let Some(directory) = path.parent() {
            let made = tokio::fs::create_dir_all(directory).await;
            made.map_err(|error| cannot(format!("{}: {error}", directory.display())))?;
        }
        let options = options(&path, max_bytes, patience);
        let mut connection =
            SqliteConnection::connect_with(&options).await.map_err(|error| cannot(error.to_string()))?;
        // In one transaction with a lock: two processes may start on a new file at once.
        let mut transaction =
            connection.begin_with("BEGIN IMMEDIATE").await.map_err(|error| cannot(error.to_string()))?;
        migrator().run_direct(None, &mut *transaction, false).await?;
        transaction.commit().await?;
        connection.close().await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(patience.to_std())
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(
                SqliteConnectOptions::new().filename(&path).read_only(true).busy_timeout(patience.to_std()),
            );
        Ok(SqliteStore { readers, writer: Writer::new(options), patience })
    }
}

fn parse(location: &str) -> Result<(PathBuf, Option<u64>), String> {
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

fn options(path: &Path, max_bytes: Option<u64>, patience: Span) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .page_size(PAGE_BYTES as u32)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(false)
        .busy_timeout(patience.to_std())
        .pragma("journal_size_limit", LOG_KEPT_BYTES)
        .pragma("temp_store", "memory");
    match max_bytes {
        Some(bytes) => options.pragma("max_page_count", (bytes / PAGE_BYTES).max(1).to_string()),
        None => options,
    }
}

fn migrator() -> Migrator {
    Migrator::with_migrations(vec![Migration::new(
        1,
        "journal and records".into(),
        MigrationType::Simple,
        SqlStr::from_static(include_str!("../../migrations/sqlite/0001_journal_and_records.sql")),
        false,
    )])
}

/// The connection that writes.
pub(super) struct SqliteSession(SqliteConnection);

impl Session for SqliteSession {
    type Target = SqliteConnectOptions;
    const EPOCH: &'static str = own::EPOCH;
    const OWN_STATEMENTS: &'static [&'static str] = own::ALL;

    async fn connect(target: &SqliteConnectOptions) -> Result<SqliteSession, sqlx::Error> {
        Ok(SqliteSession(SqliteConnection::connect_with(target).await?))
    }

    async fn begin(&mut self) -> Result<(), sqlx::Error> {
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut self.0).await.map(drop)
    }

    fn is_dead(_error: &sqlx::Error) -> bool {
        false
    }

    async fn commit(&mut self) -> Result<(), sqlx::Error> {
        sqlx::raw_sql("COMMIT").execute(&mut self.0).await.map(drop)
    }

    async fn roll_back(&mut self) -> Result<(), sqlx::Error> {
        sqlx::raw_sql("ROLLBACK").execute(&mut self.0).await.map(drop)
    }

    async fn run(&mut self, statement: &'static str, values: Vec<Value>) -> Result<u64, sqlx::Error> {
        Ok(bound(sqlx::query(statement), values).execute(&mut self.0).await?.rows_affected())
    }

    async fn integers(&mut self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Vec<i64>>, sqlx::Error> {
        let rows = bound(sqlx::query(statement), values).fetch_all(&mut self.0).await?;
        rows.iter().map(|row: &SqliteRow| (0..row.len()).map(|column| row.try_get(column)).collect()).collect()
    }

    async fn write(&mut self, rows: &Rows) -> Result<(), CommitError> {
        let json = rows.to_json().map_err(|error| CommitError::Content { reason: error.to_string() })?;
        sqlx::query(own::of(rows.table)).bind(json).execute(&mut self.0).await?;
        Ok(())
    }

    async fn prepare(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        Executor::prepare(&mut self.0, SqlStr::from_static(statement)).await.map(drop)
    }

    async fn durability(&mut self) -> Result<String, sqlx::Error> {
        let level: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut self.0).await?;
        Ok(match level {
            0 => "off".to_owned(),
            1 => "normal".to_owned(),
            2 => "full".to_owned(),
            3 => "extra".to_owned(),
            other => other.to_string(),
        })
    }
}

fn bound<'q>(query: Query<'q, Sqlite, SqliteArguments>, values: Vec<Value>) -> Query<'q, Sqlite, SqliteArguments> {
    values.into_iter().fold(query, |query, value| match value {
        Value::Int(value) => query.bind(value),
        Value::MaybeInt(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
    })
}

/// Statements in SQLite's own words: many rows at once come as one JSON array of arrays.
mod own {
    use super::{Table, statements::statements};

    statements! {
        EPOCH = "SELECT epoch FROM lease WHERE name = 'writer'";
        ALERTS = "INSERT INTO alerts (fingerprint, firing, source, rule, updated_at, search, body)
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6
            FROM json_each($1) WHERE true
            ON CONFLICT (fingerprint) DO UPDATE SET firing = excluded.firing, source = excluded.source,
            rule = excluded.rule, updated_at = excluded.updated_at, search = excluded.search, body = excluded.body";
        INCIDENTS = "INSERT INTO incidents
            (id, state, tier, priority, team, assignee, rule, problem, opened_at, search, body)
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8,
            value->>9, value->>10 FROM json_each($1) WHERE true
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, tier = excluded.tier, priority = excluded.priority,
            team = excluded.team, assignee = excluded.assignee, rule = excluded.rule, problem = excluded.problem,
            opened_at = excluded.opened_at, search = excluded.search, body = excluded.body";
        MEMBERSHIPS = "INSERT INTO memberships (incident, fingerprint, firing, link_only)
            SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each($1) WHERE true
            ON CONFLICT (incident, fingerprint) DO UPDATE SET
            firing = excluded.firing, link_only = excluded.link_only";
        TIMELINE = "INSERT INTO timeline (incident, body) SELECT value->>0, value->>1 FROM json_each($1) ORDER BY key";
        EVIDENCE = "INSERT INTO evidence (incident, n, body)
            SELECT value->>0, value->>1, value->>2 FROM json_each($1) WHERE true
            ON CONFLICT (incident, n) DO UPDATE SET body = excluded.body";
        PROBLEMS = "INSERT INTO problems (id, state, team, search, body)
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each($1) WHERE true
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, team = excluded.team, search = excluded.search,
            body = excluded.body";
        RUNS = "INSERT INTO runs (id, state, plan, body)
            SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each($1) WHERE true
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, plan = excluded.plan, body = excluded.body";
        SILENCES = "INSERT INTO silences (id, ends_at, body)
            SELECT value->>0, value->>1, value->>2 FROM json_each($1) WHERE true
            ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at, body = excluded.body";
        AUDIT = "INSERT INTO audit (actor, subject, action, body)
            SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each($1) ORDER BY key";
        OUTBOX = "INSERT INTO outbox (cause, subject, body)
            SELECT value->>0, value->>1, value->>2 FROM json_each($1) ORDER BY key";
        DELIVERIES = "UPDATE outbox SET settled = new.settled, attempts = new.attempts, outcome = new.outcome,
            delivered_at = new.delivered_at FROM
            (SELECT value->>0 AS cause, value->>1 AS settled, value->>2 AS attempts, value->>3 AS outcome,
            value->>4 AS delivered_at FROM json_each($1)) AS new
            WHERE outbox.cause = new.cause AND outbox.settled = 0";
        DEAD_LETTERS = "INSERT INTO dead_letters (body) SELECT value->>0 FROM json_each($1) ORDER BY key";
        MANIFEST_SECTIONS = "INSERT INTO manifest_sections (partition, next_offset, position, name, digest)
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each($1)";
    }

    pub(super) const fn of(table: Table) -> &'static str {
        match table {
            Table::Alerts => ALERTS,
            Table::Incidents => INCIDENTS,
            Table::Memberships => MEMBERSHIPS,
            Table::Timeline => TIMELINE,
            Table::Evidence => EVIDENCE,
            Table::Problems => PROBLEMS,
            Table::Runs => RUNS,
            Table::Silences => SILENCES,
            Table::Audit => AUDIT,
            Table::Outbox => OUTBOX,
            Table::Deliveries => DELIVERIES,
            Table::DeadLetters => DEAD_LETTERS,
            Table::ManifestSections => MANIFEST_SECTIONS,
        }
    }
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
