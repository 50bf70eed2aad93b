//! Time intervals: a muted route becomes maintenance for the alerts of the route.

use std::collections::{BTreeMap, BTreeSet};

use super::routes::Route;
use super::strict_map::{Document, ImportReport};
use crate::core::model::Matcher;

const MINUTES_A_DAY: u32 = 24 * 60;
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// One of the times of a named interval.
#[derive(Clone, Debug)]
pub(super) struct TimeInterval {
    place: String,
    /// Minutes of the day, the end excluded.
    times: Vec<(u32, u32)>,
    /// 0 is Sunday; empty: every day.
    weekdays: BTreeSet<u32>,
    days_of_month: BTreeSet<u32>,
    months: BTreeSet<u32>,
    zone: String,
}

/// Recurring mute times of a route.
pub(super) struct ImportedMaintenance {
    pub name: String,
    pub matchers: Vec<Matcher>,
    pub schedule: String,
    pub minutes: u32,
    pub zone: String,
}

pub(super) fn read(document: &mut Document, report: &mut ImportReport) -> BTreeMap<String, Vec<TimeInterval>> {
    let mut named = BTreeMap::new();
    for key in ["time_intervals", "mute_time_intervals"] {
        for mut entry in document.list(key) {
            let name = entry.text("name").unwrap_or_default();
            let parts = entry.list("time_intervals").into_iter().filter_map(|part| interval(part, report)).collect();
            named.insert(name, parts);
            entry.leftovers(report);
        }
    }
    named
}

fn interval(mut entry: Document, report: &mut ImportReport) -> Option<TimeInterval> {
    let place = entry.path().to_owned();
    let times = entry.list("times").into_iter().filter_map(|mut time| {
        let (start, end) = (minute(&time.text("start_time")?)?, minute(&time.text("end_time")?)?);
        Some((start, end))
    });
    let mut times: Vec<(u32, u32)> = times.collect();
    if times.is_empty() {
        times.push((0, MINUTES_A_DAY));
    }
    let interval = TimeInterval {
        times,
        weekdays: numbers(&entry.texts("weekdays"), &WEEKDAYS, 0)?,
        days_of_month: match numbers(&entry.texts("days_of_month"), &[], 0) {
            Some(days) => days,
            None => {
                report
                    .no_equal(&format!("{place}.days_of_month"), "a schedule counts days from the start of the month");
                return None;
            }
        },
        months: numbers(&entry.texts("months"), &MONTHS, 1)?,
        zone: entry.text("location").unwrap_or_else(|| "UTC".to_owned()),
        place,
    };
    if !interval.weekdays.is_empty() && !interval.days_of_month.is_empty() {
        let instead = "a schedule with both days means either, not both: write the maintenance by hand";
        report.no_equal(&interval.place, instead);
        return None;
    }
    if entry.take("years").is_some() {
        report.no_equal(&entry.at("years"), "a schedule comes back every year; use from: and to: for one time");
        return None;
    }
    entry.leftovers(report);
    Some(interval)
}

/// `21:00` in minutes of the day, up to 24:00.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let minutes = hour.parse::<u32>().ok()? * 60 + minute.parse::<u32>().ok()?;
    (minutes <= MINUTES_A_DAY).then_some(minutes)
}

/// Reads names, numbers and ranges of either. `None`: one of them is neither, or counts from the end.
fn numbers(texts: &[String], names: &[&str], first: u32) -> Option<BTreeSet<u32>> {
    let number = |text: &str| -> Option<u32> {
        let text = text.trim().to_lowercase();
        let named = names.iter().position(|name| *name == text).and_then(|at| u32::try_from(at).ok());
        named.map(|at| at + first).or_else(|| text.parse().ok())
    };
    let mut all = BTreeSet::new();
    for text in texts {
        match text.split_once(':') {
            Some((from, to)) => all.extend(number(from)?..=number(to)?),
            None => {
                all.insert(number(text)?);
            }
        }
    }
    Some(all)
}

/// Converts the routes' intervals to maintenance.
pub(super) fn maintenance(
    routes: &[Route],
    named: &BTreeMap<String, Vec<TimeInterval>>,
    report: &mut ImportReport,
) -> Vec<ImportedMaintenance> {
    let mut all = Vec::new();
    for route in routes {
        let muted: Vec<TimeInterval> =
            route.muted_in.iter().filter_map(|name| named.get(name)).flatten().cloned().collect();
        let outside = if route.active_in.is_empty() {
            Vec::new()
        } else {
            let active: Vec<TimeInterval> =
                route.active_in.iter().filter_map(|name| named.get(name)).flatten().cloned().collect();
            complement(route, &active, report)
        };
        let times = muted.iter().chain(&outside);
        let times = times.flat_map(|interval| interval.times.iter().map(move |(start, end)| (interval, *start, *end)));
        for (number, (interval, start, end)) in times.enumerate() {
            all.push(ImportedMaintenance {
                name: format!("{} is mute, {}", route.receiver, all_numbers(number + 1, &route.place)),
                matchers: route.matchers.clone(),
                schedule: schedule(interval, start),
                minutes: end.saturating_sub(start),
                zone: interval.zone.clone(),
            });
        }
        if route.has_children && !(route.muted_in.is_empty() && route.active_in.is_empty()) {
            let instead = "here it also holds what the routes below it take: exclude them in the maintenance's match:";
            report.no_equal(&format!("{}: time intervals", route.place), instead);
        }
    }
    all
}

fn all_numbers(number: usize, place: &str) -> String {
    format!("{place} {number}")
}

/// The minutes of the week without an active interval.
fn complement(route: &Route, active: &[TimeInterval], report: &mut ImportReport) -> Vec<TimeInterval> {
    let zones: BTreeSet<&str> = active.iter().map(|interval| interval.zone.as_str()).collect();
    let weekly = active.iter().all(|interval| interval.days_of_month.is_empty() && interval.months.is_empty());
    let (Some(zone), 1, true) = (zones.first(), zones.len(), weekly) else {
        let instead = "only weekly active times of one zone can be turned into maintenance";
        report.no_equal(&format!("{}.active_time_intervals", route.place), instead);
        return Vec::new();
    };
    let mut outside: BTreeMap<(u32, u32), BTreeSet<u32>> = BTreeMap::new();
    for day in 0..7 {
        let on = |interval: &&TimeInterval| interval.weekdays.is_empty() || interval.weekdays.contains(&day);
        let mut times: Vec<(u32, u32)> = active.iter().filter(on).flat_map(|interval| interval.times.clone()).collect();
        times.sort_unstable();
        let mut from = 0;
        for (start, end) in times.into_iter().chain([(MINUTES_A_DAY, MINUTES_A_DAY)]) {
            if from < start {
                outside.entry((from, start)).or_default().insert(day);
            }
            from = from.max(end);
        }
    }
    let zone = (*zone).to_owned();
    let interval = |(time, weekdays): ((u32, u32), BTreeSet<u32>)| TimeInterval {
        place: route.place.clone(),
        times: vec![time],
        weekdays,
        days_of_month: BTreeSet::new(),
        months: BTreeSet::new(),
        zone: zone.clone(),
    };
    outside.into_iter().map(interval).collect()
}

/// Five fields: the minute at which the interval begins.
fn schedule(interval: &TimeInterval, start: u32) -> String {
    let list = |numbers: &BTreeSet<u32>| {
        let shown: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        if shown.is_empty() { "*".to_owned() } else { shown.join(",") }
    };
    let days = [&interval.days_of_month, &interval.months, &interval.weekdays].map(list);
    format!("{} {} {}", start % 60, start / 60, days.join(" "))
}
