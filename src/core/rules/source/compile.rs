//! From a source's text to its compiled form: every diagnostic with its place, then the samples.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use regex::Regex;
use serde_json::Value;
use serde_saphyr::Location;

use super::Format;
use super::body::{Split, TextShape};
use super::definition::{Mapping, Source, SourceMistake};
use super::map::PayloadContext;
use super::topic::TopicPattern;
use crate::core::calendar::time_zone;
use crate::core::model::{Event, LABELS_MAX, NAME_MAX_BYTES, Severity, Status, TimeDelta, search_regex};
use crate::core::rules::Expression;
use crate::core::rules::expression::ParseExpressionError;
use crate::core::rules::syntax::source::{InOrder, OneOrMore, SampleSyntax, SourceSyntax};
use crate::core::rules::syntax::spanned::Spanned;

/// Source names reserved for events of the built-in APIs.
const RESERVED_NAMES: [&str; 4] = ["v2", "native", "inspection", "watchfire"];
const NAME_MAX: usize = 64;
const TOPICS_MAX: usize = 64;
const ALTERNATIVES_MAX: usize = 16;
const SAMPLES_MAX: usize = 64;
const PATTERNS_MAX: usize = 32;
const PARTS_MAX: usize = 16;
const SILENT_BY_MAX: usize = 4;
const SILENT_AFTER_MAX: TimeDelta = TimeDelta::from_days(7);

const OF_PAYLOAD: [&str; 4] = ["payload", "topic", "headers", "query"];
const OF_ITEM: [&str; 6] = ["item", "parts", "payload", "topic", "headers", "query"];

impl Source {
    /// Compiles a source and runs its samples, or returns all errors.
    pub fn compile(text: SourceSyntax) -> Result<Source, Vec<SourceMistake>> {
        let mut compiling = Compiling::default();
        let samples = text.samples.clone();
        let mut source = compiling.source(text);
        if compiling.mistakes.is_empty() {
            samples.iter().for_each(|sample| compiling.sample(&source, sample));
        }
        source.unknown_severity_words = std::mem::take(&mut compiling.unknown_severity_words);
        compiling.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        if compiling.mistakes.is_empty() { Ok(source) } else { Err(compiling.mistakes) }
    }
}

/// A source while it is compiled; diagnostics are collected, not thrown.
#[derive(Default)]
pub(super) struct Compiling {
    pub mistakes: Vec<SourceMistake>,
    /// Of the samples, sorted.
    pub unknown_severity_words: Vec<String>,
}

impl Compiling {
    pub fn source(&mut self, text: SourceSyntax) -> Source {
        self.check_name(&text.name);
        self.check_sizes(&text);
        let patterns = self.topics(&text);
        let severities = self.words(&text.severities, |word| word.parse::<Severity>().map_err(|bad| bad.to_string()));
        let statuses = self.words(&text.statuses, |word| {
            Status::from_word(word).ok_or_else(|| format!("{word:?} is not a status; expected firing, resolved, point"))
        });
        let format = text.format.as_ref().map_or(Format::Json, |format| self.format(format));
        if let Some(unwrap) = text.unwrap.as_ref().filter(|_| !matches!(format, Format::Json | Format::Auto)) {
            self.mistake(unwrap.referenced, "unwrap goes with format: json only");
        }
        let encoding = text.encoding.as_ref().and_then(|name| self.encoding(name));
        let text_shape = self.text_shape(&text, format);
        let mapping = Mapping {
            each: self.expressions(text.each.as_ref(), &OF_PAYLOAD),
            parts: self.parts(&text.parts),
            skip_when: self.of_item(text.skip_when.as_ref()),
            id: self.of_item(text.id.as_ref()),
            status: self.of_item(text.status.as_ref()),
            statuses,
            labels_from: self.of_item(text.labels_from.as_ref()),
            drop_labels: text.drop_labels,
            labels: self.named(&text.labels),
            annotations_from: self.of_item(text.annotations_from.as_ref()),
            annotations: self.named(&text.annotations),
            severity: self.of_item(text.severity.as_ref()),
            severities,
            summary: self.of_item(text.summary.as_ref()),
            occurred_at: self.of_item(text.occurred_at.as_ref()),
            time_format: text.time_format.map(|format| format.value),
            time_zone: text.time_zone.as_ref().map_or(TimeZone::UTC, |zone| self.time_zone(zone)),
            value: self.of_item(text.value.as_ref()),
            generator_url: self.of_item(text.generator_url.as_ref()),
            expires: text.expires.as_ref().and_then(|span| self.expires(span)),
            patterns,
        };
        let silent_after = text.silent_after.as_ref().and_then(|text| self.silent_after(text));
        if let (None, Some(_)) = (&text.silent_after, text.silent_by.first()) {
            self.mistake(text.name.referenced, "silent_by: goes with silent_after:");
        }
        Source {
            silent_after,
            silent_by: text.silent_by,
            name: text.name.value,
            topics: mapping.patterns.iter().map(|pattern| pattern.filter.clone()).collect(),
            format,
            encoding,
            unwrap: text.unwrap.map(|unwrap| unwrap.value),
            nested_json: text.nested_json,
            text_shape,
            births: Arc::default(),
            unknown_severity_words: Vec::new(),
            mapping,
        }
    }

