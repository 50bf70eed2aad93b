//! Types shared by all rooms: times and spans, labels and matchers, severities, ids, the event.
//!
//! Plain data and its arithmetic only. Must never read a clock, do I/O, or know a rule, an incident or a table.

mod broker_session;
mod dead_letter;
mod event;
mod go_regex;
mod hash;
mod ids;
mod labels;
mod limits;
mod matcher;
mod matcher_error;
mod matcher_parse;
mod service_desk;
mod severity;
mod severity_words;
mod sharded_map;
mod silence;
mod staffing;
mod text;
mod time;

pub use broker_session::{SessionFacts, SessionProgress, TakenMessage};
pub use dead_letter::DeadLetter;
pub use event::{Event, Expiry, Status};
pub(crate) use go_regex::search_regex;
pub(crate) use hash::{fnv1a, fnv1a_pair};
pub use ids::{Cause, Fingerprint, IncidentId, Offset, ParseIdError, Partition, ProblemId, RunId, SilenceId};
pub use labels::{Labels, LabelsBuilder, ParseLabelsError};
pub use limits::{
    ANNOTATIONS_MAX, BoundedPairs, EVENTS_MAX, ID_MAX_BYTES, LABEL_MAX_BYTES, LABELS_MAX, NAME_MAX_BYTES, PairsOf,
    TEXT_MAX_BYTES, bounded_text, excerpt,
};
pub use matcher::{Matcher, MatcherOp, Matchers};
pub use matcher_error::ParseMatcherError;
pub use service_desk::{
    BreachReason, CauseParty, Class, ClockFace, ClockKind, ClockState, ContactBy, ContactLog, Level, Outage,
};
pub use severity::{ParseWordError, Priority, Severity, Tier};
pub use sharded_map::{SECTION_COUNT, SectionKey, ShardedMap};
pub use silence::Silence;
pub use staffing::{Heartbeat, HeartbeatWord, Waiting};
pub use text::one_line;
pub use time::{ParseTimeDeltaError, ParseTimestampError, Stamp, TimeDelta, Timestamp};
