//! The `sources:` section of rule files: the conversion of one tool's payload into events. Every supported tool is such
//! a text.
//!
//! ```yaml
//! sources:
//!   - name: acme                       # POST /api/v1/sources/acme
//!     mqtt:
//!       topics: ["acme/{site}/alarms"] # subscribed to as acme/+/alarms; `site` becomes a label
//!     format: json                     # json (default), text, xml, form (a=1&b=2, or multipart), env (`env -0`), or auto:
//!                                      # whichever of these but text it looks like; or sparkplug (B)
//!     encoding: gbk                    # of payloads that are not UTF-8; else as the Content-Type says
//!     unwrap: "payload="               # json only: text that this tool puts before its JSON; dropped when present
//!     nested_json: [Message]           # members, at any depth, that hold JSON as a text
//!     split: lines                     # text only: whole (default), lines or syslog (RFC 6587); each an item
//!     patterns: ['^(?P<host>\S+): (?P<what>.*)$']   # text only: the first that fits gives item.host, item.what; the whole
//!                                      # stays item.text
//!     pairs: '(?m)^(?P<name>\w+): (?P<value>.*)$'   # text only: all that fit are item.pairs['Host'] and so on
//!     each: payload.alarms             # a list of items; without it a list is its items, anything else is one item
//!     parts:                           # pieces for several expressions, as `parts.name`; later ones see earlier ones
//!       name: item.title.split(' on ')[0]
//!     skip_when: ["item.kind == 'comment'"]   # any true: no event; the item is counted and passed over
//!     id: item.uuid                    # the producer's own id, by which points are deduplicated
//!     status: item.state               # without it a severity of `cleared` means resolved, anything else firing
//!     statuses: {"1": firing, "0": resolved, log: point}
//!     labels_from: item.tags           # an object; its scalars become labels
//!     drop_labels: [state]             # of labels_from
//!     labels:                          # on top of labels_from and of the topic's
//!       alertname: item.name
//!       device: [item.device, payload.host]   # the first that yields something
//!     annotations_from: item.details
//!     annotations: {runbook: item.url}
//!     severity: item.level
//!     severities: {"5": critical, "4": major}   # else the words that tools commonly use
//!     summary: item.text               # else the annotation summary, description or message
//!     occurred_at: item.time           # RFC 3339, or seconds, milli-, micro- or nanoseconds since 1970
//!     time_format: "%Y.%m.%d %H:%M:%S" # for times in another spelling
//!     time_zone: Asia/Shanghai         # of such times; UTC by default
//!     value: item.reading
//!     generator_url: item.link
//!     silent_after: 5m                 # no message for that long: the event SourceSilent, until the next one comes
//!     silent_by: [site]                # each site by itself; default: one watch for all
//!     expires: 10m                     # ends that long after its last message; without it a resolved message ends it
//!     samples:                         # checked at load: one identity for both
//!       - firing: {…}                  # as the format reads it, or the body itself as a text
//!         resolved: {…}
//! ```
//!
//! Expressions are CEL over `payload` (all of it), `item`, `parts`, `topic`, `headers` (names in lower case) and
//! `query`; a fixed text is written `"'LinkDown'"`. Wherever one expression stands a list of them may stand: the first
//! that yields something (not null, not empty, no missing key) counts. `capture(text, 'pattern')` is the first group of a
//! pattern. Labels are the identity of an alert: only what
//! firing and clear share belongs there, the rest into annotations; the samples hold a source to it.
//!
//! A severity word that neither the file nor anybody knows is kept in the annotation `severity_word` and counted; the
//! status word says how bad it is, else the event is minor.

mod body;
mod compile;
mod format;
mod map;
mod raw;
mod time;
mod topic;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Expression;
use crate::core::model::{Severity, Status, TimeDelta};
pub(super) use crate::core::rules::syntax::source::OneOrMore;
pub use crate::core::rules::syntax::source::SourceSyntax;
use body::{Births, TextShape};
pub use body::{ParseBodyError, query_fields, utf8};
use compile::Compiling;
pub use format::Format;
pub use map::{Mapped, PayloadContext};
use topic::TopicPattern;

/// One source file's description of a tool's payload.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    /// MQTT topic filters of this source.
    pub topics: Vec<String>,
    /// Format of its bytes.
    pub format: Format,
    /// Of payloads that are not UTF-8.
    encoding: Option<&'static encoding_rs::Encoding>,
    /// Text before the JSON, removed if present.
    unwrap: Option<String>,
    /// Members that hold JSON as a text.
    nested_json: Vec<String>,
    text_shape: TextShape,
    /// Of Sparkplug B: what nodes said of themselves, forgotten when the rules are read anew.
    births: Arc<Births>,
    /// Silence of that length is an event of its own: the dead man's switch.
    pub silent_after: Option<TimeDelta>,
    /// Labels of which each value is watched separately.
    pub silent_by: Vec<String>,
    /// Severity words of its samples that nobody knows.
    pub unknown_severity_words: Vec<String>,
    mapping: Mapping,
}

/// The mapping of each item.
#[derive(Debug, Clone)]
struct Mapping {
    patterns: Vec<TopicPattern>,
    each: Vec<Expression>,
    parts: Vec<(String, Vec<Expression>)>,
    skip_when: Vec<Expression>,
    id: Vec<Expression>,
    status: Vec<Expression>,
    statuses: BTreeMap<String, Status>,
    labels_from: Vec<Expression>,
    drop_labels: Vec<String>,
    labels: BTreeMap<String, Vec<Expression>>,
    annotations_from: Vec<Expression>,
    annotations: BTreeMap<String, Vec<Expression>>,
    severity: Vec<Expression>,
    severities: BTreeMap<String, Severity>,
    summary: Vec<Expression>,
    occurred_at: Vec<Expression>,
    time_format: Option<String>,
    time_zone: TimeZone,
    value: Vec<Expression>,
    generator_url: Vec<Expression>,
    expires: Option<TimeDelta>,
}

/// One error in a source's text, and its place in the file (both from 1; 0 if unknown).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMistake {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

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

    /// True if a message on that topic belongs to this source.
    pub fn takes_topic(&self, topic: &str) -> bool {
        self.mapping.patterns.iter().any(|pattern| pattern.levels_of(topic).is_some())
    }
}

#[cfg(test)]
mod tests;
