//! The writing connection, and its transactions.
//!
//! Each write is one transaction that begins with the lock that every other writer needs. A connection is kept only
//! while its state is certain: after a doubtful error, a time-out or a dropped future it is closed, which rolls back.

use tokio::sync::{Mutex, MutexGuard};

use super::columns::{ColumnRows, Value};
use super::{CommitError, Lease, StoreError};

/// A writing connection, with one implementation per database.
pub(super) trait Session: Sized + Send {
    /// Connection settings.
    type Target: Send + Sync;
    /// Reads the lease's epoch, and blocks every other writer until the transaction ends.
    const EPOCH: &'static str;
    /// The statements of this database alone.
    const OWN_STATEMENTS: &'static [&'static str];
    /// Makes the open transaction cheap and not durable, where this database can.
    const NOT_DURABLE: Option<&'static str>;

    fn connect(target: &Self::Target) -> impl Future<Output = Result<Self, StoreError>> + Send;
    /// Begins a transaction that is durable once its COMMIT returns.
    fn begin(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// True if a failed BEGIN means a dead connection rather than a busy database.
    fn is_dead(error: &StoreError) -> bool;
    fn commit(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;
    fn roll_back(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Returns the number of touched rows.
    fn run(
        &mut self,
        statement: &'static str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<u64, CommitError>> + Send;
    /// Reads rows of whole numbers, which is all that a writer needs.
    fn integers(
        &mut self,
        statement: &'static str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Vec<i64>>, CommitError>> + Send;
    /// The text in the first column of the first row.
    fn text(
        &mut self,
        statement: &'static str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Option<String>, CommitError>> + Send;
    /// Writes the rows of one table in one statement.
    fn write(&mut self, rows: ColumnRows) -> impl Future<Output = Result<(), CommitError>> + Send;
    fn prepare(&mut self, statement: &'static str) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// The durability setting of the open transaction.
    fn durability(&mut self) -> impl Future<Output = Result<String, StoreError>> + Send;
}

/// Gives out one transaction at a time.
pub(super) struct Writer<S: Session> {
    slot: Mutex<Option<S>>,
    target: S::Target,
}

impl<S: Session> Writer<S> {
    pub(super) fn new(target: S::Target) -> Writer<S> {
        Writer { slot: Mutex::new(None), target }
    }

    pub(super) async fn begin(&self) -> Result<Transaction<'_, S>, StoreError> {
        let mut slot = self.slot.lock().await;
        if let Some(mut session) = slot.take() {
            match session.begin().await {
                Ok(()) => return Ok(Transaction { slot, session }),
                // The database restarted meanwhile: nothing is lost yet, so a new connection may begin.
                Err(error) if S::is_dead(&error) => drop(session),
                Err(error) => return Err(error),
            }
        }
        let mut session = S::connect(&self.target).await?;
        session.begin().await?;
        Ok(Transaction { slot, session })
    }

    /// Lends the session for a transaction in one call. It is kept only if its state is certain.
    pub(super) async fn lend<T>(
        &self,
        whole: impl AsyncFnOnce(&mut S) -> Result<T, CommitError>,
    ) -> Result<T, CommitError> {
        let mut slot = self.slot.lock().await;
        let mut session = match slot.take() {
            Some(session) => session,
            None => S::connect(&self.target).await?,
        };
        let outcome = whole(&mut session).await;
        if !matches!(outcome, Err(CommitError::Unavailable(_))) {
            *slot = Some(session);
        }
        outcome
    }

    /// Like `begin`, but only for the holder of the newest lease.
    pub(super) async fn begin_leased(&self, lease: &Lease) -> Result<Transaction<'_, S>, CommitError> {
        let mut transaction = self.begin().await?;
        let checked = check_lease(&mut transaction.session, lease).await;
        match checked {
            Ok(()) => Ok(transaction),
            Err(error) => transaction.finish(Err(error)).await,
        }
    }
}

async fn check_lease<S: Session>(session: &mut S, lease: &Lease) -> Result<(), CommitError> {
    newest(&session.integers(S::EPOCH, Vec::new()).await?, lease)
}

/// Checks the stored epoch against the lease's.
pub(super) fn newest(epochs: &[Vec<i64>], lease: &Lease) -> Result<(), CommitError> {
    match epochs.first().and_then(|row| row.first()) {
        Some(epoch) if *epoch == lease.epoch => Ok(()),
        Some(_) => Err(CommitError::Fenced { ours: lease.epoch }),
        None => Err(lease_row_missing().into()),
    }
}

pub(super) fn lease_row_missing() -> StoreError {
    StoreError::Corrupt { table: "lease", row: "writer".to_owned(), reason: "the row is missing".to_owned() }
}

/// An open transaction. When dropped, it closes the connection, and the database rolls back.
pub(super) struct Transaction<'w, S: Session> {
    slot: MutexGuard<'w, Option<S>>,
    pub(super) session: S,
}

impl<S: Session> Transaction<'_, S> {
    /// Commits a success, rolls back a failure.
    pub(super) async fn finish<T>(mut self, outcome: Result<T, CommitError>) -> Result<T, CommitError> {
        match outcome {
            Ok(value) => {
                // A failure of COMMIT never means that the content was at fault.
                self.session.commit().await.map_err(CommitError::Unavailable)?;
                *self.slot = Some(self.session);
                Ok(value)
            }
            Err(unavailable @ CommitError::Unavailable(_)) => Err(unavailable),
            Err(
                refused @ (CommitError::Fenced { .. } | CommitError::OutOfStep { .. } | CommitError::Content { .. }),
            ) => {
                self.undo().await;
                Err(refused)
            }
        }
    }

    /// Ends a transaction that only read.
    pub(super) async fn undo(mut self) {
        if self.session.roll_back().await.is_ok() {
            *self.slot = Some(self.session);
        }
    }
}
