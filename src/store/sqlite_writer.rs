//! The writing connection to SQLite, on its own thread: a batch is one message to it, not one per statement.
//!
//! WAL with synchronous=FULL: when COMMIT returns, the transaction survives a power cut. BEGIN IMMEDIATE always: a
//! transaction that reads first and writes later would be refused while another writes.

use std::sync::{Arc, mpsc};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, Statement, ToSql};
use sqlx::Sqlite;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::columns::{Column, ColumnRows, Value};
use super::encode_batch::Prepared;
use super::readers::Readers;
use super::sqlite_files::{Companions, Files};
use super::writer::{Session, Writer, newest};
use super::{CommitError, Lease, StoreError, audit_chain, journal, sqlite_statements as own, statements};
use crate::core::model::TimeDelta;

/// Size to which the write-ahead log is cut after a checkpoint.
const LOG_KEPT_BYTES: i64 = 64 << 20;
/// Length of the log, in pages, at which it is copied into the database: seldom, so that a page changed by many commits
/// is copied once, and short enough for a quick start after a crash.
const LOG_COPIED_PAGES: i64 = 8_000;
/// Page cache, in KiB: a block of first-seen alerts touches a few thousand pages, and those that do not fit are written
/// twice.
const CACHE_KIB: i64 = 16 << 10;
/// Space returned at once, in pages.
const GIVE_BACK: &str = "PRAGMA incremental_vacuum(2000)";
/// More than the number of statements, so that each is prepared once.
const STATEMENTS_KEPT: usize = 128;

/// The file, and the settings for writing.
pub(super) struct SqliteTarget {
    files: Arc<Files>,
    /// Maximum size of the file, in pages.
    pages_max: Option<u64>,
    /// Time to wait for another writing process.
    patience: TimeDelta,
    readers: Arc<Readers<Sqlite>>,
    /// Held by the one writing connection until it is closed.
    place: Arc<Semaphore>,
}

impl SqliteTarget {
    pub(super) fn new(
        files: Arc<Files>,
        pages_max: Option<u64>,
        patience: TimeDelta,
        readers: Arc<Readers<Sqlite>>,
    ) -> SqliteTarget {
        SqliteTarget { files, pages_max, patience, readers, place: Arc::new(Semaphore::new(1)) }
    }

    /// Waits until the former connection is closed, then opens one on its own thread.
    async fn open(&self) -> Result<SqliteSession, StoreError> {
        let place = Arc::clone(&self.place).acquire_owned().await;
        let place = place.map_err(|_| StoreError::Database(sqlx::Error::WorkerCrashed))?;
        let (jobs, queue) = mpsc::channel::<WriteJob>();
        let (reply, opened) = oneshot::channel();
        let (files, pages_max, patience) = (Arc::clone(&self.files), self.pages_max, self.patience);
        let serve = move || match Open::new(files, pages_max, patience, place) {
            Ok(mut open) => {
                drop(reply.send(Ok(())));
                queue.iter().for_each(|job| job(&mut open));
            }
            Err(error) => drop(reply.send(Err(error))),
        };
        let started = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(serve);
        started.map_err(|error| StoreError::Database(sqlx::Error::Io(error)))?;
        opened.await.unwrap_or(Err(StoreError::Database(sqlx::Error::WorkerCrashed)))?;
        Ok(SqliteSession { jobs })
    }
}

/// The open connection on its thread. Fields are dropped in order, so the slot is free once the connection is closed.
struct Open {
    connection: Connection,
    companions: Companions,
    files: Arc<Files>,
    _place: OwnedSemaphorePermit,
}

impl Open {
    fn new(
        files: Arc<Files>,
        pages_max: Option<u64>,
        patience: TimeDelta,
        place: OwnedSemaphorePermit,
    ) -> Result<Open, StoreError> {
        let connection = connect(&files, pages_max, patience)?;
        let companions = files.opened()?;
        Ok(Open { connection, companions, files, _place: place })
    }

    /// Durable on return, and in the file that the next start opens.
    fn commit(&self) -> Result<(), StoreError> {
        step(&self.connection, "COMMIT")?;
        self.files.check(&self.companions, &self.connection)
    }
}

/// Work for the connection's thread.
type WriteJob = Box<dyn FnOnce(&mut Open) + Send>;

/// The writing connection. When dropped, it is closed after the work under way, which rolls back an open transaction.
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
    writer.lend(async |session| session.work(move |open| land(open, &lease, prepared)).await?).await
}

