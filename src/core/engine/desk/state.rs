//! What the desk remembers, and the indexes over it.

use crate::core::engine::notification::NotificationKind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::assignment::staff_state::Staff;
use super::assignment::workload::Workload;
use super::holiday_check::CalendarWatch;
use super::incident::{ConditionPart, ConditionStatus, DeskIncident, MemberAlert};
use super::incidents::onsets::RecentOnsets;
use super::notifications::digest_state::Digests;
use super::problems::review_state;
use super::problems::review_state::Reviews;
use crate::core::engine::{CommandRefusal, Effect, Outcome, RecordChange};
use crate::core::incidents::{Incident, IncidentState, TransitionRefused};
use crate::core::inspections::Inspections;
use crate::core::model::{Fingerprint, IncidentId, ShardedMap, TimeDelta, Timestamp};
use crate::core::problems::{Problems, SimilarityIndex};
use crate::core::rules::{EscalationPolicy, Rulebook};
use crate::core::sla::OutageLedger;

/// How long an answered idempotency key is remembered.
const ANSWERS_KEPT: TimeDelta = TimeDelta::from_hours(24);

/// How long an ended incident stays in memory; afterwards it lives in the tables, read-only.
const ENDED_KEPT: TimeDelta = TimeDelta::from_days(7);

/// What a snapshot holds. Cloning shares the large maps.
#[derive(Clone, Default)]
pub(in crate::core::engine) struct PersistentState {
    pub incidents: ShardedMap<IncidentId, DeskIncident>,
    /// The newest incident of each condition.
    pub by_condition: ShardedMap<Fingerprint, IncidentId>,
    /// The incident that an alert belongs to.
    pub by_alert: ShardedMap<Fingerprint, IncidentId>,
    pub core: DeskCore,
}

/// The part of the state that is kept in one piece: of each part of the desk what it remembers. Only that part changes it.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(in crate::core::engine) struct DeskCore {
    /// Of incidents: the number of the newest.
    pub next_incident: u64,
    /// Of problems.
    pub problems: Problems,
    /// Of inspections.
    pub inspections: Inspections,
    /// Of incidents: what they are about, and what began when, for similarity and hints.
    pub likeness: SimilarityIndex,
    pub beginnings: RecentOnsets,
    /// Of the watch over holidays.
    pub calendars: CalendarWatch,
    /// Of assignment: who is at work.
    pub staff: Staff,
    /// Of SLA.
    pub outages: OutageLedger,
    /// Of notifications: what channels gather in a storm.
    pub digests: Digests,
    /// Answers by who asked, their idempotency key, and what they asked.
    pub answers: BTreeMap<String, (Timestamp, Outcome)>,
    /// Of problems: the reviews that are waited for.
    pub reviews: Reviews,
}

#[derive(Clone, Default)]
pub struct DeskState {
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

    /// To change in place; call [`super::context::DeskContext::touch`] so that the change is written.
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
        // Notices of its end wait for the hours of those who are told; nobody is told of the end of what goes on.
        let acknowledged = incident.record.acknowledged;
        incident.calls.retain(|call| {
            let is_of_end = call.kind == NotificationKind::Resolved;
            if open { !is_of_end && !acknowledged } else { is_of_end }
        });
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

    /// Writes the records of the incidents that changed since the last call, each as it stands.
    pub fn write_records(&mut self, effects: &mut Vec<Effect>) {
        for id in std::mem::take(&mut self.unwritten) {
            if let Some(incident) = self.get(id) {
                effects.push(Effect::Record(RecordChange::Incident(Arc::new(incident.record.clone()))));
            }
        }
    }

    pub fn incidents(&self) -> impl Iterator<Item = &DeskIncident> {
        self.kept.incidents.iter().map(|(_, incident)| incident)
    }

    /// A move of an incident's record.
    pub fn change(
        &mut self,
        id: IncidentId,
        verb: impl FnOnce(&mut Incident) -> Result<(), TransitionRefused>,
    ) -> Result<(), CommandRefusal> {
        let Some(incident) = self.get_mut(id) else {
            return Err(CommandRefusal::NotFound { what: format!("incident {id}") });
        };
        verb(&mut incident.record).map_err(|not| CommandRefusal::NotAllowed { reason: not.reason })
    }

    /// A move of an incident on its ladder, if the rules still have that.
    pub fn climb(
        &mut self,
        id: IncidentId,
        verb: impl FnOnce(&mut DeskIncident, Option<&EscalationPolicy>),
        rulebook: &Rulebook,
    ) {
        if let Some(incident) = self.get_mut(id) {
            let ladder = rulebook.ladder(&incident.climb.ladder);
            verb(incident, ladder);
        }
    }

    pub fn arm_reviews(&mut self) {
        self.next_review = review_state::next_deadline(&self.kept.core.reviews);
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

    /// The deadline by which an incident stands in the index.
    pub fn armed_at(&self, id: IncidentId) -> Option<Timestamp> {
        self.armed.get(&id).copied()
    }

    /// Puts an incident into the index of deadlines, where it belongs by now.
    pub fn arm(&mut self, id: IncidentId) {
        if let Some(at) = self.armed.remove(&id) {
            self.deadlines.remove(&(at, id));
        }
        if let Some(at) = self.kept.incidents.get(&id).and_then(DeskIncident::next_deadline) {
            self.armed.insert(id, at);
            self.deadlines.insert((at, id));
        }
    }

    pub fn from_kept(kept: PersistentState) -> DeskState {
        let (oldest_answer, next_review) = (kept.oldest_answer(), review_state::next_deadline(&kept.core.reviews));
        let mut state = DeskState { oldest_answer, next_review, kept, ..DeskState::default() };
        let ids: Vec<IncidentId> = state.kept.incidents.iter().map(|(id, _)| *id).collect();
        for id in ids {
            state.arm(id);
        }
        state.hands = Workload::of(&state.kept.incidents);
        state
    }
}
