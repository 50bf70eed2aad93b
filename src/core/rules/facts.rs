//! Facts: data about an event beyond its own content, and the sections of rule files that they come from.
//!
//! A fact `site` is named `fact.site` wherever a label can be named. Facts are no part of an alert's identity.

use super::event_text::EventText;
use std::collections::BTreeMap;

use super::{Extraction, NamingStandard};
use crate::core::model::{Event, Labels, Matchers, Severity};

/// The normalising sections, in the order of the files. If several give one fact, the inventory's item comes first,
/// then the naming standard, the tables, the extractions.
#[derive(Debug, Default)]
pub struct Normalising {
    pub naming: Vec<NamingStandard>,
    pub extractions: Vec<Extraction>,
    pub tables: Vec<FactTable>,
    pub severities: Vec<SeverityWords>,
    pub templates: Vec<TemplateScope>,
}

/// A table whose rows are found by an event's values of some labels or facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactTable {
    pub name: String,
    /// The labels, or with `fact.` the facts, whose values find a row.
    pub keys: Vec<String>,
    rows: BTreeMap<String, Labels>,
}

impl FactTable {
    pub fn new(name: String, keys: Vec<String>) -> FactTable {
        FactTable { name, keys, rows: BTreeMap::new() }
    }

    /// Adds the facts of one row; returns false if a row of those values exists.
    pub fn insert(&mut self, values: &[&str], facts: Labels) -> bool {
        self.rows.insert(row_key(values.iter().copied()), facts).is_none()
    }

    /// The facts of the row of these values; an absent (empty) value finds none.
    pub fn find<'a>(&self, value: impl Fn(&str) -> &'a str) -> Option<&Labels> {
        let values: Vec<&str> = self.keys.iter().map(|name| value(name)).collect();
        if values.iter().any(|value| value.is_empty()) {
            return None;
        }
        self.rows.get(&row_key(values.into_iter()))
    }

    /// The facts of all rows.
    pub fn facts(&self) -> impl Iterator<Item = &Labels> {
        self.rows.values()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Each value with its length, so that no two lists of values give one text.
fn row_key<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let mut key = String::new();
    for value in values {
        key.push_str(&value.len().to_string());
        key.push(':');
        key.push_str(value);
    }
    key
}

/// Meanings of words as severities, if the event's source gives none.
#[derive(Debug, Clone)]
pub struct SeverityWords {
    pub matchers: Matchers,
    pub from: EventText,
    /// Words in lower case.
    pub words: BTreeMap<String, Severity>,
}

impl SeverityWords {
    /// The severity of the event's word; `None` for a word that is not listed.
    pub fn of(&self, event: &Event) -> Option<Severity> {
        self.words.get(&self.from.of(event).trim().to_lowercase()).copied()
    }
}

/// Selects the free texts that are mined for templates.
#[derive(Debug, Clone)]
pub struct TemplateScope {
    pub matchers: Matchers,
    pub from: EventText,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Status;

    #[test]
    fn a_row_is_found_by_all_its_values_and_by_nothing_else() {
        let mut table = FactTable::new("rooms".to_owned(), vec!["site".to_owned(), "fact.room".to_owned()]);
        assert!(table.insert(&["GZ01", "机房A"], Labels::from_pairs([("floor", "3")])));
        assert!(!table.insert(&["GZ01", "机房A"], Labels::empty()));
        assert!(table.insert(&["GZ01", "机房A"], Labels::from_pairs([("floor", "3")])) || table.len() == 1);
        let floor = |site: &'static str, room: &'static str| {
            table.find(|name| if name == "site" { site } else { room }).and_then(|row| row.get("floor"))
        };
        assert_eq!(floor("GZ01", "机房A"), Some("3"));
        assert_eq!(floor("GZ01", ""), None);
        assert_eq!(floor("GZ0", "1机房A"), None);
    }

    #[test]
    fn texts_of_an_event_are_named_as_in_expressions() {
        let mut event = Event::new("x", Status::Point, Labels::from_pairs([("a.b", "标签")]));
        event.summary = "summary".to_owned();
        let of = |text: &str| EventText::parse(text).map(|place| place.of(&event).to_owned());
        assert_eq!(of("summary").as_deref(), Some("summary"));
        assert_eq!(of("labels.a.b").as_deref(), Some("标签"));
        assert_eq!(of("annotations.a").as_deref(), Some(""));
        for bad in ["", "label", "labels.", "facts.a", "summary.x"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
