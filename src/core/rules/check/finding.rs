//! One finding of `check`, and its kinds.

use crate::core::rules::SourceLocation;
use serde::Serialize;

/// A construct that a rulebook allows but that is hardly ever intended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckFinding {
    pub kind: FindingKind,
    /// The rule or inhibition.
    pub rule: String,
    #[serde(flatten)]
    pub place: SourceLocation,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// An earlier rule owns every alert that it matches.
    Unreachable,
    /// No event can fit it.
    Contradiction,
    /// It names an item or value missing in the inventory.
    NotInInventory,
    /// A site that no first line covers.
    OrphanSite,
    /// A calendar without any working time.
    NeverOpen,
    /// A calendar without the statutory holidays of the coming year.
    YearMissing,
    /// It has more keys than its limit allows.
    Bound,
    /// Its people cannot do its work in time.
    Capacity,
    /// Its condition may take more steps than it is given.
    Costly,
    /// It is evaluated for every event.
    Unindexed,
    /// Its incidents can be P1, but no playbook is set.
    NoPlaybook,
    /// A rule does not set the class of its incidents.
    Unclassified,
    /// The escalation steps may take longer than the SLA target.
    BeyondTarget,
    /// A source's samples say a severity that nobody knows.
    UnknownSeverity,
    /// People of a rotation whom no shift ever brings on.
    NeverOn,
}

impl FindingKind {
    pub const fn heading(self) -> &'static str {
        match self {
            FindingKind::Unreachable => "never reached, since an earlier rule owns all that they match",
            FindingKind::Contradiction => "fit nothing, since they contradict themselves",
            FindingKind::NotInInventory => "name what the inventory does not hold",
            FindingKind::NeverOpen => "are calendars in which nobody ever works",
            FindingKind::YearMissing => "are calendars that lack the statutory holidays of a year",
            FindingKind::OrphanSite => "are sites where nobody of the first line works",
            FindingKind::Bound => "will hit a bound",
            FindingKind::NoPlaybook => "can make a P1 and name no playbook",
            FindingKind::Capacity => "are more work than the people have time for",
            FindingKind::Costly => "have a condition that a large event may make too costly; then it does not hold",
            FindingKind::Unindexed => "tried for every event; a matcher such as alertname=\"…\" would index them",
            FindingKind::Unclassified => "say not what their incidents are; class: incident, event or request",
            FindingKind::UnknownSeverity => "have severity words that nobody knows, whose events count as minor",
            FindingKind::NeverOn => "are on-call schedules with people who are never on",
            FindingKind::BeyondTarget => "may take longer in their tiers than their targets promise",
        }
    }
}
