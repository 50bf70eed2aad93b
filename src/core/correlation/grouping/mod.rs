//! Grouping: which conditions of different rules are one incident, because one failure explains them.
//!
//! Every alert under a rule's raised condition is a sighting of an item. A new sighting joins the one group that best
//! explains it (its own item, else the nearest failure that it depends on), and takes in the groups that it explains
//! itself: earlier failures of items that depend on its item. So two failures that share a victim stay two incidents.
//! Reports only which conditions belong together and why; must never decide the fate of their incidents.

mod attribution;
mod groups;
mod resolution_times;

use std::sync::Arc;

pub(super) use groups::{GroupingState, SightingPlaces};

use self::attribution::{Around, FoundCause};
use self::groups::{Ended, SeparationReason, Sighting};
use super::conditions::condition::ConditionPhase;
use super::input_context::CorrelationContext;
use super::keys::{ConditionKey, RuleId};
use super::output::{AlertLink, CorrelationLimit, CorrelationMetric, GroupingDecision, Member, Raised, Verdict};
use super::rule_index::RuleIndex;
use super::state::CorrelatorState;
use super::timers::Timer;
use crate::core::model::{Fingerprint, Labels, Severity, TimeDelta, Timestamp};
use crate::core::rules::{FailureMode, ItemIndex, Pattern};

/// An alert or event under a rule's condition.
struct GroupedSubject<'a> {
    alert: Option<Fingerprint>,
    labels: &'a Labels,
    severity: Severity,
    at: Timestamp,
}

impl<'a> GroupedSubject<'a> {
    fn of(member: &'a Member) -> GroupedSubject<'a> {
        let (labels, severity, at) = (&member.labels, member.severity, member.since);
        GroupedSubject { alert: Some(member.fingerprint), labels, severity, at }
    }
}

impl CorrelationContext<'_> {
    /// Groups a condition before it is reported: a raised condition is reported with the one that it joins; returns the
    /// further groupings that follow from it.
    pub fn group(&mut self, key: &ConditionKey, verdict: &mut Verdict) -> Vec<GroupingDecision> {
        if !self.takes_part(key) {
            return Vec::new();
        }
        match verdict {
            Verdict::Raised(raised) => {
                let mut joins = self.sight_raised(key, raised);
                let is_new = self.state.conditions.get(key).is_some_and(|condition| !condition.is_raised());
                if is_new && raised.joins.is_none() && !joins.is_empty() {
                    raised.joins = Some(joins.remove(0));
                }
                joins
            }
            Verdict::Joined { alert } if alert.firing => self.sight(key, &[GroupedSubject::of(alert)], true),
            Verdict::Cleared | Verdict::Retired => {
                self.quiet(key, None);
                Vec::new()
            }
            Verdict::Left { fingerprint } => {
                self.quiet(key, Some(*fingerprint));
                Vec::new()
            }
            Verdict::Joined { .. } | Verdict::Held { .. } | Verdict::Released | Verdict::Grouped(_) => Vec::new(),
        }
    }

    /// Joins a suppressed, waiting condition to the incident of its explanation, if there is one.
    pub fn group_waiting(&mut self, key: &ConditionKey) {
        if !self.takes_part(key) {
            return;
        }
        let Some(condition) = self.state.conditions.get(key) else { return };
        let members: Vec<_> = condition.members.iter().filter_map(|fingerprint| self.member(fingerprint)).collect();
        let seen: Vec<GroupedSubject<'_>> = members.iter().map(GroupedSubject::of).collect();
        let joins = self.sight(key, &seen, false);
        self.tell(key, joins);
        self.wake(key);
    }

    /// Reports the further groupings that the condition causes. The desk does not know a suppressed condition, so
    /// another condition of the group reports what it brought together.
    fn tell(&mut self, key: &ConditionKey, joins: Vec<GroupingDecision>) {
        let told = if self.waits(key) {
            let group = self.group_of(key).and_then(|group| self.state.groups.groups.get(&group));
            group.and_then(|group| group.told.clone())
        } else {
            Some(key.clone())
        };
        let Some(told) = told else { return };
        let own = self.joins(&told, None);
        let is_own =
            |one: &GroupingDecision| own.as_ref().is_some_and(|own| own.rule == one.rule && own.key == one.key);
        for joins in joins.into_iter().filter(|one| !is_own(one)) {
            self.decide(&told, Verdict::Grouped(Box::new(joins)));
        }
    }

    fn waits(&self, key: &ConditionKey) -> bool {
        self.state.conditions.get(key).is_some_and(|condition| condition.phase == ConditionPhase::Waiting)
    }

