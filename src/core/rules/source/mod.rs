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
mod definition;
mod format;
mod map;
mod raw;
mod time;
mod topic;
mod words;

pub(super) use crate::core::rules::syntax::source::OneOrMore;
pub use crate::core::rules::syntax::source::SourceSyntax;
pub use body::{ParseBodyError, query_fields, utf8};
pub use definition::{Source, SourceMistake};
pub use format::Format;
pub use map::{Mapped, PayloadContext};

#[cfg(test)]
mod tests;
