//! Every metric's name, unit and labels; and how an effect becomes one.
//!
//! Closed label sets exist at 0 from the start. Must never decide anything.

mod stopwatch;

pub use stopwatch::Stopwatch;

use crate::engine::Effect;

/// All metrics in one registry.
pub struct Metrics {}

impl Metrics {
    pub fn new() -> Metrics {
        todo!()
    }
    /// Counts what was just committed.
    pub fn observe(&self, _effects: &[Effect]) {
        todo!()
    }
    /// The text exposition of everything.
    pub fn render(&self) -> String {
        todo!()
    }
    /// `door`: http or mqtt; `source`: the source file's name.
    pub fn event_refused(&self, _door: &str, _source: &str, _reason: &str) {
        todo!()
    }
    pub fn dead_lettered(&self, _source: &str) {
        todo!()
    }
    pub fn http_answered(&self, _route: &str, _method: &str, _status: u16, _seconds: f64) {
        todo!()
    }
    pub fn mqtt_connected(&self, _broker: &str, _connected: bool) {
        todo!()
    }
    pub fn mqtt_reconnect(&self, _broker: &str) {
        todo!()
    }
    /// A protocol refusal or drop at the built-in listener, by reason.
    pub fn mqtt_refused(&self, _reason: &str) {
        todo!()
    }
    pub fn mqtt_unacknowledged(&self, _broker: &str, _messages: i64) {
        todo!()
    }
    pub fn delivery(&self, _channel: &str, _outcome: &str, _seconds: f64) {
        todo!()
    }
    pub fn outbox_waiting(&self, _notices: i64) {
        todo!()
    }
    pub fn committed(&self, _inputs: usize, _seconds: f64) {
        todo!()
    }
    pub fn commit_failed(&self) {
        todo!()
    }
    pub fn intake_waiting(&self, _events: u32) {
        todo!()
    }
    /// Seconds between the oldest waiting input's arrival and now.
    pub fn journal_lag(&self, _seconds: f64) {
        todo!()
    }
    pub fn journal_bytes(&self, _bytes: u64) {
        todo!()
    }
    pub fn snapshot_taken(&self, _seconds: f64, _bytes: u64) {
        todo!()
    }
    pub fn rulebook_loaded(&self, _ok: bool, _rules: usize) {
        todo!()
    }
    pub fn probe(&self, _kind: &str, _outcome: &str, _seconds: f64) {
        todo!()
    }
    pub fn ready(&self, _ready: bool) {
        todo!()
    }
    /// Gauges by what is open now: alerts by severity, incidents by (tier, priority), problems by state.
    pub fn set_open(
        &self,
        _alerts: &[(crate::model::Severity, i64)],
        _incidents: &[(crate::model::Tier, crate::model::Priority, i64)],
        _problems: &[(crate::problems::ProblemState, i64)],
    ) {
        todo!()
    }
}
