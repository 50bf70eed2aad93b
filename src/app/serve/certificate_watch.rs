//! Keeps a listener's certificate fresh: loads changed files, says when it comes to its end, in the metrics and as an
//! event.

use super::services::Services;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::tls_server::{TlsServer, Validity};
use crate::api::Now;
use crate::app::own_events::OwnTrouble;
use crate::core::model::{Severity, TimeDelta, Timestamp};
use crate::ingest::Intake;
use crate::metrics::{Listener, Metrics};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How long before the end of a certificate it is warned of, at most: renewed by a tool, it would be a new one by then.
const WARN_BEFORE: TimeDelta = TimeDelta::from_days(14);
/// How long before its end that is urgent, at most.
const URGENT_BEFORE: TimeDelta = TimeDelta::from_days(3);

/// One listener's certificate.
pub struct CertificateWatch {
    pub listener: Listener,
    pub server: Arc<TlsServer>,
    pub intake: Intake,
    pub metrics: Arc<Metrics>,
    pub now: Now,
    /// Looks at once, and says what came of it.
    pub reload: Arc<Notify>,
}

impl CertificateWatch {
    /// Until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let _stopped = stop.run_until_cancelled(async { tokio::join!(self.follow_files(), self.follow_end()) }).await;
    }

    async fn follow_files(&self) {
        let mut last_error = String::new();
        loop {
            let asked = tokio::time::timeout(EVERY, self.reload.notified()).await.is_ok();
            let server = Arc::clone(&self.server);
            let read = tokio::task::spawn_blocking(move || server.reload()).await;
            let path = self.server.certificate_path().display();
            match read {
                Ok(Ok(changed)) => {
                    if changed {
                        self.metrics.certificate_loaded(self.listener, true);
                    }
                    if changed || asked {
                        tracing::info!(%path, changed, "certificate read again");
                    }
                    last_error.clear();
                }
                Ok(Err(error)) => {
                    let error = error.to_string();
                    // A lasting mistake is said once, and again to the person who asks.
                    if asked || error != last_error {
                        tracing::error!(error, "the certificate on disk cannot be used; the one before stays in use");
                        self.metrics.certificate_loaded(self.listener, false);
                    }
                    last_error = error;
                }
                Err(error) => tracing::error!(%error, "reading the certificate failed"),
            }
        }
    }

    async fn follow_end(&self) {
        let mut told: Option<(Option<Severity>, Timestamp)> = None;
        loop {
            let validity = self.server.validity();
            self.metrics.certificate_ends(self.listener, validity.until);
            let severity = urgency(validity, (self.now)());
            if told != Some((severity, validity.until)) {
                let trouble = self.trouble(severity, validity);
                if severity.is_some() {
                    tracing::warn!("{}", trouble.summary);
                }
                if trouble.tell(&self.intake, (self.now)()).await {
                    told = Some((severity, validity.until));
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    fn trouble(&self, severity: Option<Severity>, validity: Validity) -> OwnTrouble {
        let listener = self.listener.as_str();
        let (path, until) = (self.server.certificate_path().display(), validity.until);
        let summary = match severity {
            Some(_) => format!(
                "the certificate of the {listener} listener is good until {until:.0}: put a new one and its key in place of {path}; it is loaded without a restart"
            ),
            None => format!("the certificate of the {listener} listener is good until {until:.0}"),
        };
        OwnTrouble { name: "CertificateExpiry", labels: vec![("listener", listener.to_owned())], severity, summary }
    }
}

/// How urgent a new certificate is; a short-lived one is warned of later, in proportion to its life.
fn urgency(validity: Validity, now: Timestamp) -> Option<Severity> {
    let (life, left) = (validity.until.since(validity.from), validity.until.since(now));
    let share = |most: TimeDelta, of: i64| TimeDelta::from_micros(most.as_micros().min(life.as_micros() / of));
    if left <= share(URGENT_BEFORE, 10) {
        Some(Severity::Critical)
    } else if left <= share(WARN_BEFORE, 3) {
        Some(Severity::Warning)
    } else {
        None
    }
}

/// Keeps the certificate of a listener fresh.
pub(super) fn watch_certificate(
    doors: &Services,
    listener: Listener,
    server: Arc<TlsServer>,
    reload: &Arc<Notify>,
) -> JoinHandle<()> {
    let watch = CertificateWatch {
        listener,
        server,
        intake: doors.intake.clone(),
        metrics: Arc::clone(&doors.metrics),
        now: doors.now(),
        reload: Arc::clone(reload),
    };
    tokio::spawn(watch.run(doors.stop.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_warned_of_in_proportion_to_its_life() {
        let check = |life: TimeDelta, left: TimeDelta, expected: Option<Severity>| {
            let from = Timestamp::from_seconds(1_795_284_000);
            let until = from + life;
            let now = Timestamp::from_micros(until.as_micros() - left.as_micros());
            assert_eq!(urgency(Validity { from, until }, now), expected, "{life} {left}");
        };
        check(TimeDelta::from_days(365), TimeDelta::from_days(15), None);
        check(TimeDelta::from_days(365), TimeDelta::from_days(14), Some(Severity::Warning));
        check(TimeDelta::from_days(365), TimeDelta::from_days(3), Some(Severity::Critical));
        check(TimeDelta::from_days(365), TimeDelta::from_days(-1), Some(Severity::Critical));
        check(TimeDelta::from_days(6), TimeDelta::from_days(3), None);
        check(TimeDelta::from_days(6), TimeDelta::from_days(2), Some(Severity::Warning));
        check(TimeDelta::from_days(6), TimeDelta::from_hours(14), Some(Severity::Critical));
    }
}
