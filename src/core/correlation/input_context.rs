//! The handling of one input: the state it changes, the indexes, and its results.
//!
//! The other files of this room implement its methods. Due timers run before the input itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::alerts::alert::Alert;
use super::alerts::dedup::{EventId, order_of};
use super::conditions::condition::{Condition, ConditionPhase};
use super::conditions::shared_context::Derived;
use super::grouping::SightingPlaces;
use super::keys::{ConditionKey, RuleId};
use super::match_target::MatchTarget;
use super::output::{AlertView, CorrelationMetric, Decision, Firing, Output, Verdict};
use super::patterns::Window;
use super::rule_index::RuleIndex;
use super::state::{AlertStage, CorrelatorState};
use super::suppression::silence_index::{ActiveSilences, Silenced};
use super::suppression::suppressors::Suppressors;
use super::suppression::suppressors::rank_of;
use super::timers::{Deadlines, Timer};
use crate::core::model::{Cause, Fingerprint, Labels, Status, Timestamp};
use crate::core::rules::{ActionAt, Pattern};

/// Data derived from the state, rebuilt after a restore.
#[derive(Clone, Default)]
pub(super) struct Index {
    pub deadlines: Deadlines,
    pub holders: Suppressors,
    pub active_silences: ActiveSilences,
    /// The firing alerts under each silence.
    pub silenced: Silenced,
    /// By their numbers in the rulebook.
    pub open_windows: BTreeSet<u32>,
    /// Conditions without members by rule, oldest first: the limit on windows counts these.
    pub loose: BTreeMap<RuleId, BTreeSet<(Timestamp, ConditionKey)>>,
    /// Those of them that fired.
    pub fired: BTreeSet<ConditionKey>,
    pub event_id_order: VecDeque<(Timestamp, EventId)>,
    /// Shares one string among all alerts of a source.
    pub sources: BTreeSet<Arc<str>>,
    /// Every calendar of the rulebook has its condition.
    pub has_calendars: bool,
    /// The sightings of grouping, by item.
    pub places: SightingPlaces,
}

impl Index {
    pub fn of(state: &mut CorrelatorState, book: &RuleIndex) -> Index {
        let event_id_order = order_of(&state.event_ids);
        let mut index = Index { event_id_order, places: SightingPlaces::of(&state.groups), ..Index::default() };
        for (id, kept) in state.silences.iter() {
            index.deadlines.insert(kept.due(), Timer::Silence(*id));
            match kept.stage {
                AlertStage::Active => index.active_silences.insert(&kept.silence),
                AlertStage::Pending | AlertStage::Expired => {}
            }
        }
        index.list_windows(&state.maintenance, book);
        for (key, place) in state.storms.iter() {
            let storm = book.rulebook.storms.iter().find(|storm| storm.name == key.storm);
            if let (Some(active), Some(storm)) = (place.storm, storm) {
                index.deadlines.insert(active.due(storm), Timer::Storm(Arc::clone(key)));
            }
        }
        for (name, context) in state.contexts.iter() {
            if let Some(until) = context.until {
                index.deadlines.insert(until, Timer::Context(name.clone()));
            }
        }
        let fingerprints: Vec<Fingerprint> = state.alerts.iter().map(|(fingerprint, _)| *fingerprint).collect();
        for fingerprint in fingerprints {
            let Some(alert) = state.alert_mut(&fingerprint) else { continue };
            alert.source = index.intern(&alert.source);
            alert.armed = index.deadlines.arm(None, alert.due(), || Timer::Alert(fingerprint));
            if alert.times.firing {
                let places = book.places(&MatchTarget::of_alert(alert));
                index.holders.insert((alert.fires_since, fingerprint), &places, &mut Default::default());
                index.silenced.moved(fingerprint, &[], alert.held.as_ref().map_or(&[], |held| &held.silenced_by));
            }
        }
        for (number, sighting) in &state.groups.sightings {
            if let Some(at) = sighting.look_again {
                index.deadlines.insert(at, Timer::Sighting(*number));
            }
        }
        let keys: Vec<ConditionKey> = state.conditions.iter().map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(condition) = state.condition_mut(&key) else { continue };
            let due = book.rule_of(&key).and_then(|rule| condition.window.due(rule));
            condition.armed = index.deadlines.arm(None, due, || Timer::Condition(key.clone()));
            condition.listed = Default::default();
            index.list(&key, condition);
            if condition.is_held_memberless() {
                for evidence in &condition.evidence {
                    let places = book.places(&MatchTarget::of_evidence(evidence));
                    index.holders.watch(&key, rank_of(evidence), &places);
                }
            }
        }
        index
    }

    pub fn intern(&mut self, source: &str) -> Arc<str> {
        if let Some(known) = self.sources.get(source) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(source);
        self.sources.insert(Arc::clone(&new));
        new
    }

    /// Adds a condition to the indexes that it belongs to now, and removes it from the others.
    pub fn list(&mut self, key: &ConditionKey, condition: &mut Condition) {
        let (was, should) = (condition.listed, condition.should_be_listed());
        if was.loose != should.loose {
            let loose = self.loose.entry(key.rule).or_default();
            let entry = (condition.created_at, key.clone());
            if should.loose {
                loose.insert(entry);
            } else {
                loose.remove(&entry);
            }
        }
        if was.fired != should.fired {
            if should.fired {
                self.fired.insert(key.clone());
            } else {
                self.fired.remove(key);
                self.holders.forget(key);
            }
        }
        condition.listed = should;
    }

    /// Removes a condition from all of them.
    pub fn unlist(&mut self, key: &ConditionKey, condition: &Condition) {
        if condition.listed.loose
            && let Some(loose) = self.loose.get_mut(&key.rule)
        {
            loose.remove(&(condition.created_at, key.clone()));
        }
        if condition.listed.fired {
            self.fired.remove(key);
            self.holders.forget(key);
        }
    }
}

