//! Runs a source over one parsed payload: its items, and an event from each.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::definition::{Mapping, Source};
use super::raw::raw;
use super::time::moment;
use super::words;
use crate::core::model::{
    ANNOTATIONS_MAX, BoundedPairs, EVENTS_MAX, Event, Expiry, ID_MAX_BYTES, Labels, PairsOf, Severity, Status,
    TEXT_MAX_BYTES, bounded_text, excerpt,
};
use crate::core::rules::Expression;

/// How much of an unknown severity word is kept, in bytes.
const WORD_MAX_BYTES: usize = 128;

/// Context of a payload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PayloadContext {
    /// The MQTT topic; empty over HTTP.
    pub topic: String,
    /// An object of texts by lower-case name; empty over MQTT.
    pub headers: Value,
    /// The URL's query, an object of texts.
    pub query: Value,
}

/// Result of mapping a payload.
#[derive(Debug, Default)]
pub struct Mapped {
    pub events: Vec<Event>,
    /// Index of each event's item in the payload, from 0.
    pub places: Vec<usize>,
    /// Items that are no valid events: their index from 0, and the reason.
    pub rejected: Vec<(usize, String)>,
    /// Items that `skip_when` passed over.
    pub skipped: usize,
}

impl Source {
    /// The events in a payload; fails if its items cannot be separated.
    pub fn map(&self, payload: &Value, context: &PayloadContext) -> Result<Mapped, String> {
        let topic = Value::String(context.topic.clone());
        let of_payload =
            [("payload", payload), ("topic", &topic), ("headers", &context.headers), ("query", &context.query)];
        let listed = match self.mapping.each.as_slice() {
            [] => None,
            each => Some(first(each, &of_payload).map_err(|why| format!("no list of items: {why}"))?),
        };
        let items = match (&listed, payload) {
            (Some(Value::Array(items)), _) | (None, Value::Array(items)) => items.as_slice(),
            (Some(other), _) => return Err(format!("each gives {}; expected a list of items", kind(other))),
            (None, one) => std::slice::from_ref(one),
        };
        if items.len() > EVENTS_MAX {
            return Err(format!("{} items in one payload; at most {EVENTS_MAX}", items.len()));
        }
        let mut mapped = Mapped::default();
        for (index, item) in items.iter().enumerate() {
            let parts = self.parts(item, of_payload);
            let bindings = with(&of_payload, item, &parts);
            match (MappedItem { source: self, mapping: &self.mapping, bindings, topic: &context.topic, item }).event() {
                Ok(Some(event)) => {
                    mapped.events.push(event);
                    mapped.places.push(index);
                }
                Ok(None) => mapped.skipped += 1,
                Err(why) => mapped.rejected.push((index, why)),
            }
        }
        Ok(mapped)
    }

    fn parts(&self, item: &Value, of_payload: [(&str, &Value); 4]) -> Value {
        let mut parts = Value::Object(Map::new());
        for (name, alternatives) in &self.mapping.parts {
            let found = first(alternatives, &with(&of_payload, item, &parts));
            if let (Ok(value), Some(parts)) = (found, parts.as_object_mut()) {
                parts.insert(name.clone(), value);
            }
        }
        parts
    }
}

/// Bindings for the expressions of one item.
fn with<'a>(of_payload: &[(&'a str, &'a Value); 4], item: &'a Value, parts: &'a Value) -> [(&'a str, &'a Value); 6] {
    let [payload, topic, headers, query] = *of_payload;
    [("item", item), ("parts", parts), payload, topic, headers, query]
}

/// The first alternative with a value; else the error of the last one.
fn first(alternatives: &[Expression], bindings: &[(&str, &Value)]) -> Result<Value, String> {
    let mut why = "it is not mapped".to_owned();
    for expression in alternatives {
        match expression.evaluate(bindings) {
            Ok(Value::Null) => why = format!("{expression} is null"),
            Ok(Value::String(text)) if text.is_empty() => why = format!("{expression} is empty"),
            Ok(value) => return Ok(value),
            Err(reason) => why = format!("{expression}: {reason}"),
        }
    }
    Err(why)
}

