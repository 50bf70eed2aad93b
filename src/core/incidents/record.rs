//! The incident record as people see it, and its timeline.

use serde::{Deserialize, Serialize};

use super::{ProbableCause, SupportLog};
use crate::core::model::{
    BreachReason, Class, ClockFace, ContactLog, Fingerprint, IncidentId, Labels, Level, Outage, Priority, ProblemId,
    Severity, Tier, Timestamp, Waiting,
};

/// State of an incident. Tier, acknowledged and breached are attributes, never states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    New,
    Assigned,
    InProgress,
    Pending,
    Resolved,
    Closed,
    Merged,
    Cancelled,
}

impl IncidentState {
    pub const ALL: [IncidentState; 8] = [
        IncidentState::New,
        IncidentState::Assigned,
        IncidentState::InProgress,
        IncidentState::Pending,
        IncidentState::Resolved,
        IncidentState::Closed,
        IncidentState::Merged,
        IncidentState::Cancelled,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            IncidentState::New => "new",
            IncidentState::Assigned => "assigned",
            IncidentState::InProgress => "in_progress",
            IncidentState::Pending => "pending",
            IncidentState::Resolved => "resolved",
            IncidentState::Closed => "closed",
            IncidentState::Merged => "merged",
            IncidentState::Cancelled => "cancelled",
        }
    }

    /// True while work remains: not resolved, closed, merged or cancelled.
    pub const fn is_open(self) -> bool {
        match self {
            IncidentState::New | IncidentState::Assigned | IncidentState::InProgress | IncidentState::Pending => true,
            IncidentState::Resolved | IncidentState::Closed | IncidentState::Merged | IncidentState::Cancelled => false,
        }
    }
}

/// The party that a pending incident waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingOn {
    Customer,
    Vendor,
    Change,
}

impl PendingOn {
    pub const fn as_str(self) -> &'static str {
        match self {
            PendingOn::Customer => "customer",
            PendingOn::Vendor => "vendor",
            PendingOn::Change => "change",
        }
    }
}

/// One incident. The record for tables and API answers; its member alerts are stored separately.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    /// Counts every change, from 1; `If-Match` compares it.
    pub version: u64,
    pub title: String,
    pub state: IncidentState,
    /// While pending.
    pub pending_on: Option<PendingOn>,
    /// Once merged: the incident that continues.
    pub merged_into: Option<IncidentId>,
    pub tier: Tier,
    pub team: String,
    pub assignee: Option<String>,
    /// While no one of its team can take it.
    #[serde(default)]
    pub waiting: Option<Waiting>,
    pub priority: Priority,
    pub priority_reason: String,
    pub severity: Severity,
    /// The rule that opened it, and the group key of its alerts.
    pub rule: String,
    pub key: Labels,
    /// The labels common to all its alerts when it opened.
    pub labels: Labels,
    /// The identity for recurrence: of (rule, key).
    pub fingerprint: Fingerprint,
    /// Reason for its opening, in a sentence.
    pub reason: String,
    /// The item that its alerts point at, by their items in the inventory.
    #[serde(default)]
    pub root: Option<ProbableCause>,
    /// Number of alerts ever, and number of firing ones.
    pub alerts: u64,
    pub firing: u64,
    pub opened_at: Timestamp,
    /// First acknowledgement; never reset.
    pub acknowledged_at: Option<Timestamp>,
    /// True if the present tier has acknowledged.
    pub acknowledged: bool,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    /// Respond-by or resolve-by passed at some tier.
    pub breached: bool,
    /// Number of escalations.
    pub escalations: u32,
    pub reopened: u32,
    /// Reason for suppressing its notifications: every firing alert is silenced or inhibited.
    pub held: Option<String>,
    pub problem: Option<ProblemId>,
    /// The incident whose handling revealed it: one fault with it, counted once.
    #[serde(default)]
    pub found_during: Option<IncidentId>,
    /// Similar earlier incidents, the most similar first, as of its opening.
    #[serde(default)]
    pub similar: Vec<SimilarIncident>,
    /// The newest items of inspection runs that found it: `RUN-7/ups`.
    #[serde(default)]
    pub findings: Vec<String>,
    /// The workaround of a matching known error, as of the opening or its publication.
    pub workaround: Option<String>,
    pub runbook: Option<String>,
    /// Records of the tiers' support work.
    #[serde(default)]
    pub support: SupportLog,
    /// Diagnoses that the tiers wrote when they escalated it.
    pub diagnosis: Option<String>,
    pub resolution: Option<String>,
    /// The newest digests that contain it: `DIG-…`.
    #[serde(default)]
    pub digests: Vec<String>,
    /// True if it will never page, because the catch-all or an unpaged rule opened it.
    pub unpaged: bool,
    /// Time of the next escalation event, if armed; else `unarmed` gives the reason.
    pub next_step_at: Option<Timestamp>,
    pub unarmed: Option<String>,
    /// Incident, event or request, as set by its rule.
    #[serde(default)]
    pub class: Class,
    /// Outside the service catalogue: no SLA target applies.
    #[serde(default)]
    pub out_of_catalogue: bool,
    /// Inputs of the priority, if the rule sets them.
    #[serde(default)]
    pub impact: Option<Level>,
    #[serde(default)]
    pub urgency: Option<Level>,
    /// Status of its SLA clocks, as of `updated_at`; empty without a target.
    #[serde(default)]
    pub clocks: Vec<ClockFace>,
    /// Logged contacts with the user, oldest first.
    #[serde(default)]
    pub contacts: Vec<ContactLog>,
    /// Reason for a breach, once a person gave it.
    #[serde(default)]
    pub breach_reason: Option<BreachReason>,
    /// Outages that it caused.
    #[serde(default)]
    pub outages: Vec<Outage>,
    pub updated_at: Timestamp,
    /// Who resolved it, while it is; unknown of rows from before this was kept.
    #[serde(default)]
    pub resolved_by: Option<ResolvedBy>,
}

