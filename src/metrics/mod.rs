//! Metrics: every name, unit and label; and the mapping of effects to metrics.
//!
//! A renamed metric is exposed under its old name too, for one release (`names::OLD_NAMES`).
//!
//! One registry, rendered at `/metrics`; the names stand in `names.rs`, and `dashboards/` holds what asks for them: a
//! Grafana dashboard (`watchfire.json`, its data source is chosen when it is imported) and Prometheus alerting rules
//! (`alerts.yaml`), both for a scrape job named `watchfire`. Closed label sets exist at 0 from the start, so that every
//! panel and alert has a series; names from outside (sources, rules, routes) are limited in length and number, and
//! count as `other` beyond the limit.
//!
//! Must never decide anything, and never be the only place of any information.

mod bounded_label;
mod engine;
mod ingest;
mod instance;
mod listeners;
mod names;
mod on_call;
mod recording;
mod registration;
mod runtime;
mod severity_words;
mod stopwatch;
#[cfg(test)]
mod tests;

pub use instance::TakeoverReason;
pub use listeners::{ConnectionCut, HttpRefusal, Listener};
pub use stopwatch::Stopwatch;

use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{Registry, TextEncoder};

use engine::EngineMetrics;
use ingest::IngestMetrics;
use instance::InstanceMetrics;
use listeners::ListenerMetrics;
use runtime::RuntimeMetrics;

pub use runtime::ALERTMANAGER_VERSION;

/// All metrics in one registry. Shared by reference; every method takes `&self` and never blocks for long.
pub struct Metrics {
    registry: Registry,
    decided: EngineMetrics,
    doors: IngestMetrics,
    listeners: ListenerMetrics,
    running: RuntimeMetrics,
    instance: InstanceMetrics,
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
            listeners: ListenerMetrics::new(&registry),
            running: RuntimeMetrics::new(&registry),
            instance: InstanceMetrics::new(&registry),
            registry,
        }
    }

    /// The text exposition of all metrics.
    pub fn render(&self) -> String {
        let mut families = self.registry.gather();
        let old: Vec<_> = families.iter().filter_map(under_old_name).collect();
        families.extend(old);
        TextEncoder::new()
            .encode_to_string(&families)
            .expect("gathered families are named and hold a metric each; a String takes every write")
    }
}

/// The family once more under the name that it had before; `None` where it had no other.
fn under_old_name(family: &MetricFamily) -> Option<MetricFamily> {
    let renamed = names::OLD_NAMES.iter().find(|renamed| renamed.new == family.name())?;
    let mut old = family.clone();
    old.set_name(renamed.old.to_owned());
    old.set_help(format!("Deprecated name of {}.", renamed.new));
    if let Some((new_label, old_label)) = renamed.label {
        let labels = old.mut_metric().iter_mut().flat_map(|metric| metric.mut_label());
        for label in labels.filter(|label| label.name() == new_label) {
            label.set_name(old_label.to_owned());
        }
    }
    Some(old)
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}
