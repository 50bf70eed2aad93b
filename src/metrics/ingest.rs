//! What happens at intake: HTTP and MQTT, refusals, dead letters, the intake queue.

use prometheus::{HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::bounded_label::{BoundedLabel, OTHER};
use super::engine::BUILT_IN_SOURCES;
use super::names;
use super::registration::{counters, gauge, gauges, histograms};

/// Distinct sources with series of their own.
const SOURCES_MAX: usize = 200;
/// Maximum number of distinct reasons of refusals; they are our own words, so only a bug makes more.
const REASONS_MAX: usize = 100;
/// Distinct brokers; from the configuration.
const BROKERS_MAX: usize = 16;
/// Distinct routes; templates such as `/api/v1/incidents/{id}`.
const ROUTES_MAX: usize = 200;

pub(super) const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
/// Origins of dead letters without a source: topics without a source, and inputs that the store refused.
const SOURCELESS: [&str; 2] = ["mqtt", "journal"];
pub(super) const PROTOCOLS: [&str; 2] = ["http", "mqtt"];

/// From a cached answer to a request that waited for a slow disk.
const REQUEST_SECONDS: [f64; 11] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

pub(super) struct IngestMetrics {
    pub(super) sources: BoundedLabel,
    pub(super) reasons: BoundedLabel,
    pub(super) brokers: BoundedLabel,
    pub(super) routes: BoundedLabel,
    pub(super) refused: IntCounterVec,
    pub(super) dead_letters: IntCounterVec,
    pub(super) intake_waiting: IntGauge,
    pub(super) http_requests: IntCounterVec,
    pub(super) http_duration: HistogramVec,
    pub(super) mqtt_connected: IntGaugeVec,
    pub(super) mqtt_reconnects: IntCounterVec,
    pub(super) mqtt_sessions_lost: IntCounterVec,
    pub(super) mqtt_filters_refused: IntGaugeVec,
    pub(super) mqtt_refused: IntCounterVec,
    pub(super) mqtt_unacknowledged: IntGaugeVec,
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

/// The word of the closed set, or `other`.
pub(super) fn known(set: &'static [&'static str], word: &str) -> &'static str {
    set.iter().copied().find(|candidate| *candidate == word).unwrap_or(OTHER)
}

pub(super) fn without_credentials(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, after)| after)
}
