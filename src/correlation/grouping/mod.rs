//! Grouping: which conditions of different rules are one incident, because one failure explains them.
//!
//! Every alert that a rule raises something for is a sighting of an item. A new sighting joins the one group that best
//! explains it (its own item, else the nearest failure that it depends on), and takes in the groups that it explains
//! itself: what depends on its item and was seen earlier. So two failures that share a victim stay two incidents. Only
//! says that conditions belong together and why; must never decide what becomes of their incidents.

mod groups;
mod links;

use std::sync::Arc;

pub(super) use groups::{Groups, Places};

use self::groups::{Kept, Sighting};
use self::links::{Around, Found};
use super::book::Book;
use super::condition::{ConditionKey, Phase, RuleId};
use super::output::{Bound, Counted, Joins, Link, Member, Raised, Verdict};
use super::state::State;
use super::turn::Turn;
use crate::model::{Fingerprint, Labels, Moment, Severity};
use crate::rules::{Gravity, ItemIndex, Pattern};

/// An alert or event that a rule holds something for.
struct Seen<'a> {
    alert: Option<Fingerprint>,
    labels: &'a Labels,
    severity: Severity,
    at: Moment,
}

impl<'a> Seen<'a> {
    fn of(member: &'a Member) -> Seen<'a> {
        let (labels, severity, at) = (&member.labels, member.severity, member.since);
        Seen { alert: Some(member.fingerprint), labels, severity, at }
    }
}

impl Turn<'_> {
    /// Looks at what the desk is about to hear: a raised condition is told with the one that it joins; answers what else
    /// belongs together because of it.
    pub fn group(&mut self, key: &ConditionKey, verdict: &mut Verdict) -> Vec<Joins> {
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
            Verdict::Joined { alert } if alert.firing => self.sight(key, &[Seen::of(alert)], true),
            Verdict::Cleared | Verdict::Retired => {
                self.quiet(key, None);
                Vec::new()
            }
            Verdict::Joined { .. }
            | Verdict::Left { .. }
            | Verdict::Held { .. }
            | Verdict::Released
            | Verdict::Grouped(_) => Vec::new(),
        }
    }

    /// A condition that waits because it is held back belongs to the incident of what explains it, if there is one.
    pub fn group_waiting(&mut self, key: &ConditionKey) {
        if !self.takes_part(key) {
            return;
        }
        let Some(condition) = self.state.conditions.get(key) else { return };
        let members: Vec<_> = condition.members.iter().filter_map(|fingerprint| self.member(fingerprint)).collect();
        let seen: Vec<Seen<'_>> = members.iter().map(Seen::of).collect();
        self.sight(key, &seen, false);
        self.wake(key);
    }

    /// Tells the desk of conditions that were held back until something that explains them was raised.
    pub fn wake(&mut self, key: &ConditionKey) {
        let Some(id) = self.group_of(key) else { return };
        let Some(group) = self.state.groups.groups.get(&id).filter(|group| !group.waiting.is_empty()) else { return };
        let Some(told) = group.told.clone() else { return };
        let Some(group) = Arc::make_mut(&mut self.state.groups).groups.get_mut(&id) else { return };
        for key in std::mem::take(&mut group.waiting) {
            let is_waiting = |phase: Phase| phase == Phase::Waiting;
            if self.state.conditions.get(&key).is_some_and(|condition| is_waiting(condition.phase))
                && let Some(joins) = self.joins(&told, None)
            {
                self.raise_held(&key, joins);
            }
        }
    }

    /// An alert of the condition, or all of it, fires no longer.
    pub fn quiet(&mut self, key: &ConditionKey, alert: Option<Fingerprint>) {
        let numbers: Vec<u64> = self.index.places.of_condition(key).collect();
        if numbers.is_empty() {
            return;
        }
        let groups = Arc::make_mut(&mut self.state.groups);
        for number in numbers {
            if let Some(sighting) = groups.sightings.get_mut(&number)
                && (alert.is_none() || sighting.alert == alert)
            {
                sighting.firing = false;
            }
        }
    }

    fn takes_part(&self, key: &ConditionKey) -> bool {
        self.book.rulebook.grouping.enabled
            && key.rule != RuleId::CATCH_ALL
            && self.book.rule_of(key).is_some_and(|rule| rule.groups)
    }

    fn sight_raised(&mut self, key: &ConditionKey, raised: &Raised) -> Vec<Joins> {
        if !raised.members.is_empty() {
            let seen: Vec<Seen<'_>> = raised.members.iter().map(Seen::of).collect();
            return self.sight(key, &seen, true);
        }
        // What is missing is missing now, whenever it last came.
        let is_missing = self.book.rule_of(key).is_some_and(|rule| matches!(rule.pattern, Pattern::Absence { .. }));
        let Some(last) = raised.evidence.last() else { return Vec::new() };
        let at = if is_missing { self.now } else { last.at };
        self.sight(key, &[Seen { alert: None, labels: &last.labels, severity: raised.severity, at }], true)
    }

    /// Takes in what was seen; answers which other conditions are one incident with this one because of it.
    fn sight(&mut self, key: &ConditionKey, seen: &[Seen<'_>], is_told: bool) -> Vec<Joins> {
        let settings = &self.book.rulebook.grouping;
        let until = self.now - settings.memory();
        let groups = Arc::make_mut(&mut self.state.groups);
        if groups.forget(until, &mut self.index.places) {
            self.count(Counted::Bound { which: Bound::Sightings });
        }
        let mut joins = Vec::new();
        for one in seen {
            if let Some(sighting) = self.sighting(key, one) {
                self.place(sighting, &mut joins);
            }
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

    fn group_of(&self, key: &ConditionKey) -> Option<u64> {
        let number = self.index.places.of_condition(key).last()?;
        self.state.groups.sightings.get(&number).map(|sighting| sighting.group)
    }

    /// The sighting to take in; `None` for what is known, or stands nowhere.
    fn sighting(&mut self, key: &ConditionKey, seen: &Seen<'_>) -> Option<Sighting> {
        let rulebook = &self.book.rulebook;
        let item = rulebook.inventory.concerned(seen.labels);
        let tokens = rulebook.grouping.by.iter();
        let token = tokens.filter_map(|name| Some((name, seen.labels.get(name)?))).find(|(_, value)| !value.is_empty());
        let token: Option<Arc<str>> = token.map(|(name, value)| Arc::from(format!("{name}={value}")));
        if item.is_none() && token.is_none() {
            return None;
        }
        let gravity = Gravity::of(seen.severity);
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
            firing: true,
            explained: false,
            group: u64::MAX,
        })
    }

    /// Finds the groups of a sighting, and makes them one with it.
    fn place(&mut self, mut new: Sighting, joins: &mut Vec<Joins>) {
        let book = self.book;
        let (settings, inventory) = (&book.rulebook.grouping, &book.rulebook.inventory);
        let around = Around { settings, inventory, groups: &self.state.groups, places: &self.index.places };
        let explanation = around.explanation(&new);
        let mut found: Vec<Found> = around.effects(&new);
        found.extend(around.siblings(&new));
        let own = self.group_of(&new.condition);
        let key = new.condition.clone();
        let groups = Arc::make_mut(&mut self.state.groups);
        if let Some((_, explained)) = &explanation {
            new.explained = *explained;
        }
        found.splice(0..0, explanation.map(|(found, _)| found));
        let (_, mut group) = groups.insert(new, own, &mut self.index.places);
        let mut told = Vec::new();
        let mut is_full = false;
        for one in found {
            // A group found before may have become part of another by now.
            let alive = one.explains.iter().find_map(|number| groups.sightings.get(number)).map(|known| known.group);
            let other = if groups.groups.contains_key(&one.group) { Some(one.group) } else { alive };
            let Some(other) = other.filter(|other| *other != group) else {
                explain(groups, &one.explains);
                continue;
            };
            match groups.may_join(group, other, settings) {
                Ok(()) => {
                    explain(groups, &one.explains);
                    let of_other = groups.groups.get(&other).and_then(|group| group.told.clone());
                    told.extend(of_other.filter(|other| *other != key).map(|other| (other, one.link)));
                    group = groups.join(group, other);
                }
                Err(Kept::Apart) => {}
                Err(Kept::Full) => is_full = true,
            }
        }
        if is_full {
            self.count(Counted::Bound { which: Bound::Group });
        }
        for (other, link) in told {
            joins.extend(self.joins(&other, Some(link)));
        }
    }

    fn joins(&self, other: &ConditionKey, because: Option<Link>) -> Option<Joins> {
        let rule = self.book.rule_of(other)?.name.clone();
        Some(Joins { rule, key: other.key.clone(), because })
    }
}

fn explain(groups: &mut Groups, numbers: &[u64]) {
    for number in numbers {
        if let Some(sighting) = groups.sightings.get_mut(number) {
            sighting.explained = true;
        }
    }
}

/// After a reload: items have other places, and what belongs to rules that are gone is forgotten.
pub(super) fn place_again(state: &mut State, old: &Book, new: &Book) {
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
            groups.remove(number, &mut Places::default());
        }
    }
    for group in groups.groups.values_mut() {
        group.told = group.told.take().filter(|key| new.rule_of(key).is_some());
        group.waiting.retain(|key| new.rule_of(key).is_some());
    }
    state.groups = Arc::new(groups);
}
