//! Why, and why not: questions to the engine that change nothing and are never journaled.

use super::Engine;
use super::correlator_adapter::PartitionCorrelator;
use crate::core::correlation::{Explanation, WindowView};
use crate::core::model::{Event, Fingerprint, Labels, Timestamp};

/// What may be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum ExplainRequest {
    /// What would become of this event now? `rule` is shown even if others are nearer.
    Event { event: Box<Event>, rule: Option<String> },
    /// The same of a known alert.
    Alert { fingerprint: Fingerprint, rule: Option<String> },
    /// The window of a rule under a key.
    Window { rule: String, key: Labels },
}

/// The answer to a [`super::ExplainRequest`]; nothing where nothing is known.
#[derive(Clone, Debug, PartialEq)]
pub enum ExplainResponse {
    Event(Box<Explanation>),
    Window(Box<WindowView>),
    Unknown,
}

impl Engine {
    /// Answers by the state as it is.
    pub fn explain(&self, now: Timestamp, question: &ExplainRequest) -> ExplainResponse {
        match question {
            ExplainRequest::Event { event, rule } => {
                let correlator = self.correlators.get(&self.partition_of(event)).map(PartitionCorrelator::correlator);
                let explanation = correlator.map(|correlator| correlator.explain(now, event, rule.as_deref()));
                explanation.map_or(ExplainResponse::Unknown, |found| ExplainResponse::Event(Box::new(found)))
            }
            ExplainRequest::Alert { fingerprint, rule } => {
                let mut correlators = self.correlators.values().map(PartitionCorrelator::correlator);
                let explanation = correlators.find_map(|one| one.explain_alert(now, *fingerprint, rule.as_deref()));
                explanation.map_or(ExplainResponse::Unknown, |found| ExplainResponse::Event(Box::new(found)))
            }
            ExplainRequest::Window { rule, key } => {
                let mut correlators = self.correlators.values().map(PartitionCorrelator::correlator);
                let window = correlators.find_map(|correlator| correlator.window(rule, key));
                window.map_or(ExplainResponse::Unknown, |window| ExplainResponse::Window(Box::new(window)))
            }
        }
    }
}
