//! A configuration read key by key, so that unread keys can be reported.

use std::collections::BTreeMap;

use super::yaml::{Node, Value};
use crate::app::terminal::table::TextTable;

/// A setting in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub path: String,
    pub line: usize,
}

/// Settings without an equal here: the place, and the alternative.
#[derive(Debug, Default)]
pub(super) struct ImportReport(Vec<(Place, String)>);

impl ImportReport {
    pub fn no_equal(&mut self, place: Place, instead: impl Into<String>) {
        self.0.push((place, instead.into()));
    }

    pub fn lines(&self) -> impl Iterator<Item = &(Place, String)> {
        self.0.iter()
    }

    /// In the order of the file, each line with its place as editors find it.
    pub fn render(&self, file: &str) -> String {
        if self.0.is_empty() {
            return "everything has its equal\n".to_owned();
        }
        let mut sorted: Vec<&(Place, String)> = self.lines().collect();
        sorted.sort_by_key(|(place, _)| place.line);
        let mut table = TextTable::new(["no equal here", "setting", "instead"]);
        for (place, instead) in sorted {
            table.row([format!("{file}:{}", place.line), place.path.clone(), instead.clone()]);
        }
        table.to_string()
    }
}

/// A mapping at a path.
pub(super) struct Document {
    path: String,
    line: usize,
    keys: BTreeMap<String, Node>,
    /// Of all keys, those that were read too.
    lines: BTreeMap<String, usize>,
}

impl Document {
    /// `None`: not a mapping.
    pub fn new(node: Node, path: String) -> Option<Document> {
        let pairs = match node.value {
            Value::Map(pairs) => pairs,
            Value::Null => Vec::new(),
            Value::Text(_) | Value::List(_) => return None,
        };
        let lines = pairs.iter().map(|(name, node)| (name.clone(), node.line)).collect();
        Some(Document { path, line: node.line, keys: pairs.into_iter().collect(), lines })
    }

    /// The place of a key; of the mapping itself, if it does not have the key.
    pub fn at(&self, key: &str) -> Place {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Place { path, line: self.lines.get(key).copied().unwrap_or(self.line) }
    }

    pub fn place(&self) -> Place {
        Place { path: self.path.clone(), line: self.line }
    }

    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.keys.remove(key).map(|node| node.value).filter(|value| !matches!(value, Value::Null))
    }

    pub fn map(&mut self, key: &str) -> Option<Document> {
        let Place { path, line } = self.at(key);
        self.take(key).and_then(|value| Document::new(Node { line, value }, path))
    }

    /// The mappings of a list.
    pub fn list(&mut self, key: &str) -> Vec<Document> {
        let path = self.at(key).path;
        let Some(Value::List(items)) = self.take(key) else { return Vec::new() };
        let numbered = items.into_iter().enumerate();
        numbered.filter_map(|(number, item)| Document::new(item, format!("{path}[{number}]"))).collect()
    }

    pub fn text(&mut self, key: &str) -> Option<String> {
        self.take(key).and_then(text)
    }

    /// As YAML 1.1 spells it.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        let word = self.text(key)?.to_lowercase();
        match word.as_str() {
            "true" | "yes" | "on" | "y" => Some(true),
            "false" | "no" | "off" | "n" => Some(false),
            _ => None,
        }
    }

    /// One text or a list of them.
    pub fn texts(&mut self, key: &str) -> Vec<String> {
        match self.take(key) {
            Some(Value::List(items)) => items.into_iter().filter_map(|item| text(item.value)).collect(),
            Some(one) => text(one).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// A mapping of texts to texts.
    pub fn pairs(&mut self, key: &str) -> Vec<(String, String)> {
        match self.take(key) {
            Some(Value::Map(map)) => {
                map.into_iter().map(|(name, node)| (name, text(node.value).unwrap_or_default())).collect()
            }
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
            report.no_equal(self.at(&key), "left out");
        }
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}
