//! Grouping by end: one repair ends every alert that its failure caused.
//!
//! Ends separate late parts of a failure, and parts that the inventory does not connect, from other failures nearby far
//! better than starts do; they are known only afterwards.

use std::collections::BTreeSet;

use super::attribution::{Around, FoundCause};
use super::groups::Sighting;
use crate::core::correlation::output::LinkKind;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{FailureMode, Inventory, ItemIndex};

/// Number of dependencies within which two items must share something to be near each other.
const NEAR_HOPS: usize = 2;
/// Maximum number of sightings examined on each side of the end.
const ENDED_MAX: usize = 256;
/// Percentage of the alerts of either group that must have ended within the time.
const ENDED_PERCENT: usize = 60;
/// A group up to this size may have begun any time within `stragglers_within` of the other; a larger one must begin and
/// end as a whole with it.
const STRAGGLERS_MAX: usize = 3;

/// Start and end of a group.
struct GroupLifetime {
    /// Number of alerts ever, because a group that has nearly ended is not small.
    alerts: usize,
    first_at: Timestamp,
    /// Time by which half of its alerts had begun.
    began: Timestamp,
    /// Time by which half of the ended ones had ended.
    ended: Timestamp,
    /// Number that ended about the time in question.
    then: usize,
}

impl Around<'_> {
    /// One sighting of each other group whose start, end and dependencies are near.
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

    /// Checks by start and end if the groups of both were one failure.
    pub fn ended_together(&self, own: u64, other: u64) -> Option<FoundCause> {
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

    /// True if two items are at one site, share a dependency, or one probably depends on the other.
    fn is_near(&self, one: ItemIndex, above_one: &BTreeSet<ItemIndex>, other: ItemIndex) -> bool {
        let site = |item: ItemIndex| self.inventory.item(item).site.as_deref();
        let is_guessed =
            || self.gaps.guessed_parents(one).contains(&other) || self.gaps.guessed_parents(other).contains(&one);
        (site(one).is_some() && site(one) == site(other))
            || !above_one.is_disjoint(&above(self.inventory, other))
            || is_guessed()
    }
}

/// The item and its near dependencies.
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
