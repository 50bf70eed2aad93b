//! The sections `maintenance:` and `storms:`, and an inhibition's topology.

use crate::core::rules::syntax::suppression::{
    BUCKETS_MAX, HOPS_MAX, MaintenanceSyntax, REPRESENTATIVES_MAX, StormSyntax,
};
use serde_saphyr::Location;

use super::reader::{ClosedSet, SectionReader, each, place};
use crate::core::calendar::{Schedule, moment_in};
use crate::core::model::{Severity, TimeDelta, Timestamp};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::file::InhibitionSyntax;
use crate::core::rules::syntax::spanned::{Spanned, Text};
use crate::core::rules::{Diagnostic, Inventory, Maintenance, MaintenanceTime, RuleText, Storm, Through};

const SECOND: TimeDelta = TimeDelta::from_seconds(1);
const MINUTE: TimeDelta = TimeDelta::from_minutes(1);
const MAINTENANCE_MAX: usize = 1_000;
const STORMS_MAX: usize = 100;
const LASTS_MAX: TimeDelta = TimeDelta::from_days(31);
const ONCE_MAX: TimeDelta = TimeDelta::from_days(366);
const ITEMS_MAX: usize = 10_000;
const HOPS: u32 = 8;
/// Defaults of a storm: fifty new alerts in each of two minutes, far above the usual, until ten minutes are calm.
const AT_LEAST: u32 = 50;
const FACTOR: f64 = 6.0;
const FACTOR_MAX: f64 = 100.0;
const BUCKETS: u32 = 2;
const LEAVE_AFTER: TimeDelta = TimeDelta::from_minutes(10);
const REPRESENTATIVES: u32 = 10;

/// An item that must be in the inventory of all files.
#[derive(Debug)]
pub(super) struct ItemName {
    name: String,
    file: usize,
    at: Location,
}

pub(super) fn through(reader: &mut SectionReader<'_>, entry: &InhibitionSyntax) -> Option<Through> {
    let hops = entry.hops.as_ref().map(|hops| reader.count(hops, 1, HOPS_MAX));
    let Some(through) = &entry.through else {
        if let Some(hops) = &entry.hops {
            reader.mistake(hops.referenced, "hops of nothing", "through: depends_on beside it");
        }
        return None;
    };
    if through.value != "depends_on" {
        reader.mistake(through.referenced, format!("unknown way {:?}", through.value), "depends_on");
    }
    Some(Through { hops: hops.unwrap_or(HOPS) })
}

/// `None` only if its time is wrong.
pub(super) fn maintenance(reader: &mut SectionReader<'_>, entry: &MaintenanceSyntax) -> Option<Maintenance> {
    let name = reader.name(&entry.name);
    let change = entry.change.as_ref().map(|change| reader.text(change));
    let matchers = reader.matchers(entry.matches.as_ref(), ClosedSet::OfEvents);
    let mut texts = |texts: Option<&Spanned<OneOrMore>>| -> Vec<String> {
        let listed = texts.map(each).unwrap_or_default();
        if listed.len() > ITEMS_MAX {
            reader.mistake(entry.name.referenced, format!("{} names", listed.len()), format!("at most {ITEMS_MAX}"));
        }
        listed.into_iter().map(|(text, _)| text.to_owned()).collect()
    };
    let (items, sites) = (texts(entry.items.as_ref()), texts(entry.site.as_ref()));
    if matchers.0.is_empty() && items.is_empty() && sites.is_empty() {
        reader.mistake(entry.name.referenced, "maintenance of everything", "one of match, items and site");
    }
    let pauses = entry.pauses.unwrap_or(false);
    if pauses && change.is_none() {
        reader.mistake(entry.name.referenced, "only an approved change pauses clocks", "change: CHG-123 beside it");
    }
    Some(Maintenance { name, change, pauses, time: time(reader, entry)?, matchers, items, sites })
}