/// One sign of life of the lease's holder. The log is not forced to the disk for it; the next commit's force takes it.
pub(super) async fn heartbeat(writer: &Writer<SqliteSession>, lease: &Lease) -> Result<(), CommitError> {
    let lease = lease.clone();
    writer.lend(async |session| session.work(move |open| count_heartbeat(&open.connection, &lease)).await?).await
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

/// Checks that the files are still those that were opened; for times without commits.
pub(super) async fn check_files(writer: &Writer<SqliteSession>) -> Result<(), StoreError> {
    let look = async |session: &mut SqliteSession| {
        Ok(session.work(|open| open.files.check(&open.companions, &open.connection)).await??)
    };
    writer.lend(look).await.map_err(journal::into_store_error)
}

/// Copies the write-ahead log into the database, so that the file is complete by itself.
pub(super) async fn fold_log(writer: &Writer<SqliteSession>) -> Result<(), StoreError> {
    let fold = |open: &mut Open| open.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    let fold = async |session: &mut SqliteSession| Ok(session.work(fold).await?.map_err(StoreError::from)?);
    writer.lend(fold).await.map_err(journal::into_store_error)
}

/// Returns some free space to the disk; true if there is more. A file from before this feature keeps its free space for
/// new data.
pub(super) async fn give_back(writer: &Writer<SqliteSession>) -> Result<bool, StoreError> {
    let piece = |open: &mut Open| -> rusqlite::Result<bool> {
        let incremental = open.connection.query_row("PRAGMA auto_vacuum", [], |row| row.get::<_, i64>(0))? == 2;
        open.connection.execute_batch(GIVE_BACK)?;
        Ok(incremental && open.connection.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0))? > 0)
    };
    let piece = async |session: &mut SqliteSession| Ok(session.work(piece).await?.map_err(StoreError::from)?);
    writer.lend(piece).await.map_err(journal::into_store_error)
}

fn land(open: &Open, lease: &Lease, prepared: Prepared) -> Result<(), CommitError> {
    let connection = &open.connection;
    step(connection, "BEGIN IMMEDIATE").map_err(StoreError::from)?;
    let written = write(connection, lease, prepared);
    match &written {
        // A failure of COMMIT never means that the content was at fault.
        Ok(()) => Ok(open.commit()?),
        // The connection is closed, and with it the transaction.
        Err(CommitError::Unavailable(_)) => written,
        Err(CommitError::Fenced { .. } | CommitError::OutOfStep { .. } | CommitError::Content { .. }) => {
            // A failure shows at the next BEGIN.
            drop(step(connection, "ROLLBACK"));
            written
        }
    }
}

fn write(connection: &Connection, lease: &Lease, mut prepared: Prepared) -> Result<(), CommitError> {
    newest(&integers(connection, own::EPOCH, &[])?, lease)?;
    journal::follow(&prepared.blocks, &integers(connection, statements::HEADS, &[])?)?;
    for (statement, values) in journal::statements(&prepared) {
        run(connection, statement, &values)?;
    }
    if let Some(rows) = audit_chain::of(&mut prepared.rows) {
        let head = text(connection, statements::SETTING, &[audit_chain::HEAD.to_owned().into()])?;
        let head = audit_chain::link(rows, head.as_deref())?;
        run(connection, statements::PUT_SETTING, &[audit_chain::HEAD.to_owned().into(), head.into()])?;
    }
    prepared.rows.iter().try_for_each(|rows| Ok(put_rows(connection, rows)?))
}

fn text(connection: &Connection, statement: &'static str, values: &[Value]) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare_cached(statement)?;
    bind(&mut statement, values)?;
    let mut rows = statement.raw_query();
    rows.next()?.map(|row| row.get(0)).transpose()
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

/// Index (from 0) of the value for each of SQLite's parameters, because to SQLite `$2` is a name like any other.
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

fn connect(files: &Files, pages_max: Option<u64>, patience: TimeDelta) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(files.path(), flags)?;
    connection.busy_timeout(patience.to_std())?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "journal_size_limit", LOG_KEPT_BYTES)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_COPIED_PAGES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    if let Some(pages) = pages_max {
        connection.pragma_update(None, "max_page_count", i64::try_from(pages).unwrap_or(i64::MAX))?;
    }
    // Opens the write-ahead log, so that its identity is known.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

impl SqliteSession {
    /// Runs it on the thread, and waits.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Open) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        // A caller that no longer waits needs no answer.
        let job: WriteJob = Box::new(move |open| drop(reply.send(work(open))));
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
        if target.files.before_opening()? {
            // Connections of one process share their knowledge of a file, so none of the old ones may be left.
            target.readers.stand_back(READERS, target.open()).await
        } else {
            target.open().await
        }
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        Ok(self.work(|open| step(&open.connection, "BEGIN IMMEDIATE")).await??)
    }

    fn is_dead(_error: &StoreError) -> bool {
        false
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        self.work(|open| open.commit()).await?
    }

    async fn roll_back(&mut self) -> Result<(), StoreError> {
        Ok(self.work(|open| step(&open.connection, "ROLLBACK")).await??)
    }

    async fn run(&mut self, statement: &'static str, values: Vec<Value>) -> Result<u64, CommitError> {
        Ok(self.work(move |open| run(&open.connection, statement, &values)).await?? as u64)
    }

    async fn integers(&mut self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Vec<i64>>, CommitError> {
        Ok(self.work(move |open| integers(&open.connection, statement, &values)).await??)
    }

    async fn text(&mut self, statement: &'static str, values: Vec<Value>) -> Result<Option<String>, CommitError> {
        Ok(self.work(move |open| text(&open.connection, statement, &values)).await??)
    }

    async fn write(&mut self, rows: ColumnRows) -> Result<(), CommitError> {
        Ok(self.work(move |open| put_rows(&open.connection, &rows)).await??)
    }

    async fn prepare(&mut self, statement: &'static str) -> Result<(), StoreError> {
        Ok(self.work(|open| open.connection.prepare_cached(statement).map(drop)).await??)
    }

    async fn durability(&mut self) -> Result<String, StoreError> {
        let read = |open: &mut Open| open.connection.query_row("PRAGMA synchronous", [], |row| row.get(0));
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

pub(super) const READERS: u32 = 4;
