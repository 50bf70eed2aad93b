//! What an input leads to: facts to record, things to do. Committed with the journal, published after it.

use super::notification::Notification;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::CountedEvent;
use crate::core::incidents::{Incident, TimelineEntry};
use crate::core::inspections::{ProbeRequest, Run, RunState};
use crate::core::model::{
    Cause, Class, ClockKind, Fingerprint, IncidentId, Priority, ProblemId, RunId, Silence, SilenceId, Stamp, Status,
    Tier, Timestamp,
};
use crate::core::problems::{Problem, ProblemState};

/// One consequence of an input. Whoever handles effects looks at the kinds that concern it: a new record is one more
/// [`RecordChange`], and no business of metrics or couriers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Into the tables.
    Record(RecordChange),
    /// Of the live view alone: no row.
    Live(LiveChange),
    /// To be done once the input is committed.
    Do(Task),
    /// Nothing to record, but never unseen.
    Count(Metric),
}

/// A change of a row: a record replaces the one of the same id, an entry is appended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RecordChange {
    /// A transition of an alert, or a change of what holds it.
    Alert(Arc<AlertRecord>),
    Incident(Arc<Incident>),
    /// An alert belongs to (or was linked with) an incident.
    Membership {
        incident: IncidentId,
        fingerprint: Fingerprint,
        firing: bool,
        link_only: bool,
    },
    Timeline(TimelineEntry),
    /// Copied when an incident opens, so that the answer to "why" outlives the journal.
    Evidence {
        incident: IncidentId,
        n: u32,
        evidence: Box<CountedEvent>,
    },
    Problem(Box<Problem>),
    Run(Box<Run>),
    Silence(Box<Silence>),
    Audit(AuditEntry),
    /// What became of a delivery: the outbox row's new state.
    Delivery(super::DeliveryResult),
}

/// What only the view in memory follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LiveChange {
    /// A re-send moved an alert's times.
    AlertTouched { fingerprint: Fingerprint, ends_at: Stamp, updated_at: Timestamp },
    /// A resolved alert left the memory; its row stays.
    AlertForgotten { fingerprint: Fingerprint },
    /// A silence is past its retention.
    SilenceForgotten { id: SilenceId },
    /// A name in quarantine or a template was seen, or forgotten.
    Normalised(Box<Normalised>),
    /// Who is at work.
    Staff(Box<super::StaffChange>),
}

/// Something to do outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Task {
    /// Into the outbox, and from there to its receiver.
    Notice(Box<Notification>),
    /// Run this automated check.
    Probe(Box<ProbeRequest>),
}

/// An alert as lists show it.
pub use crate::core::correlation::AlertView as AlertRecord;
pub use crate::core::correlation::Normalised;

/// Who did what, when, and what came of it. Append-only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub cause: Cause,
    pub at: Timestamp,
    pub actor: String,
    pub role: String,
    /// `incident.acknowledge`, `silence.put`, `rulebook.change`, …
    pub action: String,
    /// The id of what it was done to.
    pub subject: String,
    pub detail: String,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
    /// What reports count by. `action` and `detail` are for people alone: nothing reads them.
    #[serde(default)]
    pub fact: Option<AuditFact>,
}

/// The data of what a line of the audit log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditFact {
    /// A problem is in that state from now on; in `new`: it was opened.
    ProblemMoved {
        problem: ProblemId,
        to: ProblemState,
    },
    RunEnded {
        run: RunId,
        state: RunState,
    },
}

/// Things that happen without a record but never unseen: each is a counter or a histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Metric {
    /// Taken from a source, by what it said.
    Event {
        source: String,
        status: Status,
    },
    Resent,
    /// A repeated point, by producer's id or redelivery.
    Duplicate {
        source: String,
    },
    /// `occurred_at` was clamped into the allowed lateness.
    Clamped,
    RuleFired {
        rule: String,
    },
    /// A point that no rule wanted.
    Unmatched {
        source: String,
    },
    Suppressed {
        by: Suppressor,
    },
    /// A bound bit: something was dropped or folded.
    Bound {
        which: LimitHit,
    },
    Acknowledged {
        priority: Priority,
        tier: Tier,
        after_micros: i64,
    },
    Resolved {
        priority: Priority,
        tier: Tier,
        after_micros: i64,
    },
    Escalated {
        from: Tier,
        to: Tier,
    },
    Breached {
        tier: Tier,
        what: Breach,
    },
    /// A higher tier gave it back.
    Bounced {
        from: Tier,
        to: Tier,
    },
    ManagersTold,
    /// A step of a playbook was done.
    StepTicked,
    IncidentOpened {
        priority: Priority,
    },
    /// Dispatch gave an incident to somebody.
    Dispatched,
    /// A step was passed over at once, since its team could not act.
    StepSkipped {
        tier: Tier,
    },
    Reopened,
    ProblemOpened,
    /// A problem came back after its fix.
    ProblemReopened,
    /// Somebody said whether a known error's workaround helped.
    WorkaroundTried {
        helped: bool,
    },
    RunEnded {
        state: crate::core::inspections::RunState,
    },
    ItemChecked {
        outcome: crate::core::inspections::ItemOutcome,
    },
    InspectionFound {
        subject: crate::core::inspections::SubjectKind,
    },
    /// A reload dropped that many windows of a rule that is gone or another.
    WindowsDropped {
        rule: String,
        windows: u64,
    },
    /// A clock was warned of, met or breached.
    Target {
        clock: ClockKind,
        outcome: TargetOutcome,
    },
    /// An incident of that class opened.
    Classified {
        class: Class,
    },
    /// Something opened that no catalogue offers.
    OutOfCatalogue,
    /// An outage budget was said to burn.
    BudgetAlert,
    CommandRefused,
    /// A notice waits for the next digest of its channel.
    NoticeGathered,
    InvariantBroken {
        which: String,
    },
    /// An event came with a severity word that nobody knows.
    SeverityUnknown {
        source: String,
        word: String,
    },
}

