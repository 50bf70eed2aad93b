//! What the desk remembers, and the indexes over it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::assignment::dispatch::Responder;
use super::assignment::staff::Staff;
use super::assignment::workload::Workload;
use super::holiday_check::CalendarWatch;
use super::incidents::similarity::RecentOnsets;
use super::notifications::digest::Digests;
use super::notifications::notify::DelayedNotification;
use super::problems::reviews;
use super::problems::reviews::Reviews;
use super::{ANSWERS_KEPT, ENDED_KEPT};
use crate::core::engine::Outcome;
use crate::core::escalation::EscalationProgress;
use crate::core::incidents::{Affected, Incident, IncidentState};
use crate::core::inspections::Inspections;
use crate::core::model::{Fingerprint, IncidentId, Labels, Priority, Severity, ShardedMap, Timestamp};
use crate::core::problems::{Problems, SimilarityIndex};
use crate::core::rules::Channel;
use crate::core::sla::{Clocks, OutageLedger};

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

impl DeskIncident {
    pub fn is_clear(&self) -> bool {
        self.conditions.values().all(|standing| *standing == ConditionStatus::Clear)
    }

    /// What holds it back, if nothing that still stands in it is free.
    pub fn held_by(&self) -> Option<&str> {
        let mut held_by = None;
        for standing in self.conditions.values() {
            match standing {
                ConditionStatus::Raised => return None,
                ConditionStatus::Held { by, pauses: _ } => held_by = held_by.or(Some(by.as_str())),
                ConditionStatus::Clear => {}
            }
        }
        held_by
    }

    /// Counts a firing alert in, or out of, the record and its condition.
    fn count_firing(&mut self, member: Option<&MemberAlert>, comes: bool) {
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

    fn next_deadline(&self) -> Option<Timestamp> {
        let climbing = if self.record.state.is_open() { self.climb.next_deadline() } else { None };
        let promised = self.clocks.next_deadline();
        let calling = self.calls.iter().map(|call| call.at).min();
        [climbing, promised, calling, self.resolve_at, self.close_at, self.forget_at].into_iter().flatten().min()
    }
}

/// The identity of a condition: of a rule and one of its keys.
pub(super) fn condition_id(rule: &str, key: &Labels) -> Fingerprint {
    key.with(&Labels::from_pairs([("@rule", rule)])).fingerprint()
}

/// What a snapshot holds. Cloning shares the large maps.
#[derive(Clone, Default)]
pub(in crate::core::engine) struct PersistentState {
    pub incidents: ShardedMap<IncidentId, DeskIncident>,
    /// The newest incident of each condition.
    pub(super) by_condition: ShardedMap<Fingerprint, IncidentId>,
    /// The incident that an alert belongs to.
    pub(super) by_alert: ShardedMap<Fingerprint, IncidentId>,
    pub core: DeskCore,
}

/// The part of the state that is kept in one piece.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(in crate::core::engine) struct DeskCore {
    pub next_incident: u64,
    pub problems: Problems,
    pub inspections: Inspections,
    /// What incidents are about, and what began when: for similarity and hints.
    pub likeness: SimilarityIndex,
    pub beginnings: RecentOnsets,
    pub calendars: CalendarWatch,
    pub staff: Staff,
    pub outages: OutageLedger,
    /// What channels gather in a storm.
    pub digests: Digests,
    /// Answers by who asked, their idempotency key, and what they asked.
    pub answers: BTreeMap<String, (Timestamp, Outcome)>,
    pub reviews: Reviews,
}

#[derive(Clone, Default)]
pub(super) struct DeskState {
    pub kept: PersistentState,
    /// Derived: when the oldest kept answer was given.
    oldest_answer: Option<Timestamp>,
    /// Derived: when the first review is due, or its climb acts.
    pub next_review: Option<Timestamp>,
    /// Derived: incidents in the order of their next deadline.
    deadlines: BTreeSet<(Timestamp, IncidentId)>,
    armed: BTreeMap<IncidentId, Timestamp>,
    /// Derived: who holds what, and what waits.
    pub hands: Workload,
    /// Changed, and their records not written yet.
    unwritten: BTreeSet<IncidentId>,
}

impl DeskState {
    pub fn new_id(&mut self) -> IncidentId {
        self.kept.core.next_incident += 1;
        IncidentId(self.kept.core.next_incident)
    }

    pub fn get(&self, id: IncidentId) -> Option<&DeskIncident> {
        self.kept.incidents.get(&id)
    }

    /// To change in place; call [`super::Step::touch`] so that the change is written.
    pub fn get_mut(&mut self, id: IncidentId) -> Option<&mut DeskIncident> {
        self.kept.incidents.get_mut(&id)
    }

    /// The incident that a condition leads to, following merges to the survivor.
    pub fn of_condition(&self, condition: Fingerprint) -> Option<IncidentId> {
        let mut id = *self.kept.by_condition.get(&condition)?;
        let mut seen = BTreeSet::new();
        while let Some(next) = self.get(id).and_then(|incident| incident.record.merged_into) {
            if !seen.insert(id) {
                break;
            }
            id = next;
        }
        self.kept.incidents.contains_key(&id).then_some(id)
    }

