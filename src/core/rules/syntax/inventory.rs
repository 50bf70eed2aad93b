//! The `inventory:` section, as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::SpellingWord;
use super::normalising::NamingSyntax;
use super::source::OneOrMore;
use super::spanned::{Spanned, Text};
use super::table::TableSyntax;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct InventorySyntax {
    /// Labels that name an item; default: device, host, hostname, instance and node.
    pub entity: Option<Spanned<OneOrMore>>,
    /// How events must spell an item's name: lenient (default), so that full and short host names, capitals, ports and
    /// URLs are one item, or exact.
    #[schemars(with = "Option<SpellingWord>")]
    pub spelling: Option<Text>,
    /// The configuration items.
    pub items: Option<Vec<ItemSyntax>>,
    /// Tables of facts, in files beside the rules.
    pub tables: Option<Vec<TableSyntax>>,
    /// The naming standard.
    pub naming: Option<Vec<NamingSyntax>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct ItemSyntax {
    /// Its name in labels; once among all files.
    pub name: Text,
    /// Its kind.
    pub class: Option<Text>,
    /// Its location.
    pub site: Option<Text>,
    /// Its owner.
    pub owner: Option<Text>,
    /// Its vendor.
    pub vendor: Option<Text>,
    /// The support contract that covers it.
    pub contract: Option<Text>,
    /// Its other names.
    pub aliases: Option<Spanned<OneOrMore>>,
    /// End of the contract: `2026-12-31`, or a time with an offset. Also the fact `contract_until`.
    pub contract_until: Option<Text>,
    /// Items that it cannot work without.
    pub depends_on: Option<Spanned<OneOrMore>>,
    /// Further facts: `fact.<name>` in rules.
    pub facts: Option<BTreeMap<String, Text>>,
}
