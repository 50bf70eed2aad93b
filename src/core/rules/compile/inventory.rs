//! The section `inventory:`.

use super::fact::check_fact;
use crate::core::rules::syntax::inventory::ItemSyntax;

use serde_saphyr::Location;

use super::reader::{SectionReader, each};
use crate::core::model::Labels;
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::{Spanned, Text};
use crate::core::rules::{CONTRACT_UNTIL, ConfigurationItem, contract_end};

/// Maximum number of items.
pub(super) const ITEMS_MAX: usize = 200_000;
const DEPENDS_ON_MAX: usize = 64;
const ALIASES_MAX: usize = 16;
const FACTS_MAX: usize = 64;
/// Facts that come from an item's own keys.
const OWN_FACTS: [&str; 7] = ["ci", "class", "site", "owner", "vendor", "contract", CONTRACT_UNTIL];

/// An item as read from a file, with the places of the names it depends on.
pub(super) struct ReadItem {
    pub item: ConfigurationItem,
    pub depends_on: Vec<(String, Location)>,
    pub file: usize,
    pub at: Location,
}

pub(super) fn item(reader: &mut SectionReader<'_>, entry: &ItemSyntax) -> ReadItem {
    let at = entry.name.referenced;
    let optional = |reader: &mut SectionReader<'_>, text: &Option<Text>| text.as_ref().map(|text| reader.text(text));
    let names = |names: &Option<Spanned<OneOrMore>>| -> Vec<(String, Location)> {
        let listed = names.as_ref().map(each).unwrap_or_default();
        listed.into_iter().map(|(name, at)| (name.to_owned(), at)).collect()
    };
    let (aliases, depends_on) = (names(&entry.aliases), names(&entry.depends_on));
    for (name, value) in entry.facts.iter().flatten() {
        if OWN_FACTS.contains(&name.as_str()) {
            reader.mistake(value.referenced, format!("{name} is a key of the item itself"), "another fact");
        } else if let Err(expected) = check_fact(name) {
            reader.mistake(value.referenced, format!("{name:?} cannot be the name of a fact"), expected);
        }
    }
    let until = entry.contract_until.as_ref();
    if let Some(until) = until.filter(|until| contract_end(&until.value).is_none()) {
        let message = format!("{:?} is not the end of a contract", until.value);
        reader.mistake(until.referenced, message, "2026-12-31, or 2026-12-31T18:00:00+08:00");
    }
    let until = until.map(|until| (CONTRACT_UNTIL, until.value.as_str()));
    let facts = entry.facts.iter().flatten().map(|(name, value)| (name.as_str(), value.value.as_str())).chain(until);
    let facts = Labels::from_pairs(facts);
    for (what, count, most) in [
        ("aliases", aliases.len(), ALIASES_MAX),
        ("names in depends_on", depends_on.len(), DEPENDS_ON_MAX),
        ("facts", facts.len(), FACTS_MAX),
    ] {
        if count > most {
            reader.mistake(at, format!("{count} {what}"), format!("at most {most}"));
        }
    }
    let item = ConfigurationItem {
        name: reader.name(&entry.name),
        class: optional(reader, &entry.class).unwrap_or_default(),
        site: optional(reader, &entry.site),
        owner: optional(reader, &entry.owner),
        vendor: optional(reader, &entry.vendor),
        contract: optional(reader, &entry.contract),
        aliases: aliases.into_iter().map(|(alias, _)| alias).collect(),
        facts,
    };
    ReadItem { item, depends_on, file: reader.file_number, at }
}
