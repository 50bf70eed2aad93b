//! Runtime metrics: journal, commits, snapshots, rulebook, deliveries, probes, readiness.

use prometheus::{Gauge, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::bounded_label::OTHER;
use super::ingest::known;
use super::registration::{begin, counter, counters, fractional_gauge, gauge, gauges, histogram, histograms};
use super::{ALERTMANAGER_VERSION, Metrics, names};
use crate::core::engine::{AttentionAudit, AttentionSource, DeliveryOutcome, ENGINE_VERSION, WaitingKind};
use crate::core::inspections::ItemOutcome;
use crate::core::model::Timestamp;
use crate::core::rules::{CHANNEL_KINDS, Channel, Rulebook};

/// From a fast disk's sync to a database that waits for a lock.
const COMMIT_SECONDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];
/// From a receiver in the same network to the time-out of one attempt.
const DELIVERY_SECONDS: [f64; 9] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const SNAPSHOT_SECONDS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0];
const PROBE_SECONDS: [f64; 9] = [0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

const DELIVERY_OUTCOMES: [&str; 3] = ["delivered", "failed", "dead_lettered"];
/// `rules::Check::kind` of the checks that need no person.
const PROBE_KINDS: [&str; 5] = ["http", "tcp", "tls", "promql", "mqtt"];
const LOAD_OUTCOMES: [&str; 2] = ["success", "failure"];

pub(super) struct RuntimeMetrics {
    journal_inputs: IntCounter,
    journal_bytes: IntGauge,
    journal_lag: Gauge,
    commit_duration: Histogram,
    commit_failures: IntCounter,
    snapshots: IntCounter,
    snapshot_duration: Histogram,
    snapshot_bytes: IntGauge,
    acknowledged_lost: IntCounter,
    snapshots_passed_over: IntCounter,
    database_files_gone: IntCounter,
    backups: IntCounterVec,
    backup_verified: IntGauge,
    deliveries: IntCounterVec,
    delivery_duration: HistogramVec,
    outbox_waiting: IntGauge,
    probes: IntCounterVec,
    probe_duration: HistogramVec,
    attended: IntGaugeVec,
    audits: IntCounter,
    heartbeats: IntCounterVec,
    ready: IntGauge,
    rulebook_ok: IntGauge,
    rulebook_loads: IntCounterVec,
    rulebook_rules: IntGauge,
    rulebook_info: IntGaugeVec,
}

impl RuntimeMetrics {
    pub fn new(registry: &Registry) -> RuntimeMetrics {
        let running = RuntimeMetrics {
            journal_inputs: counter(registry, &names::JOURNAL_INPUTS),
            journal_bytes: gauge(registry, &names::JOURNAL_BYTES),
            journal_lag: fractional_gauge(registry, &names::JOURNAL_LAG),
            commit_duration: histogram(registry, &names::COMMIT_DURATION, &COMMIT_SECONDS),
            commit_failures: counter(registry, &names::COMMIT_FAILURES),
            snapshots: counter(registry, &names::SNAPSHOTS),
            snapshot_duration: histogram(registry, &names::SNAPSHOT_DURATION, &SNAPSHOT_SECONDS),
            snapshot_bytes: gauge(registry, &names::SNAPSHOT_BYTES),
            acknowledged_lost: counter(registry, &names::ACKNOWLEDGED_LOST),
            snapshots_passed_over: counter(registry, &names::SNAPSHOTS_PASSED_OVER),
            database_files_gone: counter(registry, &names::DATABASE_FILES_GONE),
            backups: counters(registry, &names::BACKUPS, &["outcome"]),
            backup_verified: gauge(registry, &names::BACKUP_VERIFIED),
            deliveries: counters(registry, &names::DELIVERIES, &["channel", "outcome"]),
            delivery_duration: histograms(registry, &names::DELIVERY_DURATION, &["channel"], &DELIVERY_SECONDS),
            outbox_waiting: gauge(registry, &names::OUTBOX_NOTIFICATIONS),
            probes: counters(registry, &names::PROBES, &["kind", "outcome"]),
            probe_duration: histograms(registry, &names::PROBE_DURATION, &["kind"], &PROBE_SECONDS),
            attended: gauges(registry, &names::RECORDS_AWAITING_ACTION, &["kind", "by"]),
            audits: counter(registry, &names::AUDITS),
            heartbeats: counters(registry, &names::HEARTBEATS, &["outcome"]),
            ready: gauge(registry, &names::READY),
            rulebook_ok: gauge(registry, &names::RULEBOOK_OK),
            rulebook_loads: counters(registry, &names::RULEBOOK_LOADS, &["outcome"]),
            rulebook_rules: gauge(registry, &names::RULEBOOK_RULES),
            rulebook_info: gauges(registry, &names::RULEBOOK_INFO, &["hash"]),
        };
        running.begin_closed_sets();
        running.rulebook_info.with_label_values(&["none"]).set(1);
        let build = gauges(registry, &names::BUILD_INFO, &["version", "engine_version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), &ENGINE_VERSION.to_string()]).set(1);
        let alertmanager = gauges(registry, &names::ALERTMANAGER_BUILD_INFO, &["version"]);
        alertmanager.with_label_values(&[ALERTMANAGER_VERSION]).set(1);
        running
    }

    fn begin_closed_sets(&self) {
        for channel in CHANNEL_KINDS {
            for outcome in DELIVERY_OUTCOMES {
                self.deliveries.with_label_values(&[channel, outcome]);
            }
        }
        begin(&self.delivery_duration, CHANNEL_KINDS);
        for kind in PROBE_KINDS {
            for outcome in ItemOutcome::ALL {
                self.probes.with_label_values(&[kind, outcome.as_str()]);
            }
        }
        begin(&self.probe_duration, PROBE_KINDS);
        begin(&self.rulebook_loads, LOAD_OUTCOMES);
        begin(&self.heartbeats, LOAD_OUTCOMES);
        begin(&self.backups, LOAD_OUTCOMES);
        for kind in WaitingKind::ALL {
            for by in AttentionSource::ALL {
                self.attended.with_label_values(&[kind.as_str(), by.as_str()]);
            }
        }
    }
}

impl Metrics {
    /// Counts an attempt to deliver a notification, with its outcome and seconds.
    pub fn delivery(&self, channel: &Channel, outcome: &DeliveryOutcome, seconds: f64) {
        let channel = channel.kind();
        let outcome = match outcome {
            DeliveryOutcome::Delivered => "delivered",
            DeliveryOutcome::Failed { .. } => "failed",
            DeliveryOutcome::DeadLettered { .. } | DeliveryOutcome::Unreached(_) => "dead_lettered",
        };
        self.running.deliveries.with_label_values(&[channel, outcome]).inc();
        self.running.delivery_duration.with_label_values(&[channel]).observe(seconds);
    }

    pub fn outbox_waiting(&self, notices: i64) {
        self.running.outbox_waiting.set(notices);
    }

    /// Counts a commit of that many inputs, with its seconds.
    pub fn committed(&self, inputs: usize, seconds: f64) {
        self.running.journal_inputs.inc_by(inputs as u64);
        self.running.commit_duration.observe(seconds);
    }

    pub fn commit_failed(&self) {
        self.running.commit_failures.inc();
    }

    /// Seconds between the oldest waiting input's arrival and now; 0 without waiting inputs.
    pub fn journal_lag(&self, seconds: f64) {
        self.running.journal_lag.set(seconds);
    }

    pub fn journal_bytes(&self, bytes: u64) {
        self.running.journal_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub fn snapshot_taken(&self, seconds: f64, bytes: u64) {
        self.running.snapshots.inc();
        self.running.snapshot_duration.observe(seconds);
        self.running.snapshot_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// So many inputs that were acknowledged are gone.
    pub fn acknowledged_lost(&self, inputs: u64) {
        self.running.acknowledged_lost.inc_by(inputs);
    }

    pub fn snapshot_passed_over(&self) {
        self.running.snapshots_passed_over.inc();
    }

    pub fn database_files_gone(&self) {
        self.running.database_files_gone.inc();
    }

    /// A scheduled backup was made and read back, or failed.
    pub fn backup(&self, made: bool) {
        self.running.backups.with_label_values(&[if made { "success" } else { "failure" }]).inc();
    }

    /// When the newest verified backup was made.
    pub fn backup_verified(&self, at: Timestamp) {
        self.running.backup_verified.set(at.as_micros() / 1_000_000);
    }

    /// Counts an attempt to load the rule files; `rules`: the number of rules now in force.
    pub fn rulebook_loaded(&self, ok: bool, rules: usize) {
        let outcome = if ok { "success" } else { "failure" };
        self.running.rulebook_loads.with_label_values(&[outcome]).inc();
        self.running.rulebook_ok.set(i64::from(ok));
        self.running.rulebook_rules.set(rules as i64);
    }

    /// Shows the hash of the rulebook in force, and gives its sources and rules series at 0.
    pub fn rulebook_in_force(&self, rulebook: &Rulebook) {
        self.running.rulebook_info.reset();
        self.running.rulebook_info.with_label_values(&[rulebook.hash.to_string()]).set(1);
        self.running.rulebook_rules.set(rulebook.rules.len() as i64);
        let sources: Vec<&str> = rulebook.sources.iter().map(|source| source.name.as_str()).collect();
        let rules: Vec<&str> = rulebook.rules.iter().map(|rule| rule.name.as_str()).collect();
        self.begin_names(&sources, &rules);
    }

    /// A series at 0 for each, so that the first event, firing or dead letter is seen as an increase.
    pub(super) fn begin_names(&self, sources: &[&str], rules: &[&str]) {
        self.decided.begin_names(sources, rules);
        sources.iter().for_each(|source| self.doors.begin_source(source));
    }

    /// `kind` as `rules::Check::kind`, `outcome` as `inspections::ItemOutcome::as_str`.
    pub fn probe(&self, kind: &str, outcome: &str, seconds: f64) {
        let kind = known(&PROBE_KINDS, kind);
        let outcome = ItemOutcome::ALL.map(ItemOutcome::as_str).into_iter().find(|word| *word == outcome);
        self.running.probes.with_label_values(&[kind, outcome.unwrap_or(OTHER)]).inc();
        self.running.probe_duration.with_label_values(&[kind]).observe(seconds);
    }

    /// Results of the attention audit.
    pub fn audited(&self, attendance: &AttentionAudit) {
        self.running.audits.inc();
        for kind in WaitingKind::ALL {
            for by in AttentionSource::ALL {
                let count = i64::try_from(attendance.count(kind, by)).unwrap_or(i64::MAX);
                self.running.attended.with_label_values(&[kind.as_str(), by.as_str()]).set(count);
            }
        }
        for _ in &attendance.broken {
            self.invariant_broken("unattended");
        }
    }

    /// Counts a heartbeat to the outside watcher, accepted or not.
    pub fn heartbeat(&self, taken: bool) {
        let outcome = if taken { "success" } else { "failure" };
        self.running.heartbeats.with_label_values(&[outcome]).inc();
    }

    pub fn ready(&self, ready: bool) {
        self.running.ready.set(i64::from(ready));
    }
}
