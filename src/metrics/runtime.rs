//! Runtime metrics: journal, commits, snapshots, rulebook, deliveries, probes, readiness.

use prometheus::{Gauge, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::names;
use super::registration::{begin, counter, counters, fractional_gauge, gauge, gauges, histogram, histograms};
use crate::core::engine::{AttentionSource, ENGINE_VERSION, WaitingKind};
use crate::core::inspections::ItemOutcome;
use crate::core::rules::CHANNEL_KINDS;

/// From a fast disk's sync to a database that waits for a lock.
const COMMIT_SECONDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];
/// From a receiver in the same network to the time-out of one attempt.
const DELIVERY_SECONDS: [f64; 9] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const SNAPSHOT_SECONDS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0];
const PROBE_SECONDS: [f64; 9] = [0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

const DELIVERY_OUTCOMES: [&str; 3] = ["delivered", "failed", "dead_lettered"];
/// `rules::Check::kind` of the checks that need no person.
pub(super) const PROBE_KINDS: [&str; 5] = ["http", "tcp", "tls", "promql", "mqtt"];
const LOAD_OUTCOMES: [&str; 2] = ["success", "failure"];

pub(super) struct RuntimeMetrics {
    pub(super) journal_inputs: IntCounter,
    pub(super) journal_bytes: IntGauge,
    pub(super) journal_lag: Gauge,
    pub(super) commit_duration: Histogram,
    pub(super) commit_failures: IntCounter,
    pub(super) snapshots: IntCounter,
    pub(super) snapshot_duration: Histogram,
    pub(super) snapshot_bytes: IntGauge,
    pub(super) acknowledged_lost: IntCounter,
    pub(super) snapshots_passed_over: IntCounter,
    pub(super) database_files_gone: IntCounter,
    pub(super) backups: IntCounterVec,
    pub(super) backup_verified: IntGauge,
    pub(super) deliveries: IntCounterVec,
    pub(super) delivery_duration: HistogramVec,
    pub(super) outbox_waiting: IntGauge,
    pub(super) probes: IntCounterVec,
    pub(super) probe_duration: HistogramVec,
    pub(super) attended: IntGaugeVec,
    pub(super) audits: IntCounter,
    pub(super) heartbeats: IntCounterVec,
    pub(super) ready: IntGauge,
    pub(super) rulebook_ok: IntGauge,
    pub(super) rulebook_loads: IntCounterVec,
    pub(super) rulebook_rules: IntGauge,
    pub(super) rulebook_info: IntGaugeVec,
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

/// The Alertmanager release of the v2 API implemented here, by which clients choose their requests. Later releases
/// filter by `receiver_matchers` and show `routeLabels`, which we do not.
pub const ALERTMANAGER_VERSION: &str = "0.28.0";
