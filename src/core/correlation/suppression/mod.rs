//! Suppression of alerts and points, and the effects of its changes: suppressed alerts are observed, only free ones
//! alert.

pub(super) mod dependency;
pub(super) mod inhibition;
pub(super) mod maintenance;
pub(super) mod maintenance_window;
pub(super) mod silence_index;
pub(super) mod silences;
pub(super) mod storm_detector;
pub(super) mod storms;
pub(super) mod suppressed_by;
pub(super) mod suppressors;

use std::collections::BTreeSet;
use std::sync::Arc;

use self::inhibition::SourceChange;
use self::suppressed_by::SuppressedBy;
use super::alerts::alert::Alert;
use super::conditions::condition::Condition;
use super::input_context::{CorrelationContext, Index};
use super::keys::ConditionKey;
use super::match_target::MatchTarget;
use super::output::{AlertSuppressor, CorrelationMetric, CountedEvent};
use super::patterns::Window;
use super::rule_index::RuleIndex;
use super::state::CorrelatorState;
use super::timers::Timer;
use crate::core::model::{Fingerprint, Labels, SilenceId, Status, Timestamp};

impl CorrelationContext<'_> {
    /// Current suppressors of a subject that is no alert.
    pub fn suppressor_of(&self, subject: &MatchTarget<'_>, since: Timestamp) -> Option<AlertSuppressor> {
        holds_on(self.state, self.index, self.book, subject, since).kinds().next()
    }

    /// Suppressors of a counted event.
    pub fn holds_of(&self, evidence: &CountedEvent) -> SuppressedBy {
        holds_of(self.state, self.index, self.book, evidence)
    }

    /// Suppressors of an alert that just began to fire.
    pub fn hold_from_the_start(&mut self, fingerprint: Fingerprint) {
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let held = holds_of_alert(self.state, self.index, self.book, fingerprint, alert);
        let maintained = held.as_ref().is_some_and(|held| !held.maintained_by.is_empty());
        held.iter().flat_map(|held| held.kinds()).for_each(|by| self.count(CorrelationMetric::Suppressed { by }));
        self.index.silenced.moved(fingerprint, &[], held.as_ref().map_or(&[], |held| &held.silenced_by));
        if let Some(alert) = self.state.alert_mut(&fingerprint) {
            alert.held = held;
            alert.began_maintained = maintained;
        }
    }

    /// Re-evaluates the suppression of a firing alert, and applies the change.
    pub fn review(&mut self, fingerprint: Fingerprint) {
        let Some(alert) = self.state.alerts.get(&fingerprint).filter(|alert| alert.times.firing) else { return };
        let held = holds_of_alert(self.state, self.index, self.book, fingerprint, alert);
        if alert.held == held {
            return;
        }
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        let before = std::mem::replace(&mut alert.held, held.clone());
        let (before, after) =
            (before.map(|held| *held).unwrap_or_default(), held.map(|held| *held).unwrap_or_default());
        self.index.silenced.moved(fingerprint, &before.silenced_by, &after.silenced_by);
        let known: Vec<AlertSuppressor> = before.kinds().collect();
        for by in after.kinds().filter(|kind| !known.contains(kind)) {
            self.count(CorrelationMetric::Suppressed { by });
        }
        self.changed.insert(fingerprint);
        self.suppression_changed(fingerprint, before.is_empty(), after.is_empty());
    }

    /// Re-evaluates the alerts that another alert suppressed, or suppresses from now on.
    pub fn review_affected(&mut self, affected: &SourceChange) {
        affected.alerts.iter().for_each(|fingerprint| self.review(*fingerprint));
        affected.watchers.iter().for_each(|key| self.review_memberless(key));
    }

    /// Handles all silences, windows and storms that are due at that time together: one that begins as another ends
    /// leaves no gap.
    pub fn holds_due(&mut self, at: Timestamp, first: Timer) {
        let mut alerts: BTreeSet<Fingerprint> = BTreeSet::new();
        let mut released: Vec<Fingerprint> = Vec::new();
        let mut silences: Vec<SilenceId> = Vec::new();
        let mut next = Some(first);
        while let Some(timer) = next {
            match timer {
                Timer::Silence(id) => silences.push(id),
                Timer::Maintenance(number) => alerts.extend(self.window_due(at, number)),
                Timer::Storm(key) => released.extend(self.storm_due(at, &key)),
                Timer::Context(_) | Timer::Alert(_) | Timer::Condition(_) | Timer::Sighting(_) => {}
            }
            next = self.index.deadlines.pop_hold(at);
        }
        alerts.extend(self.silences_due(at, &silences));
        // The worst alerts of a storm are released first.
        released.iter().for_each(|fingerprint| self.review(*fingerprint));
        alerts.iter().for_each(|fingerprint| self.review(*fingerprint));
        self.review_all_memberless();
    }

    /// Updates the count of free members in the alert's conditions.
    fn suppression_changed(&mut self, fingerprint: Fingerprint, was_free: bool, is_free: bool) {
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let keys: Vec<ConditionKey> = alert.conditions().cloned().collect();
        for key in keys {
            let Some(condition) = self.state.condition_mut(&key) else { continue };
            if condition.members.contains(fingerprint) {
                match (was_free, is_free) {
                    (true, false) => condition.free = condition.free.saturating_sub(1),
                    (false, true) => condition.free += 1,
                    (true, true) | (false, false) => {}
                }
                self.publish_condition(&key, false);
            }
        }
    }
}

