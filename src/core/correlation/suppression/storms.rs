//! Storm handling: counts alerts at their places, raises and clears a storm's incident, suppresses its alerts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::storm_detector::{Active, FORGOTTEN_AFTER, StormSite, minute_of, passes, place};
use crate::core::correlation::alerts::alert::Alert;
use crate::core::correlation::input_context::CorrelationContext;
use crate::core::correlation::keys::StormKey;
use crate::core::correlation::match_target::MatchTarget;
use crate::core::correlation::output::{
    CorrelationLimit, CorrelationMetric, CountedEvent, Decision, Output, Raised, Verdict,
};
use crate::core::correlation::rule_index::RuleIndex;
use crate::core::correlation::state::CorrelatorState;
use crate::core::correlation::timers::Timer;
use crate::core::correlation::{EVIDENCE_KEPT, STORM_PLACES_MAX};
use crate::core::model::{Fingerprint, Severity, Status, Timestamp};
use crate::core::rules::{ItemIndex, Rulebook, Storm};

/// The storm that suppresses alerts begun at its place after it; `since`: start of the subject.
pub(crate) fn over(
    state: &CorrelatorState,
    book: &RuleIndex,
    subject: &MatchTarget<'_>,
    since: Timestamp,
) -> Option<Arc<StormKey>> {
    if state.storms.is_empty() {
        return None;
    }
    book.rulebook.storms.iter().find_map(|storm| {
        let key = place(storm, subject)?;
        let (key, place) = state.storms.get_key_value(&key)?;
        let holds = place.storm.is_some_and(|active| active.since <= since) && !passes(storm, subject);
        holds.then(|| Arc::clone(key))
    })
}

/// An active storm, with its rule.
fn active<'a>(state: &CorrelatorState, book: &'a RuleIndex, key: &Arc<StormKey>) -> Option<(&'a Storm, Active)> {
    let storm = book.rulebook.storms.iter().find(|storm| storm.name == key.storm)?;
    Some((storm, state.storms.get(key)?.storm?))
}

