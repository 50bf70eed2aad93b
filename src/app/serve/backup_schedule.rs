//! Backups that the service makes by itself, and what is raised when there is no good one for too long.
//!
//! A backup gets its name only when it has been read back, so the newest name in the directory is the newest verified one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::services::Services;
use crate::api::Now;
use crate::app::config::BackupPlan;
use crate::app::runtime::self_monitoring::{Finding, SelfMonitoring};
use crate::core::model::{TimeDelta, Timestamp};
use crate::metrics::Metrics;
use crate::store;
use crate::store::LiveView;

/// Without a verified backup for so long it is raised; later when backups are made more seldom than daily.
const OVERDUE_AFTER: TimeDelta = TimeDelta::from_hours(26);
/// How much later than its time a backup may be.
const GRACE: TimeDelta = TimeDelta::from_hours(2);
/// How often it is looked whether one is due.
const LOOK_EVERY: TimeDelta = TimeDelta::from_minutes(1);
/// The pause after one that failed.
const AGAIN: TimeDelta = TimeDelta::from_minutes(10);

const PREFIX: &str = "watchfire-";
const ENDING: &str = ".backup";

/// Starts making backups, if that is configured.
pub fn start(doors: &Services, self_monitoring: SelfMonitoring, tasks: &TaskTracker) {
    let Some(plan) = doors.config.backup.clone() else { return };
    let schedule = Schedule {
        plan,
        url: doors.config.database_url.clone(),
        now: doors.now(),
        metrics: Arc::clone(&doors.metrics),
        self_monitoring,
        live: Arc::clone(&doors.live),
        stop: doors.stop.clone(),
    };
    tasks.spawn(schedule.run());
}

struct Schedule {
    plan: BackupPlan,
    /// May hold a password, so it is never logged.
    url: String,
    now: Now,
    metrics: Arc<Metrics>,
    self_monitoring: SelfMonitoring,
    live: Arc<LiveView>,
    stop: CancellationToken,
}

impl Schedule {
    async fn run(self) {
        loop {
            let newest = backups(&self.plan.directory).pop().map(|(at, _)| at);
            let due = newest.is_none_or(|at| at + self.plan.every <= (self.now)());
            let mut pause = LOOK_EVERY;
            if due {
                // Stopping does not wait for it; what is half made has no name.
                let Some(made) = self.stop.run_until_cancelled(self.make()).await else { return };
                self.metrics.backup(made);
                if !made {
                    pause = AGAIN.min(self.plan.every);
                }
            }
            self.judge();
            if self.stop.run_until_cancelled(tokio::time::sleep(pause.to_std())).await.is_none() {
                return;
            }
        }
    }

    async fn make(&self) -> bool {
        let at = (self.now)();
        let path = self.plan.directory.join(name(at));
        if let Err(error) = tokio::fs::create_dir_all(&self.plan.directory).await {
            tracing::error!(%error, directory = %self.plan.directory.display(), "no place for backups");
            return false;
        }
        match store::back_up(&self.url, &path, at, &|_| {}).await {
            Ok(contents) => {
                tracing::info!(path = %path.display(), rows = contents.all_rows(), bytes = contents.bytes, "backup made");
                self.prune();
                true
            }
            Err(error) => {
                tracing::error!(%error, "no backup was made");
                false
            }
        }
    }

    fn prune(&self) {
        let mut all = backups(&self.plan.directory);
        let gone = all.len().saturating_sub(self.plan.keep);
        for (_, path) in all.drain(..gone) {
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "an old backup stays");
            }
        }
    }

    /// Says when there is none for too long, and when there is one again.
    fn judge(&self) {
        let newest = backups(&self.plan.directory).pop().map(|(at, _)| at);
        self.metrics.backup_verified(newest.unwrap_or(Timestamp::EPOCH));
        let overdue = is_overdue(newest, self.plan.every, (self.now)());
        // Perhaps an earlier run raised it.
        if overdue == Finding::BackupOverdue.is_raised(&self.live) {
            return;
        }
        let directory = self.plan.directory.display();
        if overdue {
            let last = newest.map_or("none was ever made".to_owned(), |at| format!("the newest is of {at:.0}"));
            let summary = format!(
                "no verified backup in {directory} within {OVERDUE_AFTER}: {last}. The log says why; look at the disk's room \
                 and the directory's permissions, or make one by hand: watchfire backup FILE"
            );
            tracing::error!(summary);
            self.self_monitoring.raise(Finding::BackupOverdue, summary);
        } else {
            self.self_monitoring
                .clear(Finding::BackupOverdue, format!("there is a verified backup in {directory} again"));
        }
    }
}

fn is_overdue(newest: Option<Timestamp>, every: TimeDelta, now: Timestamp) -> bool {
    newest.is_none_or(|at| at + OVERDUE_AFTER.max(every + GRACE) < now)
}

fn name(at: Timestamp) -> String {
    format!("{PREFIX}{}{ENDING}", format!("{at:.0}").replace(':', ""))
}

/// Oldest first, each with when it was made.
fn backups(directory: &Path) -> Vec<(Timestamp, PathBuf)> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let made_at = |path: PathBuf| Some((parse(path.file_name()?.to_str()?)?, path));
    let mut all: Vec<(Timestamp, PathBuf)> = entries.filter_map(|entry| made_at(entry.path())).collect();
    all.sort();
    all
}

fn parse(name: &str) -> Option<Timestamp> {
    let text = name.strip_prefix(PREFIX)?.strip_suffix(ENDING)?;
    let timestamp = text.parse::<jiff::Timestamp>().ok()?;
    Some(Timestamp::from_timestamp(timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_in_the_order_of_their_time_and_strangers_are_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let at = |hour: i64| Timestamp::from_seconds(1_796_000_000 + hour * 3_600);
        for hour in [30, 2, 11] {
            std::fs::write(directory.path().join(name(at(hour))), "").unwrap();
        }
        for stranger in ["watchfire-x.backup", "watchfire.db", "watchfire-2026-12-01T000000Z.backup.partial"] {
            std::fs::write(directory.path().join(stranger), "").unwrap();
        }
        let found: Vec<Timestamp> = backups(directory.path()).into_iter().map(|(at, _)| at).collect();
        assert_eq!(found, [at(2), at(11), at(30)]);
    }

    #[test]
    fn without_a_verified_one_for_26_hours_it_is_overdue() {
        let now = Timestamp::from_seconds(1_796_000_000);
        let check = |age: Option<i64>, every: TimeDelta, expected: bool| {
            assert_eq!(
                is_overdue(age.map(|hours| now - TimeDelta::from_hours(hours)), every, now),
                expected,
                "{age:?}"
            );
        };
        check(None, TimeDelta::from_hours(24), true);
        check(Some(25), TimeDelta::from_hours(24), false);
        check(Some(27), TimeDelta::from_hours(24), true);
        check(Some(27), TimeDelta::from_hours(1), true);
        check(Some(27), TimeDelta::from_days(7), false);
        check(Some(171), TimeDelta::from_days(7), true);
    }
}
