//! Probable cause of an incident: the topmost item that explains most of its alerts, and the path down from it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::model::{Fingerprint, Timestamp};
use crate::core::rules::{FailureMode, Grouping, Inventory, ItemIndex};

/// Maximum depth of followed dependencies, and maximum number of items.
const HOPS_MAX: usize = 16;
const ABOVE_MAX: usize = 512;

/// An item with alerts of the incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Affected {
    /// Start of the first of them.
    pub since: Timestamp,
    /// Failure mode of the worst one.
    pub gravity: FailureMode,
    /// The condition of the worst, the first of equals.
    pub condition: Fingerprint,
}

/// The probable origin of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbableCause {
    pub entity: String,
    /// From the root down to the item with the first alert, both included.
    pub path: Vec<String>,
    /// It has no alert of its own: most items that depend on it have failed.
    pub inferred: bool,
}

/// Among the affected items, and items whose dependents have mostly failed, the one that explains most of the worst
/// alerts; of equals the one with an alert of its own, then the first, then by name.
pub fn root_candidate(
    affected: &BTreeMap<String, Affected>,
    inventory: &Inventory,
    settings: &Grouping,
) -> Option<ProbableCause> {
    let worst = affected.values().map(|one| one.gravity).max()?;
    let gravest = affected.iter().filter(|(_, one)| (one.gravity == FailureMode::Down) == (worst == FailureMode::Down));
    let items: BTreeMap<ItemIndex, &Affected> =
        gravest.filter_map(|(name, one)| Some((inventory.find(name)?, one))).collect();
    let mut explains: BTreeMap<ItemIndex, usize> = BTreeMap::new();
    for item in items.keys() {
        for above in ancestors(inventory, *item) {
            *explains.entry(above).or_default() += 1;
        }
    }
    let own = |item: &ItemIndex| items.get(item).map(|one| one.since);
    let candidates = explains.iter().filter(|(item, _)| {
        items.contains_key(item) || {
            let children = inventory.children(**item);
            let failed = children.iter().filter(|child| items.contains_key(child)).count();
            failed >= 2 && failed * 100 >= children.len() * settings.siblings_percent as usize
        }
    });
    let rank = |item: &ItemIndex, count: usize| {
        let since = own(item);
        (std::cmp::Reverse(count), since.is_none(), since.unwrap_or(Timestamp::FAR_FUTURE), *item)
    };
    let (root, _) = candidates.min_by_key(|(item, count)| rank(item, **count))?;
    let first = items.iter().min_by_key(|(item, one)| (one.since, **item)).map(|(item, _)| *item)?;
    let name = |item: ItemIndex| inventory.item(item).name.clone();
    Some(ProbableCause {
        entity: name(*root),
        path: path(inventory, *root, first).into_iter().map(name).collect(),
        inferred: !items.contains_key(root),
    })
}

/// The item and its dependencies, near to far.
fn ancestors(inventory: &Inventory, item: ItemIndex) -> BTreeSet<ItemIndex> {
    let mut known = BTreeSet::from([item]);
    let mut edge = vec![item];
    for _ in 0..HOPS_MAX {
        let next: Vec<ItemIndex> = edge.iter().flat_map(|item| inventory.parents(*item)).copied().collect();
        edge = next.into_iter().filter(|item| known.len() < ABOVE_MAX && known.insert(*item)).collect();
        if edge.is_empty() {
            break;
        }
    }
    known
}

/// The shortest path down from `root` to `item`; the root alone if there is none.
fn path(inventory: &Inventory, root: ItemIndex, item: ItemIndex) -> Vec<ItemIndex> {
    let mut below: BTreeMap<ItemIndex, ItemIndex> = BTreeMap::new();
    let mut edge = vec![item];
    for _ in 0..HOPS_MAX {
        if edge.contains(&root) || below.len() > ABOVE_MAX {
            break;
        }
        let mut next = Vec::new();
        for from in edge {
            for parent in inventory.parents(from) {
                if *parent != item && !below.contains_key(parent) {
                    below.insert(*parent, from);
                    next.push(*parent);
                }
            }
        }
        edge = next;
    }
    let mut path = vec![root];
    let mut at = root;
    while let Some(next) = below.get(&at) {
        path.push(*next);
        at = *next;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Labels;
    use crate::core::rules::ConfigurationItem;

    /// Items as `name<parent,parent`; alerts as `name@second`, with `!` before an item that is down; the result as
    /// `root: path`, with `?` for an inferred one.
    fn check(items: &[&str], alerts: &[&str], expected: Option<&str>) {
        let item = |text: &&str| {
            let (name, parents) = text.split_once('<').unwrap_or((text, ""));
            let item = ConfigurationItem {
                name: name.to_owned(),
                class: String::new(),
                site: None,
                owner: None,
                vendor: None,
                contract: None,
                aliases: Vec::new(),
                facts: Labels::empty(),
            };
            (item, parents.split(',').map(str::to_owned).collect())
        };
        let inventory = Inventory::new(items.iter().map(item).collect(), Vec::new());
        let affected = alerts.iter().map(|text| {
            let gravity = if text.starts_with('!') { FailureMode::Down } else { FailureMode::Impaired };
            let (name, at) = text.trim_start_matches('!').split_once('@').unwrap();
            let since = Timestamp::from_seconds(at.parse().unwrap());
            (name.to_owned(), Affected { since, gravity, condition: Fingerprint(0) })
        });
        let root = root_candidate(&affected.collect(), &inventory, &Grouping::default());
        let told = root
            .map(|root| format!("{}{}: {}", root.entity, if root.inferred { "?" } else { "" }, root.path.join(" > ")));
        assert_eq!(told.as_deref(), expected, "{alerts:?}");
    }

    #[test]
    fn the_root_is_the_topmost_that_explains_most() {
        let items = ["ups", "核心", "sw1<核心,ups", "sw2<核心,ups", "h1<sw1,ups", "h2<sw1,ups", "h3<sw2,ups", "app<h1"];
        check(&items, &[], None);
        check(&items, &["!h1@3"], Some("h1: h1"));
        check(&items, &["!app@1", "!sw1@9", "!h2@5"], Some("sw1: sw1 > h1 > app"));
        // The alarm of the switch was lost; both of its hosts fail.
        check(&items, &["!h1@4", "!h2@2", "!app@3"], Some("sw1?: sw1 > h2"));
        // An impaired item explains no outage below it.
        check(&items, &["核心@0", "!h1@4", "!app@3"], Some("h1: h1 > app"));
        check(&items, &["核心@0", "h1@4"], Some("核心: 核心"));
        // Of equals the first.
        check(&items, &["!h3@4", "!app@3"], Some("app: app"));
    }
}
