//! A configuration read key by key, so that unread keys can be reported.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::app::terminal::table::TextTable;

/// Settings without an equal here: the place, and the alternative.
#[derive(Debug, Default)]
pub(super) struct ImportReport(Vec<(String, String)>);

impl ImportReport {
    pub fn no_equal(&mut self, place: &str, instead: &str) {
        self.0.push((place.to_owned(), instead.to_owned()));
    }

    pub fn lines(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter()
    }
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return writeln!(f, "everything has its equal");
        }
        let mut table = TextTable::new(["no equal here", "instead"]);
        for (place, instead) in self.lines() {
            table.row([place.clone(), instead.clone()]);
        }
        write!(f, "{table}")
    }
}

/// A mapping at a path.
pub(super) struct Document {
    path: String,
    keys: BTreeMap<String, Value>,
}

impl Document {
    /// `None`: not a mapping.
    pub fn new(value: Value, path: String) -> Option<Document> {
        match value {
            Value::Object(map) => Some(Document { path, keys: map.into_iter().collect() }),
            Value::Null => Some(Document { path, keys: BTreeMap::new() }),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
        }
    }

    pub fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.keys.remove(key).filter(|value| !value.is_null())
    }

    pub fn map(&mut self, key: &str) -> Option<Document> {
        let path = self.at(key);
        self.take(key).and_then(|value| Document::new(value, path))
    }

    /// The mappings of a list.
    pub fn list(&mut self, key: &str) -> Vec<Document> {
        let path = self.at(key);
        let Some(Value::Array(items)) = self.take(key) else { return Vec::new() };
        let numbered = items.into_iter().enumerate();
        numbered.filter_map(|(number, item)| Document::new(item, format!("{path}[{number}]"))).collect()
    }

    pub fn text(&mut self, key: &str) -> Option<String> {
        self.take(key).map(text)
    }

    pub fn flag(&mut self, key: &str) -> bool {
        self.take(key) == Some(Value::Bool(true))
    }

    /// One text or a list of them.
    pub fn texts(&mut self, key: &str) -> Vec<String> {
        match self.take(key) {
            Some(Value::Array(items)) => items.into_iter().map(text).collect(),
            Some(one) => vec![text(one)],
            None => Vec::new(),
        }
    }

    /// A mapping of texts to texts.
    pub fn pairs(&mut self, key: &str) -> Vec<(String, String)> {
        match self.take(key) {
            Some(Value::Object(map)) => map.into_iter().map(|(name, value)| (name, text(value))).collect(),
            Some(_) | None => Vec::new(),
        }
    }

    /// The unread keys.
    pub fn rest(&mut self) -> Vec<String> {
        std::mem::take(&mut self.keys).into_keys().collect()
    }

    /// Reports the unread keys.
    pub fn leftovers(&mut self, report: &mut ImportReport) {
        for key in self.rest() {
            let place = self.at(&key);
            report.no_equal(&place, "left out");
        }
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
