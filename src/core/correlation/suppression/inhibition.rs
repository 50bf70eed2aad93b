//! Inhibition with Alertmanager's meaning, indexed by rule and equal values: its cost follows the alerts of one group.
//!
//! A firing source suppresses the targets of its group. An alert that is both source and target is suppressed only by
//! pure sources, so no alert suppresses itself and no two suppress each other. A source acts even while it is itself
//! suppressed.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::core::correlation::keys::ConditionKey;
use crate::core::model::Fingerprint;

/// The sides of an inhibition that an alert is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Source,
    Target,
    Both,
}

/// An alert's role in one inhibition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InhibitionRole {
    pub rule: u32,
    pub group: InhibitionKey,
    pub side: Side,
}

/// One inhibition and one set of equal values: the alerts that can suppress one another. A digest, because a flood has
/// a group for almost every alert; collisions cannot be made by choosing labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InhibitionKey(u128);

impl InhibitionKey {
    /// From the values of the labels that must be equal, in the rule's order; an absent one is empty.
    pub fn new<'a>(rule: u32, values: impl Iterator<Item = &'a str>) -> InhibitionKey {
        let mut digest = Sha256::new_with_prefix(rule.to_le_bytes());
        for value in values {
            digest.update((value.len() as u64).to_le_bytes());
            digest.update(value);
        }
        let digest: [u8; 32] = digest.finalize().into();
        InhibitionKey(digest.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte)))
    }
}

/// The firing alerts by their roles, and the conditions that wait for a group's release.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inhibitions {
    members: BTreeSet<(InhibitionKey, Side, Fingerprint)>,
    watchers: BTreeMap<InhibitionKey, BTreeSet<ConditionKey>>,
    watched: BTreeMap<ConditionKey, BTreeSet<InhibitionKey>>,
}

/// The alerts and conditions affected by a changed source.
#[derive(Debug, Default)]
pub(crate) struct SourceChange {
    pub alerts: BTreeSet<Fingerprint>,
    /// Conditions that watch a group which lost its last source for some side.
    pub watchers: BTreeSet<ConditionKey>,
}

/// The lowest source of a group for pure targets, and for alerts that are both.
type Lowest = (Option<Fingerprint>, Option<Fingerprint>);

impl Inhibitions {
    pub fn insert(&mut self, fingerprint: Fingerprint, places: &[InhibitionRole], affected: &mut SourceChange) {
        for place in places {
            let before = self.lowest(place.group);
            self.members.insert((place.group, place.side, fingerprint));
            self.note(place.group, before, affected);
        }
    }

    pub fn remove(&mut self, fingerprint: Fingerprint, places: &[InhibitionRole], affected: &mut SourceChange) {
        for place in places {
            let before = self.lowest(place.group);
            self.members.remove(&(place.group, place.side, fingerprint));
            self.note(place.group, before, affected);
        }
    }

    /// Registers the condition for the release by the first group that suppresses these roles.
    pub fn watch(&mut self, condition: &ConditionKey, places: &[InhibitionRole]) {
        if let Some(place) = places.iter().find(|place| self.holder(place).is_some()) {
            self.watchers.entry(place.group).or_default().insert(condition.clone());
            self.watched.entry(condition.clone()).or_default().insert(place.group);
        }
    }

    pub fn forget(&mut self, condition: &ConditionKey) {
        for group in self.watched.remove(condition).unwrap_or_default() {
            let Some(watchers) = self.watchers.get_mut(&group) else { continue };
            watchers.remove(condition);
            if watchers.is_empty() {
                self.watchers.remove(&group);
            }
        }
    }

    /// True if the condition watches a group that suppresses these roles.
    pub fn is_watching(&self, condition: &ConditionKey, places: &[InhibitionRole]) -> bool {
        let Some(watched) = self.watched.get(condition) else { return false };
        places.iter().any(|place| watched.contains(&place.group) && self.holder(place).is_some())
    }

    /// The source that suppresses an alert with these roles: the lowest of the first inhibition that does.
    pub fn source_for(&self, places: &[InhibitionRole]) -> Option<Fingerprint> {
        places.iter().find_map(|place| self.holder(place))
    }

    /// The source that suppresses this role.
    fn holder(&self, place: &InhibitionRole) -> Option<Fingerprint> {
        match place.side {
            Side::Source => None,
            Side::Target => self.lowest(place.group).0,
            Side::Both => self.lowest(place.group).1,
        }
    }

    fn lowest(&self, group: InhibitionKey) -> Lowest {
        let source = self.on(group, Side::Source).next();
        let both = self.on(group, Side::Both).next();
        (source.into_iter().chain(both).min(), source)
    }

    /// The alerts on one side of a group, the lowest first.
    fn on(&self, group: InhibitionKey, side: Side) -> impl Iterator<Item = Fingerprint> {
        let all = (group, side, Fingerprint(0))..=(group, side, Fingerprint(u64::MAX));
        self.members.range(all).map(|(_, _, fingerprint)| *fingerprint)
    }

    fn note(&self, group: InhibitionKey, before: Lowest, affected: &mut SourceChange) {
        let after = self.lowest(group);
        if before.0 != after.0 {
            affected.alerts.extend(self.on(group, Side::Target));
        }
        if before.1 != after.1 {
            affected.alerts.extend(self.on(group, Side::Both));
        }
        if (before.0.is_some() && after.0.is_none()) || (before.1.is_some() && after.1.is_none()) {
            affected.watchers.extend(self.watchers.get(&group).into_iter().flatten().cloned());
        }
    }
}
