//! Correlation: alerts, what holds them back, windows and patterns of one correlation domain.
//!
//! Pure. A [`Correlator`] takes one input after another and says in [`Output`]s what they led to: which alerts changed,
//! which conditions were raised, held back and cleared, and why. Decides when a condition is raised and cleared; must
//! never know people, tiers or tickets, read a clock, or depend on anything but its inputs in their order.

mod alerts;
mod conditions;
mod correlator;
mod explain;
mod grouping;
mod input;
mod input_context;
mod invariants;
mod match_target;
mod matcher_index;
mod output;
mod patterns;
mod reload;
mod rule_index;
mod state;
mod suppression;
mod templates;
mod timers;
mod wording;

#[cfg(test)]
mod tests;

use crate::core::model::{TimeDelta, Timestamp};

pub use alerts::nonconforming_names::{NonconformingName, QUARANTINE_MAX, Sightings};
pub use correlator::Correlator;
pub use explain::{
    ConditionMeaning, ConditionStatus, CountState, Explanation, FailedMatch, Holder, Progress, RuleTrace, WindowPhase,
    WindowView,
};
pub use input::{Resend, SilenceInput};
pub use output::{
    AlertLink, AlertSuppressor, AlertView, CorrelationLimit, CorrelationMetric, CountedEvent, Decision, Firing,
    FiringEdge, GroupingDecision, LinkKind, Member, Normalised, Output, QuarantinedName, Raised, Refused,
    TemplateRecord, Verdict,
};
pub use state::{Frozen, ParseSectionError};
pub use templates::{TEMPLATES_MAX, TemplateId};

/// How much earlier than received an event may have happened; earlier ones are taken as from then.
pub const LATENESS: TimeDelta = TimeDelta::from_seconds(30);
/// How far ahead of us a producer's clock may be.
pub const LEAD: TimeDelta = TimeDelta::from_seconds(30);
/// When a v2 alert without an end ends after its last message.
pub const RESOLVE_TIMEOUT: TimeDelta = TimeDelta::from_minutes(5);
/// How long a resolved alert is remembered.
pub const RESOLVED_RETENTION: TimeDelta = TimeDelta::from_minutes(30);
/// How long a silence is listed after its end.
pub const SILENCE_RETENTION: TimeDelta = TimeDelta::from_hours(120);
/// How many silences there may be, expired ones included.
pub const SILENCES_MAX: usize = 10_000;
/// How many places storms are looked for at, all storms of the rule files together.
pub const STORM_PLACES_MAX: usize = 4_096;
/// The alerts that one silence until resolved remembers as resolved; with more it ends as a whole.
pub const RESOLVED_PER_SILENCE: usize = 10_000;
/// How long a producer's id of a point is remembered.
pub const EVENT_ID_RETENTION: TimeDelta = TimeDelta::from_hours(1);
/// How many of them at most.
pub const EVENT_IDS_MAX: usize = 1_000_000;
/// The members that a raised condition shows.
pub const MEMBERS_SHOWN: usize = 1_000;
/// The counted events that a condition keeps in full.
pub const EVIDENCE_KEPT: usize = 20;
/// The windows of one rule that no firing alert stands behind.
pub const WINDOWS_PER_RULE: usize = 100_000;
/// While points keep coming under a raised condition, the desk is told again that often.
pub const TOLD_AGAIN_AFTER: TimeDelta = TimeDelta::from_minutes(1);
/// How many shared contexts may live.
pub const CONTEXTS_MAX: usize = 100_000;
/// How deep events may be derived from derived ones.
pub const DERIVED_DEPTH: u8 = 8;
/// How many events one input may lead to.
pub const DERIVED_AT_ONCE: usize = 1_000;
/// What a downtime of ours grants at least, since we could not have seen the message.
pub const RESUME_GRACE: TimeDelta = TimeDelta::from_minutes(5);

/// The producer's time, moved into the range that we believe; without one, `now`.
fn clamp_event_time(occurred_at: Option<Timestamp>, now: Timestamp) -> Timestamp {
    occurred_at.map_or(now, |occurred_at| occurred_at.clamp(now - LATENESS, now + LEAD))
}
