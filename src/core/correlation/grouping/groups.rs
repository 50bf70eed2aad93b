//! What was seen lately, in groups that one failure may explain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::conditions::condition::ConditionKey;
use crate::core::model::{Fingerprint, TimeDelta, Timestamp};
use crate::core::rules::{FailureMode, Grouping, ItemIndex};

/// How many sightings are remembered; beyond it the oldest are forgotten early.
pub const SIGHTINGS_MAX: usize = 50_000;
/// How many of those at one item are looked at: the newest.
const AT_ITEM_MAX: usize = 256;

/// An alert, or an event without one, that a rule holds something for: when, where, how bad.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    pub condition: ConditionKey,
    /// `None`: a point.
    pub alert: Option<Fingerprint>,
    /// The place of its item in the inventory that is in force.
    pub item: Option<u32>,
    /// The value of a label by which alerts belong together wherever they come from.
    pub token: Option<Arc<str>>,
    /// Event time.
    pub at: Timestamp,
    /// When it was received, which is when it will be forgotten.
    pub seen_at: Timestamp,
    pub gravity: FailureMode,
    /// Which of the kinds of alerts that are kept apart; `None` goes with all of them.
    pub kind: Option<u32>,
    pub firing: bool,
    /// When its alert ended, if a message said so; what merely ran out ended at nobody knows when.
    pub ended: Option<Ended>,
    /// Something above it explains it: it does not explain that this belongs to yet another failure.
    pub explained: bool,
    /// When it is looked at again, for want of an explanation.
    pub look_again: Option<Timestamp>,
    pub group: u64,
}

/// The end of an alert: when it was over (event time), and when that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub at: Timestamp,
    pub seen_at: Timestamp,
}

impl Sighting {
    /// Whether it is remembered until its alert ends.
    pub fn is_standing(&self) -> bool {
        self.firing && self.alert.is_some()
    }

    /// When something was last heard of it.
    fn last_heard(&self) -> Timestamp {
        self.ended.map_or(self.seen_at, |ended| ended.seen_at.max(self.seen_at))
    }

    pub fn is_down(&self) -> bool {
        self.gravity == FailureMode::Down
    }

    /// Whether it is of the same alert, or point, under the same condition.
    pub fn is_same(&self, other: &Sighting) -> bool {
        self.alert == other.alert && self.at == other.at && self.condition == other.condition
    }

    /// Whether neither is of a kind that never goes with the other's.
    pub fn may_go_with(&self, other: &Sighting) -> bool {
        self.kind.is_none() || other.kind.is_none() || self.kind == other.kind
    }

    /// How far its beginning is from `other`, either way.
    pub fn apart(&self, other: Timestamp) -> TimeDelta {
        self.at.since(other).max(other.since(self.at))
    }
}

/// Sightings that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SightingGroup {
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// How many ever; the remembered ones are in `sightings`.
    pub alerts: u32,
    pub warnings: u32,
    pub impaired: u32,
    pub down: u32,
    /// The kind of those of its alerts that are kept apart from others.
    pub kind: Option<u32>,
    pub sightings: BTreeSet<u64>,
    /// The condition of it that the desk heard of last.
    pub told: Option<ConditionKey>,
    /// Conditions of it that are held back, so that nobody was told.
    pub waiting: BTreeSet<ConditionKey>,
}

/// Everything that grouping remembers; a part of the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupingState {
    next: u64,
    /// In the order in which they were received.
    pub sightings: BTreeMap<u64, Sighting>,
    pub groups: BTreeMap<u64, SightingGroup>,
}

/// Where to look for sightings; made again after a restore.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SightingPlaces {
    by_item: BTreeMap<u32, BTreeSet<u64>>,
    by_condition: BTreeMap<ConditionKey, BTreeSet<u64>>,
    by_token: BTreeMap<Arc<str>, BTreeSet<u64>>,
    /// What may be forgotten, by when something was last heard of it.
    by_age: BTreeSet<(Timestamp, u64)>,
    by_end: BTreeSet<(Timestamp, u64)>,
}