pub(super) struct CorrelationContext<'a> {
    pub state: &'a mut CorrelatorState,
    pub index: &'a mut Index,
    pub book: &'a RuleIndex,
    pub now: Timestamp,
    pub out: &'a mut Vec<Output>,
    /// Records firings, if requested.
    pub firings: &'a mut Option<Vec<Firing>>,
    /// Alerts to publish when the input is done.
    pub changed: BTreeSet<Fingerprint>,
    /// The input being handled; `None` while a timer runs.
    pub cause: Option<Cause>,
    /// Labels of the event that is entering a window.
    pub acting: Option<Labels>,
    /// Derived events, with their depth.
    pub derived: VecDeque<(Derived, u8)>,
    /// Depth of the event being handled.
    pub depth: u8,
}

impl CorrelationContext<'_> {
    /// Runs every timer due by `now`, in order of time.
    pub fn serve_deadlines(&mut self) {
        if !self.knows_windows() {
            self.take_windows();
        }
        while let Some((at, timer)) = self.index.deadlines.pop(self.now) {
            match timer {
                Timer::Silence(_) | Timer::Maintenance(_) | Timer::Storm(_) => self.holds_due(at, timer),
                Timer::Context(name) => self.context_timer(&name),
                Timer::Alert(fingerprint) => self.alert_timer(fingerprint, at),
                Timer::Condition(key) => self.condition_timer(&key, at),
                Timer::Sighting(number) => self.look_again(number),
            }
        }
    }

    /// Opens the conditions of calendars at the first input under their rulebook, because they wait for no event.
    pub fn open_calendars(&mut self) {
        if self.index.has_calendars {
            return;
        }
        self.index.has_calendars = true;
        let book = self.book;
        for position in 0..book.catch_all_position() {
            if matches!(book.rule(position).pattern, Pattern::Calendar { .. }) {
                let key = ConditionKey::new(book.id(position), Labels::empty());
                self.open_condition(&key, position);
                self.arm_condition(&key);
                self.publish_condition(&key, false);
            }
        }
    }

    /// Reports the changed alerts. Last of all, so that each is shown once, in its final state.
    pub fn finish(mut self) {
        for fingerprint in std::mem::take(&mut self.changed) {
            if let Some(alert) = self.state.alerts.get(&fingerprint) {
                let view = view(self.state, self.book, fingerprint, alert);
                self.out.push(Output::AlertChanged(Box::new(view)));
            }
        }
    }

    fn alert_timer(&mut self, fingerprint: Fingerprint, at: Timestamp) {
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        alert.armed = None;
        if alert.due().is_some_and(|due| due <= at) {
            self.alert_due(fingerprint, at);
        }
        self.arm_alert(fingerprint);
    }

    fn alert_due(&mut self, fingerprint: Fingerprint, at: Timestamp) {
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        if !alert.times.firing {
            self.state.alerts.remove(&fingerprint);
            self.changed.remove(&fingerprint);
            self.out.push(Output::AlertForgotten { fingerprint });
        } else if alert.times.ends_at.at <= at {
            self.expire(fingerprint);
        } else {
            self.pass_on(fingerprint);
        }
    }

    fn condition_timer(&mut self, key: &ConditionKey, at: Timestamp) {
        let book = self.book;
        let (Some(condition), Some(rule)) = (self.state.condition_mut(key), book.rule_of(key)) else { return };
        condition.armed = None;
        let is_due = condition.window.due(rule).is_some_and(|due| due <= at);
        let mut fires = is_due && condition.window.expire(rule, at, self.now);
        if fires && matches!(condition.window, Window::Calendar(_)) {
            fires = self.calendar_fires(key, at);
        }
        self.arm_condition(key);
        let was_raised = self.state.conditions.get(key).is_some_and(|condition| condition.is_raised());
        if fires {
            self.act(key, ActionAt::Fire);
        }
        self.publish_condition(key, fires);
        self.emit_again(key, fires && was_raised);
    }

    pub fn arm_alert(&mut self, fingerprint: Fingerprint) {
        if let Some(alert) = self.state.alert_mut(&fingerprint) {
            let timer = || Timer::Alert(fingerprint);
            alert.armed = self.index.deadlines.arm(alert.armed, alert.due(), timer);
        }
    }

    pub fn arm_condition(&mut self, key: &ConditionKey) {
        let Some(rule) = self.book.rule_of(key) else { return };
        if let Some(condition) = self.state.condition_mut(key) {
            let (armed, due) = (condition.armed, condition.window.due(rule));
            condition.armed = self.index.deadlines.arm(armed, due, || Timer::Condition(key.clone()));
        }
    }

    pub fn count(&mut self, counted: CorrelationMetric) {
        self.out.push(Output::Count(counted));
    }

    pub fn decide(&mut self, key: &ConditionKey, mut verdict: Verdict) {
        let Some(rule) = self.book.rule_of(key).filter(|rule| rule.opens_incident) else { return };
        let joins = self.group(key, &mut verdict);
        let further = joins.into_iter().map(|joins| Verdict::Grouped(Box::new(joins)));
        for verdict in [verdict].into_iter().chain(further) {
            let decision = Decision { rule: rule.name.clone(), key: key.key.clone(), verdict };
            self.out.push(Output::Decision(Box::new(decision)));
        }
        self.wake(key);
    }

    /// Event time of a message; counts implausible times.
    pub fn event_time(&mut self, occurred_at: Option<Timestamp>) -> Timestamp {
        let at = super::clamp_event_time(occurred_at, self.now);
        if occurred_at.is_some_and(|occurred_at| occurred_at != at) {
            self.count(CorrelationMetric::Clamped);
        }
        at
    }
}

