//! Dependencies that an inventory probably lacks: nearly all items of a class have them, and some do not.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::rules::Inventory;
use crate::core::rules::item_index::ItemIndex;

/// Minimum number of items for a class to show a habit.
const CLASS_MIN: usize = 4;
/// Percentage of a class's items that depend on another class, from which the other items are assumed to do so too.
const USUAL_PERCENT: usize = 70;
/// Percentage of those dependencies within one site, from which a missing one is assumed to be within the site too.
const LOCAL_PERCENT: usize = 80;
/// Beyond this number of candidates a guess means nothing.
const GUESSES_MAX: usize = 256;

/// The probable dependencies that the inventory lacks, and the items of each site.
#[derive(Debug, Default)]
pub struct MissingDependencies {
    guesses: BTreeMap<ItemIndex, Vec<ItemIndex>>,
    by_site: BTreeMap<String, Vec<ItemIndex>>,
}

/// Frequency with which one class depends on another.
#[derive(Default)]
struct Habit {
    items: usize,
    edges: usize,
    local: usize,
}

impl MissingDependencies {
    pub fn of(inventory: &Inventory) -> MissingDependencies {
        let mut by_site: BTreeMap<String, Vec<ItemIndex>> = BTreeMap::new();
        let mut by_class: BTreeMap<&str, Vec<ItemIndex>> = BTreeMap::new();
        let mut habits: BTreeMap<(&str, &str), Habit> = BTreeMap::new();
        let class = |item: ItemIndex| inventory.item(item).class.as_str();
        let site = |item: ItemIndex| inventory.item(item).site.as_deref();
        for (index, item) in inventory.items() {
            if let Some(site) = &item.site {
                by_site.entry(site.clone()).or_default().push(index);
            }
            if item.class.is_empty() {
                continue;
            }
            by_class.entry(&item.class).or_default().push(index);
            let parents = inventory.parents(index);
            for above in parents.iter().map(|parent| class(*parent)).collect::<BTreeSet<_>>() {
                habits.entry((&item.class, above)).or_default().items += 1;
            }
            for parent in parents {
                let habit = habits.entry((&item.class, class(*parent))).or_default();
                habit.edges += 1;
                habit.local += usize::from(site(index).is_some() && site(index) == site(*parent));
            }
        }
        let mut guesses: BTreeMap<ItemIndex, Vec<ItemIndex>> = BTreeMap::new();
        for ((below, above), habit) in &habits {
            let items = by_class.get(below).map_or(&[][..], Vec::as_slice);
            let candidates = by_class.get(above).map_or(&[][..], Vec::as_slice);
            if items.len() < CLASS_MIN || habit.items * 100 < USUAL_PERCENT * items.len() {
                continue;
            }
            let is_local = habit.local * 100 >= LOCAL_PERCENT * habit.edges;
            for item in items {
                if inventory.parents(*item).iter().any(|parent| class(*parent) == *above) {
                    continue;
                }
                let near =
                    candidates.iter().filter(|other| **other != *item && (!is_local || site(**other) == site(*item)));
                let near: Vec<ItemIndex> = near.copied().take(GUESSES_MAX + 1).collect();
                if near.len() <= GUESSES_MAX {
                    guesses.entry(*item).or_default().extend(near);
                }
            }
        }
        MissingDependencies { guesses, by_site }
    }

    /// The item's probable dependencies that the inventory lacks.
    pub fn guessed_parents(&self, item: ItemIndex) -> &[ItemIndex] {
        self.guesses.get(&item).map_or(&[], Vec::as_slice)
    }

    /// The items at the same site, including the item itself.
    pub fn at_site_of(&self, inventory: &Inventory, item: ItemIndex) -> &[ItemIndex] {
        let site = inventory.item(item).site.as_ref();
        site.and_then(|site| self.by_site.get(site)).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Labels;
    use crate::core::rules::ConfigurationItem;

    #[test]
    fn what_nearly_all_of_a_class_depend_on_is_guessed_where_it_is_left_out() {
        let item = |name: &str, class: &str, site: &str, parents: &[&str]| {
            let item = ConfigurationItem {
                name: name.to_owned(),
                class: class.to_owned(),
                site: Some(site.to_owned()),
                owner: None,
                vendor: None,
                contract: None,
                aliases: Vec::new(),
                facts: Labels::empty(),
            };
            (item, parents.iter().map(|name| (*name).to_owned()).collect())
        };
        let items = vec![
            item("sw1", "switch", "广州", &[]),
            item("sw2", "switch", "深圳", &[]),
            item("h1", "host", "广州", &["sw1"]),
            item("h2", "host", "广州", &["sw1"]),
            item("h3", "host", "深圳", &["sw2"]),
            item("h4", "host", "深圳", &[]),
            item("h5", "host", "珠海", &["sw1"]),
            item("h6", "host", "广州", &["sw1"]),
            item("h7", "host", "广州", &["sw1"]),
        ];
        let inventory = Inventory::new(items, Vec::new());
        let gaps = MissingDependencies::of(&inventory);
        let find = |name: &str| inventory.find(name).unwrap();
        assert_eq!(gaps.guessed_parents(find("h4")), [find("sw2")]);
        assert!(gaps.guessed_parents(find("h1")).is_empty() && gaps.guessed_parents(find("sw1")).is_empty());
        assert_eq!(gaps.at_site_of(&inventory, find("h3")), [find("h3"), find("h4"), find("sw2")]);
    }
}
