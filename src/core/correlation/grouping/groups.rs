//! Recent sightings, in groups that one failure may explain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::core::correlation::keys::ConditionKey;
use crate::core::model::{Fingerprint, TimeDelta, Timestamp};
use crate::core::rules::{FailureMode, Grouping, ItemIndex};

/// Maximum number of sightings; beyond it the oldest are forgotten early.
pub const SIGHTINGS_MAX: usize = 50_000;
/// Maximum number of sightings examined at one item: the newest.
const AT_ITEM_MAX: usize = 256;

/// An alert under a rule's condition, or an event without one: time, item and severity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    pub condition: ConditionKey,
    /// `None`: a point.
    pub alert: Option<Fingerprint>,
    /// Index of its item in the inventory in force.
    pub item: Option<u32>,
    /// Value of a label by which alerts belong together across items.
    pub token: Option<Arc<str>>,
    /// Event time.
    pub at: Timestamp,
    /// Receive time, from which its retention counts.
    pub seen_at: Timestamp,
    pub gravity: FailureMode,
    /// The kind of alert, of those that are kept apart; `None` goes with all of them.
    pub kind: Option<u32>,
    pub firing: bool,
    /// Reported end of its alert; after a time-out the end is unknown.
    pub ended: Option<Ended>,
    /// A failure above it explains it, so it is no reason to join yet another failure.
    pub explained: bool,
    /// Time of the next attempt to explain it.
    pub look_again: Option<Timestamp>,
    pub group: u64,
}

/// The end of an alert: event time and receive time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub at: Timestamp,
    pub seen_at: Timestamp,
}

impl Sighting {
    /// True if it is remembered until its alert ends.
    pub fn is_standing(&self) -> bool {
        self.firing && self.alert.is_some()
    }

    /// Time of the last news about it.
    fn last_heard(&self) -> Timestamp {
        self.ended.map_or(self.seen_at, |ended| ended.seen_at.max(self.seen_at))
    }

    pub fn is_down(&self) -> bool {
        self.gravity == FailureMode::Down
    }

    /// True for the same alert, or point, under the same condition.
    pub fn is_same(&self, other: &Sighting) -> bool {
        self.alert == other.alert && self.at == other.at && self.condition == other.condition
    }

    /// True if the kinds of both may go together.
    pub fn may_go_with(&self, other: &Sighting) -> bool {
        self.kind.is_none() || other.kind.is_none() || self.kind == other.kind
    }

    /// Distance of its start from `other`, either way.
    pub fn apart(&self, other: Timestamp) -> TimeDelta {
        self.at.since(other).max(other.since(self.at))
    }
}

/// Sightings that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SightingGroup {
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// Number of alerts ever; the remembered ones are in `sightings`.
    pub alerts: u32,
    pub warnings: u32,
    pub impaired: u32,
    pub down: u32,
    /// The kind of those of its alerts that are kept apart from others.
    pub kind: Option<u32>,
    pub sightings: BTreeSet<u64>,
    /// The condition of the group last reported to the desk.
    pub told: Option<ConditionKey>,
    /// Its conditions that are suppressed, hence not reported.
    pub waiting: BTreeSet<ConditionKey>,
}

/// The whole state of grouping; a part of the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupingState {
    next: u64,
    /// In receive order.
    pub sightings: BTreeMap<u64, Sighting>,
    pub groups: BTreeMap<u64, SightingGroup>,
}

/// Search indexes of sightings; rebuilt after a restore.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SightingPlaces {
    by_item: BTreeMap<u32, BTreeSet<u64>>,
    by_condition: BTreeMap<ConditionKey, BTreeSet<u64>>,
    by_token: BTreeMap<Arc<str>, BTreeSet<u64>>,
    /// Sightings that may be forgotten, by the time of their last news.
    by_age: BTreeSet<(Timestamp, u64)>,
    by_end: BTreeSet<(Timestamp, u64)>,
}

impl SightingPlaces {
    pub fn of(groups: &GroupingState) -> SightingPlaces {
        let mut places = SightingPlaces::default();
        groups.sightings.iter().for_each(|(number, sighting)| places.insert(*number, sighting));
        places
    }

    /// The newest sightings there, newest first.
    pub fn at_item(&self, item: ItemIndex) -> impl Iterator<Item = u64> + '_ {
        self.by_item.get(&item.0).into_iter().flatten().rev().take(AT_ITEM_MAX).copied()
    }

    /// Sightings that ended within that time of `at`: nearest first on either side, at most `at_most` per side.
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
    /// Adds a sighting to `group`, or to a new one; returns its number and group.
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

    /// Marks a sighting as no longer firing, with its end if known.
    pub fn end(&mut self, number: u64, ended: Option<Ended>, places: &mut SightingPlaces) {
        let Some(sighting) = self.sightings.get_mut(&number).filter(|sighting| sighting.firing) else { return };
        places.remove(number, sighting);
        (sighting.firing, sighting.ended) = (false, ended);
        places.insert(number, sighting);
    }

    /// Forgets sightings without news since `until`, except firing ones; returns those that still awaited another look,
    /// which occurs only when the limit is hit.
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

    /// Checks if two groups may become one.
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
        // A warning does not belong to an outage, and minor alerts do not belong to a noise of warnings.
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

    /// Merges two groups: the smaller goes into the larger. Returns the remaining group.
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

/// Reason why two groups stay separate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeparationReason {
    Apart,
    /// A limit: too many alerts, or too long a time.
    Full,
}
