//! The scenario lines for suppression:
//!
//! `grouping: off`, `item: sw3 @GZ01 < core1,core2`, `maintenance: NAME 10s..60s | matchers | items=a,b site=GZ change=CHG-1 pauses`
//! (or `cron 0_2_*_*_* 90s Asia/Shanghai` as its time), `storm: NAME | matchers | scope=site at_least=3 buckets=2`.

use super::language::at;
use crate::core::calendar::Schedule;
use crate::core::model::{Labels, Matchers, TimeDelta};
use crate::core::rules::{ConfigurationItem, ENTITY_LABELS, Inventory, Maintenance, MaintenanceTime, Rulebook, Storm};

/// Reads the line if it is one of these.
pub(super) fn read(rulebook: &mut Rulebook, name: &str, parts: &[&str]) -> bool {
    match name {
        "grouping" => rulebook.grouping.enabled = parts[0] != "off",
        "item" => rulebook.inventory = with_item(&rulebook.inventory, parts[0]),
        "maintenance" => rulebook.maintenance.push(maintenance(parts)),
        "storm" => rulebook.storms.push(storm(parts)),
        _ => return false,
    }
    true
}

fn with_item(inventory: &Inventory, text: &str) -> Inventory {
    let mut items: Vec<(ConfigurationItem, Vec<String>)> = inventory
        .items()
        .map(|(index, item)| {
            let above = inventory.parents(index).iter().map(|above| inventory.item(*above).name.clone());
            (item.clone(), above.collect())
        })
        .collect();
    let (left, above) = text.split_once('<').unwrap_or((text, ""));
    let mut words = left.split_whitespace();
    let name = words.next().unwrap().to_owned();
    let above: Vec<String> =
        above.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    // A dependency may be named before its own line.
    let known: Vec<String> = items.iter().map(|(item, _)| item.name.clone()).collect();
    for missing in above.iter().filter(|above| !known.contains(above) && **above != name) {
        items.push((item(missing, None), Vec::new()));
    }
    items.retain(|(item, _)| item.name != name);
    items.push((item(&name, words.next().map(|site| site.trim_start_matches('@').to_owned())), above));
    Inventory::new(items, ENTITY_LABELS.map(str::to_owned).to_vec())
}

fn item(name: &str, site: Option<String>) -> ConfigurationItem {
    ConfigurationItem {
        name: name.to_owned(),
        // The part of its name before the digits.
        class: name.trim_end_matches(|character: char| character.is_ascii_digit()).to_owned(),
        site,
        owner: None,
        vendor: None,
        contract: None,
        aliases: Vec::new(),
        facts: Labels::empty(),
    }
}

fn options<'a>(parts: &'a [&str], place: usize) -> impl Iterator<Item = (&'a str, &'a str)> {
    let words = parts.get(place).copied().unwrap_or_default().split_whitespace();
    words.map(|word| word.split_once('=').unwrap_or((word, "")))
}

fn maintenance(parts: &[&str]) -> Maintenance {
    let words: Vec<&str> = parts[0].split_whitespace().collect();
    let time = match words[1] {
        "cron" => {
            let schedule = Schedule::parse(&words[2].replace('_', " "), words[4]).unwrap();
            MaintenanceTime::Recurring { schedule, lasts: words[3].parse().unwrap() }
        }
        times => {
            let (from, to) = times.split_once("..").unwrap();
            MaintenanceTime::Once { from: at(from), to: at(to) }
        }
    };
    let mut maintenance = Maintenance {
        name: words[0].to_owned(),
        change: None,
        pauses: false,
        time,
        matchers: Matchers::parse(parts.get(1).unwrap_or(&"")).unwrap(),
        items: Vec::new(),
        sites: Vec::new(),
    };
    for (name, value) in options(parts, 2) {
        match name {
            "items" => maintenance.items = value.split(',').map(str::to_owned).collect(),
            "site" => maintenance.sites = value.split(',').map(str::to_owned).collect(),
            "change" => maintenance.change = Some(value.to_owned()),
            "pauses" => maintenance.pauses = true,
            other => panic!("unknown option {other}"),
        }
    }
    maintenance
}

fn storm(parts: &[&str]) -> Storm {
    let mut storm = Storm {
        name: parts[0].to_owned(),
        matchers: Matchers::parse(parts.get(1).unwrap_or(&"")).unwrap(),
        scope: "site".to_owned(),
        at_least: 3,
        factor: 6.0,
        buckets: 1,
        leave_after: TimeDelta::from_minutes(2),
        representatives: 10,
        top_severity: None,
    };
    for (name, value) in options(parts, 2) {
        match name {
            "scope" => storm.scope = value.to_owned(),
            "at_least" => storm.at_least = value.parse().unwrap(),
            "factor" => storm.factor = value.parse().unwrap(),
            "buckets" => storm.buckets = value.parse().unwrap(),
            "leave" => storm.leave_after = value.parse().unwrap(),
            "representatives" => storm.representatives = value.parse().unwrap(),
            "top" => storm.top_severity = Some(value.parse().unwrap()),
            other => panic!("unknown option {other}"),
        }
    }
    storm
}