/// One item under the source's expressions.
struct MappedItem<'a> {
    source: &'a Source,
    mapping: &'a Mapping,
    bindings: [(&'a str, &'a Value); 6],
    topic: &'a str,
    item: &'a Value,
}

impl MappedItem<'_> {
    fn event(&self) -> Result<Option<Event>, String> {
        let mapping = self.mapping;
        for condition in &mapping.skip_when {
            match condition.evaluate(&self.bindings) {
                Ok(Value::Bool(true)) => return Ok(None),
                // A condition on a member that this item lacks does not hold.
                Ok(Value::Bool(false)) | Err(_) => {}
                Ok(other) => {
                    return Err(format!("skip_when ({condition}) gives {}; expected true or false", kind(&other)));
                }
            }
        }
        let status_word = self.status_word()?;
        let (severity, unknown_word) = self.severity(status_word.as_deref());
        let status = self.status(status_word.as_deref(), severity)?;
        let labels = self.labels()?;
        let mut annotations = self.annotations();
        if let Some(word) = unknown_word {
            annotations.insert(Event::SEVERITY_WORD.to_owned(), bounded_text(&word, WORD_MAX_BYTES).into_owned());
        }
        let occurred_at = self.occurred_at(&mut annotations);
        let annotations = bounded_annotations(annotations)?;
        let summary = self.text(&mapping.summary).or_else(|| {
            let names = ["summary", "description", "message"];
            names.into_iter().find_map(|name| annotations.get(name)).map(str::to_owned)
        });
        Ok(Some(Event {
            id: self.id()?,
            severity,
            summary: summary.map(|text| bounded_text(&text, TEXT_MAX_BYTES).into_owned()).unwrap_or_default(),
            annotations,
            occurred_at,
            value: self.number(),
            generator_url: self
                .text(&mapping.generator_url)
                .map(|text| bounded_text(&text, TEXT_MAX_BYTES).into_owned())
                .unwrap_or_default(),
            expiry: mapping.expires.map_or(Expiry::Never, Expiry::After),
            raw: Some(raw(self.item)),
            ..Event::new(&self.source.name, status, labels)
        }))
    }

    fn first(&self, alternatives: &[Expression]) -> Result<Value, String> {
        first(alternatives, &self.bindings)
    }

    fn text(&self, alternatives: &[Expression]) -> Option<String> {
        self.first(alternatives).ok().and_then(|value| scalar_text(&value))
    }

    fn id(&self) -> Result<Option<String>, String> {
        match self.text(&self.mapping.id) {
            Some(id) if id.len() > ID_MAX_BYTES => {
                Err(format!("id is {} bytes long; at most {ID_MAX_BYTES}", id.len()))
            }
            id => Ok(id.map(|id| id.replace('\0', "")).filter(|id| !id.is_empty())),
        }
    }

    /// The severity, and its word if nobody knows that. How bad it is then says the status word, if it can.
    fn severity(&self, status_word: Option<&str>) -> (Option<Severity>, Option<String>) {
        let Some(word) = self.text(&self.mapping.severity) else { return (None, None) };
        let meant = |word: &str| {
            let mapped = self.mapping.severities.get(&word.trim().to_lowercase()).copied();
            mapped.or_else(|| Severity::from_tool_word(word))
        };
        match meant(&word) {
            Some(severity) => (Some(severity), None),
            None => {
                let by_status = status_word.and_then(meant).filter(|severity| *severity != Severity::Cleared);
                (Some(by_status.unwrap_or(Event::UNKNOWN_WORD_MEANS)), Some(word))
            }
        }
    }

    /// `None` where the source maps no status.
    fn status_word(&self) -> Result<Option<String>, String> {
        if self.mapping.status.is_empty() {
            return Ok(None);
        }
        let given = self.first(&self.mapping.status).map_err(|why| format!("status: {why}"))?;
        Ok(Some(scalar_text(&given).unwrap_or_default()))
    }

    fn status(&self, word: Option<&str>, severity: Option<Severity>) -> Result<Status, String> {
        let Some(word) = word else {
            let cleared = severity == Some(Severity::Cleared);
            return Ok(if cleared { Status::Resolved } else { Status::Firing });
        };
        let lower = word.trim().to_lowercase();
        let status = self.mapping.statuses.get(&lower).copied().or_else(|| words::status(&lower));
        status.ok_or_else(|| {
            let known: Vec<&str> = self.mapping.statuses.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "firing, resolved, point".to_owned() } else { known.join(", ") };
            format!("status {:?} is not known; expected one of {known}", excerpt(word))
        })
    }

    fn labels(&self) -> Result<Labels, String> {
        let mut named: BTreeMap<String, String> = BTreeMap::new();
        if let Some(levels) = self.mapping.patterns.iter().find_map(|pattern| pattern.levels_of(self.topic)) {
            named.extend(levels.into_iter().map(|(name, level)| (name.to_owned(), level.to_owned())));
        }
        if let Ok(Value::Object(object)) = self.first(&self.mapping.labels_from) {
            let kept = object.into_iter().filter(|(name, _)| !self.mapping.drop_labels.contains(name));
            named.extend(kept.filter_map(|(name, value)| Some((name, scalar_text(&value)?))));
        }
        for (name, alternatives) in &self.mapping.labels {
            if let Some(text) = self.text(alternatives) {
                named.insert(name.clone(), text);
            }
        }
        let mut pairs = BoundedPairs::new(PairsOf::Labels);
        named.iter().for_each(|(name, value)| pairs.push(name, value));
        let labels = pairs.finish()?;
        if labels.is_empty() {
            let mut alternatives = self.mapping.labels.iter();
            let why = alternatives.find_map(|(name, all)| self.first(all).err().map(|why| format!("{name}: {why}")));
            let why = why.unwrap_or_else(|| "labels_from gives none".to_owned());
            return Err(format!("no label could be read from it ({why})"));
        }
        Ok(labels)
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        let mut named: BTreeMap<String, String> = BTreeMap::new();
        if let Ok(Value::Object(object)) = self.first(&self.mapping.annotations_from) {
            named.extend(object.into_iter().filter_map(|(name, value)| Some((name, any_text(&value)?))));
        }
        for (name, alternatives) in &self.mapping.annotations {
            if let Some(text) = self.first(alternatives).ok().and_then(|value| any_text(&value)) {
                named.insert(name.clone(), text);
            }
        }
        named
    }

    /// A time that cannot be read is kept as text: the event happened, and its arrival gives the approximate time.
    fn occurred_at(&self, annotations: &mut BTreeMap<String, String>) -> Option<crate::core::model::Timestamp> {
        let text = self.text(&self.mapping.occurred_at)?;
        let read = moment(&text, self.mapping.time_format.as_deref(), &self.mapping.time_zone);
        if read.is_none() {
            annotations.entry("occurred_at".to_owned()).or_insert(text);
        }
        read
    }

    fn number(&self) -> Option<f64> {
        let number = match self.first(&self.mapping.value).ok()? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        number.filter(|number| number.is_finite())
    }
}

/// A tool's annotations only describe: too many of them do not cost the event; a mark says that some are missing.
fn bounded_annotations(named: BTreeMap<String, String>) -> Result<Labels, String> {
    let left_out = named.len().checked_sub(ANNOTATIONS_MAX).filter(|left_out| *left_out > 0);
    let kept = if left_out.is_some() { ANNOTATIONS_MAX - 1 } else { ANNOTATIONS_MAX };
    let mut pairs = BoundedPairs::new(PairsOf::Annotations);
    let named = named.iter().filter(|(name, _)| !name.is_empty());
    named.take(kept).for_each(|(name, value)| pairs.push(name, value));
    if let Some(left_out) = left_out {
        pairs.push("annotations_left_out", &(left_out + 1).to_string());
    }
    pairs.finish()
}

/// Kind of a value, for an error message.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A scalar as text; null, lists and objects are none.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Anything but null as text, lists and objects as their JSON.
fn any_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(_) | Value::Object(_) => Some(value.to_string()),
        Value::String(_) | Value::Number(_) | Value::Bool(_) => scalar_text(value),
    }
}
