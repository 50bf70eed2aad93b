//! The sections `time_intervals:` and `alertmanager:`, and a rule's `mute_time_intervals:` and `active_time_intervals:`.

use std::ops::RangeInclusive;

use super::reader::{RefKind, SectionReader, each};
use crate::core::calendar::{
    ParseScheduleError, TimeInterval, days_of_month, month_range, times_of_day, weekday_range, year_range,
};
use crate::core::model::TimeDelta;
use crate::core::rules::NotifyTimes;
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::file::RuleSyntax;
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::syntax::time_interval::{AlertmanagerSyntax, NamedIntervalsSyntax, TimeIntervalSyntax};

/// The zone that an Alertmanager's time intervals mean unless they name one.
const LOCATION: &str = "UTC";
const INTERVALS_MAX: usize = 100;
const SECOND: TimeDelta = TimeDelta::from_seconds(1);
const RESOLVE_TIMEOUT_MAX: TimeDelta = TimeDelta::from_days(90);

pub(super) fn named(reader: &mut SectionReader<'_>, entry: &NamedIntervalsSyntax) -> (String, Vec<TimeInterval>) {
    if entry.time_intervals.len() > INTERVALS_MAX {
        let message = format!("{} time intervals under one name", entry.time_intervals.len());
        reader.mistake(entry.name.referenced, message, format!("at most {INTERVALS_MAX}"));
    }
    let name = reader.name(&entry.name);
    let intervals = entry.time_intervals.iter().filter_map(|one| interval(reader, one, &entry.name)).collect();
    (name, intervals)
}

fn interval(
    reader: &mut SectionReader<'_>,
    entry: &TimeIntervalSyntax,
    name: &Spanned<String>,
) -> Option<TimeInterval> {
    let (zone, at) = entry.location.as_ref().map_or((LOCATION, name.referenced), |text| (&text.value, text.referenced));
    let mut interval = match TimeInterval::new(zone) {
        Ok(interval) => interval,
        Err(bad) => {
            reader.mistake(at, bad.reason, "");
            return None;
        }
    };
    for times in entry.times.iter().flatten() {
        match times_of_day(&times.start_time.value, &times.end_time.value) {
            Ok(times) => interval.times.push(times),
            Err(bad) => reader.mistake(times.start_time.referenced, bad.reason, ""),
        }
    }
    interval.weekdays = ranges(reader, entry.weekdays.as_ref(), weekday_range);
    interval.months = ranges(reader, entry.months.as_ref(), month_range);
    interval.years = ranges(reader, entry.years.as_ref(), year_range);
    for (text, at) in entry.days_of_month.as_ref().map(each).unwrap_or_default() {
        match days_of_month(text) {
            Ok(days) => interval.days_of_month.push(days),
            Err(bad) => reader.mistake(at, bad.reason, ""),
        }
    }
    Some(interval)
}

fn ranges(
    reader: &mut SectionReader<'_>,
    texts: Option<&Spanned<OneOrMore>>,
    read: fn(&str) -> Result<RangeInclusive<i16>, ParseScheduleError>,
) -> Vec<RangeInclusive<i16>> {
    let mut ranges = Vec::new();
    for (text, at) in texts.map(each).unwrap_or_default() {
        match read(text) {
            Ok(range) => ranges.push(range),
            Err(bad) => reader.mistake(at, bad.reason, ""),
        }
    }
    ranges
}

pub(super) fn notify_times(reader: &mut SectionReader<'_>, entry: &RuleSyntax) -> NotifyTimes {
    let mut names = |texts: &Option<Vec<Spanned<String>>>| {
        texts.iter().flatten().map(|name| reader.refer(RefKind::TimeInterval, name)).collect()
    };
    NotifyTimes { mute: names(&entry.mute_time_intervals), active: names(&entry.active_time_intervals) }
}

pub(super) fn resolve_timeout(reader: &mut SectionReader<'_>, entry: &AlertmanagerSyntax) -> Option<TimeDelta> {
    reader.optional_span(entry.resolve_timeout.as_ref(), SECOND, RESOLVE_TIMEOUT_MAX)
}
