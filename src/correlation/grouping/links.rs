//! Which groups a new sighting belongs to, by time and by what depends on what.

use std::collections::BTreeSet;

use super::groups::{Groups, Places, Sighting};
use crate::correlation::output::{Link, LinkKind};
use crate::model::Span;
use crate::rules::{Gravity, Grouping, Inventory, ItemIndex};

/// How many items are looked at around one alert: an item that more depends on is looked at in part.
const LOOKED_AT_MAX: usize = 4_096;

/// A group that a sighting belongs to, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub group: u64,
    pub link: Link,
    /// The sightings that are explained by it from now on.
    pub explains: Vec<u64>,
}

/// What there is to look at.
pub struct Around<'a> {
    pub settings: &'a Grouping,
    pub inventory: &'a Inventory,
    pub groups: &'a Groups,
    pub places: &'a Places,
}

impl<'a> Around<'a> {
    /// The one group whose failure best explains the sighting, by what it names, by its own item, or by what it depends on;
    /// and whether something above it does.
    pub fn explanation(&self, new: &Sighting) -> Option<(Found, bool)> {
        if let Some(found) = self.by_token(new) {
            return Some((found, false));
        }
        let item = ItemIndex(new.item?);
        self.at_the_item(item, new).or_else(|| self.above(item, new).map(|found| (found, true)))
    }

    /// The groups that the sighting explains: of what depends on its item and has no better explanation.
    pub fn effects(&self, new: &Sighting) -> Vec<Found> {
        let Some(item) = new.item.map(ItemIndex) else { return Vec::new() };
        let mut found: Vec<Found> = Vec::new();
        self.walk(item, Way::Down, |number, below, hops| {
            let in_time = below.apart(new.at) <= self.reach(hops);
            if in_time && !below.explained && new.gravity.explains(below.gravity) {
                let kind = LinkKind::DependsOnIt { hops };
                note(&mut found, below.group, number, || self.link(kind, item, below, new));
            }
            in_time
        });
        found
    }

    /// The groups of what depends on the same item, if most of that has failed: the item has, and does not say so.
    pub fn siblings(&self, new: &Sighting) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let Some(item) = new.item.map(ItemIndex).filter(|_| new.gravity == Gravity::Down) else { return found };
        for parent in self.inventory.parents(item) {
            let children = self.inventory.children(*parent);
            if children.len() < 2 || children.len() > LOOKED_AT_MAX {
                continue;
            }
            let mut failed = 1_usize;
            let mut top: Vec<(u64, &Sighting)> = Vec::new();
            for child in children.iter().filter(|child| **child != item) {
                let mut has_failed = false;
                for (number, sighting) in self.seen_at(*child) {
                    let in_time = sighting.apart(new.at) <= self.settings.neighbours_within;
                    if in_time && sighting.gravity == Gravity::Down {
                        has_failed = true;
                        top.extend((!sighting.explained).then_some((number, sighting)));
                    }
                }
                failed += usize::from(has_failed);
            }
            if failed >= 2 && failed * 100 >= children.len() * self.settings.siblings_percent as usize {
                for (number, sighting) in top {
                    let kind = LinkKind::SameDependency;
                    note(&mut found, sighting.group, number, || self.link(kind, *parent, sighting, new));
                }
            }
        }
        found
    }

    fn by_token(&self, new: &Sighting) -> Option<Found> {
        let token = new.token.as_deref()?;
        let other = self.places.with_token(token).next_back().and_then(|number| self.groups.sightings.get(&number))?;
        let link = Link { kind: LinkKind::SameValue, items: Vec::new(), apart: other.apart(new.at) };
        Some(Found { group: other.group, link, explains: Vec::new() })
    }

    fn at_the_item(&self, item: ItemIndex, new: &Sighting) -> Option<(Found, bool)> {
        let near = |sighting: &Sighting| {
            sighting.apart(new.at) <= self.settings.same_item_within && sighting.gravity.goes_with(new.gravity)
        };
        let seen = self.seen_at(item).filter(|(_, sighting)| near(sighting));
        let (_, other) = seen.min_by_key(|(number, sighting)| (sighting.apart(new.at), *number))?;
        let link = self.link(LinkKind::SameItem, item, other, new);
        Some((Found { group: other.group, link, explains: Vec::new() }, other.explained))
    }

    /// The nearest failure above, by hops, then by time.
    fn above(&self, item: ItemIndex, new: &Sighting) -> Option<Found> {
        let mut best: Option<((u32, Span, u64), Found)> = None;
        self.walk(item, Way::Up, |number, above, hops| {
            let apart = above.apart(new.at);
            let in_time = apart <= self.reach(hops);
            let straggles = above.firing && above.at <= new.at && apart <= self.settings.stragglers_within;
            if (in_time || (straggles && above.gravity == Gravity::Down)) && above.gravity.explains(new.gravity) {
                let rank = (hops, apart, number);
                if best.as_ref().is_none_or(|(other, _)| rank < *other) {
                    let link = self.link(LinkKind::DependsOn { hops }, item, above, new);
                    best = Some((rank, Found { group: above.group, link, explains: Vec::new() }));
                }
            }
            in_time || straggles
        });
        best.map(|(_, found)| found)
    }

    /// Looks at what was seen around an item, nearest first. It goes on beyond an item only where nothing was in time:
    /// `look` answers whether it was.
    fn walk(&self, item: ItemIndex, way: Way, mut look: impl FnMut(u64, &'a Sighting, u32) -> bool) {
        let mut known = BTreeSet::from([item]);
        let mut edge = vec![item];
        for hops in 1..=self.settings.hops {
            let mut silent = Vec::new();
            for next in edge.iter().flat_map(|from| way.of(self.inventory, *from)) {
                if known.len() > LOOKED_AT_MAX || !known.insert(*next) {
                    continue;
                }
                let mut spoke = false;
                for (number, sighting) in self.seen_at(*next) {
                    spoke |= look(number, sighting, hops);
                }
                if !spoke {
                    silent.push(*next);
                }
            }
            edge = silent;
        }
    }

    fn seen_at(&self, item: ItemIndex) -> impl Iterator<Item = (u64, &'a Sighting)> + '_ {
        self.places.at_item(item).filter_map(|number| Some((number, self.groups.sightings.get(&number)?)))
    }

    /// Each further hop takes its time.
    fn reach(&self, hops: u32) -> Span {
        let once = self.settings.neighbours_within;
        Span::from_micros(once.as_micros() + once.as_micros() / 4 * i64::from(hops.saturating_sub(1)))
    }

    fn link(&self, kind: LinkKind, item: ItemIndex, other: &Sighting, new: &Sighting) -> Link {
        let name = |item: ItemIndex| self.inventory.item(item).name.clone();
        let mut items = vec![name(item)];
        items.extend(other.item.map(ItemIndex).filter(|other| *other != item).map(name));
        Link { kind, items, apart: other.apart(new.at) }
    }
}

fn note(found: &mut Vec<Found>, group: u64, number: u64, link: impl FnOnce() -> Link) {
    match found.iter_mut().find(|one| one.group == group) {
        Some(one) => one.explains.push(number),
        None => found.push(Found { group, link: link(), explains: vec![number] }),
    }
}

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

impl Way {
    fn of(self, inventory: &Inventory, item: ItemIndex) -> &[ItemIndex] {
        match self {
            Way::Up => inventory.parents(item),
            Way::Down => inventory.children(item),
        }
    }
}