/// Who resolved an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedBy {
    Person,
    /// All its alerts cleared and stayed so.
    Itself,
}

/// A similar earlier incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimilarIncident {
    pub incident: IncidentId,
    /// Cosine of the terms of both, 0 to 1.
    pub similarity: f64,
}

impl Incident {
    /// Maximum number of inspection findings.
    pub const FINDINGS_MAX: usize = 20;
}

/// One line of an incident's history. Append-only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    pub incident: IncidentId,
    pub at: Timestamp,
    pub kind: TimelineKind,
    /// The person, or the part of watchfire (`ladder`, `rule link-down`) behind it.
    pub actor: String,
    pub text: String,
    /// The tier in charge after this; `None`: no tier is paged for it.
    #[serde(default)]
    pub tier: Option<Tier>,
    /// The outage, on an entry that records one.
    #[serde(default)]
    pub outage: Option<Outage>,
    /// What the kind does not say and reports count by. The text is for people alone: nothing reads it.
    #[serde(default)]
    pub fact: Option<TimelineFact>,
}

/// Data of a timeline entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineFact {
    /// A limit passed of an SLA target on trial.
    BreachedOnTrial,
    /// Why the incident was late, by its code.
    LateBecause { code: String },
    /// It ended as a part of that one.
    MergedInto { incident: IncidentId },
    /// That one has become a part of it.
    TookIn { incident: IncidentId },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    Opened,
    AlertJoined,
    AlertCleared,
    SeverityChanged,
    /// A condition of another rule or key became a part of it.
    Grouped,
    RootChanged,
    Paged,
    Escalated,
    StepSkipped,
    /// A higher tier handed it back to a lower one.
    HandedBack,
    /// Triage fields, written before an escalation.
    Triaged,
    /// A step of its playbook was done.
    StepTicked,
    /// Hierarchical escalation.
    ManagersTold,
    /// No one of the team can take it: it waits in the queue.
    Queued,
    Breached,
    Acknowledged,
    Assigned,
    Commented,
    Pended,
    Resumed,
    Held,
    Released,
    Resolved,
    Closed,
    Reopened,
    Merged,
    Cancelled,
    ProblemLinked,
    WorkaroundOffered,
    Delivered,
    DeliveryFailed,
    WorkaroundTried,
    FoundDuring,
    /// The SLA target that applies from now on.
    Promised,
    TargetWarning,
    Contacted,
    BreachExplained,
    OutageNoted,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::incidents::sample;

    fn without(key: &str, record: &impl Serialize) -> serde_json::Value {
        let mut row = serde_json::to_value(record).unwrap();
        assert!(row.as_object_mut().unwrap().remove(key).is_some(), "{key} is kept");
        row
    }

    /// Rows that were written before a field was kept are read, and mean what they meant.
    #[test]
    fn rows_from_before_are_read() {
        let mut by_itself = sample();
        by_itself.resolve_by_itself(Timestamp::EPOCH).unwrap();
        let mut by_person = sample();
        by_person.resolve(Timestamp::EPOCH, "已更换光模块").unwrap();
        for (record, how) in [(by_itself, None), (by_person, Some("已更换光模块"))] {
            let old: Incident = serde_json::from_value(without("resolved_by", &record)).unwrap();
            assert_eq!(old.resolved_by, None);
            assert_eq!((record.resolved_how(), old.resolved_how()), (how, how));
        }
        let line = TimelineEntry {
            incident: IncidentId(1),
            at: Timestamp::EPOCH,
            kind: TimelineKind::Merged,
            actor: "grouping".to_owned(),
            text: "into INC-2".to_owned(),
            tier: None,
            outage: None,
            fact: Some(TimelineFact::MergedInto { incident: IncidentId(2) }),
        };
        let old: TimelineEntry = serde_json::from_value(without("fact", &line)).unwrap();
        assert_eq!(old, TimelineEntry { fact: None, ..line });
    }
}
