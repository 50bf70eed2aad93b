//! Reload and resumption after downtime: state that survives, is dropped, or gets more time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::input_context::{CorrelationContext, Index};
use super::keys::{ConditionKey, RuleId};
use super::output::Output;
use super::rule_index::RuleIndex;
use super::{RESUME_GRACE, state};
use crate::core::model::{Fingerprint, TimeDelta, Timestamp};
use crate::core::rules::{Pattern, Rule, Rulebook};

/// The rules whose windows do not survive: removed, or changed in the meaning of their windows.
pub(super) fn gone(book: &RuleIndex, new: &Rulebook) -> Vec<RuleId> {
    let survives = |rule: &Rule| new.rules.iter().any(|other| other.name == rule.name && other.shape == rule.shape);
    let old = &book.rulebook.rules;
    (0..old.len()).filter(|position| !survives(&old[*position])).map(|position| book.id(position)).collect()
}

/// True if every alert finds the same rules as before.
pub(super) fn routes_alike(old: &Rulebook, new: &Rulebook) -> bool {
    let route = |rule: &Rule| (rule.shape, rule.continues, rule.because.is_none());
    old.rules.len() == new.rules.len()
        && old.rules.iter().zip(&new.rules).all(|(old, new)| old.name == new.name && route(old) == route(new))
}

impl CorrelationContext<'_> {
    /// Still under the old rulebook: drops and reports the windows that do not survive.
    pub fn retire_rules(&mut self, gone: &[RuleId]) {
        let keys: Vec<ConditionKey> =
            self.state.conditions.iter().map(|(key, _)| key).filter(|key| gone.contains(&key.rule)).cloned().collect();
        let mut dropped: BTreeMap<RuleId, u64> = BTreeMap::new();
        for key in keys {
            *dropped.entry(key.rule).or_default() += 1;
            self.retire(&key);
        }
        for (id, windows) in dropped {
            let name = self.state.names.ids.iter().find(|(_, other)| **other == id).map(|(name, _)| name.clone());
            self.out.push(Output::WindowsDropped { rule: name.unwrap_or_default(), windows });
        }
    }

    /// Under the new rulebook: re-evaluates suppression and owners of alerts.
    pub fn own_again(&mut self, gone: &[RuleId], reroute: bool) {
        let fingerprints: Vec<Fingerprint> = self.state.alerts.iter().map(|(fingerprint, _)| *fingerprint).collect();
        for fingerprint in &fingerprints {
            self.review(*fingerprint);
            let touches = |key: &ConditionKey| gone.contains(&key.rule);
            let Some(alert) = self.state.alerts.get(fingerprint) else { continue };
            let is_touched = alert.conditions().any(touches) || alert.passed.iter().any(|id| gone.contains(id));
            if is_touched && let Some(alert) = self.state.alert_mut(fingerprint) {
                alert.owner = alert.owner.take().filter(|key| !touches(key));
                alert.links.retain(|key| !touches(key));
                alert.passed.retain(|id| !gone.contains(id));
            }
        }
        // Suppressors of events without alerts may be gone with the old rules.
        self.review_all_memberless();
        if reroute {
            for fingerprint in fingerprints {
                if self.state.alerts.get(&fingerprint).is_some_and(|alert| alert.times.firing) {
                    self.route_again(fingerprint);
                }
            }
        }
    }

    /// Postpones ends that fell into a downtime for want of a message, because messages could not arrive.
    pub fn postpone(&mut self, gap: TimeDelta) {
        let (now, gone_since) = (self.now, self.now - gap);
        let fell_into_gap = |due: Timestamp| gone_since <= due && due <= now;
        let mut ends: Vec<Fingerprint> = Vec::new();
        for (fingerprint, alert) in self.state.alerts.iter() {
            if alert.times.firing && fell_into_gap(alert.times.ends_at.at) {
                ends.push(*fingerprint);
            }
        }
        for fingerprint in ends {
            let Some(alert) = self.state.alert_mut(&fingerprint) else { continue };
            alert.times.ends_at.at = now + alert.period().max(RESUME_GRACE);
            let (ends_at, updated_at) = (alert.times.ends_at, alert.updated_at);
            self.out.push(Output::AlertTouched { fingerprint, ends_at, updated_at });
        }
        let mut silent: Vec<(ConditionKey, TimeDelta)> = Vec::new();
        for (key, condition) in self.state.conditions.iter() {
            let due = condition.window.awaited();
            if let Some(Pattern::Absence { within } | Pattern::PairWindow { within, .. }) =
                self.book.rule_of(key).map(|rule| &rule.pattern)
                && due.is_some_and(fell_into_gap)
            {
                silent.push((key.clone(), *within));
            }
        }
        for (key, within) in silent {
            let Some(condition) = self.state.condition_mut(&key) else { continue };
            let deadline = now + within.max(RESUME_GRACE);
            condition.window.postpone(deadline);
        }
        self.postpone_contexts(fell_into_gap);
    }
}

/// Compiles the new rulebook; surviving rules keep their numbers, all others get new ones.
pub(super) fn renumber(state: &mut state::CorrelatorState, gone: &[RuleId], rulebook: Arc<Rulebook>) -> RuleIndex {
    let names = state.names.without(gone).of(&rulebook);
    let book = RuleIndex::new(rulebook, &names.ids);
    state.names = Arc::new(names);
    book
}

/// Rebuilds the indexes after rules and windows changed.
pub(super) fn index_again(state: &mut state::CorrelatorState, book: &RuleIndex, index: &mut Index) {
    let sources = std::mem::take(&mut index.sources);
    *index = Index::of(state, book);
    index.sources.extend(sources);
}
