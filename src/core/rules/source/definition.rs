//! The compiled form of one source: what its payloads look like, and where an event's parts stand in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::body::{Births, TextShape};
use super::format::Format;
use super::topic::TopicPattern;
use crate::core::model::{Severity, Status, TimeDelta};
use crate::core::rules::Expression;

/// One source file's description of a tool's payload.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    /// MQTT topic filters of this source.
    pub topics: Vec<String>,
    /// Format of its bytes.
    pub format: Format,
    /// Of payloads that are not UTF-8.
    pub(super) encoding: Option<&'static encoding_rs::Encoding>,
    /// Text before the JSON, removed if present.
    pub(super) unwrap: Option<String>,
    /// Members that hold JSON as a text.
    pub(super) nested_json: Vec<String>,
    pub(super) text_shape: TextShape,
    /// Of Sparkplug B: what nodes said of themselves, forgotten when the rules are read anew.
    pub(super) births: Arc<Births>,
    /// Silence of that length is an event of its own: the dead man's switch.
    pub silent_after: Option<TimeDelta>,
    /// Labels of which each value is watched separately.
    pub silent_by: Vec<String>,
    /// Severity words of its samples that nobody knows.
    pub unknown_severity_words: Vec<String>,
    pub(super) mapping: Mapping,
}

/// The mapping of each item.
#[derive(Debug, Clone)]
pub(super) struct Mapping {
    pub(super) patterns: Vec<TopicPattern>,
    pub(super) each: Vec<Expression>,
    pub(super) parts: Vec<(String, Vec<Expression>)>,
    pub(super) skip_when: Vec<Expression>,
    pub(super) id: Vec<Expression>,
    pub(super) status: Vec<Expression>,
    pub(super) statuses: BTreeMap<String, Status>,
    pub(super) labels_from: Vec<Expression>,
    pub(super) drop_labels: Vec<String>,
    pub(super) labels: BTreeMap<String, Vec<Expression>>,
    pub(super) annotations_from: Vec<Expression>,
    pub(super) annotations: BTreeMap<String, Vec<Expression>>,
    pub(super) severity: Vec<Expression>,
    pub(super) severities: BTreeMap<String, Severity>,
    pub(super) summary: Vec<Expression>,
    pub(super) occurred_at: Vec<Expression>,
    pub(super) time_format: Option<String>,
    pub(super) time_zone: TimeZone,
    pub(super) value: Vec<Expression>,
    pub(super) generator_url: Vec<Expression>,
    pub(super) expires: Option<TimeDelta>,
}

/// One error in a source's text, and its place in the file (both from 1; 0 if unknown).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMistake {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl Source {
    /// True if a message on that topic belongs to this source.
    pub fn takes_topic(&self, topic: &str) -> bool {
        self.mapping.patterns.iter().any(|pattern| pattern.levels_of(topic).is_some())
    }
}
