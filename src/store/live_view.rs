//! The live view: active records in memory, changed only after a commit.
//!
//! Readers take a frozen copy (some pointers) and read it without a lock; a later change copies the one small shard it
//! touches. So a slow reader never delays the driver, and always sees whole commits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::ArcSwap;
use tokio::sync::broadcast;

use super::cow_map::CowMap;
use super::label_filter::LabelBloom;
use super::live_normalisation::NormalisedView;
use super::live_staff::StaffView;
use crate::core::correlation::{QuarantinedName, TemplateRecord};
use crate::core::engine::{AlertRecord, Effect, LiveChange, RecordChange};
use crate::core::incidents::{Incident, IncidentState};
use crate::core::model::{Fingerprint, IncidentId, Silence, SilenceId, Stamp, Status, Timestamp};
use crate::core::rules::Rulebook;

/// Maximum lag of a subscriber, in changes, before it misses some.
const SUBSCRIBER_LAG: usize = 4096;

/// Readiness of the service, with the reason if it is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    NotReady {
        reason: String,
    },
    /// Another process holds the lease: this one waits for it, and answers nothing else meanwhile.
    Standby {
        reason: String,
    },
}

/// An active alert with its incident.
#[derive(Clone, Debug)]
pub struct LiveAlert {
    pub alert: Arc<AlertRecord>,
    /// Its open incident, if any, and that incident's team: the v2 receiver.
    pub incident: Option<IncidentId>,
    pub team: Option<Arc<str>>,
}

impl LiveAlert {
    /// As the wall clock shows it, that many microseconds ahead.
    fn shifted(&self, micros: i64) -> LiveAlert {
        let mut alert = AlertRecord::clone(&self.alert);
        alert.starts_at = alert.starts_at.shifted(micros);
        alert.ends_at = alert.ends_at.shifted(micros);
        alert.updated_at = alert.updated_at.shifted(micros);
        LiveAlert { alert: Arc::new(alert), ..self.clone() }
    }
}

/// A change sent to subscribers of the stream.
#[derive(Clone, Debug)]
pub enum StreamChange {
    Alert(Arc<AlertRecord>),
    Incident(Arc<Incident>),
    Problem(Arc<crate::core::problems::Problem>),
    Run(Arc<crate::core::inspections::Run>),
}

/// Shared by the driver (writes) and the API (reads). Cheap to clone an `Arc` of.
pub struct LiveView {
    view: RwLock<View>,
    rulebook: ArcSwap<Rulebook>,
    readiness: ArcSwap<Readiness>,
    now: AtomicI64,
    ahead: AtomicI64,
    held_until: AtomicI64,
    changes: broadcast::Sender<StreamChange>,
}

impl LiveView {
    /// Empty, and not ready.
    pub fn new(rulebook: Arc<Rulebook>) -> LiveView {
        let (changes, _) = broadcast::channel(SUBSCRIBER_LAG);
        LiveView {
            view: RwLock::new(View::default()),
            rulebook: ArcSwap::new(rulebook),
            readiness: ArcSwap::from_pointee(Readiness::NotReady { reason: "starting".to_owned() }),
            now: AtomicI64::new(Timestamp::EPOCH.as_micros()),
            ahead: AtomicI64::new(0),
            held_until: AtomicI64::new(i64::MAX),
            changes,
        }
    }

    /// Rebuilds from an engine's state, after a start or a restore. `members` without those that are only linked.
    pub fn rebuild(
        &self,
        alerts: Vec<AlertRecord>,
        silences: Vec<Silence>,
        incidents: Vec<Incident>,
        members: Vec<(IncidentId, Fingerprint)>,
    ) {
        let mut view = View::default();
        for (incident, fingerprint) in members {
            view.join(incident, fingerprint);
        }
        for incident in incidents {
            view.put_incident(Arc::new(incident));
        }
        for alert in alerts {
            view.put_alert(Arc::new(alert));
        }
        view.silences = silences.into_iter().map(|silence| (silence.id, Arc::new(silence))).collect();
        view.normalised = std::mem::take(&mut self.write().normalised);
        view.staff = std::mem::take(&mut self.write().staff);
        *self.write() = view;
    }

