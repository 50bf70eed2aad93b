//! Outputs of a correlator after each input: plain data, in a fixed order, for the engine to record and pass on.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::alerts::nonconforming_names::NonconformingName;
use super::templates::TemplateId;
use crate::core::model::{
    Cause, Fingerprint, Labels, Severity, Silence, SilenceId, Stamp, Status, TimeDelta, Timestamp,
};

/// One consequence of an input.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// A transition of an alert, or a change of its description or suppression.
    AlertChanged(Box<AlertView>),
    /// A re-send changed only its times.
    AlertTouched {
        fingerprint: Fingerprint,
        ends_at: Stamp,
        updated_at: Timestamp,
    },
    /// A resolved alert was forgotten.
    AlertForgotten {
        fingerprint: Fingerprint,
    },
    /// For the desk.
    Decision(Box<Decision>),
    SilenceChanged(Box<Silence>),
    /// A silence is past its retention.
    SilenceForgotten {
        id: SilenceId,
    },
    /// Reply to the sender of the silence command.
    Answer(Result<SilenceId, Refused>),
    /// A reload removed or changed that rule while it had that many windows.
    WindowsDropped {
        rule: String,
        windows: u64,
    },
    /// A name that breaks the naming standard, or a free text's template.
    Normalised(Normalised),
    Count(CorrelationMetric),
}

/// A rule fired under a key, or its condition cleared; reported only after [`super::Correlator::follow_firings`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    pub rule: String,
    pub key: Labels,
    pub edge: FiringEdge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiringEdge {
    /// It fired: for the first time, or again while raised, suppressed or not.
    Fired,
    Cleared,
}

/// A name that breaks the naming standard, as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuarantinedName {
    pub label: String,
    pub name: String,
    pub source: String,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// Transitions and points that carried the name.
    pub count: u64,
}

/// A template of free texts, as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateRecord {
    pub id: TemplateId,
    /// With `<*>` for the variable parts.
    pub text: String,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub count: u64,
}

/// A finding of normalisation that people may want to review, reported each time it is seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Normalised {
    NameQuarantined {
        name: NonconformingName,
        at: Timestamp,
    },
    /// It was dropped for a newer one, after so many sightings.
    NameForgotten {
        name: NonconformingName,
        count: u64,
    },
    TemplateSeen {
        id: TemplateId,
        at: Timestamp,
        /// If it is new or has changed.
        text: Option<String>,
    },
    /// It was dropped for a newer one, after so many lines.
    TemplateForgotten {
        id: TemplateId,
        count: u64,
    },
}

/// An alert as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertView {
    pub fingerprint: Fingerprint,
    pub source: Arc<str>,
    pub status: Status,
    pub labels: Labels,
    /// Its enriched facts; no part of its identity.
    #[serde(default)]
    pub facts: Labels,
    pub annotations: Labels,
    pub summary: Arc<str>,
    pub severity: Severity,
    pub starts_at: Stamp,
    /// [`Timestamp::FAR_FUTURE`] while it fires and never expires.
    pub ends_at: Stamp,
    pub updated_at: Timestamp,
    pub generator_url: Arc<str>,
    pub silenced_by: Vec<SilenceId>,
    /// Empty or one: the lowest source of the first inhibition that suppresses it.
    pub inhibited_by: Vec<Fingerprint>,
    /// Empty or one: the alert on a dependency of its item.
    pub explained_by: Vec<Fingerprint>,
    /// Open maintenance windows that cover it.
    pub maintained_by: Vec<String>,
    /// `storm NAME site=GZ01`
    pub storm: Option<String>,
    /// The rule and key that own it; empty for an alert that was never seen firing.
    pub rule: String,
    pub key: Labels,
    /// Reason why it raised nothing so far: `rule R, 2 of 5`.
    pub held: Option<String>,
    /// Number of times it began to fire.
    pub transitions: u64,
    pub first_seen_at: Timestamp,
}

/// A change of one condition: a rule's key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub rule: String,
    pub key: Labels,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// The pattern fired: for the first time, or again while the condition is raised.
    Raised(Box<Raised>),
    /// An alert joined the raised condition, or changed its severity inside it.
    Joined { alert: Member },
    /// A member stopped firing, or moved to another rule.
    Left { fingerprint: Fingerprint },
    /// Every firing member is suppressed by that; repeated when it changes. `pauses`: all of them by approved changes,
    /// so that clocks pause.
    Held { by: String, pauses: bool },
    /// A member is free again.
    Released,
    /// The pattern and all members are clear.
    Cleared,
    /// The rule is gone or its window was dropped: no further decision follows.
    Retired,
    /// It is one incident with another raised condition.
    Grouped(Box<GroupingDecision>),
}

/// Another raised condition, and why both are one incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupingDecision {
    pub rule: String,
    pub key: Labels,
    /// `None`: found earlier, while this one was suppressed.
    pub because: Option<AlertLink>,
}

