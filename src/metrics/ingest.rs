//! What happens at intake: HTTP and MQTT, refusals, dead letters, the intake queue.

use prometheus::{HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::bounded_label::{BoundedLabel, OTHER};
use super::engine::BUILT_IN_SOURCES;
use super::registration::{counters, gauge, gauges, histograms};
use super::{Metrics, names};

/// Distinct sources with series of their own.
const SOURCES_MAX: usize = 200;
/// Maximum number of distinct reasons of refusals; they are our own words, so only a bug makes more.
const REASONS_MAX: usize = 100;
/// Distinct brokers; from the configuration.
const BROKERS_MAX: usize = 16;
/// Distinct routes; templates such as `/api/v1/incidents/{id}`.
const ROUTES_MAX: usize = 200;

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
/// Origins of dead letters without a source: topics without a source, and inputs that the store refused.
const SOURCELESS: [&str; 2] = ["mqtt", "journal"];
const PROTOCOLS: [&str; 2] = ["http", "mqtt"];

/// From a cached answer to a request that waited for a slow disk.
const REQUEST_SECONDS: [f64; 11] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

pub(super) struct IngestMetrics {
    sources: BoundedLabel,
    reasons: BoundedLabel,
    brokers: BoundedLabel,
    routes: BoundedLabel,
    refused: IntCounterVec,
    dead_letters: IntCounterVec,
    intake_waiting: IntGauge,
    http_requests: IntCounterVec,
    http_duration: HistogramVec,
    mqtt_connected: IntGaugeVec,
    mqtt_reconnects: IntCounterVec,
    mqtt_sessions_lost: IntCounterVec,
    mqtt_filters_refused: IntGaugeVec,
    mqtt_refused: IntCounterVec,
    mqtt_unacknowledged: IntGaugeVec,
}

impl IngestMetrics {
    pub fn new(registry: &Registry) -> IngestMetrics {
        let doors = IngestMetrics {
            sources: BoundedLabel::new(SOURCES_MAX),
            reasons: BoundedLabel::new(REASONS_MAX),
            brokers: BoundedLabel::new(BROKERS_MAX),
            routes: BoundedLabel::new(ROUTES_MAX),
            // The crate tells series apart by their concatenated values, so a closed label is between two open ones.
            refused: counters(registry, &names::EVENTS_REFUSED, &["source", "protocol", "reason"]),
            dead_letters: counters(registry, &names::DEAD_LETTERS, &["source"]),
            intake_waiting: gauge(registry, &names::INTAKE_QUEUE),
            http_requests: counters(registry, &names::HTTP_REQUESTS, &["route", "method", "code"]),
            http_duration: histograms(registry, &names::HTTP_DURATION, &["route"], &REQUEST_SECONDS),
            mqtt_connected: gauges(registry, &names::MQTT_CONNECTED, &["broker"]),
            mqtt_reconnects: counters(registry, &names::MQTT_RECONNECTS, &["broker"]),
            mqtt_sessions_lost: counters(registry, &names::MQTT_SESSIONS_LOST, &["broker"]),
            mqtt_filters_refused: gauges(registry, &names::MQTT_FILTERS_REFUSED, &["broker"]),
            mqtt_refused: counters(registry, &names::MQTT_REFUSED, &["reason"]),
            mqtt_unacknowledged: gauges(registry, &names::MQTT_UNACKNOWLEDGED, &["broker"]),
        };
        for protocol in PROTOCOLS {
            doors.refused.with_label_values(&[OTHER, protocol, OTHER]);
        }
        for source in BUILT_IN_SOURCES.into_iter().chain(SOURCELESS).chain([OTHER]) {
            doors.begin_source(source);
        }
        doors.mqtt_refused.with_label_values(&[OTHER]);
        doors.http_requests.with_label_values(&["/metrics", "GET", "200"]);
        doors.http_duration.with_label_values(&["/metrics"]);
        doors
    }

    pub fn begin_source(&self, source: &str) {
        self.dead_letters.with_label_values(&[self.sources.admit(source).as_ref()]);
    }
}

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

/// The word of the closed set, or `other`.
pub(super) fn known(set: &'static [&'static str], word: &str) -> &'static str {
    set.iter().copied().find(|candidate| *candidate == word).unwrap_or(OTHER)
}

fn without_credentials(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, after)| after)
}