    /// Rebuilds the findings of normalisation.
    pub fn rebuild_normalised(
        &self,
        names: impl Iterator<Item = QuarantinedName>,
        templates: impl Iterator<Item = TemplateRecord>,
    ) {
        self.write().normalised = NormalisedView::of(names, templates);
    }

    /// Rebuilds presence and overrides.
    pub fn rebuild_staff(&self, staff: StaffView) {
        self.write().staff = staff;
    }

    /// Heartbeats and overrides.
    pub fn staff(&self) -> StaffView {
        let mut staff = self.read().staff.clone();
        staff.overrides.follow_clock(self.ahead().saturating_neg());
        staff
    }

    /// Names that break the naming standard, the last seen first; at most 1,000 per partition.
    pub fn quarantined(&self) -> Vec<QuarantinedName> {
        self.read().normalised.quarantined()
    }

    /// The templates of free texts, the most frequent first; at most 5,000 a partition.
    pub fn templates(&self) -> Vec<TemplateRecord> {
        self.read().normalised.templates()
    }

    /// Applies committed effects, and sends the changes to the subscribers.
    pub fn apply(&self, effects: Vec<Effect>) {
        let heard = self.changes.receiver_count() > 0;
        let mut changes = Vec::new();
        {
            let mut view = self.write();
            for effect in effects {
                let change = view.apply(effect);
                changes.extend(change.filter(|_| heard));
            }
        }
        for change in changes {
            // Fails only if the last subscriber left meanwhile.
            let _ = self.changes.send(change);
        }
    }

    pub fn set_rulebook(&self, rulebook: Arc<Rulebook>) {
        self.rulebook.store(rulebook);
    }

    pub fn rulebook(&self) -> Arc<Rulebook> {
        self.rulebook.load_full()
    }

    pub fn set_readiness(&self, readiness: Readiness) {
        self.readiness.store(Arc::new(readiness));
    }

    pub fn readiness(&self) -> Readiness {
        Readiness::clone(&self.readiness.load())
    }

    /// Until when the last renewal of the lease holds, on the service's clock; for ever until the first is said.
    pub fn set_held_until(&self, moment: Timestamp) {
        self.held_until.store(moment.as_micros(), Ordering::Release);
    }

    /// Whether this process may still speak as the holder of the lease.
    pub fn holds_lease(&self, now: Timestamp) -> bool {
        now.as_micros() <= self.held_until.load(Ordering::Acquire)
    }

    /// The readiness, which a lease that was not renewed in time ends.
    pub fn readiness_at(&self, now: Timestamp) -> Readiness {
        match self.readiness() {
            Readiness::Ready if !self.holds_lease(now) => Readiness::NotReady {
                reason: "the lease on the database was not renewed in time; look at the database and the way to it"
                    .to_owned(),
            },
            readiness @ (Readiness::Ready | Readiness::NotReady { .. } | Readiness::Standby { .. }) => readiness,
        }
    }

    /// By how many microseconds the wall clock is ahead of the service's time: what is read here is shown by the wall
    /// clock.
    pub fn set_ahead(&self, micros: i64) {
        self.ahead.store(micros, Ordering::Release);
    }

