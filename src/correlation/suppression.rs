//! What holds alerts and points back, and what follows when that changes: observed always, alerted when free.

use std::sync::Arc;

use super::book::Book;
use super::condition::{Condition, ConditionKey};
use super::inhibition::Affected;
use super::output::{Counted, Evidence, Suppressor};
use super::patterns::Window;
use super::state::State;
use super::subject::Subject;
use super::turn::{Index, Turn};
use crate::model::{Fingerprint, Labels, SilenceId, Status};

impl Turn<'_> {
    /// The active silences that match, in their order.
    pub fn silences_on(&self, labels: &Labels) -> Vec<SilenceId> {
        silences_on(self.state, self.index, labels).collect()
    }

    /// What holds back something that is no alert, now.
    pub fn suppressor_of(&self, subject: &Subject<'_>) -> Option<Suppressor> {
        suppressor(self.state, self.index, self.book, subject)
    }

    /// What holds back a counted event, in words.
    pub fn held_by_of(&self, evidence: &Evidence) -> String {
        let subject = Subject::of_evidence(evidence);
        match (first_silence(self.state, self.index, subject.labels), self.source_over(&subject)) {
            (Some(silence), _) => format!("silence {silence}"),
            (None, Some(source)) => format!("inhibition by alert {source}"),
            (None, None) => String::new(),
        }
    }

    fn source_over(&self, subject: &Subject<'_>) -> Option<Fingerprint> {
        source_over(self.index, self.book, subject)
    }

    /// Counts what holds back an alert that just began to fire.
    pub fn count_suppressed(&mut self, fingerprint: Fingerprint) {
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let (silenced, inhibited) = (!alert.silenced_by.is_empty(), alert.inhibited_by.is_some());
        if silenced {
            self.count(Counted::Suppressed { by: Suppressor::Silence });
        }
        if inhibited {
            self.count(Counted::Suppressed { by: Suppressor::Inhibition });
        }
    }

    /// Looks again at the alerts whose inhibiting source came, went or changed.
    pub fn inhibit_again(&mut self, affected: &Affected) {
        for fingerprint in &affected.alerts {
            let Some(alert) = self.state.alerts.get(fingerprint) else { continue };
            let source = self.source_over(&Subject::of_alert(alert));
            self.inhibit(*fingerprint, source);
        }
        for key in &affected.watchers {
            self.review_memberless(key);
        }
    }

    pub fn inhibit(&mut self, fingerprint: Fingerprint, source: Option<Fingerprint>) {
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        if alert.inhibited_by == source {
            return;
        }
        let (was, is_new) = (alert.is_suppressed(), alert.inhibited_by.is_none());
        alert.inhibited_by = source;
        if is_new {
            self.count(Counted::Suppressed { by: Suppressor::Inhibition });
        }
        self.changed.insert(fingerprint);
        self.suppression_changed(fingerprint, was);
    }

    pub fn silence_alert(&mut self, fingerprint: Fingerprint, silenced_by: Vec<SilenceId>) {
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        let (was, is_new) = (alert.is_suppressed(), alert.silenced_by.is_empty() && !silenced_by.is_empty());
        alert.silenced_by = silenced_by;
        if !alert.times.firing {
            return;
        }
        if is_new {
            self.count(Counted::Suppressed { by: Suppressor::Silence });
        }
        self.changed.insert(fingerprint);
        self.suppression_changed(fingerprint, was);
    }

    /// Keeps the count of free members in the conditions that the alert stands under.
    fn suppression_changed(&mut self, fingerprint: Fingerprint, was: bool) {
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let is = alert.is_suppressed();
        if was == is {
            return;
        }
        let keys: Vec<ConditionKey> = alert.conditions().cloned().collect();
        for key in keys {
            let Some(condition) = self.state.condition_mut(&key) else { continue };
            if condition.members.contains(fingerprint) {
                condition.free = if is { condition.free.saturating_sub(1) } else { condition.free + 1 };
                self.settle(&key, false);
            }
        }
    }
}

fn silences_on<'a>(state: &'a State, index: &'a Index, labels: &'a Labels) -> impl Iterator<Item = SilenceId> + 'a {
    let matches = |id: &SilenceId| state.silences.get(id).is_some_and(|kept| kept.silence.silences(labels));
    index.active_silences.iter().copied().filter(matches)
}

fn first_silence(state: &State, index: &Index, labels: &Labels) -> Option<SilenceId> {
    silences_on(state, index, labels).next()
}

fn source_over(index: &Index, book: &Book, subject: &Subject<'_>) -> Option<Fingerprint> {
    if !book.has_inhibitions() {
        return None;
    }
    index.inhibitions.source_for(&book.inhibition_places(subject))
}

/// What holds back the subject of an event, now.
pub(super) fn suppressor(state: &State, index: &Index, book: &Book, subject: &Subject<'_>) -> Option<Suppressor> {
    if first_silence(state, index, subject.labels).is_some() {
        return Some(Suppressor::Silence);
    }
    source_over(index, book, subject).map(|_| Suppressor::Inhibition)
}

/// Whether anything that counted in a condition is not held back: a firing member, an event when it came, or, without
/// members, one as of now.
pub(super) fn is_free(state: &State, index: &Index, book: &Book, condition: &Condition) -> bool {
    let came_free = |points_only: bool| {
        let counts = |one: &&Arc<Evidence>| !points_only || one.status == Status::Point;
        condition.evidence.iter().filter(counts).any(|one| !one.suppressed)
    };
    if condition.free > 0 || condition.window.has_free() {
        return true;
    }
    if !condition.members.is_empty() {
        return came_free(true);
    }
    // What is missing may be missed because of what holds its source back now, whatever held it when it last spoke.
    let then_counts = !matches!(condition.window, Window::Absence(_));
    let is_held = |one: &Arc<Evidence>| suppressor(state, index, book, &Subject::of_evidence(one)).is_some();
    (then_counts && came_free(false)) || condition.evidence.is_empty() || !condition.evidence.iter().all(is_held)
}
