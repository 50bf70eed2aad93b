//! Dependency on topology: an alert on an item explains the alerts on items that depend on it.
//!
//! A firing alert is in the groups of all items that its item depends on, so that a parent finds the children it
//! explains, whichever came first, at the cost of their ancestors. In a dependency circle only the alert that fired
//! first explains the others: so the relation has no circles, and one alert is always free.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::inhibition::SourceChange;
use crate::core::correlation::keys::ConditionKey;
use crate::core::model::{Fingerprint, Timestamp};
use crate::core::rules::{Inventory, ItemIndex};

/// Maximum number of ancestors of an item that are examined, the nearest first.
pub(crate) const ANCESTORS_MAX: usize = 1_000;

/// Start time and identity of an alert: its order in a circle.
pub(crate) type FiringOrder = (Timestamp, Fingerprint);

/// An alert's entry at one item, for one inhibition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DependencyEdge {
    pub rule: u32,
    /// Its values of the labels that must be equal; an absent one is empty.
    pub values: Arc<[String]>,
    pub item: ItemIndex,
    pub relation: Relation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It fires on the item and may explain others.
    Source,
    /// Its item depends on this item.
    Below,
    /// Its item and this item depend on each other.
    Beside,
}

/// All ancestors of each item, and the circles.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    /// By item: the circle it is in.
    circles: Vec<u32>,
}

impl Topology {
    pub fn new(inventory: &Inventory) -> Topology {
        Topology { circles: circles(inventory) }
    }

    /// The item's dependencies within so many hops, the nearest first, and their kind.
    pub fn above(&self, inventory: &Inventory, item: ItemIndex, hops: u32) -> Vec<(ItemIndex, Relation)> {
        let mut seen = BTreeSet::from([item]);
        let mut found = Vec::new();
        let mut level = vec![item];
        for _ in 0..hops {
            let parents: BTreeSet<ItemIndex> =
                level.iter().flat_map(|item| inventory.parents(*item)).copied().collect();
            level = parents.into_iter().filter(|parent| seen.insert(*parent)).collect();
            for parent in &level {
                let same = self.circles.get(parent.0 as usize) == self.circles.get(item.0 as usize);
                found.push((*parent, if same { Relation::Beside } else { Relation::Below }));
            }
            if level.is_empty() || found.len() > ANCESTORS_MAX {
                break;
            }
        }
        found
    }
}

/// By item: the lowest item of those that it depends on and that depend on it, itself included (Kosaraju's method).
fn circles(inventory: &Inventory) -> Vec<u32> {
    let count = inventory.len();
    let mut seen = vec![false; count];
    let mut finished: Vec<ItemIndex> = Vec::with_capacity(count);
    for (start, _) in inventory.items() {
        if std::mem::replace(&mut seen[start.0 as usize], true) {
            continue;
        }
        let mut path = vec![(start, 0_usize)];
        while let Some((item, next)) = path.last_mut() {
            match inventory.parents(*item).get(*next) {
                Some(parent) => {
                    *next += 1;
                    if !std::mem::replace(&mut seen[parent.0 as usize], true) {
                        path.push((*parent, 0));
                    }
                }
                None => {
                    finished.push(*item);
                    path.pop();
                }
            }
        }
    }
    let mut circles = vec![u32::MAX; count];
    for start in finished.into_iter().rev() {
        let mut open = vec![start];
        while let Some(item) = open.pop() {
            if circles[item.0 as usize] == u32::MAX {
                circles[item.0 as usize] = start.0;
                open.extend(inventory.children(item));
            }
        }
    }
    circles
}

/// The firing alerts by their items, and the conditions that wait for a release.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dependencies {
    groups: BTreeMap<DependencyKey, DependencyGroup>,
    watched: BTreeMap<ConditionKey, BTreeSet<DependencyKey>>,
}

type DependencyKey = (ItemIndex, u32, Arc<[String]>);

#[derive(Clone, Debug, Default)]
struct DependencyGroup {
    sources: BTreeSet<FiringOrder>,
    targets: BTreeSet<Fingerprint>,
    watchers: BTreeSet<ConditionKey>,
}

impl DependencyEdge {
    fn key(&self) -> DependencyKey {
        (self.item, self.rule, Arc::clone(&self.values))
    }
}

impl Dependencies {
    pub fn insert(&mut self, rank: FiringOrder, ties: &[DependencyEdge], affected: &mut SourceChange) {
        for tie in ties {
            let group = self.groups.entry(tie.key()).or_default();
            match tie.relation {
                Relation::Source => {
                    let before = group.sources.first().copied();
                    group.sources.insert(rank);
                    group.note(before, affected);
                }
                Relation::Below | Relation::Beside => {
                    group.targets.insert(rank.1);
                }
            }
        }
    }

