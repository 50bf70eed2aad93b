//! Severity words that nobody knows: counted, and listed by source.

use prometheus::{IntCounterVec, Registry};

use super::bounded_label::{BoundedLabel, OTHER};
use super::names;
use super::registration::counters;
use crate::core::model::Event;

/// Distinct words with series of their own.
const WORDS_MAX: usize = 100;

pub(super) struct SeverityWordMetrics {
    pub(super) words: BoundedLabel,
    pub(super) unknown: IntCounterVec,
}

impl SeverityWordMetrics {
    pub fn new(registry: &Registry) -> SeverityWordMetrics {
        // The crate tells series apart by their values end to end: a closed label stands between two open ones.
        let unknown = counters(registry, &names::SEVERITY_WORDS_UNKNOWN, &["source", "counted_as", "word"]);
        unknown.with_label_values(&[OTHER, Event::UNKNOWN_WORD_MEANS.as_str(), OTHER]);
        SeverityWordMetrics { words: BoundedLabel::new(WORDS_MAX), unknown }
    }

    /// `source`: admitted already.
    pub fn count(&self, source: &str, word: &str) {
        let word = self.words.admit(word);
        self.unknown.with_label_values(&[source, Event::UNKNOWN_WORD_MEANS.as_str(), word.as_ref()]).inc();
    }
}

#[cfg(test)]
mod tests {
    use crate::core::engine::{Effect, Metric};
    use crate::metrics::Metrics;

    #[test]
    fn unknown_words_are_counted_and_listed_by_source() {
        let metrics = Metrics::new();
        for (source, word) in [("zabbix", "紫色"), ("zabbix", "a"), ("zabbix", "紫色"), ("nagios", "b")] {
            let (source, word) = (source.to_owned(), word.to_owned());
            metrics.observe(&[Effect::Count(Metric::SeverityUnknown { source, word })]);
        }
        assert_eq!(metrics.unknown_severity_words("zabbix"), ["a", "紫色"]);
        assert_eq!(metrics.unknown_severity_words("grafana"), Vec::<String>::new());
        let line = r#"watchfire_severity_words_unknown_total{counted_as="minor",source="zabbix",word="紫色"} 2"#;
        assert!(metrics.render().contains(line), "{}", metrics.render());
    }
}
