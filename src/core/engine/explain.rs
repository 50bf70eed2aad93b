//! Why, and why not: questions to the engine that change nothing and are never journaled.

use super::Engine;
use super::correlator_adapter::Correlating;
use crate::core::correlation::{Explanation, WindowView};
use crate::core::model::{Event, Fingerprint, Labels, Moment};

/// What may be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// What would become of this event now? `rule` is shown even if others are nearer.
    Event { event: Box<Event>, rule: Option<String> },
    /// The same of a known alert.
    Alert { fingerprint: Fingerprint, rule: Option<String> },
    /// The window of a rule under a key.
    Window { rule: String, key: Labels },
}

/// The answer to a [`Question`]; nothing where nothing is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Explained {
    Event(Box<Explanation>),
    Window(Box<WindowView>),
    Unknown,
}

impl Engine {
    /// Answers by the state as it is.
    pub fn explain(&self, now: Moment, question: &Question) -> Explained {
        match question {
            Question::Event { event, rule } => {
                let correlator = self.correlators.get(&self.partition_of(event)).map(Correlating::correlator);
                let explanation = correlator.map(|correlator| correlator.explain(now, event, rule.as_deref()));
                explanation.map_or(Explained::Unknown, |found| Explained::Event(Box::new(found)))
            }
            Question::Alert { fingerprint, rule } => {
                let mut correlators = self.correlators.values().map(Correlating::correlator);
                let explanation = correlators.find_map(|one| one.explain_alert(now, *fingerprint, rule.as_deref()));
                explanation.map_or(Explained::Unknown, |found| Explained::Event(Box::new(found)))
            }
            Question::Window { rule, key } => {
                let mut correlators = self.correlators.values().map(Correlating::correlator);
                let window = correlators.find_map(|correlator| correlator.window(rule, key));
                window.map_or(Explained::Unknown, |window| Explained::Window(Box::new(window)))
            }
        }
    }
}