    pub fn remove(&mut self, rank: FiringOrder, ties: &[DependencyEdge], affected: &mut SourceChange) {
        for tie in ties {
            let key = tie.key();
            let Some(group) = self.groups.get_mut(&key) else { continue };
            match tie.relation {
                Relation::Source => {
                    let before = group.sources.first().copied();
                    group.sources.remove(&rank);
                    group.note(before, affected);
                }
                Relation::Below | Relation::Beside => {
                    group.targets.remove(&rank.1);
                }
            }
            if group.is_empty() {
                self.groups.remove(&key);
            }
        }
    }

    /// The alert that explains the subject there: the first that fired on the nearest item.
    pub fn explains(&self, rank: FiringOrder, ties: &[DependencyEdge]) -> Option<Fingerprint> {
        ties.iter().find_map(|tie| self.source_at(rank, tie))
    }

    fn source_at(&self, rank: FiringOrder, tie: &DependencyEdge) -> Option<Fingerprint> {
        let explains = |source: &FiringOrder| match tie.relation {
            Relation::Source => false,
            Relation::Below => true,
            Relation::Beside => *source < rank,
        };
        self.groups.get(&tie.key())?.sources.first().copied().filter(explains).map(|(_, fingerprint)| fingerprint)
    }

    /// Registers the condition for a change of the explanation there.
    pub fn watch(&mut self, condition: &ConditionKey, rank: FiringOrder, ties: &[DependencyEdge]) {
        let Some(tie) = ties.iter().find(|tie| self.source_at(rank, tie).is_some()) else { return };
        if let Some(group) = self.groups.get_mut(&tie.key()) {
            group.watchers.insert(condition.clone());
            self.watched.entry(condition.clone()).or_default().insert(tie.key());
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

    /// True if the condition is registered for a change of the explanation there.
    pub fn is_watching(&self, condition: &ConditionKey, rank: FiringOrder, ties: &[DependencyEdge]) -> bool {
        let Some(watched) = self.watched.get(condition) else { return false };
        ties.iter().any(|tie| watched.contains(&tie.key()) && self.source_at(rank, tie).is_some())
    }
}

impl DependencyGroup {
    fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.targets.is_empty() && self.watchers.is_empty()
    }

    fn note(&self, before: Option<FiringOrder>, affected: &mut SourceChange) {
        if self.sources.first().copied() != before {
            affected.alerts.extend(&self.targets);
            if before.is_some() {
                affected.watchers.extend(self.watchers.iter().cloned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Labels;
    use crate::core::rules::ConfigurationItem;

    fn inventory(edges: &[(&str, &[&str])]) -> Inventory {
        let item = |name: &str| ConfigurationItem {
            name: name.to_owned(),
            class: String::new(),
            site: None,
            owner: None,
            vendor: None,
            contract: None,
            aliases: Vec::new(),
            facts: Labels::empty(),
        };
        let items = edges.iter().map(|(name, above)| (item(name), above.iter().map(|one| (*one).to_owned()).collect()));
        Inventory::new(items.collect(), Vec::new())
    }

    fn check(edges: &[(&str, &[&str])], item: &str, hops: u32, expected: &[(&str, Relation)]) {
        let inventory = inventory(edges);
        let topology = Topology::new(&inventory);
        let above = topology.above(&inventory, inventory.find(item).unwrap(), hops);
        let named: Vec<(&str, Relation)> =
            above.iter().map(|(item, relation)| (inventory.item(*item).name.as_str(), *relation)).collect();
        assert_eq!(named, expected, "above {item} within {hops}");
    }

    #[test]
    fn what_a_thing_depends_on_is_found_nearest_first_and_circles_are_known() {
        let edges: &[(&str, &[&str])] =
            &[("接入", &["汇聚1", "汇聚2"]), ("汇聚1", &["核心"]), ("汇聚2", &["核心"]), ("核心", &[])];
        check(edges, "接入", 1, &[("汇聚1", Relation::Below), ("汇聚2", Relation::Below)]);
        check(edges, "接入", 8, &[("汇聚1", Relation::Below), ("汇聚2", Relation::Below), ("核心", Relation::Below)]);
        check(edges, "核心", 8, &[]);
        let circle: &[(&str, &[&str])] = &[("a", &["b"]), ("b", &["c"]), ("c", &["a", "d"]), ("d", &[])];
        check(circle, "a", 1, &[("b", Relation::Beside)]);
        check(circle, "a", 8, &[("b", Relation::Beside), ("c", Relation::Beside), ("d", Relation::Below)]);
        check(circle, "d", 8, &[]);
    }
}
