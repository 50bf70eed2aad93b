//! Incidents: the records that people work on, their lifecycle and its refusals.
//!
//! Plain state and transitions. Must never read a clock, page anyone (escalation decides that), or know its storage.

mod ack_link;
mod dispatch_order;
mod lifecycle;
mod probable_cause;
mod record;
mod refusal;
mod support_log;
mod triage;

pub use ack_link::{ACK_TOKEN_MAX_BYTES, AckClaim, AckKey, AckTokenError};
pub use dispatch_order::{OrderedWith, dispatch_order};
pub use probable_cause::{Affected, ProbableCause, root_candidate};
pub use record::{
    Incident, IncidentState, PendingOn, ResolvedBy, SimilarIncident, TimelineEntry, TimelineFact, TimelineKind,
};
pub use refusal::TransitionRefused;
pub use support_log::{OpenPlaybook, OpenStep, SupportLog};

/// A new incident for tests.
#[cfg(test)]
pub(crate) fn sample() -> Incident {
    use crate::core::model::{Fingerprint, IncidentId, Labels, Priority, Severity, Tier, Timestamp};
    Incident {
        id: IncidentId(1),
        version: 1,
        title: "链路中断".to_owned(),
        state: IncidentState::New,
        pending_on: None,
        merged_into: None,
        tier: Tier::First,
        team: "first-line".to_owned(),
        assignee: None,
        waiting: None,
        priority: Priority::P2,
        priority_reason: String::new(),
        severity: Severity::Major,
        rule: "link-down".to_owned(),
        key: Labels::empty(),
        labels: Labels::empty(),
        fingerprint: Fingerprint(1),
        reason: String::new(),
        root: None,
        alerts: 0,
        firing: 0,
        opened_at: Timestamp::EPOCH,
        acknowledged_at: None,
        acknowledged: false,
        resolved_at: None,
        closed_at: None,
        breached: false,
        escalations: 0,
        reopened: 0,
        held: None,
        problem: None,
        found_during: None,
        similar: Vec::new(),
        findings: Vec::new(),
        workaround: None,
        runbook: None,
        support: SupportLog::default(),
        diagnosis: None,
        resolution: None,
        digests: Vec::new(),
        unpaged: false,
        next_step_at: None,
        unarmed: None,
        class: Default::default(),
        out_of_catalogue: false,
        impact: None,
        urgency: None,
        clocks: Vec::new(),
        contacts: Vec::new(),
        breach_reason: None,
        outages: Vec::new(),
        updated_at: Timestamp::EPOCH,
        resolved_by: None,
    }
}
