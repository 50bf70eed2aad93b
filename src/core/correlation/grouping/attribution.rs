//! Attribution: the groups that a sighting belongs to, by time and by dependency.

use std::collections::{BTreeMap, BTreeSet};

use super::groups::{GroupingState, Sighting, SightingPlaces};
use crate::core::correlation::output::{AlertLink, LinkKind};
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{FailureMode, Grouping, Inventory, ItemIndex, MissingDependencies};

/// Maximum number of items searched around one alert; beyond it the search is partial.
const LOOKED_AT_MAX: usize = 4_096;
/// A larger site is no sign of one failure.
const SITE_MAX: usize = 2_000;
/// An outage of a whole site shows in at least this many of its items.
const SITE_MIN: usize = 4;
/// Only a group up to this size counts as a part of its site's outage.
const STRAY_MAX: u32 = 8;

/// A group that a sighting belongs to, and the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundCause {
    pub group: u64,
    pub link: AlertLink,
    /// A failure above the sighting explains it.
    pub explains_it: bool,
    /// A sighting of the group, and the sightings that the new one explains from now on.
    pub stands: u64,
    pub explained: Vec<u64>,
}

/// The data that attribution searches.
pub struct Around<'a> {
    pub settings: &'a Grouping,
    pub inventory: &'a Inventory,
    pub gaps: &'a MissingDependencies,
    pub groups: &'a GroupingState,
    pub places: &'a SightingPlaces,
}

/// Quality of an explanation: the number of dependencies, the time between.
type CauseRank = (u32, TimeDelta, u64);

impl<'a> Around<'a> {
    /// The best explanation of the sighting: a shared label value, its own item, or a failure that it depends on.
    pub fn explanation(&self, new: &Sighting) -> Option<FoundCause> {
        if let Some(found) = self.by_token(new) {
            return Some(found);
        }
        let item = ItemIndex(new.item?);
        let mut best: Option<(CauseRank, FoundCause)> = None;
        let mut offer = |rank: CauseRank, found: &dyn Fn() -> FoundCause| {
            if best.as_ref().is_none_or(|(other, _)| rank < *other) {
                best = Some((rank, found()));
            }
        };
        for (number, other) in self.seen_at(item, new).filter(|(_, other)| other.gravity.goes_with(new.gravity)) {
            let apart = other.apart(new.at);
            if other.is_same(new) || apart > self.settings.same_item_within {
                continue;
            }
            offer((0, apart, number), &|| self.found(LinkKind::SameItem, item, number, other, new, other.explained));
        }
        self.walk(new, item, Attribution::Up, |number, above, hops| {
            let apart = above.apart(new.at);
            if !above.gravity.explains(new.gravity) {
                return apart <= self.reach(hops);
            }
            let is_fresh = self.follows(new.at, above.at, hops);
            if is_fresh && above.firing {
                offer((hops, apart, number), &|| {
                    self.found(LinkKind::DependsOn { hops }, item, number, above, new, true)
                });
            }
            is_fresh
        });
        best.map(|(_, found)| found)
    }

    /// The fallback without an explanation: a dependency missing in the inventory, or the outage of its whole site.
    pub fn guess(&self, new: &Sighting, own: u64) -> Option<FoundCause> {
        let item = ItemIndex(new.item?);
        let guessed = self.gaps.guessed_parents(item).iter().flat_map(|parent| self.seen_at(*parent, new));
        let near = guessed.filter(|(_, above)| {
            above.apart(new.at) <= self.settings.neighbours_within && above.gravity.explains(new.gravity)
        });
        let nearest = near.min_by_key(|(number, above)| (above.apart(new.at), *number));
        if let Some((number, above)) = nearest.filter(|_| new.gravity >= FailureMode::Impaired) {
            return Some(self.found(LinkKind::ProbablyDependsOn, item, number, above, new, true));
        }
        self.site_outage(item, new, own)
    }

