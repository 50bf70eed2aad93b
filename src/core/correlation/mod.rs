//! Correlation: alerts, suppression, windows and patterns of one correlation domain.
//!
//! Pure. A [`Correlator`] handles one input after another and returns [`Output`]s: changed alerts, and conditions
//! raised, suppressed and cleared, with the reason. Decides when a condition is raised and cleared; must never know
//! people, tiers or tickets, read a clock, or depend on anything but its inputs in their order.

mod alerts;
mod conditions;
mod correlator;
mod explain;
mod failed_match;
mod grouping;
mod input;
mod input_context;
mod invariants;
mod keys;
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

pub use alerts::dedup::EventId;
pub use alerts::nonconforming_names::{NonconformingName, QUARANTINE_MAX, Sightings};
pub use correlator::Correlator;
pub use explain::{
    ConditionMeaning, ConditionStatus, CountState, Explanation, Progress, RuleTrace, SuppressedByView, WindowPhase,
    WindowView,
};
pub use failed_match::FailedMatch;
pub use input::{Resend, SilenceInput};
pub use output::{
    AlertLink, AlertSuppressor, AlertView, CorrelationLimit, CorrelationMetric, CountedEvent, Decision, Firing,
    FiringEdge, GroupingDecision, LinkKind, Member, Normalised, Output, QuarantinedName, Raised, Refused,
    TemplateRecord, Verdict,
};
pub use state::{Frozen, ParseSectionError};
pub use templates::{TEMPLATES_MAX, TemplateId};

/// Maximum time between an event and its receipt; an earlier event time is moved to this limit.
pub const LATENESS: TimeDelta = TimeDelta::from_seconds(30);
/// Maximum lead of a producer's clock.
pub const LEAD: TimeDelta = TimeDelta::from_seconds(30);
/// Retention of a resolved alert.
pub const RESOLVED_RETENTION: TimeDelta = TimeDelta::from_minutes(30);
/// Time for which a silence is listed after its end.
pub const SILENCE_RETENTION: TimeDelta = TimeDelta::from_hours(120);
/// Maximum number of silences, expired ones included.
pub const SILENCES_MAX: usize = 10_000;
/// Maximum number of places watched for storms, over all storms of the rule files.
pub const STORM_PLACES_MAX: usize = 4_096;
/// Maximum number of resolved alerts remembered by one silence until resolved; beyond it the silence ends as a whole.
pub const RESOLVED_PER_SILENCE: usize = 10_000;
/// Retention of a message's identity, from the first time that it was seen.
pub const EVENT_ID_RETENTION: TimeDelta = TimeDelta::from_hours(1);
/// Maximum number of messages' identities.
pub const EVENT_IDS_MAX: usize = 1_000_000;
/// Maximum number of members shown of a raised condition.
pub const MEMBERS_SHOWN: usize = 1_000;
/// Number of counted events that a condition keeps in full.
pub const EVIDENCE_KEPT: usize = 20;
/// Maximum number of windows of one rule without a firing alert.
pub const WINDOWS_PER_RULE: usize = 100_000;
/// Interval at which the desk gets updates while points keep coming under a raised condition.
pub const TOLD_AGAIN_AFTER: TimeDelta = TimeDelta::from_minutes(1);
/// Maximum number of shared contexts.
pub const CONTEXTS_MAX: usize = 100_000;
/// Maximum depth of derived events.
pub const DERIVED_DEPTH: u8 = 8;
/// Maximum number of events derived from one input.
pub const DERIVED_AT_ONCE: usize = 1_000;
/// Minimum extension after a downtime of this service, because messages could not arrive.
pub const RESUME_GRACE: TimeDelta = TimeDelta::from_minutes(5);

/// The producer's time, moved into the allowed range; without one, `now`.
fn clamp_event_time(occurred_at: Option<Timestamp>, now: Timestamp) -> Timestamp {
    occurred_at.map_or(now, |occurred_at| occurred_at.clamp(now - LATENESS, now + LEAD))
}
