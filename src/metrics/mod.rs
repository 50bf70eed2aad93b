//! Every metric's name, unit and labels; and how an effect becomes one.
//!
//! One registry, rendered at `/metrics`; the names stand in `names.rs`, and `dashboards/` holds what asks for them: a
//! Grafana dashboard (`watchfire.json`, its data source is chosen when it is imported) and Prometheus alerting rules
//! (`alerts.yaml`), both for a scrape job named `watchfire`. Closed label sets exist at 0 from the start, so that every
//! panel and alert has a series; what is named from outside (sources, rules, routes) is bounded in length and number,
//! and past the bound counts as `other`.
//!
//! Must never decide anything, and never be the only place where something is known.

mod bounded_label;
mod engine;
mod ingest;
mod instance;
mod names;
mod on_call;
mod registration;
mod runtime;
mod stopwatch;
#[cfg(test)]
mod tests;

pub use instance::TakeoverReason;
pub use stopwatch::Stopwatch;

use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TextEncoder};

use engine::EngineMetrics;
use ingest::IngestMetrics;
use instance::Instance;
use runtime::RuntimeMetrics;

/// The release of Alertmanager whose v2 API is answered here: clients choose by it what they may ask. Later ones filter
/// by `receiver_matchers` and show `routeLabels`, which we do not.
pub const ALERTMANAGER_VERSION: &str = "0.28.0";

/// All metrics in one registry. Shared by reference; every method takes `&self` and never blocks for long.
pub struct Metrics {
    registry: Registry,
    decided: EngineMetrics,
    doors: IngestMetrics,
    running: RuntimeMetrics,
    instance: Instance,
}

impl Metrics {
    /// The media type of what [`Metrics::render`] gives.
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
            instance: Instance::new(&registry),
            registry,
        }
    }

    /// The text exposition of everything.
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
