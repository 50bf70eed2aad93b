//! What is said and done when the database is not what it was: acknowledged inputs that are gone, snapshots that do not
//! read, files that were taken away.

use super::driver::{Driver, Stopped};
use super::high_water_mark::{HighWaterMark, Loss};
use super::self_monitoring::{Finding, SelfMonitoring};
use crate::app::config::Config;
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};

/// The setting by which a database is known again, wherever it is copied to.
const DATABASE_ID: &str = "database_id";

/// Why a database that is not whole is not served.
#[derive(Debug, thiserror::Error)]
pub enum NotWhole {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no name for the database: {0}")]
    NoName(String),
    #[error(
        "this database was in use, and its write-ahead log (watchfire.db-wal) is missing{lost}: a copy needs both files, \
         or `watchfire backup`. Put watchfire.db-wal beside it, or restore a backup (`watchfire restore FILE`); \
         --accept-loss starts with what is there"
    )]
    LogMissing { lost: String },
}

/// The mark of this database. Refuses a database whose write-ahead log is missing, unless the
/// mark shows that nothing is, or `accept_loss`.
pub async fn open_mark(store: &Store, config: &Config) -> Result<HighWaterMark, NotWhole> {
    let database = database_id(store).await?;
    let mut mark = HighWaterMark::open(&config.mark_dir(), &database);
    let heads = store.heads().await?;
    let losses = mark.losses(heads.iter().copied());
    let is_whole = mark.is_known() && losses.is_empty();
    if !is_whole && store.may_lack_its_log().await? {
        let lost = losses.iter().map(|loss| format!("; {loss} are gone")).collect::<String>();
        let refusal = NotWhole::LogMissing { lost };
        if !config.accept_loss {
            return Err(refusal);
        }
        tracing::error!(error = %refusal, "started with --accept-loss");
    }
    if !mark.is_known() {
        // Before the database says that it is in use: a kill in between must not look like a missing log.
        mark.reset(heads.into_iter());
    }
    Ok(mark)
}

/// The name of the database, drawn once: what tells this installation from every other.
pub async fn database_id(store: &Store) -> Result<String, NotWhole> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| NotWhole::NoName(error.to_string()))?;
    let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(store.setting_or(DATABASE_ID, &id).await?)
}

/// Logs, counts and raises acknowledged inputs that are gone.
pub fn tell_losses(losses: &[Loss], metrics: &Metrics, self_monitoring: &SelfMonitoring) {
    if losses.is_empty() {
        return;
    }
    for loss in losses {
        metrics.acknowledged_lost(loss.inputs());
        tracing::error!(%loss, "acknowledged inputs are gone: the database lies behind what its senders were told");
    }
    let all = losses.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let summary = format!(
        "acknowledged inputs are gone: {all}. The database lies behind what was acknowledged (a standby that lagged, an \
         older copy). Have the tools send their present state again; commit synchronously to the standby \
         (synchronous_standby_names), so that it does not come again"
    );
    self_monitoring.raise(Finding::AcknowledgedInputsLost, summary);
}

/// Counts and raises snapshots that were passed over; the log has them already.
pub fn tell_passed_over(passed_over: &[String], metrics: &Metrics, self_monitoring: &SelfMonitoring) {
    if passed_over.is_empty() {
        return;
    }
    passed_over.iter().for_each(|_| metrics.snapshot_passed_over());
    let summary = format!(
        "snapshots could not be used, older ones and the journal took their place; nothing is lost: {}. Look at the disk, \
         and run `watchfire verify`",
        passed_over.join("; ")
    );
    self_monitoring.raise(Finding::SnapshotPassedOver, summary);
}

impl Driver {
    /// The state was put back while the service ran: says what of what was acknowledged is not in it.
    pub(super) fn tell_losses(&mut self, passed_over: &[String]) {
        let losses = self.mark.losses(self.engine.heads());
        if !losses.is_empty() {
            self.snapshots.forget_written();
        }
        let (metrics, self_monitoring) = (&self.outputs.metrics, &self.outputs.self_monitoring);
        tell_losses(&losses, metrics, self_monitoring);
        tell_passed_over(passed_over, metrics, self_monitoring);
        self.mark.reset(self.engine.heads());
    }

    /// In moments without a commit: whether the database's files are still there.
    pub(super) async fn look_at_files(&mut self) -> Result<(), Stopped> {
        match self.store.check_files().await {
            // A database that is busy says nothing of its files.
            Ok(()) | Err(StoreError::TimedOut { .. }) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "the database's files are looked after");
                self.start_over(&mut super::block::Block::default()).await
            }
        }
    }

    /// Counts and raises what was found of files that are gone.
    pub(super) fn tell_of_files(&self) {
        for finding in self.store.take_file_findings() {
            tracing::error!(finding, "files of the database were deleted or replaced under the running service");
            self.outputs.metrics.database_files_gone();
            self.outputs.self_monitoring.raise(Finding::DatabaseFilesGone, finding);
        }
    }
}
