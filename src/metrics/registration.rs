//! Creating and registering metrics. The `prometheus` crate's errors end here.

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

use super::names::MetricText;

pub(super) fn counter(registry: &Registry, text: &MetricText) -> IntCounter {
    register(registry, IntCounter::with_opts(options(text)))
}

pub(super) fn counters(registry: &Registry, text: &MetricText, labels: &[&str]) -> IntCounterVec {
    register(registry, IntCounterVec::new(options(text), labels))
}

pub(super) fn gauge(registry: &Registry, text: &MetricText) -> IntGauge {
    register(registry, IntGauge::with_opts(options(text)))
}

pub(super) fn fractional_gauge(registry: &Registry, text: &MetricText) -> Gauge {
    register(registry, Gauge::with_opts(options(text)))
}

pub(super) fn fractional_gauges(registry: &Registry, text: &MetricText, labels: &[&str]) -> GaugeVec {
    register(registry, GaugeVec::new(options(text), labels))
}

pub(super) fn gauges(registry: &Registry, text: &MetricText, labels: &[&str]) -> IntGaugeVec {
    register(registry, IntGaugeVec::new(options(text), labels))
}

pub(super) fn histogram(registry: &Registry, text: &MetricText, buckets: &[f64]) -> Histogram {
    register(registry, Histogram::with_opts(histogram_options(text, buckets)))
}

pub(super) fn histograms(registry: &Registry, text: &MetricText, labels: &[&str], buckets: &[f64]) -> HistogramVec {
    register(registry, HistogramVec::new(histogram_options(text, buckets), labels))
}

/// Gives each value of a one-label family its series, at 0.
pub(super) fn begin<B: MetricVecBuilder>(family: &MetricVec<B>, values: impl IntoIterator<Item = &'static str>) {
    for value in values {
        family.with_label_values(&[value]);
    }
}

fn options(text: &MetricText) -> Opts {
    Opts::new(text.name, text.help)
}

fn histogram_options(text: &MetricText, buckets: &[f64]) -> HistogramOpts {
    HistogramOpts::new(text.name, text.help).buckets(buckets.to_vec())
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let made = made.expect("names, labels and buckets are constants that every start of the service tries");
    registry.register(Box::new(made.clone())).expect("every name of names.rs is registered once");
    made
}