impl SightingPlaces {
    pub fn of(groups: &GroupingState) -> SightingPlaces {
        let mut places = SightingPlaces::default();
        groups.sightings.iter().for_each(|(number, sighting)| places.insert(*number, sighting));
        places
    }

    /// The newest that were seen there, newest first.
    pub fn at_item(&self, item: ItemIndex) -> impl Iterator<Item = u64> + '_ {
        self.by_item.get(&item.0).into_iter().flatten().rev().take(AT_ITEM_MAX).copied()
    }

    /// What ended then, or up to that much earlier or later: nearest first on either side, of each side at most so many.
    pub fn ended_about(&self, at: Timestamp, within: TimeDelta, at_most: usize) -> impl Iterator<Item = u64> + '_ {
        let before = self.by_end.range((at - within, 0)..(at, 0)).rev().take(at_most);
        let after = self.by_end.range((at, 0)..=(at + within, u64::MAX)).take(at_most);
        before.chain(after).map(|(_, number)| *number)
    }

    pub fn of_condition(&self, key: &ConditionKey) -> impl DoubleEndedIterator<Item = u64> + '_ {
        self.by_condition.get(key).into_iter().flatten().copied()
    }

    pub fn with_token(&self, token: &str) -> impl DoubleEndedIterator<Item = u64> + '_ {
        self.by_token.get(token).into_iter().flatten().copied()
    }

    fn insert(&mut self, number: u64, sighting: &Sighting) {
        if let Some(item) = sighting.item {
            self.by_item.entry(item).or_default().insert(number);
        }
        if let Some(token) = &sighting.token {
            self.by_token.entry(Arc::clone(token)).or_default().insert(number);
        }
        self.by_condition.entry(sighting.condition.clone()).or_default().insert(number);
        if !sighting.is_standing() {
            self.by_age.insert((sighting.last_heard(), number));
        }
        if let Some(ended) = sighting.ended {
            self.by_end.insert((ended.at, number));
        }
    }

    fn remove(&mut self, number: u64, sighting: &Sighting) {
        if let Some(item) = &sighting.item {
            take(&mut self.by_item, item, number);
        }
        if let Some(token) = &sighting.token {
            take(&mut self.by_token, token, number);
        }
        take(&mut self.by_condition, &sighting.condition, number);
        self.by_age.remove(&(sighting.last_heard(), number));
        if let Some(ended) = sighting.ended {
            self.by_end.remove(&(ended.at, number));
        }
    }
}

fn take<K: Ord>(index: &mut BTreeMap<K, BTreeSet<u64>>, key: &K, number: u64) {
    if let Some(numbers) = index.get_mut(key) {
        numbers.remove(&number);
        if numbers.is_empty() {
            index.remove(key);
        }
    }
}

impl GroupingState {
    /// Takes a sighting into `group`, or into a new one; answers its number and group.
    pub fn insert(&mut self, mut sighting: Sighting, group: Option<u64>, places: &mut SightingPlaces) -> (u64, u64) {
        let number = self.next;
        self.next += 1;
        let group = group.filter(|group| self.groups.contains_key(group)).unwrap_or(number);
        sighting.group = group;
        let (at, kind) = (sighting.at, sighting.kind);
        let into = self.groups.entry(group).or_insert_with(|| SightingGroup {
            first_at: at,
            last_at: at,
            alerts: 0,
            warnings: 0,
            impaired: 0,
            down: 0,
            kind: None,
            sightings: BTreeSet::new(),
            told: None,
            waiting: BTreeSet::new(),
        });
        into.first_at = into.first_at.min(at);
        into.last_at = into.last_at.max(at);
        into.kind = into.kind.or(kind);
        into.alerts = into.alerts.saturating_add(1);
        match sighting.gravity {
            FailureMode::Warning => into.warnings += 1,
            FailureMode::Impaired => into.impaired += 1,
            FailureMode::Down => into.down += 1,
        }
        into.sightings.insert(number);
        places.insert(number, &sighting);
        self.sightings.insert(number, sighting);
        (number, group)
    }

