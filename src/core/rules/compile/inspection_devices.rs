//! Expansion of one checklist over many devices: the inventory items of a plan, and its checks for each of them.

use std::collections::BTreeSet;

use super::reader::{ClosedSet, SectionReader, each};
use crate::core::model::{Labels, Matchers};
use crate::core::rules::item_index::ItemIndex;
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::inspection_plan::DevicesSyntax;
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::{Check, ChecklistItem, Expected, Inventory};

/// Maximum number of devices without a fact that a warning names.
const NAMED_MAX: usize = 5;
/// Placeholder of the device's name in the texts of an item.
const DEVICE: &str = "{device}";
const FACT: &str = "{fact.";

/// Selects items of the inventory; all given criteria must fit, an empty list fits all.
pub(super) struct Devices {
    kinds: Vec<String>,
    sites: Vec<String>,
    names: Vec<String>,
    matchers: Matchers,
}

/// A plan's items, and warnings about them.
pub(super) struct ExpandedItems {
    pub items: Vec<ChecklistItem>,
    pub warnings: Vec<String>,
}

/// Reason why a plan cannot be expanded.
pub(super) struct Misfit {
    pub message: String,
    pub expected: String,
}

pub(super) fn devices(reader: &mut SectionReader<'_>, of: &Spanned<DevicesSyntax>) -> Devices {
    let text = &of.value;
    let words = |words: &Option<Spanned<OneOrMore>>| -> Vec<String> {
        words.as_ref().map(each).unwrap_or_default().into_iter().map(|(word, _)| word.to_owned()).collect()
    };
    let devices = Devices {
        kinds: words(&text.kind),
        sites: words(&text.site),
        names: words(&text.items),
        matchers: reader.matchers(text.matches.as_ref(), ClosedSet::None),
    };
    if devices.kinds.is_empty() && devices.sites.is_empty() && devices.names.is_empty() && devices.matchers.0.is_empty()
    {
        reader.mistake(of.referenced, "of nothing", "at least one of kind, site, items and match");
    }
    devices
}

/// Each item for each device, or unchanged if the plan has no devices.
pub(super) fn spread(
    items: Vec<ChecklistItem>,
    devices: Option<&Devices>,
    inventory: &Inventory,
    items_max: usize,
) -> Result<ExpandedItems, Misfit> {
    let mut warnings = Vec::new();
    let items = match devices {
        None => items,
        Some(devices) => {
            let found: Vec<ItemIndex> =
                inventory.items().map(|(at, _)| at).filter(|at| devices.fit(inventory, *at)).collect();
            if found.is_empty() {
                warnings.push("no item of the inventory fits `of`: nothing is inspected until one does".to_owned());
            }
            too_many(items.len().saturating_mul(found.len()), items_max)?;
            for_each(&items, &found, inventory, &mut warnings)
        }
    };
    too_many(items.len(), items_max)?;
    let mut names = BTreeSet::new();
    for item in &items {
        if !names.insert(item.name.as_str()) {
            return Err(Misfit {
                message: format!("two items named {:?}", item.name),
                expected: "other names".to_owned(),
            });
        }
        let lacks_device = item.device.is_none()
            && (item.expect.is_some() || texts(item).any(|text| text.contains(DEVICE) || text.contains(FACT)));
        if lacks_device {
            let message = format!("the item {:?} is about a device", item.name);
            return Err(Misfit { message, expected: "of: with the devices that it is about".to_owned() });
        }
    }
    Ok(ExpandedItems { items, warnings })
}

impl Devices {
    fn fit(&self, inventory: &Inventory, at: ItemIndex) -> bool {
        let item = inventory.item(at);
        let among = |words: &[String], word: &str| words.is_empty() || words.iter().any(|one| one == word);
        among(&self.kinds, &item.class)
            && among(&self.sites, item.site.as_deref().unwrap_or_default())
            && among(&self.names, &item.name)
            && self.matchers.matches(inventory.facts(at))
    }
}

