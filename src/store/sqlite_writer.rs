//! The connection that writes to SQLite, on a thread of its own: a batch is one message to it, not one a statement.
//!
//! WAL with synchronous=FULL: when COMMIT returns, the transaction survives a power cut. BEGIN IMMEDIATE always: a
//! transaction that reads first and writes later would be refused while another writes.

use std::path::PathBuf;
use std::sync::mpsc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, Statement, ToSql};
use tokio::sync::oneshot;

use super::columns::{Column, ColumnRows, Value};
use super::encode_batch::Prepared;
use super::writer::{Session, Writer, newest};
use super::{CommitError, Lease, StoreError, journal, sqlite_statements as own, statements};
use crate::core::model::TimeDelta;

/// The write-ahead log is cut back to that after a checkpoint.
const LOG_KEPT_BYTES: i64 = 64 << 20;
/// The log is copied into the database when it is that long, in pages: seldom, so that a page that many commits change
/// is copied once, and short enough that a start after a crash reads it in a moment.
const LOG_COPIED_PAGES: i64 = 8_000;
/// The pages kept in memory, in KiB: a block of first-seen alerts touches a few thousand, and what does not fit is
/// written twice.
const CACHE_KIB: i64 = 16 << 10;
/// More than there are statements, so that each is prepared once.
const STATEMENTS_KEPT: usize = 128;

/// Which file, and how to write to it.
pub(super) struct SqliteTarget {
    pub(super) path: PathBuf,
    /// The largest size of the file, in pages.
    pub(super) pages_max: Option<u64>,
    /// How long to wait for another process that writes.
    pub(super) patience: TimeDelta,
}

/// Work for the connection's thread.
type WriteJob = Box<dyn FnOnce(&mut Connection) + Send>;

/// The connection that writes. Dropped, it is closed after the work under way, which rolls back what is open.
pub(super) struct SqliteSession {
    jobs: mpsc::Sender<WriteJob>,
}

/// One batch, from BEGIN to COMMIT, in one message to the connection's thread.
pub(super) async fn commit(
    writer: &Writer<SqliteSession>,
    lease: &Lease,
    prepared: Prepared,
) -> Result<(), CommitError> {
    let lease = lease.clone();
    writer.lend(async |session| session.work(move |connection| land(connection, &lease, &prepared)).await?).await
}

/// One sign of life of the lease's holder. The log is not forced to the disk for it; the next commit's force takes it.
pub(super) async fn heartbeat(writer: &Writer<SqliteSession>, lease: &Lease) -> Result<(), CommitError> {
    let lease = lease.clone();
    writer.lend(async |session| session.work(move |connection| count_heartbeat(connection, &lease)).await?).await
}

fn count_heartbeat(connection: &Connection, lease: &Lease) -> Result<(), CommitError> {
    connection.pragma_update(None, "synchronous", "normal").map_err(StoreError::from)?;
    let counted = run(connection, statements::HEARTBEAT, &[Value::Int(lease.epoch)]).map_err(StoreError::from);
    // An error closes the connection, so that none is left that does not force its commits.
    connection.pragma_update(None, "synchronous", "full").map_err(StoreError::from)?;
    match counted? {
        0 => Err(CommitError::Fenced { ours: lease.epoch }),
        _ => Ok(()),
    }
}

fn land(connection: &Connection, lease: &Lease, prepared: &Prepared) -> Result<(), CommitError> {
    step(connection, "BEGIN IMMEDIATE").map_err(StoreError::from)?;
    let written = write(connection, lease, prepared);
    match &written {
        // Whatever COMMIT fails with, it never means that the content was at fault.
        Ok(()) => Ok(step(connection, "COMMIT").map_err(StoreError::from)?),
        // The connection is closed, and with it the transaction.
        Err(CommitError::Unavailable(_)) => written,
        Err(CommitError::Fenced { .. } | CommitError::OutOfStep { .. } | CommitError::Content { .. }) => {
            // One that fails is noticed at the next BEGIN.
            drop(step(connection, "ROLLBACK"));
            written
        }
    }
}

fn write(connection: &Connection, lease: &Lease, prepared: &Prepared) -> Result<(), CommitError> {
    newest(&integers(connection, own::EPOCH, &[])?, lease)?;
    journal::follow(&prepared.blocks, &integers(connection, statements::HEADS, &[])?)?;
    for (statement, values) in journal::statements(prepared) {
        run(connection, statement, &values)?;
    }
    prepared.rows.iter().try_for_each(|rows| Ok(put_rows(connection, rows)?))
}

fn step(connection: &Connection, statement: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}

fn run(connection: &Connection, statement: &'static str, values: &[Value]) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare_cached(statement)?;
    bind(&mut statement, values)?;
    statement.raw_execute()
}

fn integers(connection: &Connection, statement: &'static str, values: &[Value]) -> rusqlite::Result<Vec<Vec<i64>>> {
    let mut statement = connection.prepare_cached(statement)?;
    bind(&mut statement, values)?;
    let columns = statement.column_count();
    let (mut rows, mut found) = (statement.raw_query(), Vec::new());
    while let Some(row) = rows.next()? {
        found.push((0..columns).map(|column| row.get(column)).collect::<Result<_, _>>()?);
    }
    Ok(found)
}

