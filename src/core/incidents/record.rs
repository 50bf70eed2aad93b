//! The incident as people see it, and its timeline.

use serde::{Deserialize, Serialize};

use super::{ProbableCause, SupportLog};
use crate::core::model::{
    BreachReason, Class, ClockFace, ContactLog, Fingerprint, IncidentId, Labels, Level, Outage, Priority, ProblemId,
    Severity, Tier, Timestamp, Waiting,
};

/// Where an incident stands. Tier, acknowledged and breached are attributes, never states.
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

    /// Somebody still has to do something: not resolved, closed, merged or cancelled.
    pub const fn is_open(self) -> bool {
        match self {
            IncidentState::New | IncidentState::Assigned | IncidentState::InProgress | IncidentState::Pending => true,
            IncidentState::Resolved | IncidentState::Closed | IncidentState::Merged | IncidentState::Cancelled => false,
        }
    }
}

/// Whom a pending incident waits for.
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

/// One incident. The record of it in tables and answers; its member alerts are kept beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    /// Counts every change, from 1; `If-Match` compares it.
    pub version: u64,
    pub title: String,
    pub state: IncidentState,
    /// While pending.
    pub pending_on: Option<PendingOn>,
    /// Once merged: the incident that carries on.
    pub merged_into: Option<IncidentId>,
    pub tier: Tier,
    pub team: String,
    pub assignee: Option<String>,
    /// While its team has nobody who can take it.
    #[serde(default)]
    pub waiting: Option<Waiting>,
    pub priority: Priority,
    pub priority_reason: String,
    pub severity: Severity,
    /// The rule that opened it, and the key under which it holds its alerts.
    pub rule: String,
    pub key: Labels,
    /// What all its alerts had in common when it opened.
    pub labels: Labels,
    /// The identity for recurrence: of (rule, key).
    pub fingerprint: Fingerprint,
    /// Why it was opened, in a sentence.
    pub reason: String,
    /// The item that its alerts point at, as far as they are of items that the inventory holds.
    #[serde(default)]
    pub root: Option<ProbableCause>,
    /// How many alerts it ever held, and how many of them fire now.
    pub alerts: u64,
    pub firing: u64,
    pub opened_at: Timestamp,
    /// First acknowledgement; `None` again never.
    pub acknowledged_at: Option<Timestamp>,
    /// Whether the present tier has acknowledged.
    pub acknowledged: bool,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    /// Respond-by or resolve-by passed at some tier.
    pub breached: bool,
    /// How often it climbed.
    pub escalations: u32,
    pub reopened: u32,
    /// What holds its notices back now: every firing alert silenced or inhibited.
    pub held: Option<String>,
    pub problem: Option<ProblemId>,
    /// The incident during whose handling it was found: one fault with it, counted once.
    #[serde(default)]
    pub found_during: Option<IncidentId>,
    /// Earlier incidents that it looks like, the most alike first, as they were when it opened.
    #[serde(default)]
    pub similar: Vec<SimilarIncident>,
    /// The newest items of inspection runs that found it: `RUN-7/ups`.
    #[serde(default)]
    pub findings: Vec<String>,
    /// The workaround of a known error that fits, as it stood when the incident opened or it was published.
    pub workaround: Option<String>,
    pub runbook: Option<String>,
    /// What the lines of support have done about it.
    #[serde(default)]
    pub support: SupportLog,
    /// What the tiers wrote when they handed it on.
    pub diagnosis: Option<String>,
    pub resolution: Option<String>,
    /// The newest digests in which it was told: `DIG-…`.
    #[serde(default)]
    pub digests: Vec<String>,
    /// Why it will never page: made by the catch-all or an unpaged rule.
    pub unpaged: bool,
    /// The next moment the ladder acts, if it is armed; else `unarmed` says why not.
    pub next_step_at: Option<Timestamp>,
    pub unarmed: Option<String>,
    /// Incident, event or request, as its rule says.
    #[serde(default)]
    pub class: Class,
    /// Nobody offers it: nothing is promised.
    #[serde(default)]
    pub out_of_catalogue: bool,
    /// What the priority was made from, where the rule says it.
    #[serde(default)]
    pub impact: Option<Level>,
    #[serde(default)]
    pub urgency: Option<Level>,
    /// How its promises stand, as of `updated_at`; empty without a target.
    #[serde(default)]
    pub clocks: Vec<ClockFace>,
    /// Logged contacts with the user, oldest first.
    #[serde(default)]
    pub contacts: Vec<ContactLog>,
    /// Why a promise was broken, once somebody said it.
    #[serde(default)]
    pub breach_reason: Option<BreachReason>,
    /// What was out because of it.
    #[serde(default)]
    pub outages: Vec<Outage>,
    pub updated_at: Timestamp,
}

/// An earlier incident that looks like this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimilarIncident {
    pub incident: IncidentId,
    /// Cosine of what is known of both, 0 to 1.
    pub similarity: f64,
}

impl Incident {
    /// How many findings of inspections it names.
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
    /// Who has the incident after this; `None`: nobody is paged for it.
    #[serde(default)]
    pub tier: Option<Tier>,
    /// What was out from when to when, of a line that notes it.
    #[serde(default)]
    pub outage: Option<Outage>,
}

impl TimelineEntry {
    /// How a line begins by which an incident ends as a part of another one.
    pub const MERGED_INTO: &'static str = "into ";
    /// How a line ends about a promise that only shows what would have been.
    pub const ON_TRIAL: &'static str = ", on trial";

    /// Whether it tells of a promise that is on trial.
    pub fn is_on_trial(&self) -> bool {
        self.text.strip_suffix(')').is_some_and(|text| text.ends_with(TimelineEntry::ON_TRIAL))
    }

    /// Whether the incident ended here as a part of another one, rather than took one in.
    pub fn is_end_by_merging(&self) -> bool {
        self.kind == TimelineKind::Merged && self.text.starts_with(TimelineEntry::MERGED_INTO)
    }
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
    /// A higher tier gave it back to a lower one.
    HandedBack,
    /// What was found out before handing it on.
    Triaged,
    /// A step of its playbook was done.
    StepTicked,
    /// Hierarchical escalation.
    ManagersTold,
    /// Nobody of the team can take it: it waits in the queue.
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
    /// Which target holds for it from now on.
    Promised,
    TargetWarning,
    Contacted,
    BreachExplained,
    OutageNoted,
}