fn time(reader: &mut SectionReader<'_>, entry: &MaintenanceSyntax) -> Option<MaintenanceTime> {
    match (&entry.from, &entry.to, &entry.schedule, &entry.lasts) {
        (Some(from), Some(to), None, None) => {
            let (start, end) = (moment(reader, entry, from)?, moment(reader, entry, to)?);
            if end <= start {
                reader.mistake(to.referenced, "it ends before it begins", "a moment after from");
            } else if end > start + ONCE_MAX {
                reader.mistake(to.referenced, "longer than a year", format!("at most {ONCE_MAX} after from"));
            }
            Some(MaintenanceTime::Once { from: start, to: end })
        }
        (None, None, Some(schedule), Some(lasts)) => {
            let lasts = reader.span(lasts, SECOND, LASTS_MAX);
            let Some(zone) = &entry.zone else {
                reader.mistake(schedule.referenced, "a schedule without a zone", "zone: Asia/Shanghai beside it");
                return None;
            };
            match Schedule::parse(&schedule.value, &zone.value) {
                Ok(schedule) => Some(MaintenanceTime::Recurring { schedule, lasts }),
                Err(bad) => {
                    let at = if bad.reason.contains("time zone") { zone.referenced } else { schedule.referenced };
                    reader.mistake(at, bad.reason, "");
                    None
                }
            }
        }
        _ => {
            reader.mistake(entry.name.referenced, "maintenance at no clear time", "from and to, or schedule and for");
            None
        }
    }
}

fn moment(reader: &mut SectionReader<'_>, entry: &MaintenanceSyntax, text: &Text) -> Option<Timestamp> {
    match moment_in(&text.value, entry.zone.as_ref().map(|zone| zone.value.as_str())) {
        Ok(moment) => Some(moment),
        Err(bad) => {
            reader.mistake(text.referenced, bad.reason, "");
            None
        }
    }
}

pub(super) fn storm(reader: &mut SectionReader<'_>, entry: &StormSyntax) -> Storm {
    let mut count = |count: &Option<Spanned<u64>>, least: u32, most: u32, otherwise: u32| {
        count.as_ref().map_or(otherwise, |count| reader.count(count, least, most))
    };
    let at_least = count(&entry.at_least, 2, 1_000_000, AT_LEAST);
    let buckets = count(&entry.buckets, 1, BUCKETS_MAX, BUCKETS);
    let representatives = count(&entry.representatives, 1, REPRESENTATIVES_MAX, REPRESENTATIVES);
    let factor = entry.factor.as_ref().map_or(FACTOR, |factor| {
        if !(0.0..=FACTOR_MAX).contains(&factor.value) {
            let message = format!("{} is out of bounds", factor.value);
            reader.mistake(factor.referenced, message, format!("0 to {FACTOR_MAX}"));
        }
        factor.value
    });
    let scope = entry.scope.value.clone();
    if scope.is_empty() || scope.starts_with('@') {
        reader.mistake(entry.scope.referenced, format!("{scope:?} is not a label"), "the name of a label");
    }
    let leave_after = reader.optional_span(entry.leave_after.as_ref(), MINUTE, TimeDelta::from_hours(24));
    Storm {
        name: reader.name(&entry.name),
        matchers: reader.matchers(entry.matches.as_ref(), ClosedSet::OfEvents),
        scope,
        at_least,
        factor,
        buckets,
        leave_after: leave_after.unwrap_or(LEAVE_AFTER),
        representatives,
        top_severity: entry.top_severity.as_ref().and_then(|word| reader.word::<Severity>(word)),
    }
}

pub(super) fn check_counts(reader: &mut SectionReader<'_>, maintenance: usize, storms: usize) {
    for (what, count, most) in [("maintenance windows", maintenance, MAINTENANCE_MAX), ("storms", storms, STORMS_MAX)] {
        if count > most {
            reader.mistake_at((1, 1), format!("{count} {what}"), format!("at most {most}"));
        }
    }
}

pub(super) fn item_names(reader: &SectionReader<'_>, entry: &MaintenanceSyntax) -> Vec<ItemName> {
    let listed = entry.items.as_ref().map(each).unwrap_or_default();
    listed.into_iter().map(|(name, at)| ItemName { name: name.to_owned(), file: reader.file_number, at }).collect()
}

pub(super) fn unknown_items(names: &[ItemName], inventory: &Inventory, texts: &[RuleText]) -> Vec<Diagnostic> {
    let unknown = names.iter().filter(|named| inventory.find(&named.name).is_none());
    let mistake = |named: &ItemName| {
        let file = texts.get(named.file)?;
        let message = format!("the inventory does not hold {:?}", named.name);
        Some(Diagnostic::at(&file.path, &file.text, place(named.at), message, "the name of an item"))
    };
    unknown.filter_map(mistake).collect()
}