    pub fn remove(&mut self, number: u64, places: &mut SightingPlaces) {
        let Some(sighting) = self.sightings.remove(&number) else { return };
        places.remove(number, &sighting);
        if let Some(group) = self.groups.get_mut(&sighting.group) {
            group.sightings.remove(&number);
            if group.sightings.is_empty() {
                self.groups.remove(&sighting.group);
            }
        }
    }

    /// Notes that a sighting fires no longer, and when it ended if that is known.
    pub fn end(&mut self, number: u64, ended: Option<Ended>, places: &mut SightingPlaces) {
        let Some(sighting) = self.sightings.get_mut(&number).filter(|sighting| sighting.firing) else { return };
        places.remove(number, sighting);
        (sighting.firing, sighting.ended) = (false, ended);
        places.insert(number, sighting);
    }

    /// Forgets what nothing was heard of since `until`, but for what still fires; answers what of it was still to be
    /// looked at again, which is only where the bound bit.
    pub fn forget(&mut self, until: Timestamp, places: &mut SightingPlaces) -> Vec<(Timestamp, u64)> {
        let mut early = Vec::new();
        loop {
            let aged = places.by_age.first().filter(|(heard, _)| *heard <= until).map(|(_, number)| *number);
            let crowded = || self.sightings.keys().next().copied().filter(|_| self.sightings.len() > SIGHTINGS_MAX);
            let Some(number) = aged.or_else(crowded) else { break };
            let again = self.sightings.get(&number).and_then(|sighting| sighting.look_again);
            early.extend(again.map(|at| (at, number)));
            self.remove(number, places);
        }
        early
    }

    /// Whether two groups may be one.
    pub fn may_join(&self, one: u64, other: u64, settings: &Grouping) -> Result<(), SeparationReason> {
        let (Some(one), Some(other)) = (self.groups.get(&one), self.groups.get(&other)) else {
            return Err(SeparationReason::Apart);
        };
        if one.alerts.saturating_add(other.alerts) > settings.alerts_at_most {
            return Err(SeparationReason::Full);
        }
        let lasts = one.last_at.max(other.last_at).since(one.first_at.min(other.first_at));
        if lasts > settings.lasts_at_most {
            return Err(SeparationReason::Full);
        }
        // A warning is not about an outage, and what chatters is about nothing.
        let mixes = (one.warnings > 0 && other.down > 0) || (other.warnings > 0 && one.down > 0);
        let warnings = one.warnings.saturating_add(other.warnings);
        let impaired = one.impaired.saturating_add(other.impaired);
        let drowns = warnings >= settings.chatter && impaired > 0 && warnings > impaired;
        let differs = one.kind.is_some() && other.kind.is_some() && one.kind != other.kind;
        if differs || mixes || drowns {
            return Err(SeparationReason::Apart);
        }
        Ok(())
    }

    /// Makes two groups one: the smaller goes into the larger. Answers the group that is left.
    pub fn join(&mut self, one: u64, other: u64) -> u64 {
        let size = |group: u64| self.groups.get(&group).map_or(0, |group| group.sightings.len());
        let (from, into) = if size(one) < size(other) { (one, other) } else { (other, one) };
        if from == into {
            return into;
        }
        let Some(gone) = self.groups.remove(&from) else { return into };
        for number in &gone.sightings {
            if let Some(sighting) = self.sightings.get_mut(number) {
                sighting.group = into;
            }
        }
        if let Some(group) = self.groups.get_mut(&into) {
            group.first_at = group.first_at.min(gone.first_at);
            group.last_at = group.last_at.max(gone.last_at);
            group.alerts = group.alerts.saturating_add(gone.alerts);
            group.warnings += gone.warnings;
            group.impaired += gone.impaired;
            group.down += gone.down;
            group.kind = group.kind.or(gone.kind);
            group.sightings.extend(gone.sightings);
            group.waiting.extend(gone.waiting);
            group.told = group.told.take().or(gone.told);
        }
        into
    }
}

/// Why two groups stay two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeparationReason {
    Apart,
    /// A bound: too many alerts, or over too long a time.
    Full,
}