    /// The groups that the sighting explains: of items that depend on its item and have no better explanation.
    pub fn effects(&self, new: &Sighting) -> Vec<FoundCause> {
        let Some(item) = new.item.map(ItemIndex) else { return Vec::new() };
        let mut found: Vec<FoundCause> = Vec::new();
        self.walk(new, item, Attribution::Down, |number, below, hops| {
            let is_fresh = self.follows(below.at, new.at, hops);
            if is_fresh && !below.explained && new.gravity.explains(below.gravity) {
                let kind = LinkKind::DependsOnIt { hops };
                let one = note(&mut found, below.group, || self.found(kind, item, number, below, new, false));
                one.explained.push(number);
            }
            is_fresh
        });
        found
    }

    /// The groups of items that depend on the same item, if most of them failed: then the item failed without reporting
    /// it.
    pub fn siblings(&self, new: &Sighting) -> Vec<FoundCause> {
        let mut found: Vec<FoundCause> = Vec::new();
        let Some(item) = new.item.map(ItemIndex).filter(|_| new.is_down()) else { return found };
        for parent in self.inventory.parents(item) {
            let children = self.inventory.children(*parent);
            if children.len() < 2 || children.len() > LOOKED_AT_MAX {
                continue;
            }
            let mut failed = 1_usize;
            let mut tops: Vec<(u64, &Sighting)> = Vec::new();
            for child in children.iter().filter(|child| **child != item) {
                let within = self.settings.siblings_within;
                let down = || self.seen_at(*child, new).filter(|(_, one)| one.is_down() && one.apart(new.at) <= within);
                failed += usize::from(down().next().is_some());
                tops.extend(down().filter(|(_, one)| !one.explained));
            }
            if failed >= 2 && failed * 100 >= children.len() * self.settings.siblings_percent as usize {
                for (number, one) in tops {
                    note(&mut found, one.group, || {
                        self.found(LinkKind::SameDependency, *parent, number, one, new, false)
                    });
                }
            }
        }
        found
    }

    fn by_token(&self, new: &Sighting) -> Option<FoundCause> {
        let number = self
            .places
            .with_token(new.token.as_deref()?)
            .rev()
            .find(|number| self.groups.sightings.get(number).is_some_and(|other| !other.is_same(new)))?;
        let other = self.groups.sightings.get(&number)?;
        let link = AlertLink { kind: LinkKind::SameValue, items: Vec::new(), apart: other.apart(new.at) };
        Some(FoundCause { group: other.group, link, explains_it: false, stands: number, explained: Vec::new() })
    }

    /// The group that holds most failures of the site, if most of the site fails.
    fn site_outage(&self, item: ItemIndex, new: &Sighting, own: u64) -> Option<FoundCause> {
        let items = self.gaps.at_site_of(self.inventory, item);
        let is_stray = self.groups.groups.get(&own).is_some_and(|group| group.alerts <= STRAY_MAX);
        if !new.is_down() || !is_stray || items.len() > SITE_MAX {
            return None;
        }
        let mut failed = 0_usize;
        let mut groups: BTreeMap<u64, (usize, u64)> = BTreeMap::new();
        for other in items {
            let within = self.settings.siblings_within;
            let mut here: BTreeMap<u64, u64> = BTreeMap::new();
            let mut is_out = false;
            for (number, one) in self.seen_at(*other, new) {
                is_out |= one.firing && one.is_down();
                if one.gravity >= FailureMode::Impaired && one.apart(new.at) <= within && one.group != own {
                    here.entry(one.group).or_insert(number);
                }
            }
            failed += usize::from(is_out || !here.is_empty());
            for (group, number) in here {
                groups.entry(group).or_insert((0, number)).0 += 1;
            }
        }
        let (group, (count, number)) =
            groups.into_iter().max_by_key(|(group, (count, _))| (*count, u64::MAX - group))?;
        let is_outage = self.groups.groups.get(&group).is_some_and(|group| group.down > 0);
        let is_most = failed * 100 >= items.len() * self.settings.siblings_percent as usize;
        if count < SITE_MIN || !is_outage || !is_most {
            return None;
        }
        let other = self.groups.sightings.get(&number)?;
        Some(self.found(LinkKind::SameSite, item, number, other, new, true))
    }

