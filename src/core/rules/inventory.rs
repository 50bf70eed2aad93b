//! The inventory: configuration items (CIs), with their site, owner and dependencies.

use super::item_index::ItemIndex;
use std::collections::BTreeMap;

use super::spelling::Spellings;
use crate::core::calendar::{HOUSE_ZONE, moment_in};
use crate::core::model::{Labels, Timestamp};

/// Default labels that name a CI: the first that is present and known wins.
pub const ENTITY_LABELS: [&str; 5] = ["device", "host", "hostname", "instance", "node"];

/// One configuration item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationItem {
    pub name: String,
    /// Its kind: `switch`, `server`, `database`; empty if not given.
    pub class: String,
    pub site: Option<String>,
    pub owner: Option<String>,
    pub vendor: Option<String>,
    pub contract: Option<String>,
    /// Other names that events use for it, for example its address.
    pub aliases: Vec<String>,
    /// Further facts, matchable as `fact.<name>`.
    pub facts: Labels,
}

/// The fact with the end of an item's contract.
pub const CONTRACT_UNTIL: &str = "contract_until";

impl ConfigurationItem {
    /// End of its contract, if known: the fact `contract_until`.
    pub fn contract_until(&self) -> Option<Timestamp> {
        contract_end(self.facts.get(CONTRACT_UNTIL)?)
    }
}

/// `2026-12-31` ends with that day in the house's time zone; with a time and an offset it ends exactly then.
pub fn contract_end(text: &str) -> Option<Timestamp> {
    let whole_day = format!("{text}T23:59:59.999999");
    moment_in(text, None).or_else(|_| moment_in(&whole_day, Some(HOUSE_ZONE))).ok()
}

/// All items, by name, with their dependencies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Sorted by name.
    items: Vec<ConfigurationItem>,
    /// Facts for events of each item, by [`ItemIndex`].
    facts: Vec<Labels>,
    /// Names and aliases.
    by_name: BTreeMap<String, ItemIndex>,
    /// Direct dependencies of each item, sorted, without itself.
    parents: Vec<Vec<ItemIndex>>,
    /// Direct dependents of each item, sorted.
    children: Vec<Vec<ItemIndex>>,
    entity_labels: Vec<String>,
    /// How else names may be spelled; empty where they must be spelled exactly.
    spellings: Spellings,
}

impl Inventory {
    /// From items with the names of their dependencies. Unknown names are dropped; of items with one name the last
    /// counts.
    pub fn new(items: Vec<(ConfigurationItem, Vec<String>)>, entity_labels: Vec<String>) -> Inventory {
        let sorted: BTreeMap<String, (ConfigurationItem, Vec<String>)> =
            items.into_iter().map(|(item, depends_on)| (item.name.clone(), (item, depends_on))).collect();
        let mut inventory = Inventory { entity_labels, ..Inventory::default() };
        for (number, (name, (item, _))) in sorted.iter().enumerate() {
            let index = ItemIndex(u32::try_from(number).unwrap_or(u32::MAX));
            for alias in &item.aliases {
                inventory.by_name.entry(alias.clone()).or_insert(index);
            }
            inventory.by_name.insert(name.clone(), index);
            inventory.spellings.add(name, index);
            inventory.facts.push(facts_of(item));
            inventory.items.push(item.clone());
        }
        inventory.parents = vec![Vec::new(); inventory.items.len()];
        inventory.children = vec![Vec::new(); inventory.items.len()];
        for (number, (_, depends_on)) in sorted.values().enumerate() {
            let index = ItemIndex(u32::try_from(number).unwrap_or(u32::MAX));
            let parents: Vec<ItemIndex> = depends_on.iter().filter_map(|name| inventory.find(name)).collect();
            for parent in parents.into_iter().filter(|parent| *parent != index) {
                inventory.parents[number].push(parent);
                inventory.children[parent.0 as usize].push(index);
            }
        }
        // An item's own name counts more than what another is called as well.
        for (number, item) in inventory.items.iter().enumerate() {
            let index = ItemIndex(u32::try_from(number).unwrap_or(u32::MAX));
            item.aliases.iter().for_each(|alias| inventory.spellings.add(alias, index));
        }
        for edges in inventory.parents.iter_mut().chain(&mut inventory.children) {
            edges.sort_unstable();
            edges.dedup();
        }
        inventory
    }