/// The active silences that match, in their order.
fn silences_on(
    state: &CorrelatorState,
    index: &Index,
    labels: &Labels,
    fingerprint: impl Fn() -> Fingerprint,
) -> Vec<SilenceId> {
    let holds = |id: &SilenceId| {
        state.silences.get(id).is_some_and(|kept| {
            // A silence until resolved does not suppress what resolved under it.
            kept.silence.silences(labels) && (kept.done.is_empty() || !kept.done.contains(&fingerprint()))
        })
    };
    index.active_silences.candidates(labels).into_iter().filter(holds).collect()
}

/// Suppressors of an event's subject, or of a firing alert, since that time.
pub(super) fn holds_on(
    state: &CorrelatorState,
    index: &Index,
    book: &RuleIndex,
    subject: &MatchTarget<'_>,
    since: Timestamp,
) -> SuppressedBy {
    holds_by(state, index, book, subject, since, || subject.labels.fingerprint())
}

fn holds_by(
    state: &CorrelatorState,
    index: &Index,
    book: &RuleIndex,
    subject: &MatchTarget<'_>,
    since: Timestamp,
    fingerprint: impl Fn() -> Fingerprint,
) -> SuppressedBy {
    let mut holds = SuppressedBy::default();
    if !index.active_silences.is_empty() {
        holds.silenced_by = silences_on(state, index, subject.labels, &fingerprint);
    }
    if book.has_holders() {
        let places = book.places(subject);
        holds.inhibited_by = index.holders.inhibits(&places);
        holds.explained_by = index.holders.explains((since, fingerprint()), &places);
    }
    maintenance::hold(index, book, subject, &mut holds);
    holds.storm = storms::over(state, book, subject, since);
    holds
}

/// Current suppressors of a counted event.
pub(super) fn holds_of(
    state: &CorrelatorState,
    index: &Index,
    book: &RuleIndex,
    evidence: &CountedEvent,
) -> SuppressedBy {
    holds_on(state, index, book, &MatchTarget::of_evidence(evidence), evidence.at)
}

/// Current suppressors of a firing alert.
pub(super) fn holds_of_alert(
    state: &CorrelatorState,
    index: &Index,
    book: &RuleIndex,
    fingerprint: Fingerprint,
    alert: &Alert,
) -> Option<Box<SuppressedBy>> {
    holds_by(state, index, book, &MatchTarget::of_alert(alert), alert.fires_since, || fingerprint).kept()
}

/// True if any counted part of a condition is free: a firing member, an event when it came or, without members, an
/// event as of now.
pub(super) fn is_free(state: &CorrelatorState, index: &Index, book: &RuleIndex, condition: &Condition) -> bool {
    let came_free = |points_only: bool| {
        let counts = |one: &&Arc<CountedEvent>| !points_only || one.status == Status::Point;
        condition.evidence.iter().filter(counts).any(|one| !one.suppressed)
    };
    if condition.free > 0 || condition.window.has_free() {
        return true;
    }
    if !condition.members.is_empty() {
        return came_free(true);
    }
    // A missing signal may be missing because its source is suppressed now, whatever suppressed it at its last message.
    let then_counts = !matches!(condition.window, Window::Absence(_));
    let is_held = |one: &Arc<CountedEvent>| !holds_of(state, index, book, one).is_empty();
    (then_counts && came_free(false)) || condition.evidence.is_empty() || !condition.evidence.iter().all(is_held)
}