fn put_rows(connection: &Connection, rows: &ColumnRows) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(own::of(rows.table))?;
    let places = places(&statement);
    for row in 0..rows.len() {
        for (parameter, column) in (1..).zip(&places) {
            match rows.columns.get(*column) {
                Some(Column::Int(values)) => statement.raw_bind_parameter(parameter, values[row])?,
                Some(Column::MaybeInt(values)) => statement.raw_bind_parameter(parameter, values[row])?,
                Some(Column::Text(values)) => statement.raw_bind_parameter(parameter, values[row].as_str())?,
                Some(Column::MaybeText(values)) => statement.raw_bind_parameter(parameter, values[row].as_deref())?,
                None => return Err(rusqlite::Error::InvalidParameterCount(places.len(), rows.columns.len())),
            }
        }
        statement.raw_execute()?;
    }
    Ok(())
}

fn bind(statement: &mut Statement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    let places = places(statement);
    for (parameter, place) in (1..).zip(&places) {
        let missing = || rusqlite::Error::InvalidParameterCount(places.len(), values.len());
        statement.raw_bind_parameter(parameter, values.get(*place).ok_or_else(missing)?)?;
    }
    Ok(())
}

/// Which value, counted from 0, each of SQLite's parameters takes: to it `$2` is a name like any other.
fn places(statement: &Statement<'_>) -> Vec<usize> {
    let number = |parameter| statement.parameter_name(parameter)?.strip_prefix('$')?.parse::<usize>().ok();
    (1..=statement.parameter_count()).map(|parameter| number(parameter).unwrap_or(parameter) - 1).collect()
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Value::Int(value) | Value::MaybeInt(Some(value)) => ValueRef::Integer(*value),
            Value::MaybeInt(None) => ValueRef::Null,
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Bytes(value) => ValueRef::Blob(value),
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

fn open(target: &SqliteTarget) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&target.path, flags)?;
    connection.busy_timeout(target.patience.to_std())?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "journal_size_limit", LOG_KEPT_BYTES)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_COPIED_PAGES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    if let Some(pages) = target.pages_max {
        connection.pragma_update(None, "max_page_count", i64::try_from(pages).unwrap_or(i64::MAX))?;
    }
    Ok(connection)
}

impl SqliteSession {
    /// Has the thread do it, and waits.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        // Whoever no longer waits needs no answer.
        let job: WriteJob = Box::new(move |connection| drop(reply.send(work(connection))));
        let crashed = || StoreError::Database(sqlx::Error::WorkerCrashed);
        self.jobs.send(job).map_err(|_| crashed())?;
        answer.await.map_err(|_| crashed())
    }
}

impl Session for SqliteSession {
    type Target = SqliteTarget;
    const EPOCH: &'static str = own::EPOCH;
    const OWN_STATEMENTS: &'static [&'static str] = own::ALL;
    const NOT_DURABLE: Option<&'static str> = None;

    async fn connect(target: &SqliteTarget) -> Result<SqliteSession, StoreError> {
        let target = SqliteTarget { path: target.path.clone(), ..*target };
        let (jobs, queue) = mpsc::channel::<WriteJob>();
        let (reply, opened) = oneshot::channel();
        let serve = move || match open(&target) {
            Ok(mut connection) => {
                drop(reply.send(Ok(())));
                queue.iter().for_each(|job| job(&mut connection));
            }
            Err(error) => drop(reply.send(Err(StoreError::from(error)))),
        };
        let started = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(serve);
        started.map_err(|error| StoreError::Database(sqlx::Error::Io(error)))?;
        opened.await.unwrap_or(Err(StoreError::Database(sqlx::Error::WorkerCrashed)))?;
        Ok(SqliteSession { jobs })
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        Ok(self.work(|connection| step(connection, "BEGIN IMMEDIATE")).await??)
    }

    fn is_dead(_error: &StoreError) -> bool {
        false
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        Ok(self.work(|connection| step(connection, "COMMIT")).await??)
    }

    async fn roll_back(&mut self) -> Result<(), StoreError> {
        Ok(self.work(|connection| step(connection, "ROLLBACK")).await??)
    }

    async fn run(&mut self, statement: &'static str, values: Vec<Value>) -> Result<u64, CommitError> {
        Ok(self.work(move |connection| run(connection, statement, &values)).await?? as u64)
    }

    async fn integers(&mut self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Vec<i64>>, CommitError> {
        Ok(self.work(move |connection| integers(connection, statement, &values)).await??)
    }

    async fn write(&mut self, rows: ColumnRows) -> Result<(), CommitError> {
        Ok(self.work(move |connection| put_rows(connection, &rows)).await??)
    }

    async fn prepare(&mut self, statement: &'static str) -> Result<(), StoreError> {
        Ok(self.work(|connection| connection.prepare_cached(statement).map(drop)).await??)
    }

    async fn durability(&mut self) -> Result<String, StoreError> {
        let read = |connection: &mut Connection| connection.query_row("PRAGMA synchronous", [], |row| row.get(0));
        let level: i64 = self.work(read).await??;
        Ok(match level {
            0 => "off".to_owned(),
            1 => "normal".to_owned(),
            2 => "full".to_owned(),
            3 => "extra".to_owned(),
            other => other.to_string(),
        })
    }
}