    /// The same, but found by names and aliases exactly as they are written.
    pub fn spelled_exactly(self) -> Inventory {
        Inventory { spellings: Spellings::default(), ..self }
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// In the order of the names.
    pub fn items(&self) -> impl Iterator<Item = (ItemIndex, &ConfigurationItem)> {
        self.items.iter().enumerate().map(|(number, item)| (ItemIndex(u32::try_from(number).unwrap_or(u32::MAX)), item))
    }

    pub fn item(&self, index: ItemIndex) -> &ConfigurationItem {
        &self.items[index.0 as usize]
    }

    /// The item's facts for its events: `ci`, `class`, `site`, `owner`, `vendor`, `contract`, and its own facts.
    /// Cloning shares.
    pub fn facts(&self, index: ItemIndex) -> &Labels {
        &self.facts[index.0 as usize]
    }

    /// By name or alias.
    pub fn find(&self, name: &str) -> Option<ItemIndex> {
        self.by_name.get(name).copied()
    }

    /// The labels that may name an item, in the order of trial.
    pub fn entity_labels(&self) -> impl Iterator<Item = &str> {
        self.entity_labels.iter().map(String::as_str)
    }

    /// Which item an event speaks of. A port is left out if need be; with or without its domain, in capitals or in a URL
    /// it is the same item, unless names must be spelled exactly.
    pub fn entity_of(&self, labels: &Labels) -> Option<ItemIndex> {
        if self.items.is_empty() {
            return None;
        }
        self.entity_labels.iter().filter_map(|name| labels.get(name)).find_map(|value| {
            let without_port = || value.rsplit_once(':').and_then(|(host, _)| self.find(host));
            self.find(value).or_else(without_port).or_else(|| self.spellings.find(value))
        })
    }

    /// Its direct dependencies.
    pub fn parents(&self, index: ItemIndex) -> &[ItemIndex] {
        &self.parents[index.0 as usize]
    }

    /// Its direct dependents.
    pub fn children(&self, index: ItemIndex) -> &[ItemIndex] {
        &self.children[index.0 as usize]
    }
}

fn facts_of(item: &ConfigurationItem) -> Labels {
    let optional = |name, value: &Option<String>| (name, value.clone().unwrap_or_default());
    let own = [
        ("ci", item.name.clone()),
        ("class", item.class.clone()),
        optional("site", &item.site),
        optional("owner", &item.owner),
        optional("vendor", &item.vendor),
        optional("contract", &item.contract),
    ];
    let own = own.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (*name, value.as_str()));
    item.facts.with(&Labels::from_pairs(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str) -> ConfigurationItem {
        let (class, facts, aliases) = (String::new(), Labels::empty(), vec![format!("{name}的别名")]);
        let name = name.to_owned();
        ConfigurationItem { name, class, site: None, owner: None, vendor: None, contract: None, aliases, facts }
    }

    #[test]
    fn a_contract_ends_with_its_day_in_the_house() {
        let check = |text: &str, expected: Option<&str>| {
            let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
            assert_eq!(contract_end(text), expected, "{text}");
        };
        check("2026-12-31", Some("2026-12-31T15:59:59.999999Z"));
        check("2026-12-31T18:00:00+08:00", Some("2026-12-31T10:00:00Z"));
        check("明年", None);
    }

    #[test]
    fn items_are_found_by_name_alias_and_label() {
        let items = vec![
            (item("sw3"), vec!["core1".to_owned(), "sw3".to_owned(), "nowhere".to_owned()]),
            (item("core1"), Vec::new()),
            (item("核心2"), vec!["core1的别名".to_owned()]),
        ];
        let inventory = Inventory::new(items, ENTITY_LABELS.map(str::to_owned).to_vec());
        let names = |indexes: &[ItemIndex]| -> Vec<String> {
            indexes.iter().map(|index| inventory.item(*index).name.clone()).collect()
        };
        let core = inventory.find("core1").unwrap();
        assert_eq!(names(inventory.children(core)), ["sw3", "核心2"]);
        assert_eq!(names(inventory.parents(inventory.find("sw3").unwrap())), ["core1"]);
        let of = |labels: &[(&str, &str)]| inventory.entity_of(&Labels::from_pairs(labels.iter().copied()));
        assert_eq!(of(&[("instance", "core1:9100")]), Some(core));
        assert_eq!(of(&[("device", "unknown"), ("host", "core1的别名")]), Some(core));
        assert_eq!(of(&[("site", "core1")]), None);
    }
}
