//! What ends together: one repair ends everything that its failure caused.
//!
//! That tells late parts of a failure, and parts that the inventory does not connect, from other failures nearby far
//! better than their beginnings do; it only comes to light when it is over.

use std::collections::BTreeSet;

use super::attribution::{Around, Found};
use super::groups::Sighting;
use crate::core::correlation::output::LinkKind;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{FailureMode, Inventory, ItemIndex};

/// Within how many dependencies two items must share something to be near each other.
const NEAR_HOPS: usize = 2;
/// How many that ended just before, and just after, are looked at.
const ENDED_MAX: usize = 256;
/// So many of a hundred alerts of either group must have ended within the time.
const ENDED_PERCENT: usize = 60;
/// A group that small may have begun any time within `stragglers_within` of the other; a larger one begins and ends as
/// a whole when the other does.
const STRAGGLERS_MAX: usize = 3;

/// How a group began and ended.
struct GroupLifetime {
    /// How many ever: one that has nearly ended is not small.
    alerts: usize,
    first_at: Timestamp,
    /// When half of its alerts had begun.
    began: Timestamp,
    /// When half of those that have ended had.
    ended: Timestamp,
    /// How many ended about the time in question.
    then: usize,
}

impl Around<'_> {
    /// One sighting of each other group that has one which began and ended near it, in time and in what it depends on.
    pub fn ended_near(&self, own: &Sighting) -> Vec<u64> {
        let (Some(ended), Some(item)) = (own.ended, own.item.map(ItemIndex)) else { return Vec::new() };
        let above = above(self.inventory, item);
        let mut groups = BTreeSet::from([own.group]);
        let mut near = Vec::new();
        for number in self.places.ended_about(ended.at, self.settings.ends_within, ENDED_MAX) {
            let Some(other) = self.groups.sightings.get(&number) else { continue };
            if groups.contains(&other.group)
                || other.gravity < FailureMode::Impaired
                || other.apart(own.at) > self.settings.stragglers_within
                || !other.may_go_with(own)
                || !other.item.is_some_and(|other| self.is_near(item, &above, ItemIndex(other)))
            {
                continue;
            }
            groups.insert(other.group);
            near.push(number);
        }
        near
    }

    /// Whether the groups of both were one failure, by how they began and ended.
    pub fn ended_together(&self, own: u64, other: u64) -> Option<Found> {
        let (own, other_one) = (self.groups.sightings.get(&own)?, self.groups.sightings.get(&other)?);
        let item = ItemIndex(own.item?);
        let ended = own.ended?.at;
        if own.group == other_one.group {
            return None;
        }
        let (one, two) = (self.course(own.group, ended)?, self.course(other_one.group, ended)?);
        let most_ended = |course: &GroupLifetime| course.then * 100 >= course.alerts * ENDED_PERCENT;
        let settings = self.settings;
        let is_straggler = one.alerts.min(two.alerts) <= STRAGGLERS_MAX;
        let half = TimeDelta::from_micros(settings.ends_within.as_micros() / 2);
        let goes_along = || apart(one.ended, two.ended) <= half && apart(one.began, two.began) <= settings.ends_within;
        let is_one = most_ended(&one)
            && most_ended(&two)
            && apart(one.first_at, two.first_at) <= settings.stragglers_within
            && (is_straggler || goes_along());
        let kind = LinkKind::EndedTogether { within: apart(ended, other_one.ended?.at) };
        is_one.then(|| self.found(kind, item, other, other_one, own, false))
    }

    fn course(&self, group: u64, about: Timestamp) -> Option<GroupLifetime> {
        let group = self.groups.groups.get(&group)?;
        let sightings = || group.sightings.iter().filter_map(|number| self.groups.sightings.get(number));
        let ends = || sightings().filter_map(|one| one.ended).map(|ended| ended.at);
        Some(GroupLifetime {
            alerts: group.alerts as usize,
            first_at: group.first_at,
            began: median(sightings().map(|one| one.at))?,
            ended: median(ends())?,
            then: ends().filter(|at| apart(*at, about) <= self.settings.ends_within).count(),
        })
    }

    /// Whether two items stand at one site, or share something that they depend on, or one probably depends on the other.
    fn is_near(&self, one: ItemIndex, above_one: &BTreeSet<ItemIndex>, other: ItemIndex) -> bool {
        let site = |item: ItemIndex| self.inventory.item(item).site.as_deref();
        let is_guessed =
            || self.gaps.guessed_parents(one).contains(&other) || self.gaps.guessed_parents(other).contains(&one);
        (site(one).is_some() && site(one) == site(other))
            || !above_one.is_disjoint(&above(self.inventory, other))
            || is_guessed()
    }
}

/// The item and what it depends on nearby.
fn above(inventory: &Inventory, item: ItemIndex) -> BTreeSet<ItemIndex> {
    let mut known = BTreeSet::from([item]);
    let mut edge = vec![item];
    for _ in 0..NEAR_HOPS {
        let next: Vec<ItemIndex> = edge.iter().flat_map(|item| inventory.parents(*item)).copied().collect();
        edge = next.into_iter().filter(|item| known.insert(*item)).collect();
    }
    known
}

fn apart(one: Timestamp, other: Timestamp) -> TimeDelta {
    one.since(other).max(other.since(one))
}

fn median(moments: impl Iterator<Item = Timestamp>) -> Option<Timestamp> {
    let mut moments: Vec<Timestamp> = moments.collect();
    moments.sort_unstable();
    moments.get(moments.len() / 2).copied()
}