    pub fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Acquire)
    }

    /// The `now` of the newest committed input.
    pub fn set_now(&self, now: Timestamp) {
        self.now.store(now.as_micros(), Ordering::Release);
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::Acquire))
    }

    /// Active alerts that pass, sorted by fingerprint. No lock is held during the selection.
    pub fn alerts(&self, wanted: impl Fn(&LiveAlert) -> bool) -> Vec<Arc<LiveAlert>> {
        self.alerts_with([], wanted)
    }

    /// Like `alerts`, only those with all these labels: most others are skipped without examination.
    pub fn alerts_with<'a>(
        &self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        wanted: impl Fn(&LiveAlert) -> bool,
    ) -> Vec<Arc<LiveAlert>> {
        let pairs: Vec<(&str, &str)> = labels.into_iter().collect();
        let bits =
            pairs.iter().fold(LabelBloom::default(), |bits, (name, value)| bits.with(LabelBloom::of_pair(name, value)));
        let holds = |alert: &LiveAlert| pairs.iter().all(|(name, value)| alert.alert.labels.get(name) == Some(value));
        let frozen = self.read().alerts.clone();
        let alerts = frozen.values().filter(|shown| shown.bits.may_hold(bits)).map(|shown| &shown.alert);
        let held = alerts.filter(|alert| holds(alert));
        match self.ahead() {
            0 => held.filter(|alert| wanted(alert)).cloned().collect(),
            ahead => held.map(|alert| Arc::new(alert.shifted(ahead))).filter(|alert| wanted(alert)).collect(),
        }
    }

    /// All silences within their retention, by id.
    pub fn silences(&self) -> Vec<Arc<Silence>> {
        let silences: Vec<Arc<Silence>> = self.read().silences.values().cloned().collect();
        match self.ahead() {
            0 => silences,
            ahead => silences.iter().map(|silence| Arc::new(silence.shifted(ahead))).collect(),
        }
    }

    /// Incidents not closed, merged or cancelled, by id.
    pub fn open_incidents(&self) -> Vec<Arc<Incident>> {
        self.read().incidents.values().map(|(incident, _)| Arc::clone(incident)).collect()
    }

    /// Receives every change committed from now on. A subscriber that lags over 4,096 changes gets an error and misses
    /// the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<StreamChange> {
        self.changes.subscribe()
    }

    fn read(&self) -> RwLockReadGuard<'_, View> {
        // A reader's panic leaves the view as it was; a writer's ends the service.
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An active alert, and the filter bits of its labels.
#[derive(Clone)]
struct ViewedAlert {
    bits: LabelBloom,
    alert: Arc<LiveAlert>,
}

#[derive(Default)]
struct View {
    /// Firing ones only.
    alerts: CowMap<ViewedAlert>,
    silences: BTreeMap<SilenceId, Arc<Silence>>,
    /// Not closed, merged or cancelled; each with its team, which its alerts share.
    incidents: BTreeMap<IncidentId, (Arc<Incident>, Arc<str>)>,
    /// The incident that each alert last joined, open or not, until the alert is forgotten; and the other way round.
    joined: BTreeMap<Fingerprint, IncidentId>,
    members: BTreeMap<IncidentId, BTreeSet<Fingerprint>>,
    normalised: NormalisedView,
    staff: StaffView,
}

impl View {
    fn apply(&mut self, effect: Effect) -> Option<StreamChange> {
        match effect {
            Effect::Record(change) => self.record(change),
            Effect::Live(change) => {
                self.follow(change);
                None
            }
            Effect::Do(_) | Effect::Count(_) => None,
        }
    }

    fn record(&mut self, change: RecordChange) -> Option<StreamChange> {
        match change {
            RecordChange::Alert(record) => {
                self.put_alert(Arc::clone(&record));
                return Some(StreamChange::Alert(record));
            }
            RecordChange::Incident(record) => {
                self.put_incident(Arc::clone(&record));
                return Some(StreamChange::Incident(record));
            }
            RecordChange::Membership { incident, fingerprint, firing: _, link_only } => {
                if !link_only {
                    self.join(incident, fingerprint);
                } else if self.joined.get(&fingerprint) == Some(&incident) {
                    self.leave(fingerprint);
                }
                self.refresh(fingerprint);
            }
            RecordChange::Silence(record) => {
                self.silences.insert(record.id, Arc::new(*record));
            }
            RecordChange::Problem(record) => return Some(StreamChange::Problem(Arc::new(*record))),
            RecordChange::Run(record) => return Some(StreamChange::Run(Arc::new(*record))),
            RecordChange::Timeline(_)
            | RecordChange::Evidence { .. }
            | RecordChange::Audit(_)
            | RecordChange::Delivery(_) => {}
        }
        None
    }