    /// Reports conditions that were suppressed until an explanation of them was raised.
    pub fn wake(&mut self, key: &ConditionKey) {
        let Some(id) = self.group_of(key) else { return };
        let Some(group) = self.state.groups.groups.get(&id).filter(|group| !group.waiting.is_empty()) else { return };
        let Some(told) = group.told.clone() else { return };
        let Some(group) = Arc::make_mut(&mut self.state.groups).groups.get_mut(&id) else { return };
        for key in std::mem::take(&mut group.waiting) {
            if self.waits(&key)
                && let Some(joins) = self.joins(&told, None)
            {
                self.raise_held(&key, joins);
            }
        }
    }

    /// Handles the end of one alert of the condition, or of all.
    pub fn quiet(&mut self, key: &ConditionKey, alert: Option<Fingerprint>) {
        let numbers: Vec<u64> = self.index.places.of_condition(key).collect();
        if numbers.is_empty() {
            return;
        }
        let ended = alert.and_then(|alert| self.end_of(alert));
        for number in numbers {
            let groups = Arc::make_mut(&mut self.state.groups);
            let is_meant = |sighting: &&Sighting| sighting.firing && (alert.is_none() || sighting.alert == alert);
            if groups.sightings.get(&number).filter(is_meant).is_some() {
                groups.end(number, ended, &mut self.index.places);
                self.look_again_later(number);
            }
        }
    }

    /// End of the alert, if the current message reports it.
    fn end_of(&self, alert: Fingerprint) -> Option<Ended> {
        self.cause?;
        let alert = self.state.alerts.get(&alert).filter(|alert| !alert.times.firing)?;
        Some(Ended { at: alert.times.ends_at.at.min(self.now), seen_at: self.now })
    }

    fn takes_part(&self, key: &ConditionKey) -> bool {
        self.book.rulebook.grouping.enabled
            && key.rule != RuleId::CATCH_ALL
            && self.book.rule_of(key).is_some_and(|rule| rule.groups)
    }

    fn sight_raised(&mut self, key: &ConditionKey, raised: &Raised) -> Vec<GroupingDecision> {
        if !raised.members.is_empty() {
            let seen: Vec<GroupedSubject<'_>> = raised.members.iter().map(GroupedSubject::of).collect();
            return self.sight(key, &seen, true);
        }
        // A missing signal is missing now, whenever it last came.
        let is_missing = self.book.rule_of(key).is_some_and(|rule| matches!(rule.pattern, Pattern::Absence { .. }));
        let Some(last) = raised.evidence.last() else { return Vec::new() };
        let at = if is_missing { self.now } else { last.at };
        self.sight(key, &[GroupedSubject { alert: None, labels: &last.labels, severity: raised.severity, at }], true)
    }

