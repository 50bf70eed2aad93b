//! The words that every room shares: moments and spans, labels and matchers, severities, ids, the event.
//!
//! Plain data and its arithmetic only. Must never read a clock, do I/O, or know a rule, an incident or a table.

mod bounds;
mod dead_letter;
mod event;
mod go_regex;
mod ids;
mod labels;
mod matcher;
mod matcher_parse;
mod moment;
mod one_line;
mod sections;
mod service;
mod severity;
mod silence;
mod staffing;

pub use bounds::{
    ANNOTATIONS_MAX, BoundedPairs, EVENTS_MAX, ID_MAX_BYTES, LABEL_MAX_BYTES, LABELS_MAX, NAME_MAX_BYTES, PairsOf,
    TEXT_MAX_BYTES, bounded_text, excerpt,
};
pub use dead_letter::DeadLetter;
pub use event::{Event, Expiry, Status};
pub(crate) use go_regex::search_regex;
pub use ids::{BadId, Cause, Fingerprint, IncidentId, Offset, Partition, ProblemId, RunId, SilenceId};
pub use labels::{BadLabels, Labels, LabelsBuilder};
pub(crate) use labels::{fnv1a, fnv1a_pair};
pub use matcher::{BadMatcher, Matcher, MatcherOp, Matchers};
pub use moment::{BadMoment, BadSpan, Moment, Span, Stamp};
pub use one_line::one_line;
pub use sections::{SECTION_COUNT, SectionKey, Sections};
pub use service::{
    BreachReason, CauseParty, Class, ClockFace, ClockKind, ClockState, ContactBy, ContactLog, Level, Outage,
};
pub use severity::{BadWord, Priority, Severity, Tier};
pub use silence::Silence;
pub use staffing::{Heartbeat, HeartbeatWord, Waiting};
