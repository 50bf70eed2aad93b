//! Inhibition with Alertmanager's meaning, indexed by rule and equal values: its cost follows the alerts of one group.
//!
//! A firing source holds back the targets of its group. What is both source and target is held back only by what is a
//! source alone, so nothing holds back itself or each other. Whether a source is itself held back does not matter.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::ConditionKey;
use crate::model::Fingerprint;

/// On which sides of an inhibition an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Source,
    Target,
    Both,
}

/// An alert's place in one inhibition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub rule: u32,
    /// Its values of the labels that must be equal; absent is empty.
    pub values: Vec<String>,
    pub side: Side,
}

/// The firing alerts by their places, and the conditions that wait for a group to let go.
#[derive(Clone, Debug, Default)]
pub(super) struct Inhibitions {
    groups: BTreeMap<GroupKey, Group>,
    watched: BTreeMap<ConditionKey, BTreeSet<GroupKey>>,
}

type GroupKey = (u32, Vec<String>);

#[derive(Clone, Debug, Default)]
struct Group {
    sources: BTreeSet<Fingerprint>,
    targets: BTreeSet<Fingerprint>,
    both: BTreeSet<Fingerprint>,
    watchers: BTreeSet<ConditionKey>,
}

/// Whose source changed.
#[derive(Debug, Default)]
pub(super) struct Affected {
    pub alerts: BTreeSet<Fingerprint>,
    /// Conditions that watch a group which lost its last source for some side.
    pub watchers: BTreeSet<ConditionKey>,
}

impl Inhibitions {
    pub fn insert(&mut self, fingerprint: Fingerprint, places: &[Place], affected: &mut Affected) {
        for place in places {
            let group = self.groups.entry((place.rule, place.values.clone())).or_default();
            let before = group.lowest();
            group.side(place.side).insert(fingerprint);
            group.note(before, affected);
        }
    }

    pub fn remove(&mut self, fingerprint: Fingerprint, places: &[Place], affected: &mut Affected) {
        for place in places {
            let key = (place.rule, place.values.clone());
            let Some(group) = self.groups.get_mut(&key) else { continue };
            let before = group.lowest();
            group.side(place.side).remove(&fingerprint);
            group.note(before, affected);
            if group.is_empty() {
                self.groups.remove(&key);
            }
        }
    }

    /// The condition wants to know when the first group that holds back something in these places lets go.
    pub fn watch(&mut self, condition: &ConditionKey, places: &[Place]) {
        for place in places {
            let key = (place.rule, place.values.clone());
            let Some(group) = self.groups.get_mut(&key).filter(|group| group.holds(place.side)) else { continue };
            group.watchers.insert(condition.clone());
            self.watched.entry(condition.clone()).or_default().insert(key);
            return;
        }
    }

    pub fn forget(&mut self, condition: &ConditionKey) {
        for key in self.watched.remove(condition).unwrap_or_default() {
            let Some(group) = self.groups.get_mut(&key) else { continue };
            group.watchers.remove(condition);
            if group.is_empty() {
                self.groups.remove(&key);
            }
        }
    }

    /// Whether the condition watches a group that holds back something in these places.
    pub fn is_watching(&self, condition: &ConditionKey, places: &[Place]) -> bool {
        let Some(watched) = self.watched.get(condition) else { return false };
        places.iter().any(|place| {
            let key = (place.rule, place.values.clone());
            watched.contains(&key) && self.groups.get(&key).is_some_and(|group| group.holds(place.side))
        })
    }

    /// The source that holds back what has these places: the lowest of the first inhibition that does.
    pub fn source_for(&self, places: &[Place]) -> Option<Fingerprint> {
        places.iter().find_map(|place| {
            let (for_targets, for_both) = self.groups.get(&(place.rule, place.values.clone()))?.lowest();
            match place.side {
                Side::Source => None,
                Side::Target => for_targets,
                Side::Both => for_both,
            }
        })
    }
}

impl Group {
    fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.targets.is_empty() && self.both.is_empty() && self.watchers.is_empty()
    }

    /// Whether something on that side is held back.
    fn holds(&self, side: Side) -> bool {
        match side {
            Side::Source => false,
            Side::Target => self.lowest().0.is_some(),
            Side::Both => self.lowest().1.is_some(),
        }
    }

    fn side(&mut self, side: Side) -> &mut BTreeSet<Fingerprint> {
        match side {
            Side::Source => &mut self.sources,
            Side::Target => &mut self.targets,
            Side::Both => &mut self.both,
        }
    }

    /// The lowest source for what is a target alone, and for what is both.
    fn lowest(&self) -> (Option<Fingerprint>, Option<Fingerprint>) {
        let sources = self.sources.first().copied();
        let both = self.both.first().copied();
        let either = match (sources, both) {
            (Some(source), Some(other)) => Some(source.min(other)),
            (source, other) => source.or(other),
        };
        (either, sources)
    }

    fn note(&self, before: (Option<Fingerprint>, Option<Fingerprint>), affected: &mut Affected) {
        let after = self.lowest();
        if before.0 != after.0 {
            affected.alerts.extend(&self.targets);
        }
        if before.1 != after.1 {
            affected.alerts.extend(&self.both);
        }
        if (before.0.is_some() && after.0.is_none()) || (before.1.is_some() && after.1.is_none()) {
            affected.watchers.extend(self.watchers.iter().cloned());
        }
    }
}
