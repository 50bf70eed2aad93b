//! The naming standard: the structure of names, and the meaning of their parts.

use super::event_text::EventText;
use super::{Inventory, NamedGroups};
use crate::core::model::{Event, Labels, Matchers, ParseMatcherError};

/// The structure of the names in one label. Several for one label are alternatives.
#[derive(Debug, Clone)]
pub struct NamingStandard {
    /// The label that holds the name.
    pub label: String,
    /// Over the event's labels, and the item's facts (`fact.class="switch"`).
    pub matchers: Matchers,
    groups: NamedGroups,
}

/// A name of the inventory that its own standard refuses, or that contradicts the item's facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddName {
    pub name: String,
    pub what: String,
}

impl NamingStandard {
    /// The pattern fits a whole name.
    pub fn new(label: String, matchers: Matchers, pattern: &str) -> Result<NamingStandard, ParseMatcherError> {
        // Compiled alone first, so that an error is reported without the text around it.
        NamedGroups::compile(pattern)?;
        let groups = NamedGroups::compile(&format!("^(?:{pattern})$"))?;
        Ok(NamingStandard { label, matchers, groups })
    }

    /// The names of the parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.groups.names()
    }

    /// The parts of a name with their values; `None` if the name does not fit.
    pub fn parse<'a>(&'a self, name: &'a str) -> Option<impl Iterator<Item = (&'a str, &'a str)>> {
        self.groups.of(name)
    }

    /// The event's name in this standard's label; empty if it has none.
    pub fn name_in<'a>(&self, event: &'a Event) -> &'a str {
        EventText::Label(self.label.clone()).of(event)
    }

    /// True if it can be applied to an item of the inventory: it needs only facts.
    fn judges_items(&self) -> bool {
        self.matchers.iter().all(|matcher| super::fact_named(matcher.name()).is_some())
    }

    fn is_for(&self, facts: &Labels) -> bool {
        self.matchers.iter().all(|matcher| {
            let value = super::fact_named(matcher.name()).and_then(|fact| facts.get(fact));
            matcher.matches_value(value.unwrap_or_default())
        })
    }
}

/// The items whose names break the standard, or contradict the item's facts.
pub fn odd_names(inventory: &Inventory, standards: &[NamingStandard]) -> Vec<OddName> {
    let mut odd = Vec::new();
    for (index, item) in inventory.items() {
        let facts = inventory.facts(index);
        let mut of_item = standards.iter().filter(|one| one.judges_items() && one.is_for(facts)).peekable();
        if of_item.peek().is_none() {
            continue;
        }
        let name = item.name.clone();
        match of_item.find_map(|standard| standard.parse(&item.name)) {
            None => odd.push(OddName { name, what: "the naming standard does not know such a name".to_owned() }),
            Some(mut parts) => {
                let differs = |(part, said): &(&str, &str)| facts.get(part).is_some_and(|known| known != *said);
                if let Some((part, said)) = parts.find(differs) {
                    let known = facts.get(part).unwrap_or_default();
                    let what = format!("its name says {part} {said:?}, the item says {known:?}");
                    odd.push(OddName { name, what });
                }
            }
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rules::{ConfigurationItem, ENTITY_LABELS};

    fn standard(matchers: &str, pattern: &str) -> NamingStandard {
        NamingStandard::new("device".to_owned(), Matchers::parse(matchers).unwrap(), pattern).unwrap()
    }

    #[test]
    fn names_are_read_whole() {
        let standard = standard("", r"(?P<site>[A-Z]{2}\d{2})-(?P<kind>SW|RT)-(?P<n>\d+)|备(?P<n2>\d)");
        let parts = |name: &str| -> Option<Vec<String>> {
            standard.parse(name).map(|parts| parts.map(|(part, value)| format!("{part}={value}")).collect())
        };
        assert_eq!(parts("GZ01-SW-7").unwrap(), ["site=GZ01", "kind=SW", "n=7"]);
        assert_eq!(parts("备3").unwrap(), ["n2=3"]);
        assert_eq!(parts("xGZ01-SW-7"), None);
        assert_eq!(parts("GZ01-SW-7x"), None);
        assert!(NamingStandard::new("d".to_owned(), Matchers::default(), "a)(b").is_err());
    }

    #[test]
    fn the_inventory_is_held_to_its_own_standard() {
        let item = |name: &str, class: &str, site: Option<&str>| ConfigurationItem {
            name: name.to_owned(),
            class: class.to_owned(),
            site: site.map(str::to_owned),
            owner: None,
            vendor: None,
            contract: None,
            aliases: Vec::new(),
            facts: Labels::empty(),
        };
        let items = [
            item("GZ01-SW-1", "switch", Some("GZ01")),
            item("GZ01-SW-2", "switch", Some("SZ02")),
            item("老交换机", "switch", None),
            item("any name", "server", None),
        ];
        let items = items.into_iter().map(|item| (item, Vec::new())).collect();
        let inventory = Inventory::new(items, ENTITY_LABELS.map(str::to_owned).to_vec());
        let pattern = r"(?P<site>[A-Z]{2}\d{2})-SW-\d+";
        let standards = [standard("fact.class=\"switch\"", pattern), standard("source=\"x\"", "never")];
        let odd: Vec<String> =
            odd_names(&inventory, &standards).into_iter().map(|odd| format!("{}: {}", odd.name, odd.what)).collect();
        assert_eq!(
            odd,
            [
                "GZ01-SW-2: its name says site \"GZ01\", the item says \"SZ02\"",
                "老交换机: the naming standard does not know such a name",
            ]
        );
    }
}
