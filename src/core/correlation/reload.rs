//! A new rulebook, and the return after downtime: what lives on, what is dropped, what gets more time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::conditions::condition::{ConditionKey, RuleId};
use super::input_context::{CorrelationContext, Index};
use super::output::Output;
use super::rule_index::RuleIndex;
use super::{RESUME_GRACE, state};
use crate::core::model::{Fingerprint, TimeDelta, Timestamp};
use crate::core::rules::{Pattern, Rule, Rulebook};

/// The rules whose windows do not live on: gone, or changed in what their windows mean.
pub(super) fn gone(book: &RuleIndex, new: &Rulebook) -> Vec<RuleId> {
    let survives = |rule: &Rule| new.rules.iter().any(|other| other.name == rule.name && other.shape == rule.shape);
    let old = &book.rulebook.rules;
    (0..old.len()).filter(|position| !survives(&old[*position])).map(|position| book.id(position)).collect()
}

/// Whether every alert finds the same rules as before.
pub(super) fn routes_alike(old: &Rulebook, new: &Rulebook) -> bool {
    let route = |rule: &Rule| (rule.shape, rule.continues, rule.because.is_none());
    old.rules.len() == new.rules.len()
        && old.rules.iter().zip(&new.rules).all(|(old, new)| old.name == new.name && route(old) == route(new))
}

impl CorrelationContext<'_> {
    /// Still under the old rulebook: drops what will be gone, and says so.
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

    /// Under the new rulebook: what is held back, and whose the alerts are now.
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
        // What held back events without alerts may be gone with the old rules.
        self.review_all_memberless();
        if reroute {
            for fingerprint in fingerprints {
                if self.state.alerts.get(&fingerprint).is_some_and(|alert| alert.times.firing) {
                    self.route_again(fingerprint);
                }
            }
        }
    }

    /// The service was away: what ended for want of a message in that time gets another chance to be heard.
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

/// Compiles the new rulebook; rules that live on keep their numbers, all others get fresh ones.
pub(super) fn renumber(state: &mut state::CorrelatorState, gone: &[RuleId], rulebook: Arc<Rulebook>) -> RuleIndex {
    let names = state.names.without(gone).of(&rulebook);
    let book = RuleIndex::new(rulebook, &names.ids);
    state.names = Arc::new(names);
    book
}

/// The indexes again, after rules and windows changed under them.
pub(super) fn index_again(state: &mut state::CorrelatorState, book: &RuleIndex, index: &mut Index) {
    let sources = std::mem::take(&mut index.sources);
    *index = Index::of(state, book);
    index.sources.extend(sources);
}