    fn follow(&mut self, change: LiveChange) {
        match change {
            LiveChange::AlertTouched { fingerprint, ends_at, updated_at } => {
                self.touch(fingerprint, ends_at, updated_at);
            }
            LiveChange::AlertForgotten { fingerprint } => {
                self.alerts.remove(fingerprint);
                self.leave(fingerprint);
            }
            LiveChange::SilenceForgotten { id } => {
                self.silences.remove(&id);
            }
            LiveChange::Normalised(normalised) => self.normalised.apply(&normalised),
            LiveChange::Staff(change) => self.staff.apply(*change),
        }
    }

    fn put_alert(&mut self, alert: Arc<AlertRecord>) {
        match alert.status {
            Status::Firing => {
                let fingerprint = alert.fingerprint;
                let (incident, team) = self.lent_to(fingerprint);
                let bits = LabelBloom::of(&alert.labels);
                let alert = Arc::new(LiveAlert { alert, incident, team });
                self.alerts.insert(fingerprint, ViewedAlert { bits, alert });
            }
            Status::Resolved | Status::Point => self.alerts.remove(alert.fingerprint),
        }
    }

    fn touch(&mut self, fingerprint: Fingerprint, ends_at: Stamp, updated_at: Timestamp) {
        if let Some(shown) = self.alerts.get_mut(fingerprint) {
            // Copied only while a reader shares it.
            let alert = Arc::make_mut(&mut Arc::make_mut(&mut shown.alert).alert);
            alert.ends_at = ends_at;
            alert.updated_at = updated_at;
        }
    }

    fn put_incident(&mut self, incident: Arc<Incident>) {
        let id = incident.id;
        let before = self.incidents.remove(&id);
        let was = before.map(|(_, team)| team);
        let is = if is_shown(incident.state) {
            let same = was.clone().filter(|team| **team == *incident.team);
            let team = same.unwrap_or_else(|| Arc::from(incident.team.as_str()));
            self.incidents.insert(id, (incident, Arc::clone(&team)));
            Some(team)
        } else {
            None
        };
        if was != is {
            // Its alerts show another receiver now. Rare: opening, escalating, closing.
            for fingerprint in self.members.get(&id).cloned().unwrap_or_default() {
                self.refresh(fingerprint);
            }
        }
    }

    fn join(&mut self, incident: IncidentId, fingerprint: Fingerprint) {
        if self.joined.get(&fingerprint) != Some(&incident) {
            self.leave(fingerprint);
            self.joined.insert(fingerprint, incident);
            self.members.entry(incident).or_default().insert(fingerprint);
        }
    }

    fn leave(&mut self, fingerprint: Fingerprint) {
        let Some(incident) = self.joined.remove(&fingerprint) else { return };
        if let Some(members) = self.members.get_mut(&incident) {
            members.remove(&fingerprint);
            if members.is_empty() {
                self.members.remove(&incident);
            }
        }
    }

    /// The incident whose team gets that alert, and the team.
    fn lent_to(&self, fingerprint: Fingerprint) -> (Option<IncidentId>, Option<Arc<str>>) {
        let incident = self.joined.get(&fingerprint).and_then(|id| self.incidents.get(id));
        match incident {
            Some((incident, team)) => (Some(incident.id), Some(Arc::clone(team))),
            None => (None, None),
        }
    }

    fn refresh(&mut self, fingerprint: Fingerprint) {
        let (incident, team) = self.lent_to(fingerprint);
        if let Some(shown) = self.alerts.get_mut(fingerprint) {
            let live = Arc::make_mut(&mut shown.alert);
            live.incident = incident;
            live.team = team;
        }
    }
}

/// True if an incident is shown: a resolved one still is, until it is closed.
const fn is_shown(state: IncidentState) -> bool {
    match state {
        IncidentState::New
        | IncidentState::Assigned
        | IncidentState::InProgress
        | IncidentState::Pending
        | IncidentState::Resolved => true,
        IncidentState::Closed | IncidentState::Merged | IncidentState::Cancelled => false,
    }
}

#[cfg(test)]
mod tests;
