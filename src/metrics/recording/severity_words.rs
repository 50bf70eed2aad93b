//! Counts severity words that no source maps.

use super::super::Metrics;
use prometheus::core::Collector;

impl Metrics {
    /// The severity words of that source that nobody knows and that came since the start, sorted.
    pub fn unknown_severity_words(&self, source: &str) -> Vec<String> {
        let mut words = Vec::new();
        for family in self.decided.severity_words.unknown.collect() {
            for metric in family.get_metric() {
                let value = |name: &str| {
                    metric.get_label().iter().find(|label| label.name() == name).map(|label| label.value())
                };
                if value("source") == Some(source) && metric.get_counter().get_value() > 0.0 {
                    words.extend(value("word").map(str::to_owned));
                }
            }
        }
        words.sort();
        words
    }
}
