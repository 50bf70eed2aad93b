//! Counts commits, deliveries, snapshots and probes.

use super::super::Metrics;
use super::super::bounded_label::OTHER;
use super::super::ingest::known;
use crate::core::engine::{AttentionAudit, AttentionSource, DeliveryOutcome, WaitingKind};
use crate::core::inspections::ItemOutcome;
use crate::core::model::Timestamp;
use crate::core::rules::{Channel, Rulebook};
use crate::metrics::runtime::PROBE_KINDS;

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
    pub(in crate::metrics) fn begin_names(&self, sources: &[&str], rules: &[&str]) {
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