    /// Adds sightings; returns the other conditions that become one incident with this one.
    fn sight(&mut self, key: &ConditionKey, seen: &[GroupedSubject<'_>], is_told: bool) -> Vec<GroupingDecision> {
        let settings = &self.book.rulebook.grouping;
        let until = self.now - settings.memory();
        let groups = Arc::make_mut(&mut self.state.groups);
        for (at, number) in groups.forget(until, &mut self.index.places) {
            self.index.deadlines.remove(at, Timer::Sighting(number));
            self.count(CorrelationMetric::Bound { which: CorrelationLimit::Sightings });
        }
        // A condition raised long ago takes in what its rule matches, but joins no failure that begins only now.
        let was_raised = self.state.conditions.get(key).is_some_and(|condition| condition.is_raised());
        let mut joins = Vec::new();
        let mut own = None;
        for one in seen {
            let Some(sighting) = self.sighting(key, one) else { continue };
            if was_raised && own.is_none() {
                own = self.last_of(key).filter(|last| self.apart(*last, one.at) <= settings.neighbours_within);
                if own.is_none() {
                    continue;
                }
            }
            own = Some(self.place(sighting, own, &mut joins));
        }
        let Some(group) = self.group_of(key) else { return joins };
        if let Some(group) = Arc::make_mut(&mut self.state.groups).groups.get_mut(&group) {
            if is_told {
                group.told = Some(key.clone());
                group.waiting.remove(key);
            } else {
                group.waiting.insert(key.clone());
            }
        }
        joins
    }

    fn last_of(&self, key: &ConditionKey) -> Option<u64> {
        self.index.places.of_condition(key).last()
    }

    fn apart(&self, number: u64, at: Timestamp) -> TimeDelta {
        self.state.groups.sightings.get(&number).map_or(TimeDelta::from_days(1), |sighting| sighting.apart(at))
    }

    fn group_of(&self, key: &ConditionKey) -> Option<u64> {
        self.last_of(key).and_then(|number| self.state.groups.sightings.get(&number)).map(|sighting| sighting.group)
    }

    /// The sighting to add; `None` if it is known or has no item.
    fn sighting(&mut self, key: &ConditionKey, seen: &GroupedSubject<'_>) -> Option<Sighting> {
        let rulebook = &self.book.rulebook;
        let item = rulebook.inventory.concerned(seen.labels);
        let tokens = rulebook.grouping.by.iter();
        let token = tokens.filter_map(|name| Some((name, seen.labels.get(name)?))).find(|(_, value)| !value.is_empty());
        let token: Option<Arc<str>> = token.map(|(name, value)| Arc::from(format!("{name}={value}")));
        if item.is_none() && token.is_none() {
            return None;
        }
        let gravity = FailureMode::of(seen.severity);
        let known = self.index.places.of_condition(key).find(|number| {
            self.state.groups.sightings.get(number).is_some_and(|known| known.alert == seen.alert && known.firing)
        });
        if let Some(known) = known.and_then(|number| self.state.groups.sightings.get(&number))
            && (known.gravity == gravity || seen.alert.is_none())
        {
            return None;
        }
        Some(Sighting {
            condition: key.clone(),
            alert: seen.alert,
            item: item.map(|item| item.0),
            token,
            at: seen.at,
            seen_at: self.now,
            gravity,
            kind: rulebook.grouping.kind(seen.labels),
            firing: true,
            ended: None,
            explained: false,
            look_again: None,
            group: u64::MAX,
        })
    }

    /// Adds a sighting, to another one of its condition if there is one (`own`), and merges the groups that it belongs
    /// to. Returns its number.
    fn place(&mut self, new: Sighting, own: Option<u64>, joins: &mut Vec<GroupingDecision>) -> u64 {
        let around = self.around();
        let explanation = around.explanation(&new);
        let mut found = around.effects(&new);
        found.extend(around.siblings(&new));
        found.splice(0..0, explanation);
        let own = own.and_then(|own| self.state.groups.sightings.get(&own)).map(|own| own.group);
        let groups = Arc::make_mut(&mut self.state.groups);
        let (number, _) = groups.insert(new, own, &mut self.index.places);
        for one in found {
            self.join_group(number, one, joins);
        }
        self.look_again_later(number);
        number
    }

    /// Searches again for an explanation of a sighting whose time came, or for the alerts that ended together with it.
    pub fn look_again(&mut self, number: u64) {
        let Some(sighting) = Arc::make_mut(&mut self.state.groups).sightings.get_mut(&number) else { return };
        sighting.look_again = None;
        let new = sighting.clone();
        let mut joins = Vec::new();
        if new.ended.is_some_and(|ended| self.looks_at_end(ended) <= self.now) {
            self.join_what_ended_with(number, &new, &mut joins);
        } else {
            self.explain_late(number, &new, &mut joins);
        }
        self.look_again_later(number);
        self.tell(&new.condition, joins);
        self.wake(&new.condition);
    }

    fn explain_late(&mut self, number: u64, new: &Sighting, joins: &mut Vec<GroupingDecision>) {
        if !new.explained {
            let found = self.around().explanation(new);
            let is_explained = found.is_some_and(|found| {
                let explains_it = found.explains_it;
                self.join_group(number, found, joins) && explains_it
            });
            if !is_explained
                && let Some(own) = self.state.groups.sightings.get(&number).map(|sighting| sighting.group)
                && let Some(found) = self.around().guess(new, own)
            {
                self.join_group(number, found, joins);
            }
        }
        for found in self.around().siblings(new) {
            self.join_group(number, found, joins);
        }
    }

    fn join_what_ended_with(&mut self, number: u64, ended: &Sighting, joins: &mut Vec<GroupingDecision>) {
        // An alert that fired again since then belongs to a new failure.
        let last = self.index.places.of_condition(&ended.condition).next_back();
        let group_of = |number: u64| self.state.groups.sightings.get(&number).map(|sighting| sighting.group);
        if last.and_then(group_of) != Some(ended.group) {
            return;
        }
        for other in self.around().ended_near(ended) {
            if let Some(found) = self.around().ended_together(number, other) {
                self.join_group(number, found, joins);
            }
        }
    }

    fn looks_at_end(&self, ended: Ended) -> Timestamp {
        ended.seen_at + self.book.rulebook.grouping.ends_within
    }

    fn look_again_later(&mut self, number: u64) {
        let settings = &self.book.rulebook.grouping;
        let Some(sighting) = self.state.groups.sightings.get(&number).filter(|sighting| sighting.item.is_some()) else {
            return;
        };
        let looks = [settings.look_again_after, settings.last_look_after()];
        let next = looks.into_iter().map(|after| sighting.seen_at + after).find(|at| *at > self.now);
        let after_end = sighting.ended.map(|ended| self.looks_at_end(ended)).filter(|at| *at > self.now);
        let after_end = after_end.filter(|_| sighting.gravity >= FailureMode::Impaired);
        let next = next.filter(|_| !sighting.explained).into_iter().chain(after_end).min();
        let Some(sighting) = Arc::make_mut(&mut self.state.groups).sightings.get_mut(&number) else { return };
        if let Some(before) = std::mem::replace(&mut sighting.look_again, next) {
            self.index.deadlines.remove(before, Timer::Sighting(number));
        }
        if let Some(at) = next {
            self.index.deadlines.insert(at, Timer::Sighting(number));
        }
    }

    fn around(&self) -> Around<'_> {
        let rulebook = &self.book.rulebook;
        Around {
            settings: &rulebook.grouping,
            inventory: &rulebook.inventory,
            gaps: &self.book.gaps,
            groups: &self.state.groups,
            places: &self.index.places,
        }
    }

