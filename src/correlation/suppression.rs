//! What holds alerts and points back, and what follows when that changes: observed always, alerted when free.

use super::condition::ConditionKey;
use super::inhibition::Affected;
use super::output::{Counted, Evidence, Suppressor};
use super::subject::Subject;
use super::turn::Turn;
use crate::model::{Fingerprint, Labels, SilenceId};

impl Turn<'_> {
    /// The active silences that match, in their order.
    pub fn silences_on(&self, labels: &Labels) -> Vec<SilenceId> {
        let matches = |id: &&SilenceId| self.state.silences.get(id).is_some_and(|kept| kept.silence.silences(labels));
        self.index.active_silences.iter().filter(matches).copied().collect()
    }

    /// What holds back something that is no alert, now.
    pub fn suppressor_of(&self, subject: &Subject<'_>) -> Option<Suppressor> {
        if self.first_silence_on(subject.labels).is_some() {
            return Some(Suppressor::Silence);
        }
        self.source_over(subject).map(|_| Suppressor::Inhibition)
    }

    /// What holds back a counted event, in words.
    pub fn held_by_of(&self, evidence: &Evidence) -> String {
        let subject = Subject::of_evidence(evidence);
        match (self.first_silence_on(subject.labels), self.source_over(&subject)) {
            (Some(silence), _) => format!("silence {silence}"),
            (None, Some(source)) => format!("inhibition by alert {source}"),
            (None, None) => String::new(),
        }
    }

    fn first_silence_on(&self, labels: &Labels) -> Option<SilenceId> {
        let matches = |id: &&SilenceId| self.state.silences.get(id).is_some_and(|kept| kept.silence.silences(labels));
        self.index.active_silences.iter().find(matches).copied()
    }

    fn source_over(&self, subject: &Subject<'_>) -> Option<Fingerprint> {
        if !self.book.has_inhibitions() {
            return None;
        }
        self.index.inhibitions.source_for(&self.book.inhibition_places(subject))
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
        if affected.released {
            self.review_memberless(false);
        }
    }

    pub fn inhibit(&mut self, fingerprint: Fingerprint, source: Option<Fingerprint>) {
        let Some(alert) = self.state.alerts.get_mut(&fingerprint) else { return };
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
        let Some(alert) = self.state.alerts.get_mut(&fingerprint) else { return };
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
            let Some(condition) = self.state.conditions.get_mut(&key) else { continue };
            if condition.members.contains(fingerprint) {
                condition.free = if is { condition.free.saturating_sub(1) } else { condition.free + 1 };
                self.settle(&key, false);
            }
        }
    }
}