fn too_many(items: usize, items_max: usize) -> Result<(), Misfit> {
    if items > items_max {
        let message = format!("{items} items in each run");
        let expected = format!("at most {items_max}; a plan for each site, for example");
        return Err(Misfit { message, expected });
    }
    Ok(())
}

fn for_each(
    items: &[ChecklistItem],
    devices: &[ItemIndex],
    inventory: &Inventory,
    warnings: &mut Vec<String>,
) -> Vec<ChecklistItem> {
    let label = inventory.entity_labels().next().unwrap_or("device").to_owned();
    let mut all = Vec::with_capacity(items.len() * devices.len());
    for item in items {
        let mut without: Vec<&str> = Vec::new();
        for device in devices {
            let (name, facts) = (&inventory.item(*device).name, inventory.facts(*device));
            match item_of(item, name, facts, &label) {
                Some(item) => all.push(item),
                None => without.push(name),
            }
        }
        if !without.is_empty() {
            let more = without.len().saturating_sub(NAMED_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            without.truncate(NAMED_MAX);
            let names = without.join(", ");
            warnings.push(format!(
                "the item {:?} names a fact that {names}{more} have not: it is left out there",
                item.name
            ));
        }
    }
    all
}

/// The item for one device; `None` if it names an unknown fact of the device.
fn item_of(item: &ChecklistItem, device: &str, facts: &Labels, label: &str) -> Option<ChecklistItem> {
    if texts(item).any(|text| filled(text, device, facts).is_none()) {
        return None;
    }
    let mut own = item.clone();
    texts_mut(&mut own).for_each(|text| {
        if let Some(filled) = filled(text, device, facts) {
            *text = filled;
        }
    });
    if !item.title.contains(DEVICE) {
        own.title = format!("{} {device}", own.title);
    }
    own.name = format!("{}@{device}", item.name);
    own.device = Some(device.to_owned());
    own.expect = item
        .expect
        .as_ref()
        .map(|expected| Expected { fact: expected.fact.clone(), value: facts.get(&expected.fact).map(str::to_owned) });
    let site = facts.get("site").map(|site| ("site", site));
    let labels =
        item.labels.iter().map(|(name, value)| (name.to_owned(), filled(value, device, facts).unwrap_or_default()));
    let labels: Vec<(String, String)> = labels.collect();
    let known = site.into_iter().chain([(label, device)]).map(|(name, value)| (name.to_owned(), value.to_owned()));
    own.labels = Labels::from_pairs(known.chain(labels));
    Some(own)
}

/// The texts whose placeholders are filled.
fn texts(item: &ChecklistItem) -> impl Iterator<Item = &str> {
    let of_check: Vec<&String> = match &item.check {
        Check::Manual { .. } => Vec::new(),
        Check::Http { url, contains, .. } => std::iter::once(url).chain(contains).collect(),
        Check::Tcp { address, .. } | Check::Tls { address, .. } => vec![address],
        Check::Promql { server, query, .. } => vec![server, query],
        Check::Mqtt { topic, .. } => vec![topic],
    };
    let labels = item.labels.iter().map(|(_, value)| value);
    std::iter::once(item.title.as_str()).chain(of_check.into_iter().map(String::as_str)).chain(labels)
}

fn texts_mut(item: &mut ChecklistItem) -> impl Iterator<Item = &mut String> {
    let of_check: Vec<&mut String> = match &mut item.check {
        Check::Manual { .. } => Vec::new(),
        Check::Http { url, contains, .. } => std::iter::once(url).chain(contains).collect(),
        Check::Tcp { address, .. } | Check::Tls { address, .. } => vec![address],
        Check::Promql { server, query, .. } => vec![server, query],
        Check::Mqtt { topic, .. } => vec![topic],
    };
    std::iter::once(&mut item.title).chain(of_check)
}

/// Fills `{device}` and `{fact.NAME}`, leaves other braces (of PromQL); `None` if a fact is unknown.
fn filled(text: &str, device: &str, facts: &Labels) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix(DEVICE) {
            out.push_str(device);
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix(FACT).and_then(|after| after.split_once('}')) {
            out.push_str(facts.get(name)?);
            rest = after;
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Some(out)
}