    /// Merges the sighting's group with the found one; returns true if they are one now.
    fn join_group(&mut self, number: u64, found: FoundCause, joins: &mut Vec<GroupingDecision>) -> bool {
        let settings = &self.book.rulebook.grouping;
        let groups = Arc::make_mut(&mut self.state.groups);
        let Some((group, key)) = groups.sightings.get(&number).map(|one| (one.group, one.condition.clone())) else {
            return false;
        };
        // The found sighting may belong to another group by now.
        let Some(other) = groups.sightings.get(&found.stands).map(|one| one.group) else { return false };
        let kept = if group == other { Ok(()) } else { groups.may_join(group, other, settings) };
        match kept {
            Ok(()) => {}
            Err(SeparationReason::Apart) => return false,
            Err(SeparationReason::Full) => {
                self.count(CorrelationMetric::Bound { which: CorrelationLimit::Group });
                return false;
            }
        }
        for number in found.explained.iter().chain(found.explains_it.then_some(&number)) {
            if let Some(sighting) = groups.sightings.get_mut(number) {
                sighting.explained = true;
            }
        }
        if group != other {
            // A reported condition that fired again since then belongs to another group now.
            let stands = |told: &ConditionKey, group: u64| {
                let last = self.index.places.of_condition(told).next_back();
                last.and_then(|last| groups.sightings.get(&last)).is_none_or(|last| last.group == group)
            };
            let told_of = |group: u64| {
                let told = groups.groups.get(&group).and_then(|group| group.told.clone());
                told.filter(|told| *told != key && stands(told, group))
            };
            let (own, told) = (told_of(group), told_of(other));
            groups.join(group, other);
            // The desk does not know a waiting condition, but it knows others of its group.
            let own = own.filter(|_| self.waits(&key));
            joins.extend(own.and_then(|own| self.joins(&own, None)));
            joins.extend(told.and_then(|told| self.joins(&told, Some(found.link))));
        }
        true
    }

    fn joins(&self, other: &ConditionKey, because: Option<AlertLink>) -> Option<GroupingDecision> {
        let rule = self.book.rule_of(other)?.name.clone();
        Some(GroupingDecision { rule, key: other.key.clone(), because })
    }
}

/// After a reload: recomputes item indexes, and forgets sightings of removed rules.
pub(super) fn place_again(state: &mut CorrelatorState, old: &RuleIndex, new: &RuleIndex) {
    let (before, after) = (&old.rulebook.inventory, &new.rulebook.inventory);
    let mut groups = state.groups.as_ref().clone();
    let numbers: Vec<u64> = groups.sightings.keys().copied().collect();
    for number in numbers {
        let Some(sighting) = groups.sightings.get_mut(&number) else { continue };
        let item = sighting.item.map(ItemIndex);
        sighting.item = item.and_then(|item| after.find(&before.item(item).name)).map(|item| item.0);
        let is_gone =
            new.rule_of(&sighting.condition).is_none() || (sighting.item.is_none() && sighting.token.is_none());
        if is_gone {
            groups.remove(number, &mut SightingPlaces::default());
        }
    }
    for group in groups.groups.values_mut() {
        group.told = group.told.take().filter(|key| new.rule_of(key).is_some());
        group.waiting.retain(|key| new.rule_of(key).is_some());
    }
    state.groups = Arc::new(groups);
}