    /// The open incident that this alert belongs to, if it fires there; one that only held it once may lose it.
    pub fn open_of_alert(&self, fingerprint: Fingerprint) -> Option<IncidentId> {
        let id = self.kept.by_alert.get(&fingerprint)?;
        let fires_in = |incident: &DeskIncident| {
            incident.record.state.is_open() && incident.members.get(&fingerprint).is_some_and(|member| member.firing)
        };
        self.get(*id).is_some_and(fires_in).then_some(*id)
    }

    pub fn put(&mut self, incident: DeskIncident) {
        let id = incident.record.id;
        for condition in incident.conditions.keys() {
            self.kept.by_condition.insert(*condition, id);
        }
        for fingerprint in incident.members.keys() {
            self.kept.by_alert.insert(*fingerprint, id);
        }
        self.kept.incidents.insert(id, incident);
        self.arm(id);
    }

    /// Puts an alert into an incident, or notes that it fires or not; answers whether it is new there.
    pub fn join(&mut self, id: IncidentId, fingerprint: Fingerprint, member: MemberAlert) -> bool {
        self.kept.by_alert.insert(fingerprint, id);
        let Some(incident) = self.kept.incidents.get_mut(&id) else { return false };
        let known = incident.members.insert(fingerprint, member.clone());
        incident.record.alerts += u64::from(known.is_none());
        incident.count_firing(known.as_ref(), false);
        incident.count_firing(Some(&member), true);
        known.is_none()
    }

    /// An alert fires no longer in an incident, whichever incident it belongs to by now; answers whether it did. With a
    /// condition: only if it stands under that one.
    pub fn leave(&mut self, id: IncidentId, fingerprint: Fingerprint, condition: Option<Fingerprint>) -> bool {
        let Some(incident) = self.kept.incidents.get_mut(&id) else { return false };
        let Some(member) = incident.members.get_mut(&fingerprint) else { return false };
        if condition.is_none_or(|condition| condition == member.condition) {
            let was = std::mem::replace(member, MemberAlert { firing: false, ..member.clone() });
            incident.count_firing(Some(&was), false);
        }
        true
    }

    /// The alerts, parts and items of an incident that was merged into this one.
    pub fn take_over(&mut self, into: IncidentId, merged: &DeskIncident) {
        if let Some(incident) = self.kept.incidents.get_mut(&into) {
            for (condition, part) in &merged.parts {
                let part = ConditionPart { firing: BTreeMap::new(), ..part.clone() };
                incident.parts.entry(*condition).or_insert(part);
            }
            for (item, theirs) in &merged.affected {
                let ours = incident.affected.entry(item.clone()).or_insert_with(|| theirs.clone());
                ours.since = ours.since.min(theirs.since);
                if ours.gravity < theirs.gravity {
                    (ours.gravity, ours.condition) = (theirs.gravity, theirs.condition);
                }
            }
        }
        for (fingerprint, member) in &merged.members {
            // What fires no longer there may fire again, here or elsewhere.
            let again = self.open_of_alert(*fingerprint).filter(|other| *other != merged.record.id && !member.firing);
            if again != Some(into) {
                self.join(into, *fingerprint, member.clone());
            }
            if let Some(other) = again {
                self.kept.by_alert.insert(*fingerprint, other);
            }
        }
    }

    pub fn set_condition(&mut self, id: IncidentId, condition: Fingerprint, standing: ConditionStatus) {
        self.kept.by_condition.insert(condition, id);
        if let Some(incident) = self.kept.incidents.get_mut(&id) {
            incident.conditions.insert(condition, standing);
        }
    }

    /// A reopened incident stands again for its conditions and alerts, but for those that another open one has by now.
    pub fn stand_again(&mut self, id: IncidentId) {
        let Some(incident) = self.get(id) else { return };
        let conditions: Vec<Fingerprint> = incident.conditions.keys().copied().collect();
        let members: Vec<Fingerprint> = incident.members.keys().copied().collect();
        for condition in conditions {
            let other = self.of_condition(condition).filter(|other| *other != id).and_then(|other| self.get(other));
            if other.is_some_and(|other| other.record.state.is_open()) {
                if let Some(incident) = self.kept.incidents.get_mut(&id) {
                    incident.conditions.remove(&condition);
                }
            } else {
                self.kept.by_condition.insert(condition, id);
            }
        }
        for fingerprint in members {
            if self.open_of_alert(fingerprint).is_some_and(|other| other != id) {
                self.leave(id, fingerprint, None);
            } else {
                self.kept.by_alert.insert(fingerprint, id);
            }
        }
    }

