//! What the service finds out about itself, raised as an event of the source `watchfire`: it is journaled, correlated and
//! paged like anybody else's.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::core::model::{Event, Labels, Severity, Status};
use crate::ingest::{Intake, Submission};
use crate::store::LiveView;

/// The source of the service's own events.
const SOURCE: &str = "watchfire";
/// Findings that may wait while nothing can be kept; more of them say nothing new.
const WAITING_MAX: usize = 64;
/// The pause until one that was refused is handed in again.
const AGAIN: Duration = Duration::from_secs(1);

/// What can be found, by the alert it raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Senders were told that something is kept, and it is gone.
    AcknowledgedInputsLost,
    /// A snapshot could not be used.
    SnapshotPassedOver,
    /// Files of the embedded database were deleted or replaced.
    DatabaseFilesGone,
    /// No verified backup for too long.
    BackupOverdue,
}

impl Finding {
    const fn alertname(self) -> &'static str {
        match self {
            Finding::AcknowledgedInputsLost => "AcknowledgedInputsLost",
            Finding::SnapshotPassedOver => "SnapshotPassedOver",
            Finding::DatabaseFilesGone => "DatabaseFilesGone",
            Finding::BackupOverdue => "BackupOverdue",
        }
    }

    /// Whether its alert fires now.
    pub fn is_raised(self, live: &LiveView) -> bool {
        !live.alerts_with([("alertname", self.alertname())], |alert| &*alert.alert.source == SOURCE).is_empty()
    }

    const fn severity(self) -> Severity {
        match self {
            Finding::AcknowledgedInputsLost | Finding::DatabaseFilesGone => Severity::Critical,
            Finding::SnapshotPassedOver | Finding::BackupOverdue => Severity::Major,
        }
    }
}

/// Where findings are told. Cloning shares the queue.
#[derive(Clone)]
pub struct SelfMonitoring(mpsc::Sender<Event>);

impl SelfMonitoring {
    /// And the end from which [`deliver`] takes them.
    pub fn new() -> (SelfMonitoring, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (SelfMonitoring(sender), receiver)
    }

    /// It is so from now on; `summary` says what happened and what to do.
    pub fn raise(&self, finding: Finding, summary: String) {
        self.tell(finding, Status::Firing, summary);
    }

    /// It is over.
    pub fn clear(&self, finding: Finding, summary: String) {
        self.tell(finding, Status::Resolved, summary);
    }

    fn tell(&self, finding: Finding, status: Status, summary: String) {
        let labels = Labels::from_pairs([("alertname", finding.alertname())]);
        let severity = Some(finding.severity()).filter(|_| status == Status::Firing);
        let event = Event { severity, summary, ..Event::new(SOURCE, status, labels) };
        if self.0.try_send(event).is_err() {
            tracing::error!(?finding, "too many findings wait; this one is in the log only");
        }
    }
}

/// Hands every finding in until it is committed, or the service stops.
pub async fn deliver(mut findings: mpsc::Receiver<Event>, intake: Intake, stop: CancellationToken) {
    while let Some(Some(event)) = stop.run_until_cancelled(findings.recv()).await {
        loop {
            let offered = stop.run_until_cancelled(intake.offer(Submission::Events(vec![event.clone()]))).await;
            match offered {
                Some(Ok(_)) => break,
                Some(Err(_)) => {
                    if stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
                        return;
                    }
                }
                None => return,
            }
        }
    }
}