/// What happened to a clock of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TargetOutcome {
    Warned,
    Met,
    Breached,
    /// Of a target on trial.
    ShadowMet,
    ShadowBreached,
}

impl TargetOutcome {
    pub const ALL: [TargetOutcome; 5] = [
        TargetOutcome::Warned,
        TargetOutcome::Met,
        TargetOutcome::Breached,
        TargetOutcome::ShadowMet,
        TargetOutcome::ShadowBreached,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            TargetOutcome::Warned => "warned",
            TargetOutcome::Met => "met",
            TargetOutcome::Breached => "breached",
            TargetOutcome::ShadowMet => "shadow_met",
            TargetOutcome::ShadowBreached => "shadow_breached",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Suppressor {
    Silence,
    Maintenance,
    Inhibition,
    /// An alert on something that it depends on.
    Dependency,
    Storm,
}

impl Suppressor {
    pub const ALL: [Suppressor; 5] = [
        Suppressor::Silence,
        Suppressor::Maintenance,
        Suppressor::Inhibition,
        Suppressor::Dependency,
        Suppressor::Storm,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Suppressor::Silence => "silence",
            Suppressor::Maintenance => "maintenance",
            Suppressor::Inhibition => "inhibition",
            Suppressor::Dependency => "dependency",
            Suppressor::Storm => "storm",
        }
    }
}

/// The engine's own bounds. Each is counted when it bites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LimitHit {
    /// Producer ids kept for deduplication.
    EventIds,
    /// Members shown on one condition.
    Members,
    /// Windows of one rule.
    Windows,
    /// Alerts of one group, or its length.
    Group,
    /// Alerts that grouping remembers.
    Sightings,
    /// Names kept that break the naming standard.
    Quarantine,
    /// Templates of free texts.
    Templates,
    /// Things above an item that may explain it.
    Ancestors,
    /// Places where storms are looked for.
    StormPlaces,
    /// Alerts that resolved under one silence until resolved.
    ResolvedUnderSilence,
    /// Events feeding back from inspections in one input.
    Feedback,
    /// Instances of a sequence under one key.
    Instances,
    /// Shared contexts.
    Contexts,
    /// Events that rules derive: how deep, and how many at once.
    Derived,
    /// Incidents in the ledger of outages.
    Outages,
}

impl LimitHit {
    pub const ALL: [LimitHit; 15] = [
        LimitHit::Outages,
        LimitHit::Quarantine,
        LimitHit::Templates,
        LimitHit::EventIds,
        LimitHit::Members,
        LimitHit::Windows,
        LimitHit::Group,
        LimitHit::Sightings,
        LimitHit::Ancestors,
        LimitHit::StormPlaces,
        LimitHit::ResolvedUnderSilence,
        LimitHit::Feedback,
        LimitHit::Instances,
        LimitHit::Contexts,
        LimitHit::Derived,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            LimitHit::EventIds => "event_ids",
            LimitHit::Members => "members",
            LimitHit::Windows => "windows",
            LimitHit::Group => "group",
            LimitHit::Sightings => "sightings",
            LimitHit::Quarantine => "quarantine",
            LimitHit::Templates => "templates",
            LimitHit::Ancestors => "ancestors",
            LimitHit::StormPlaces => "storm_places",
            LimitHit::ResolvedUnderSilence => "resolved_under_silence",
            LimitHit::Feedback => "feedback",
            LimitHit::Instances => "instances",
            LimitHit::Contexts => "contexts",
            LimitHit::Derived => "derived",
            LimitHit::Outages => "outages",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Breach {
    RespondBy,
    ResolveBy,
}

impl Breach {
    pub const ALL: [Breach; 2] = [Breach::RespondBy, Breach::ResolveBy];

    pub const fn as_str(self) -> &'static str {
        match self {
            Breach::RespondBy => "respond_by",
            Breach::ResolveBy => "resolve_by",
        }
    }
}