    /// Runs one sample: it must be readable, match its declared status, and give firing and resolved one identity.
    pub fn sample(&mut self, source: &Source, sample: &SampleSyntax) {
        let headers = sample.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_str().into()));
        let context = PayloadContext {
            topic: sample.topic.clone().unwrap_or_default(),
            headers: Value::Object(headers.collect()),
            query: Value::Object(serde_json::Map::new()),
        };
        let mut unknown = std::mem::take(&mut self.unknown_severity_words);
        let mut run = |payload: &Option<Spanned<Value>>, expected: Status| {
            let payload = payload.as_ref()?;
            match run_sample(source, &payload.value, &context, expected) {
                Ok(events) => {
                    unknown.extend(events.iter().filter_map(Event::unknown_severity_word).map(str::to_owned));
                    Some((payload.referenced, events))
                }
                Err(message) => {
                    self.mistake(payload.referenced, format!("the {} sample: {message}", expected.as_str()));
                    None
                }
            }
        };
        let firing = run(&sample.firing, Status::Firing);
        let resolved = run(&sample.resolved, Status::Resolved);
        run(&sample.point, Status::Point);
        unknown.sort();
        unknown.dedup();
        self.unknown_severity_words = unknown;
        let (Some((_, firing)), Some((place, resolved))) = (firing, resolved) else { return };
        let identities = |events: &[Event]| events.iter().map(|event| event.labels.fingerprint()).collect::<Vec<_>>();
        if identities(&firing) != identities(&resolved) {
            let labels = |events: &[Event]| {
                events.iter().map(|event| event.labels.to_string()).collect::<Vec<_>>().join(" and ")
            };
            let (firing, resolved) = (labels(&firing), labels(&resolved));
            self.mistake(
                place,
                format!(
                    "the sample fires as {firing} but resolves as {resolved}; put into labels only what both share"
                ),
            );
        }
    }

    fn mistake(&mut self, place: Location, message: impl Into<String>) {
        let (line, column) = (place.line() as usize, place.column() as usize);
        self.mistakes.push(SourceMistake { line, column, message: message.into() });
    }

    fn check_name(&mut self, name: &Spanned<String>) {
        let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        if name.value.is_empty() || name.value.len() > NAME_MAX || !name.value.bytes().all(is_good) {
            let expected = format!("1 to {NAME_MAX} of a-z, 0-9, -, _ and .: it is part of a URL");
            self.mistake(name.referenced, format!("{:?} is not a source's name; expected {expected}", name.value));
        }
        if RESERVED_NAMES.contains(&name.value.as_str()) {
            self.mistake(name.referenced, format!("the name {:?} is taken by a built-in source", name.value));
        }
    }

    fn check_sizes(&mut self, text: &SourceSyntax) {
        let place = text.name.referenced;
        let mut at_most = |count: usize, max: usize, what: &str| {
            if count > max {
                self.mistake(place, format!("{count} {what} in one source; at most {max}"));
            }
        };
        at_most(text.labels.len(), LABELS_MAX, "labels");
        at_most(text.annotations.len(), LABELS_MAX, "annotations");
        at_most(text.silent_by.len(), SILENT_BY_MAX, "labels in silent_by");
        at_most(text.samples.len(), SAMPLES_MAX, "samples");
        at_most(text.mqtt.as_ref().map_or(0, |mqtt| mqtt.topics.len()), TOPICS_MAX, "topics");
        if text.labels.is_empty() && text.labels_from.is_none() {
            self.mistake(place, "labels are missing; give labels: or labels_from:");
        }
    }

    fn topics(&mut self, text: &SourceSyntax) -> Vec<TopicPattern> {
        let topics = text.mqtt.iter().flat_map(|mqtt| &mqtt.topics);
        let mut patterns = Vec::new();
        for topic in topics {
            match TopicPattern::parse(&topic.value) {
                Ok(pattern) => patterns.push(pattern),
                Err(message) => self.mistake(topic.referenced, message),
            }
        }
        patterns
    }

    fn format(&mut self, word: &Spanned<String>) -> Format {
        let known = Format::ALL.into_iter().find(|format| format.as_str() == word.value);
        known.unwrap_or_else(|| {
            let expected = Format::ALL.map(Format::as_str).join(", ");
            self.mistake(word.referenced, format!("{:?} is not a format; expected one of {expected}", word.value));
            Format::Json
        })
    }

    fn encoding(&mut self, name: &Spanned<String>) -> Option<&'static encoding_rs::Encoding> {
        let known = encoding_rs::Encoding::for_label(name.value.as_bytes());
        if known.is_none() {
            let message = format!("{:?} is not an encoding; expected one such as gbk, big5, windows-1252", name.value);
            self.mistake(name.referenced, message);
        }
        known
    }

    fn text_shape(&mut self, text: &SourceSyntax, format: Format) -> TextShape {
        if format != Format::Text {
            let of_text = [
                text.split.as_ref().map(|split| split.referenced),
                text.patterns.as_ref().map(|patterns| patterns.referenced),
                text.pairs.as_ref().map(|pairs| pairs.referenced),
            ];
            let misplaced: Vec<Location> = of_text.into_iter().flatten().collect();
            misplaced
                .into_iter()
                .for_each(|at| self.mistake(at, "split, patterns and pairs go with format: text only"));
            return TextShape::default();
        }
        let split = text.split.as_ref().map(|word| {
            let known = Split::ALL.into_iter().find(|split| split.as_str() == word.value);
            known.unwrap_or_else(|| {
                let expected = Split::ALL.map(Split::as_str).join(", ");
                self.mistake(word.referenced, format!("{:?} cuts no text; expected one of {expected}", word.value));
                Split::Whole
            })
        });
        let patterns = text.patterns.as_ref().map(each).unwrap_or_default();
        if patterns.len() > PATTERNS_MAX {
            let at = text.patterns.as_ref().map_or(text.name.referenced, |patterns| patterns.referenced);
            self.mistake(at, format!("{} patterns; at most {PATTERNS_MAX}", patterns.len()));
        }
        let patterns = patterns.into_iter().filter_map(|(pattern, at)| self.pattern(pattern, at, &[])).collect();
        let pairs = text.pairs.as_ref();
        let pairs = pairs.and_then(|pattern| self.pattern(&pattern.value, pattern.referenced, &["name", "value"]));
        TextShape { split: split.unwrap_or_default(), patterns, pairs }
    }

    fn pattern(&mut self, pattern: &str, at: Location, groups: &[&str]) -> Option<Regex> {
        match search_regex(pattern) {
            Ok(regex) => {
                let missing = groups.iter().find(|group| !regex.capture_names().flatten().any(|name| name == **group));
                if let Some(group) = missing {
                    self.mistake(at, format!("the pattern has no group {group:?}; write (?P<{group}>…)"));
                }
                Some(regex)
            }
            Err(bad) => {
                self.mistake(at, bad.reason);
                None
            }
        }
    }

    fn words<T>(
        &mut self,
        words: &BTreeMap<String, Spanned<String>>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> BTreeMap<String, T> {
        let mut read_words = BTreeMap::new();
        for (given, meant) in words {
            match read(&meant.value) {
                Ok(meant) => {
                    read_words.insert(given.to_lowercase(), meant);
                }
                Err(message) => self.mistake(meant.referenced, message),
            }
        }
        read_words
    }

    fn parts(&mut self, parts: &InOrder) -> Vec<(String, Vec<Expression>)> {
        if let Some((name, _)) = parts.0.get(PARTS_MAX) {
            self.mistake(name.referenced, format!("more than {PARTS_MAX} parts"));
        }
        let parts = parts.0.iter();
        parts.map(|(name, expressions)| (name.value.clone(), self.of_item(Some(expressions)))).collect()
    }

    fn named(&mut self, named: &BTreeMap<String, Spanned<OneOrMore>>) -> BTreeMap<String, Vec<Expression>> {
        let mut compiled = BTreeMap::new();
        for (name, expressions) in named {
            if name.is_empty() || name.len() > NAME_MAX_BYTES {
                self.mistake(expressions.referenced, format!("a name has 1 to {NAME_MAX_BYTES} bytes"));
            }
            compiled.insert(name.clone(), self.of_item(Some(expressions)));
        }
        compiled
    }

    fn of_item(&mut self, text: Option<&Spanned<OneOrMore>>) -> Vec<Expression> {
        self.expressions(text, &OF_ITEM)
    }

    fn expressions(&mut self, text: Option<&Spanned<OneOrMore>>, variables: &[&str]) -> Vec<Expression> {
        let Some(text) = text else { return Vec::new() };
        match &text.value {
            OneOrMore::One(one) => self.expression(one, text.referenced, variables).into_iter().collect(),
            OneOrMore::More(more) => {
                if more.is_empty() || more.len() > ALTERNATIVES_MAX {
                    self.mistake(text.referenced, format!("expected 1 to {ALTERNATIVES_MAX} expressions"));
                }
                more.iter().filter_map(|one| self.expression(&one.value, one.referenced, variables)).collect()
            }
        }
    }

    fn expression(&mut self, text: &str, place: Location, variables: &[&str]) -> Option<Expression> {
        match Expression::compile(text, variables) {
            Ok(expression) => Some(expression),
            Err(ParseExpressionError { reason, line, column }) => {
                // In the expression's first line the file's own column is known; further down only
                // the line is.
                let (line, column) = if line <= 1 {
                    (place.line() as usize, place.column() as usize + column.saturating_sub(1))
                } else {
                    (place.line() as usize + line - 1, column)
                };
                self.mistakes.push(SourceMistake { line, column, message: reason });
                None
            }
        }
    }

    fn time_zone(&mut self, name: &Spanned<String>) -> TimeZone {
        time_zone(&name.value).unwrap_or_else(|_| {
            let name_text = &name.value;
            self.mistake(
                name.referenced,
                format!("{name_text:?} is not a time zone; expected a name such as Asia/Shanghai"),
            );
            TimeZone::UTC
        })
    }

    fn silent_after(&mut self, text: &Spanned<String>) -> Option<TimeDelta> {
        match text.value.parse::<TimeDelta>() {
            Ok(span) if (TimeDelta::from_seconds(1)..=SILENT_AFTER_MAX).contains(&span) => return Some(span),
            Ok(span) => {
                self.mistake(text.referenced, format!("{span} is out of bounds; expected 1s to {SILENT_AFTER_MAX}"))
            }
            Err(bad) => self.mistake(text.referenced, bad.to_string()),
        }
        None
    }

    fn expires(&mut self, text: &Spanned<String>) -> Option<TimeDelta> {
        match text.value.parse::<TimeDelta>() {
            Ok(span) if !span.is_zero() => return Some(span),
            Ok(_) => self.mistake(text.referenced, "expires: must be longer than 0; leave it out for never"),
            Err(bad) => self.mistake(text.referenced, bad.to_string()),
        }
        None
    }
}

/// Each text of one or more, with its place.
fn each(text: &Spanned<OneOrMore>) -> Vec<(&str, Location)> {
    match &text.value {
        OneOrMore::One(one) => vec![(one, text.referenced)],
        OneOrMore::More(more) => more.iter().map(|one| (one.value.as_str(), one.referenced)).collect(),
    }
}

fn run_sample(
    source: &Source,
    payload: &Value,
    context: &PayloadContext,
    expected: Status,
) -> Result<Vec<Event>, String> {
    let read = match payload {
        Value::String(body) => Some(source.read(body.as_bytes(), context).map_err(|bad| bad.to_string())?),
        _ => None,
    };
    let mapped = source.map(read.as_ref().unwrap_or(payload), context)?;
    if let Some((index, why)) = mapped.rejected.first() {
        return Err(format!("item {index}: {why}"));
    }
    if mapped.events.is_empty() {
        return Err("gives no event".to_owned());
    }
    match mapped.events.iter().find(|event| event.status != expected) {
        Some(other) => Err(format!("gives the status {}", other.status.as_str())),
        None => Ok(mapped.events),
    }
}
