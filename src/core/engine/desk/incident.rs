//! An incident as the desk keeps it: the record that people see, and what each part of the desk knows of it besides.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::engine::Raised;
use crate::core::engine::notification::NotificationKind;
use crate::core::escalation::EscalationProgress;
use crate::core::incidents::{Affected, Incident};
use crate::core::model::{Fingerprint, Labels, Priority, Severity, TimeDelta, Timestamp};
use crate::core::rules::{CATCH_ALL, Channel, Rule, Rulebook};
use crate::core::sla::Clocks;

/// How long after resolving an unpaged incident is closed without a person.
const CATCH_ALL_CLOSES_AFTER: TimeDelta = TimeDelta::from_hours(24);

/// An incident with what people do not see: its members, conditions and timers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeskIncident {
    pub record: Incident,
    /// Its alerts.
    pub members: BTreeMap<Fingerprint, MemberAlert>,
    /// The conditions it stands for (several after a merge), and how each stands.
    pub conditions: BTreeMap<Fingerprint, ConditionStatus>,
    /// What is known of each of them.
    pub parts: BTreeMap<Fingerprint, ConditionPart>,
    /// The items of its alerts, by name.
    pub affected: BTreeMap<String, Affected>,
    /// How many items there were when its root was last looked for.
    pub root_of: u32,
    pub climb: EscalationProgress,
    /// Resolves by itself then, unless something fires again.
    pub resolve_at: Option<Timestamp>,
    /// Closes by itself then.
    pub close_at: Option<Timestamp>,
    /// Leaves the memory then.
    pub forget_at: Option<Timestamp>,
    /// Timeline lines about members so far; bounded, the count goes on.
    pub member_lines: u32,
    /// Whether it counts as an episode of its fingerprint.
    pub recurs: bool,
    /// The most urgent priority at which anybody was paged.
    pub paged: Option<Priority>,
    /// Whom dispatch gave it, if they still have it.
    pub responder: Option<Responder>,
    /// The persons who were told by ways of their own.
    pub told: BTreeMap<String, BTreeSet<Channel>>,
    /// Persons to tell later, unless somebody acknowledges before.
    pub calls: Vec<DelayedNotification>,
    /// Its promises.
    pub clocks: Clocks,
    /// Whether the outage that its rule speaks of was begun since it is open.
    pub outage_begun: bool,
    /// The time interval of its rules in which they page nobody, while it lasts.
    pub muted: Option<String>,
    /// When that may change.
    pub mute_ends_at: Option<Timestamp>,
    /// Alerts that joined it after somebody had acknowledged it, and of which nobody was told yet.
    pub new_alerts: Option<NewAlerts>,
}

/// Alerts that are told together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAlerts {
    pub due: Timestamp,
    pub count: u32,
    /// The items of the first few.
    pub items: Vec<String>,
}

/// An alert of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberAlert {
    pub firing: bool,
    pub severity: Severity,
    /// Under which of the conditions.
    pub condition: Fingerprint,
}

/// One condition of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionPart {
    pub rule: String,
    pub title: String,
    /// As it was raised.
    pub severity: Severity,
    /// How many of its alerts fire, by severity.
    pub firing: BTreeMap<Severity, u32>,
}

/// How a condition stands, as its correlator last said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    Raised,
    /// Raised, but every firing alert of it is held back by that.
    /// `pauses`: by an approved change, so that clocks stand still.
    Held {
        by: String,
        pauses: bool,
    },
    Clear,
}

/// Whom dispatch gave an incident, and for which team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Responder {
    pub team: String,
    pub person: String,
}

/// A person's way that waits: told then, if the incident still wants somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelayedNotification {
    pub at: Timestamp,
    pub person: String,
    pub channel: Channel,
    pub kind: NotificationKind,
}

/// The timers of one incident, in the order in which they are served when several are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentTimer {
    /// Its promises.
    Clocks,
    /// It leaves the memory.
    Forget,
    /// It closes by itself.
    Close,
    /// It resolves by itself.
    Resolve,
    /// Persons who wait to be told.
    Calls,
    /// A time interval begins or ends.
    Mute,
    /// Its ladder.
    Escalation,
    /// New alerts that are told together.
    NewAlerts,
}