/// The link between two alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertLink {
    pub kind: LinkKind,
    /// The items involved: the one alert's, then the other's if it differs.
    pub items: Vec<String>,
    /// Time between the starts of both alerts.
    pub apart: TimeDelta,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkKind {
    SameItem,
    /// The new alert's item depends on the other's, over that many dependencies.
    DependsOn {
        hops: u32,
    },
    /// The other's item depends on the new alert's.
    DependsOnIt {
        hops: u32,
    },
    /// Most of what depends on one item has failed, though the item itself reports nothing.
    SameDependency,
    /// The inventory lists no dependency between them, but similar items have it.
    ProbablyDependsOn,
    /// Most of the site has failed.
    SameSite,
    /// Both began near each other, and their groups ended together; with the time between the ends.
    EndedTogether {
        within: TimeDelta,
    },
    /// A label that the rules name has the same value.
    SameValue,
}

impl fmt::Display for AlertLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |index: usize| self.items.get(index).map_or("", String::as_str);
        let (one, other, apart) = (name(0), name(1), self.apart);
        match self.kind {
            LinkKind::SameItem => write!(f, "both are of {one}, {apart} apart"),
            LinkKind::DependsOn { hops: 1 } => write!(f, "{one} depends on {other}, {apart} apart"),
            LinkKind::DependsOn { hops } => write!(f, "{one} depends on {other} over {hops} hops, {apart} apart"),
            LinkKind::DependsOnIt { hops: 1 } => write!(f, "{other} depends on {one}, {apart} apart"),
            LinkKind::DependsOnIt { hops } => write!(f, "{other} depends on {one} over {hops} hops, {apart} apart"),
            LinkKind::SameDependency => write!(f, "most of what depends on {one} has failed, {other} too"),
            LinkKind::ProbablyDependsOn => {
                write!(f, "{one} probably depends on {other}, as its likes do, {apart} apart")
            }
            LinkKind::SameSite => write!(f, "{one} failed with most of its site, as {other} did"),
            LinkKind::EndedTogether { within } => {
                write!(f, "{one} and {other} failed {apart} apart and were well again within {within}")
            }
            LinkKind::SameValue => write!(f, "a label says that they belong together, {apart} apart"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Raised {
    pub title: String,
    /// One sentence: which pattern, the counts, the window.
    pub reason: String,
    pub severity: Severity,
    /// Common labels of the members or, without members, of the counted events.
    pub labels: Labels,
    /// Its firing alerts, at most [`super::MEMBERS_SHOWN`]; the others follow as joined.
    pub members: Vec<Member>,
    /// The newest counted events, at most [`super::EVIDENCE_KEPT`].
    pub evidence: Vec<CountedEvent>,
    pub counts_for_recurrence: bool,
    /// The raised condition whose incident it joins.
    pub joins: Option<GroupingDecision>,
    /// Its suppressor: it is reported only because it joins another condition.
    pub held: Option<String>,
}

/// An alert inside a condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub fingerprint: Fingerprint,
    pub labels: Labels,
    pub severity: Severity,
    pub firing: bool,
    /// Event time of the transition that counts.
    pub since: Timestamp,
    /// True if it was under maintenance when it began to fire.
    pub maintained: bool,
}

/// One event that counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedEvent {
    /// Its position in the journal.
    pub cause: Cause,
    /// Its event time.
    pub at: Timestamp,
    pub source: String,
    pub status: Status,
    pub labels: Labels,
    #[serde(default)]
    pub facts: Labels,
    pub summary: String,
    pub severity: Severity,
    pub value: Option<f64>,
    /// True if it was suppressed when it came.
    pub suppressed: bool,
    /// True if it came under maintenance.
    pub maintained: bool,
    pub raw: Option<String>,
}

/// Reasons to refuse a silence command by state, in Alertmanager's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("{what}")]
    NotFound { what: String },
    #[error("{reason}")]
    Invalid { reason: String },
}

/// Counted occurrences that leave no record.
#[derive(Clone, Debug, PartialEq)]
pub enum CorrelationMetric {
    /// A message of a known alert that was no transition.
    Resent,
    /// A repeated point; a firing or resolved event that was seen before or that a later one overtook.
    Duplicate {
        source: String,
    },
    /// `occurred_at` lay outside the allowed range and was moved into it.
    Clamped,
    /// A point that matched no rule.
    Unmatched {
        source: String,
    },
    /// An alert or point is suppressed.
    Suppressed {
        by: AlertSuppressor,
    },
    Bound {
        which: CorrelationLimit,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertSuppressor {
    Silence,
    Maintenance,
    Inhibition,
    /// By an alert on one of its dependencies.
    Dependency,
    Storm,
}

/// A limit that was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CorrelationLimit {
    /// The oldest producer id was forgotten early.
    EventIds,
    /// A raised condition has more members than it shows.
    Members,
    /// The oldest window of a rule was dropped.
    Windows,
    /// An item has more ancestors than are examined.
    Ancestors,
    /// A place watched for storms was forgotten early.
    StormPlaces,
    /// A silence until resolved ended early.
    ResolvedUnderSilence,
    /// The oldest instance of a sequence was dropped.
    Instances,
    /// A context was not set, because there were too many.
    Contexts,
    /// An event was not derived, because it was too deep or one of too many at once.
    Derived,
    /// An alert was not grouped, because the group reached its size or its duration.
    Group,
    /// Recent sightings were forgotten early.
    Sightings,
    /// The nonconforming name not seen for longest was dropped.
    Quarantine,
    /// The template not seen for longest was forgotten.
    Templates,
}
