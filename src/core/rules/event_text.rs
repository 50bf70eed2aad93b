//! A text of an event, as rules name it.

use crate::core::model::Event;

/// Location of a text in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventText {
    Summary,
    Label(String),
    Annotation(String),
}

impl EventText {
    /// Parses the written form: `summary`, `labels.NAME`, `annotations.NAME`.
    pub fn parse(text: &str) -> Option<EventText> {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        match text.split_once('.') {
            None => (text == "summary").then_some(EventText::Summary),
            Some(("labels", name)) => named(name).map(EventText::Label),
            Some(("annotations", name)) => named(name).map(EventText::Annotation),
            Some(_) => None,
        }
    }

    /// The text; empty if absent.
    pub fn of<'a>(&self, event: &'a Event) -> &'a str {
        match self {
            EventText::Summary => &event.summary,
            EventText::Label(name) => event.labels.get(name).unwrap_or_default(),
            EventText::Annotation(name) => event.annotations.get(name).unwrap_or_default(),
        }
    }
}