impl CorrelationContext<'_> {
    /// Counts a new alert unless a person suppresses it; returns the storms that it starts, and suppresses it if it is
    /// in one.
    pub fn storms_of(&mut self, fingerprint: Fingerprint) -> Vec<Arc<StormKey>> {
        let book = self.book;
        let mut begun = Vec::new();
        if book.rulebook.storms.is_empty() {
            return begun;
        }
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return begun };
        if alert.held.as_ref().is_some_and(|held| held.is_meant()) {
            return begun;
        }
        for storm in &book.rulebook.storms {
            let Some(alert) = self.state.alerts.get(&fingerprint) else { break };
            let Some(key) = place(storm, &MatchTarget::of_alert(alert)) else { continue };
            let key = Arc::new(key);
            if !self.state.storms.contains_key(&key) {
                self.make_room();
                Arc::make_mut(&mut self.state.storms).insert(Arc::clone(&key), Arc::new(StormSite::new(self.now)));
            }
            let Some(place) = Arc::make_mut(&mut self.state.storms).get_mut(&key) else { continue };
            if Arc::make_mut(place).count(storm, self.now, fingerprint) {
                begun.push(key);
            }
        }
        if !begun.is_empty() {
            self.review(fingerprint);
        }
        begun
    }

    /// Forgets the place that had no new alert for the longest time, if there are too many.
    fn make_room(&mut self) {
        if self.state.storms.len() < STORM_PLACES_MAX {
            return;
        }
        let calm = self.state.storms.iter().filter(|(_, place)| place.storm.is_none());
        let Some((oldest, place)) = calm.min_by_key(|(_, place)| place.last_minute()) else { return };
        let was_needed = place.last_minute() > minute_of(self.now - FORGOTTEN_AFTER);
        let oldest = Arc::clone(oldest);
        Arc::make_mut(&mut self.state.storms).remove(&oldest);
        if was_needed {
            self.count(CorrelationMetric::Bound { which: CorrelationLimit::StormPlaces });
        }
    }

    /// Starts storms: each one's incident first, then the suppression.
    pub fn begin_storms(&mut self, begun: &[Arc<StormKey>]) {
        for key in begun {
            let Some((storm, active)) = active(self.state, self.book, key) else { continue };
            self.index.deadlines.insert(active.due(storm), Timer::Storm(Arc::clone(key)));
            let members = self.alerts_of(storm, key, active.since);
            let raised = self.raised_by_storm(storm, key, active, &members);
            self.decide_storm(key, Verdict::Raised(Box::new(raised)));
            members.iter().for_each(|fingerprint| self.review(*fingerprint));
            self.review_all_memberless();
        }
    }

    /// Handles a due storm. Returns the alerts that it no longer suppresses, and true if it ended.
    pub fn storm_due(&mut self, at: Timestamp, key: &Arc<StormKey>) -> Vec<Fingerprint> {
        let Some((storm, active)) = active(self.state, self.book, key) else { return Vec::new() };
        let due = active.due(storm);
        if due > at {
            self.index.deadlines.insert(due, Timer::Storm(Arc::clone(key)));
            return Vec::new();
        }
        let members = self.alerts_of(storm, key, active.since);
        if let Some(place) = Arc::make_mut(&mut self.state.storms).get_mut(key) {
            Arc::make_mut(place).end();
        }
        self.decide_storm(key, Verdict::Cleared);
        members
    }

    /// The firing alerts of a storm, the worst first, then the earliest: the order of their release.
    fn alerts_of(&self, storm: &Storm, key: &StormKey, since: Timestamp) -> Vec<Fingerprint> {
        let is_in = |alert: &Alert| {
            alert.times.firing
                && alert.fires_since >= since
                && place(storm, &MatchTarget::of_alert(alert)).is_some_and(|place| place == *key)
        };
        let mut found: Vec<(Reverse<Severity>, Timestamp, Fingerprint)> = self
            .state
            .alerts
            .iter()
            .filter(|(_, alert)| is_in(alert))
            .map(|(fingerprint, alert)| (Reverse(alert.severity), alert.fires_since, *fingerprint))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, _, fingerprint)| fingerprint).collect()
    }

    fn raised_by_storm(&self, storm: &Storm, key: &StormKey, active: Active, members: &[Fingerprint]) -> Raised {
        let alerts = || members.iter().filter_map(|fingerprint| self.state.alerts.get(fingerprint));
        let count = members.len();
        let minutes = match storm.buckets {
            1 => "60s".to_owned(),
            many => format!("60s, {many} times in a row"),
        };
        Raised {
            title: format!("{}: {count} new alerts at {}={}", storm.name, key.scope, key.value),
            reason: format!(
                "{} (storm): {} new alerts within {minutes}, {} are enough; {count} fire",
                storm.name, active.count, active.bar
            ),
            severity: alerts().map(|alert| alert.severity).max().unwrap_or(Severity::Indeterminate),
            labels: key.labels(),
            members: Vec::new(),
            evidence: self.representatives(storm, members),
            counts_for_recurrence: alerts().any(|alert| !alert.began_maintained),
            joins: None,
            held: None,
        }
    }

    /// One alert for each of the largest groups of equal name below one item.
    fn representatives(&self, storm: &Storm, members: &[Fingerprint]) -> Vec<CountedEvent> {
        let inventory = &self.book.rulebook.inventory;
        type Place<'a> = (&'a str, Option<ItemIndex>);
        let mut groups: BTreeMap<Place<'_>, Vec<(Timestamp, Fingerprint)>> = BTreeMap::new();
        for fingerprint in members {
            let Some(alert) = self.state.alerts.get(fingerprint) else { continue };
            let entity = inventory.entity_of(&alert.labels);
            let above = entity.map(|item| inventory.parents(item).first().copied().unwrap_or(item));
            let name = alert.labels.get("alertname").unwrap_or_default();
            groups.entry((name, above)).or_default().push((alert.fires_since, *fingerprint));
        }
        let mut groups: Vec<Vec<(Timestamp, Fingerprint)>> = groups.into_values().collect();
        // Stable: equal sizes stay in the order of names.
        groups.sort_by_key(|group| Reverse(group.len()));
        let shown = groups.iter().take(storm.representatives as usize).filter_map(|group| group.iter().min());
        shown
            .filter_map(|(_, fingerprint)| self.state.alerts.get(fingerprint))
            .map(|alert| CountedEvent {
                cause: alert.cause,
                at: alert.counted_at,
                source: alert.source.as_ref().to_owned(),
                status: Status::Firing,
                labels: alert.labels.clone(),
                facts: alert.facts.clone(),
                summary: alert.summary.as_ref().to_owned(),
                severity: alert.severity,
                value: alert.value,
                suppressed: alert.is_suppressed(),
                maintained: alert.began_maintained,
                raw: None,
            })
            .take(EVIDENCE_KEPT)
            .collect()
    }

    fn decide_storm(&mut self, key: &StormKey, verdict: Verdict) {
        let decision = Decision { rule: key.storm.clone(), key: key.labels(), verdict };
        self.out.push(Output::Decision(Box::new(decision)));
    }

    /// Before a reload: forgets the storms that the new rulebook lacks or changes.
    pub fn retire_storms(&mut self, new: &Rulebook) {
        let lives_on = |name: &str| {
            let old = self.book.rulebook.storms.iter().find(|storm| storm.name == name);
            old.is_some() && old == new.storms.iter().find(|storm| storm.name == name)
        };
        let gone: Vec<Arc<StormKey>> = self.state.storms.keys().filter(|key| !lives_on(&key.storm)).cloned().collect();
        let mut dropped: BTreeMap<&str, u64> = BTreeMap::new();
        for key in &gone {
            *dropped.entry(&key.storm).or_default() += 1;
            let Some(place) = Arc::make_mut(&mut self.state.storms).remove(key) else { continue };
            if place.storm.is_some() {
                self.decide_storm(key, Verdict::Retired);
            }
        }
        for (rule, windows) in dropped {
            self.out.push(Output::WindowsDropped { rule: rule.to_owned(), windows });
        }
    }

    /// Re-evaluates every condition without member alerts.
    pub fn review_all_memberless(&mut self) {
        let fired: BTreeSet<_> = self.index.fired.clone();
        fired.iter().for_each(|key| self.review_memberless(key));
    }
}