    /// After a change: the new version and the deadline. Its record is to be written.
    pub fn settle(&mut self, id: IncidentId, now: Timestamp) {
        let Some(incident) = self.kept.incidents.get_mut(&id) else { return };
        incident.record.version += 1;
        incident.record.updated_at = now;
        let open = incident.record.state.is_open();
        if !open || incident.record.acknowledged {
            incident.calls.clear();
        }
        incident.record.next_step_at = if open { incident.climb.next_deadline() } else { None };
        incident.record.unarmed = if open { incident.climb.unarmed() } else { None };
        incident.forget_at = match incident.record.state {
            IncidentState::Closed | IncidentState::Cancelled | IncidentState::Merged => {
                Some(incident.forget_at.unwrap_or(now + ENDED_KEPT))
            }
            IncidentState::New
            | IncidentState::Assigned
            | IncidentState::InProgress
            | IncidentState::Pending
            | IncidentState::Resolved => None,
        };
        self.unwritten.insert(id);
        self.arm(id);
    }

    /// The incidents that changed since the last call.
    pub fn take_unwritten(&mut self) -> BTreeSet<IncidentId> {
        std::mem::take(&mut self.unwritten)
    }

    pub fn forget(&mut self, id: IncidentId) {
        if let Some(at) = self.armed.remove(&id) {
            self.deadlines.remove(&(at, id));
        }
        self.hands.note(id, None);
        let Some(incident) = self.kept.incidents.remove(&id) else { return };
        for condition in incident.conditions.keys() {
            if self.kept.by_condition.get(condition) == Some(&id) {
                self.kept.by_condition.remove(condition);
            }
        }
        for fingerprint in incident.members.keys() {
            if self.kept.by_alert.get(fingerprint) == Some(&id) {
                self.kept.by_alert.remove(fingerprint);
            }
        }
    }

    /// Whether any remembered incident was found during this one.
    pub fn incidents_found_during(&self, id: IncidentId) -> bool {
        self.kept.incidents.iter().any(|(_, incident)| incident.record.found_during == Some(id))
    }

    /// The first incident that is due at `now`.
    pub fn due(&self, now: Timestamp) -> Option<IncidentId> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    pub fn next_incident_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    pub fn next_answer_expiry(&self) -> Option<Timestamp> {
        self.oldest_answer.map(|at| at + ANSWERS_KEPT)
    }

    /// Remembers the answer to a key that has none yet.
    pub fn keep_answer(&mut self, key: String, now: Timestamp, outcome: Outcome) {
        self.kept.core.answers.insert(key, (now, outcome));
        self.oldest_answer.get_or_insert(now);
    }

    pub fn forget_answers(&mut self, now: Timestamp) {
        if self.next_answer_expiry().is_some_and(|at| at <= now) {
            self.kept.core.answers.retain(|_, (at, _)| *at + ANSWERS_KEPT > now);
            self.oldest_answer = self.kept.oldest_answer();
        }
    }

    pub fn arm(&mut self, id: IncidentId) {
        if let Some(at) = self.armed.remove(&id) {
            self.deadlines.remove(&(at, id));
        }
        if let Some(at) = self.kept.incidents.get(&id).and_then(DeskIncident::next_deadline) {
            self.armed.insert(id, at);
            self.deadlines.insert((at, id));
        }
    }

    pub fn broken_invariants(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (id, incident) in self.kept.incidents.iter() {
            let record = &incident.record;
            if record.state.is_open() && incident.next_deadline().is_none() && incident.climb.unarmed().is_none() {
                broken.push(format!("{id} is open without a deadline or a reason why not"));
            }
            if self.armed.get(id).copied() != incident.next_deadline() {
                broken.push(format!("{id}: the deadline index disagrees with its record"));
            }
            let firing = incident.members.values().filter(|member| member.firing).count() as u64;
            if firing != record.firing || record.firing > record.alerts {
                broken.push(format!("{id}: {firing} members fire, its record says {}", record.firing));
            }
            let mut counted: BTreeMap<(Fingerprint, Severity), u32> = BTreeMap::new();
            for member in incident.members.values().filter(|member| member.firing) {
                *counted.entry((member.condition, member.severity)).or_default() += 1;
            }
            let parts = incident.parts.iter().flat_map(|(condition, part)| {
                part.firing.iter().map(move |(severity, count)| ((*condition, *severity), *count))
            });
            let known = |((condition, _), _): &((Fingerprint, Severity), u32)| incident.parts.contains_key(condition);
            if parts.ne(counted.into_iter().filter(known)) {
                broken.push(format!("{id}: its parts count other members than it has"));
            }
            if record.state.is_open() && record.held.as_deref() != incident.held_by() {
                broken.push(format!(
                    "{id} says it is held by {:?}, its conditions by {:?}",
                    record.held,
                    incident.held_by()
                ));
            }
            if record.id.0 > self.kept.core.next_incident {
                broken.push(format!("{id} is beyond the counter"));
            }
        }
        broken
    }

    pub fn from_kept(kept: PersistentState) -> DeskState {
        let (oldest_answer, next_review) = (kept.oldest_answer(), reviews::next_deadline(&kept.core.reviews));
        let mut state = DeskState { oldest_answer, next_review, kept, ..DeskState::default() };
        let ids: Vec<IncidentId> = state.kept.incidents.iter().map(|(id, _)| *id).collect();
        for id in ids {
            state.arm(id);
        }
        state.hands = Workload::of(&state.kept.incidents);
        state
    }
}