impl IncidentTimer {
    pub const ALL: [IncidentTimer; 8] = [
        IncidentTimer::Clocks,
        IncidentTimer::Forget,
        IncidentTimer::Close,
        IncidentTimer::Resolve,
        IncidentTimer::Calls,
        IncidentTimer::Mute,
        IncidentTimer::Escalation,
        IncidentTimer::NewAlerts,
    ];
}

impl DeskIncident {
    pub fn is_clear(&self) -> bool {
        self.conditions.values().all(|standing| *standing == ConditionStatus::Clear)
    }

    /// The rules of what stands in it.
    pub fn standing_rules<'a>(&'a self, rulebook: &'a Rulebook) -> impl Iterator<Item = Option<&'a Rule>> {
        let raised = self.conditions.iter().filter(|(_, standing)| **standing == ConditionStatus::Raised);
        raised.map(|(condition, _)| self.parts.get(condition).and_then(|part| rulebook.rule(&part.rule)))
    }

    /// What holds it back, if nothing that still stands in it is free.
    pub fn held_by(&self) -> Option<&str> {
        let mut held_by = None;
        for standing in self.conditions.values() {
            match standing {
                ConditionStatus::Raised => held_by = held_by.or(Some(self.muted.as_deref()?)),
                ConditionStatus::Held { by, pauses: _ } => held_by = held_by.or(Some(by.as_str())),
                ConditionStatus::Clear => {}
            }
        }
        held_by
    }

    /// Counts a firing alert in, or out of, the record and its condition.
    pub fn count_firing(&mut self, member: Option<&MemberAlert>, comes: bool) {
        let Some(member) = member.filter(|member| member.firing) else { return };
        self.record.firing = if comes { self.record.firing + 1 } else { self.record.firing.saturating_sub(1) };
        let Some(part) = self.parts.get_mut(&member.condition) else { return };
        let count = part.firing.entry(member.severity).or_default();
        *count = if comes { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            part.firing.remove(&member.severity);
        }
    }

    /// Whether all that holds it back stops its clocks.
    pub fn is_paused(&self) -> bool {
        let holds = |standing: &ConditionStatus| match standing {
            ConditionStatus::Held { by: _, pauses } => *pauses,
            ConditionStatus::Clear => true,
            ConditionStatus::Raised => false,
        };
        self.held_by().is_some() && self.conditions.values().all(holds)
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        IncidentTimer::ALL.into_iter().filter_map(|timer| self.due_at(timer)).min()
    }

    /// The first of its timers that is due, in their order.
    pub fn due(&self, now: Timestamp) -> Option<IncidentTimer> {
        IncidentTimer::ALL.into_iter().find(|timer| self.due_at(*timer).is_some_and(|at| at <= now))
    }

    fn due_at(&self, timer: IncidentTimer) -> Option<Timestamp> {
        match timer {
            IncidentTimer::Clocks => self.clocks.next_deadline(),
            IncidentTimer::Forget => self.forget_at,
            IncidentTimer::Close => self.close_at,
            IncidentTimer::Resolve => self.resolve_at,
            IncidentTimer::Calls => self.calls.iter().map(|call| call.at).min(),
            IncidentTimer::Mute => self.mute_ends_at.filter(|_| self.record.state.is_open()),
            IncidentTimer::Escalation if self.record.state.is_open() => self.climb.next_deadline(),
            IncidentTimer::Escalation => None,
            IncidentTimer::NewAlerts => self.new_alerts.as_ref().map(|new| new.due),
        }
    }
}

/// The identity of a condition: of a rule and one of its keys.
pub fn condition_id(rule: &str, key: &Labels) -> Fingerprint {
    key.with(&Labels::from_pairs([("@rule", rule)])).fingerprint()
}

/// How a condition stands when it is told.
pub fn standing_of(raised: &Raised) -> ConditionStatus {
    match &raised.held {
        Some(by) => ConditionStatus::Held { by: by.clone(), pauses: false },
        None => ConditionStatus::Raised,
    }
}

/// How an incident that nobody closes ends: unpaged ones by themselves, others by their rule's word or a person.
pub fn closes_after(record: &Incident, rulebook: &Rulebook) -> Option<TimeDelta> {
    let by_rule = rulebook.rule(&record.rule).and_then(|rule| rule.close_after);
    by_rule.or(if record.rule == CATCH_ALL { Some(CATCH_ALL_CLOSES_AFTER) } else { None })
}
