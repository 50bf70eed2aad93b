//! Metrics: every name, unit and label; and the mapping of effects to metrics.
//!
//! One registry, rendered at `/metrics`; the names stand in `names.rs`, and `dashboards/` uses them: a Grafana
//! dashboard (`watchfire.json`, its data source is chosen when it is imported) and Prometheus alerting rules
//! (`alerts.yaml`), both for a scrape job named `watchfire`. Closed label sets exist at 0 from the start, so that every
//! panel and alert has a series; names from outside (sources, rules, routes) are limited in length and number, and
//! count as `other` beyond the limit.
//!
//! Must never decide anything, and never be the only place of any information.

mod bounded_label;
mod engine;
mod ingest;
mod names;
mod on_call;
mod registration;
mod runtime;
mod stopwatch;
#[cfg(test)]
mod tests;

pub use stopwatch::Stopwatch;

use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TextEncoder};

use engine::EngineMetrics;
use ingest::IngestMetrics;
use runtime::RuntimeMetrics;

/// The Alertmanager release of the v2 API implemented here, by which clients choose their requests. Later releases
/// filter by `receiver_matchers` and show `routeLabels`, which we do not.
pub const ALERTMANAGER_VERSION: &str = "0.28.0";

/// All metrics in one registry. Shared by reference; every method takes `&self` and never blocks for long.
pub struct Metrics {
    registry: Registry,
    decided: EngineMetrics,
    doors: IngestMetrics,
    running: RuntimeMetrics,
}

impl Metrics {
    /// The media type of [`Metrics::render`]'s text.
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    pub fn new() -> Metrics {
        let registry = Registry::new();
        registry
            .register(Box::new(ProcessCollector::for_self()))
            .expect("the registry is empty and the process collector's names are its own");
        Metrics {
            decided: EngineMetrics::new(&registry),
            doors: IngestMetrics::new(&registry),
            running: RuntimeMetrics::new(&registry),
            registry,
        }
    }

    /// The text exposition of all metrics.
    pub fn render(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .expect("gathered families are named and hold a metric each; a String takes every write")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}
