//! Counts what comes in.

use super::super::Metrics;
use super::super::bounded_label::OTHER;
use crate::metrics::ingest::METHODS;
use crate::metrics::ingest::PROTOCOLS;
use crate::metrics::ingest::known;
use crate::metrics::ingest::without_credentials;

impl Metrics {
    /// `protocol`: http or mqtt; `source`: the source file's name; `reason`: one of our own words.
    pub fn event_refused(&self, protocol: &str, source: &str, reason: &str) {
        self.events_refused(protocol, source, reason, 1);
    }

    /// Counts several at once, because under overload whole requests are refused.
    pub fn events_refused(&self, protocol: &str, source: &str, reason: &str, count: usize) {
        if count == 0 {
            return;
        }
        let protocol = known(&PROTOCOLS, protocol);
        let (source, reason) = (self.doors.sources.admit(source), self.doors.reasons.admit(reason));
        self.doors.refused.with_label_values(&[source.as_ref(), protocol, reason.as_ref()]).inc_by(count as u64);
    }

    /// Counts an unreadable message of that source that was kept.
    pub fn dead_lettered(&self, source: &str) {
        self.doors.dead_letters.with_label_values(&[self.doors.sources.admit(source).as_ref()]).inc();
    }

    /// `route`: the matched template, not the requested path (empty: none matched).
    pub fn http_answered(&self, route: &str, method: &str, status: u16, seconds: f64) {
        let route = self.doors.routes.admit(route);
        let code = if (100..600).contains(&status) { status.to_string() } else { OTHER.to_owned() };
        let method = known(&METHODS, method);
        self.doors.http_requests.with_label_values(&[route.as_ref(), method, code.as_str()]).inc();
        self.doors.http_duration.with_label_values(&[route.as_ref()]).observe(seconds);
    }

    /// `broker`: its address; the part before an `@` (credentials) is never shown. Called with `false` at the start.
    pub fn mqtt_connected(&self, broker: &str, connected: bool) {
        let broker = self.doors.brokers.admit(without_credentials(broker));
        self.doors.mqtt_connected.with_label_values(&[broker.as_ref()]).set(i64::from(connected));
        self.doors.mqtt_reconnects.with_label_values(&[broker.as_ref()]);
        self.doors.mqtt_unacknowledged.with_label_values(&[broker.as_ref()]);
        self.doors.mqtt_sessions_lost.with_label_values(&[broker.as_ref()]);
        self.doors.mqtt_filters_refused.with_label_values(&[broker.as_ref()]);
    }

    pub fn mqtt_reconnect(&self, broker: &str) {
        let broker = self.doors.brokers.admit(without_credentials(broker));
        self.doors.mqtt_reconnects.with_label_values(&[broker.as_ref()]).inc();
    }

    pub fn mqtt_session_lost(&self, broker: &str) {
        let broker = self.doors.brokers.admit(without_credentials(broker));
        self.doors.mqtt_sessions_lost.with_label_values(&[broker.as_ref()]).inc();
    }

    pub fn mqtt_filters_refused(&self, broker: &str, filters: usize) {
        let broker = self.doors.brokers.admit(without_credentials(broker));
        self.doors.mqtt_filters_refused.with_label_values(&[broker.as_ref()]).set(filters as i64);
    }

    /// Counts a protocol refusal or drop at the built-in listener, by reason.
    pub fn mqtt_refused(&self, reason: &str) {
        self.doors.mqtt_refused.with_label_values(&[self.doors.reasons.admit(reason).as_ref()]).inc();
    }

    /// How many of them so far; from then on their series is there.
    pub fn mqtt_refusals(&self, reason: &str) -> u64 {
        self.doors.mqtt_refused.with_label_values(&[self.doors.reasons.admit(reason).as_ref()]).get()
    }

    pub fn mqtt_unacknowledged(&self, broker: &str, messages: i64) {
        let broker = self.doors.brokers.admit(without_credentials(broker));
        self.doors.mqtt_unacknowledged.with_label_values(&[broker.as_ref()]).set(messages);
    }

    pub fn intake_waiting(&self, events: u32) {
        self.doors.intake_waiting.set(i64::from(events));
    }
}