    /// Searches the sightings around an item, nearest first. It goes beyond an item only if nothing there was in time
    /// (`look` returns true if something was), and over at most as many silent items as alarms may be lost in a row; an
    /// item that has been down for long is not silent, because it cannot report again.
    fn walk(
        &self,
        new: &Sighting,
        item: ItemIndex,
        way: Attribution,
        mut look: impl FnMut(u64, &'a Sighting, u32) -> bool,
    ) {
        let mut known = BTreeSet::from([item]);
        let mut edge = vec![(item, 0)];
        for hops in 1..=self.settings.hops {
            let mut next_edge = Vec::new();
            for (from, silent) in edge {
                for next in way.of(self.inventory, from) {
                    if known.len() > LOOKED_AT_MAX || !known.insert(*next) {
                        continue;
                    }
                    let (mut is_fresh, mut is_out) = (false, false);
                    for (number, sighting) in self.seen_at(*next, new) {
                        is_fresh |= look(number, sighting, hops);
                        is_out |= sighting.firing && sighting.is_down();
                    }
                    let silent = silent + u32::from(!is_out);
                    if !is_fresh && silent <= self.settings.silent_hops {
                        next_edge.push((*next, silent));
                    }
                }
            }
            edge = next_edge;
        }
    }

    /// The item's sightings that may go with the new one.
    fn seen_at<'b>(&'b self, item: ItemIndex, new: &'b Sighting) -> impl Iterator<Item = (u64, &'a Sighting)> + 'b {
        let sightings = &self.groups.sightings;
        let seen = self.places.at_item(item).filter_map(move |number| Some((number, sightings.get(&number)?)));
        seen.filter(|(_, other)| other.may_go_with(new))
    }

    /// True if an effect began in time after its cause; the cause's alarm may come a little later than the effect's.
    fn follows(&self, effect: Timestamp, cause: Timestamp, hops: u32) -> bool {
        let early = per_hop(self.settings.cause_late_by, hops);
        effect.since(cause) <= self.reach(hops) && cause.since(effect) <= early
    }

    fn reach(&self, hops: u32) -> TimeDelta {
        per_hop(self.settings.neighbours_within, hops)
    }

    pub(super) fn found(
        &self,
        kind: LinkKind,
        item: ItemIndex,
        number: u64,
        other: &Sighting,
        new: &Sighting,
        explains_it: bool,
    ) -> FoundCause {
        let name = |item: ItemIndex| self.inventory.item(item).name.clone();
        let mut items = vec![name(item)];
        items.extend(other.item.map(ItemIndex).filter(|other| *other != item).map(name));
        let link = AlertLink { kind, items, apart: other.apart(new.at) };
        FoundCause { group: other.group, link, explains_it, stands: number, explained: Vec::new() }
    }
}

/// Each further hop adds a quarter of the time.
fn per_hop(once: TimeDelta, hops: u32) -> TimeDelta {
    TimeDelta::from_micros(once.as_micros() + once.as_micros() / 4 * i64::from(hops.saturating_sub(1)))
}

fn note(found: &mut Vec<FoundCause>, group: u64, new: impl FnOnce() -> FoundCause) -> &mut FoundCause {
    let known = found.iter().position(|one| one.group == group);
    let index = known.unwrap_or_else(|| {
        found.push(new());
        found.len() - 1
    });
    &mut found[index]
}

#[derive(Clone, Copy)]
enum Attribution {
    Up,
    Down,
}

impl Attribution {
    fn of(self, inventory: &Inventory, item: ItemIndex) -> &[ItemIndex] {
        match self {
            Attribution::Up => inventory.parents(item),
            Attribution::Down => inventory.children(item),
        }
    }
}