/// An alert as lists show it.
pub(super) fn view(state: &CorrelatorState, book: &RuleIndex, fingerprint: Fingerprint, alert: &Alert) -> AlertView {
    let owner = alert.owner.as_ref();
    let rule = owner.and_then(|key| book.rule_of(key));
    let holds = alert.held.as_deref().cloned().unwrap_or_default();
    AlertView {
        fingerprint,
        source: Arc::clone(&alert.source),
        status: if alert.times.firing { Status::Firing } else { Status::Resolved },
        labels: alert.labels.clone(),
        facts: alert.facts.clone(),
        annotations: alert.annotations.clone(),
        summary: Arc::clone(&alert.summary),
        severity: alert.severity,
        starts_at: alert.times.starts_at,
        ends_at: alert.times.ends_at,
        updated_at: alert.updated_at,
        generator_url: Arc::clone(&alert.generator_url),
        silenced_by: holds.silenced_by,
        inhibited_by: holds.inhibited_by.into_iter().collect(),
        explained_by: holds.explained_by.into_iter().collect(),
        maintained_by: holds.maintained_by.iter().map(|name| name.as_ref().to_owned()).collect(),
        storm: holds.storm.map(|storm| storm.words()),
        rule: rule.map(|rule| rule.name.clone()).unwrap_or_default(),
        key: owner.map(|key| key.key.clone()).unwrap_or_else(Labels::empty),
        held: held(state, book, fingerprint, alert),
        transitions: u64::from(alert.transitions),
        first_seen_at: alert.first_seen_at,
    }
}

/// Reason why a firing alert raised nothing so far.
fn held(state: &CorrelatorState, book: &RuleIndex, fingerprint: Fingerprint, alert: &Alert) -> Option<String> {
    let owner = alert.owner.as_ref().filter(|_| alert.times.firing)?;
    let rule = book.rule_of(owner)?;
    let condition = state.conditions.get(owner);
    let Some(condition) = condition.filter(|condition| condition.members.contains(fingerprint)) else {
        return Some(super::wording::held_outside(rule));
    };
    match condition.phase {
        ConditionPhase::Idle => Some(super::wording::held_idle(rule, &condition.window)),
        ConditionPhase::Waiting => {
            let by = alert.held.as_ref().map(|held| held.words()).unwrap_or_else(|| "what holds it back".to_owned());
            Some(format!("rule {}, waits for the end of {by}", rule.name))
        }
        ConditionPhase::Raised { .. } if !rule.opens_incident => Some(format!("rule {}, opens no incident", rule.name)),
        ConditionPhase::Raised { .. } => None,
    }
}