#[cfg(test)]
mod tests {
    use crate::core::model::TimeDelta;
    use crate::core::rules::{MaintenanceTime, RuleText, Rulebook, load};

    fn read(text: &str) -> Result<Rulebook, Vec<String>> {
        let texts = vec![RuleText { path: "x.yaml".to_owned(), text: text.to_owned() }];
        load(texts)
            .map(|loaded| loaded.rulebook)
            .map_err(|mistakes| mistakes.iter().map(|one| one.to_string()).collect())
    }

    fn check_refused(text: &str, reason: &str) {
        let mistakes = read(text).map(|_| ()).expect_err(text);
        assert!(mistakes.iter().any(|mistake| mistake.contains(reason)), "{text}\n{mistakes:#?}");
    }

    #[test]
    fn the_sections_are_read_with_their_defaults() {
        let rulebook = read(
            r#"
inventory:
  items:
    - {name: sw1, site: GZ01}
    - {name: 接入2, depends_on: sw1}
inhibitions:
  - {name: 上级, source: 'a="1"', target: 'a="1"', through: depends_on}
maintenance:
  - {name: 割接, change: CHG-7, pauses: true, from: "2026-02-13T01:00", to: "2026-02-13T05:00", zone: Asia/Shanghai, items: [sw1, 接入2]}
  - {name: nightly, schedule: "30 1 * * *", for: 2h, zone: Asia/Shanghai, site: GZ01, match: 'severity!="critical"'}
storms:
  - {name: 风暴, scope: site}
"#,
        )
        .unwrap();
        assert_eq!(rulebook.inhibitions[0].through.map(|through| through.hops), Some(8));
        let once = &rulebook.maintenance[0];
        assert_eq!((once.pauses, once.change.as_deref()), (true, Some("CHG-7")));
        let at = |text: &str| text.parse().unwrap();
        let expected = MaintenanceTime::Once { from: at("2026-02-12T17:00:00Z"), to: at("2026-02-12T21:00:00Z") };
        assert_eq!(once.time, expected);
        assert_eq!(rulebook.maintenance[1].sites, ["GZ01"]);
        let storm = &rulebook.storms[0];
        assert_eq!((storm.at_least, storm.buckets, storm.representatives), (50, 2, 10));
        assert_eq!((storm.leave_after, storm.top_severity), (TimeDelta::from_minutes(10), None));
    }

    #[test]
    fn what_cannot_be_meant_is_a_mistake() {
        check_refused(
            "maintenance: [{name: a, from: '2026-02-13T01:00', to: '2026-02-13T02:00', match: 'a=\"1\"'}]",
            "is not a moment",
        );
        check_refused(
            "maintenance: [{name: a, from: '2026-02-13T01:00Z', to: '2026-02-13T01:00Z', match: 'a=\"1\"'}]",
            "ends before",
        );
        check_refused("maintenance: [{name: a, schedule: '0 1 * * *', for: 1h, match: 'a=\"1\"'}]", "without a zone");
        check_refused("maintenance: [{name: a, schedule: '0 1 * * *', zone: UTC, match: 'a=\"1\"'}]", "no clear time");
        check_refused("maintenance: [{name: a, schedule: '0 1 * * *', for: 1h, zone: UTC}]", "of everything");
        check_refused("maintenance: [{name: a, schedule: '0 1 * * *', for: 1h, zone: UTC, items: [交换机]}]", "交换机");
        check_refused(
            "maintenance: [{name: a, pauses: true, schedule: '0 1 * * *', for: 1h, zone: UTC, site: x}]",
            "approved change",
        );
        check_refused("inhibitions: [{source: 'a=\"1\"', target: 'a=\"2\"', hops: 3}]", "hops of nothing");
        check_refused("inhibitions: [{source: 'a=\"1\"', target: 'a=\"2\"', through: cables}]", "unknown way");
        check_refused("storms: [{name: a, scope: '@severity'}]", "is not a label");
        check_refused("storms: [{name: a, scope: site, factor: 1000}]", "out of bounds");
        check_refused("rules: [{name: a}]\nstorms: [{name: a, scope: site}]", "a second rule");
    }
}
