//! The section `calendars:`, and a rule's `after_hours:`.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use serde_saphyr::Location;

use super::reader::{RefKind, SectionReader, each};
use crate::core::calendar::{CivilHours, DayHours, Statutory, WEEKDAYS, WorkCalendar, weekdays};
use crate::core::rules::AfterHours;
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::calendar::{AfterHoursSyntax, CalendarSyntax};
use crate::core::rules::syntax::spanned::Spanned;

/// The calendar that every rulebook has.
pub(super) const ALWAYS: &str = "always";

/// Maximum number of intervals in one day.
const STRETCHES_MAX: usize = 24;
/// Maximum number of dates in a calendar.
const DATES_MAX: usize = 2_000;
const FIRST_YEAR: i16 = 1970;
const LAST_YEAR: i16 = 2100;

pub(super) fn calendar(reader: &mut SectionReader<'_>, entry: &CalendarSyntax) -> WorkCalendar {
    let name = reader.name(&entry.name);
    let mut civil = match CivilHours::new(&entry.zone.value) {
        Ok(civil) => civil,
        Err(bad) => {
            reader.mistake(entry.zone.referenced, bad.reason, "");
            return WorkCalendar::always(&name);
        }
    };
    weekly(reader, entry.weekly.as_ref(), &mut civil);
    dated(reader, entry.dates.as_ref(), &mut civil);
    let statutory = holidays(reader, entry.holidays.as_ref(), &mut civil);
    for (text, at) in entry.make_up.as_ref().map(each).unwrap_or_default() {
        civil.make_up.extend(days(reader, text, at));
    }
    for statutory in statutory {
        civil.take_statutory(statutory);
    }
    civil.make_up_hours = match &entry.make_up_hours {
        Some(texts) => stretches(reader, texts).0,
        None => civil.hours_of_a_weekday(),
    };
    let dates = civil.dated.len() + civil.holidays.len() + civil.make_up.len();
    if dates > DATES_MAX {
        reader.mistake(entry.name.referenced, format!("{dates} dates in one calendar"), format!("at most {DATES_MAX}"));
    }
    WorkCalendar::civil(&name, civil)
}

pub(super) fn after_hours(reader: &mut SectionReader<'_>, text: &AfterHoursSyntax) -> AfterHours {
    AfterHours {
        calendar: reader.refer(RefKind::Calendar, &text.calendar),
        ladder: reader.refer(RefKind::Ladder, &text.tiers),
    }
}

fn weekly(
    reader: &mut SectionReader<'_>,
    entries: Option<&BTreeMap<String, Spanned<OneOrMore>>>,
    civil: &mut CivilHours,
) {
    let mut said = [false; WEEKDAYS.len()];
    for (words, texts) in entries.into_iter().flatten() {
        let Some(offsets) = weekdays(words) else {
            let message = format!("{words:?} is not a weekday");
            reader.mistake(texts.referenced, message, "mon, tue, wed, thu, fri, sat, sun, or a span such as mon-fri");
            continue;
        };
        let (today, tomorrow) = stretches(reader, texts);
        for offset in offsets {
            if std::mem::replace(&mut said[offset], true) {
                let message = format!("the hours of {} stand twice", WEEKDAYS[offset]);
                reader.mistake(texts.referenced, message, "each day once");
            }
            civil.weekly[offset].extend(&today);
            civil.weekly[(offset + 1) % WEEKDAYS.len()].extend(&tomorrow);
        }
    }
}

fn dated(
    reader: &mut SectionReader<'_>,
    entries: Option<&BTreeMap<String, Spanned<OneOrMore>>>,
    civil: &mut CivilHours,
) {
    for (text, texts) in entries.into_iter().flatten() {
        let (today, tomorrow) = stretches(reader, texts);
        for day in days(reader, text, texts.referenced) {
            if civil.dated.insert(day, today.clone()).is_some() {
                reader.mistake(texts.referenced, format!("the hours of {day} stand twice"), "each day once");
            }
            if !tomorrow.is_empty() {
                civil.after_dated.insert(day.saturating_add(1.day()), tomorrow.clone());
            }
        }
    }
}

/// Reads the calendar's own days off; returns the country whose statutory holidays it uses.
fn holidays(
    reader: &mut SectionReader<'_>,
    texts: Option<&Spanned<OneOrMore>>,
    civil: &mut CivilHours,
) -> Vec<Statutory> {
    let mut wanted = Vec::new();
    for (text, at) in texts.map(each).unwrap_or_default() {
        match Statutory::named(text) {
            Some(statutory) => wanted.push(statutory),
            None => civil.holidays.extend(days(reader, text, at)),
        }
    }
    wanted
}

/// The intervals of a day, and the rest that falls on the next day.
fn stretches(reader: &mut SectionReader<'_>, texts: &Spanned<OneOrMore>) -> (Vec<DayHours>, Vec<DayHours>) {
    let (mut today, mut tomorrow) = (Vec::new(), Vec::new());
    for (text, at) in each(texts) {
        match DayHours::parse(text) {
            Ok(parsed) => {
                today.push(parsed.today);
                tomorrow.extend(parsed.tomorrow);
            }
            Err(bad) => reader.mistake(at, bad.reason, ""),
        }
    }
    if today.len() > STRETCHES_MAX {
        let message = format!("{} stretches of hours", today.len());
        reader.mistake(texts.referenced, message, format!("at most {STRETCHES_MAX} a day"));
    }
    (today, tomorrow)
}

/// One date, or all dates of a range.
fn days(reader: &mut SectionReader<'_>, text: &str, at: Location) -> Vec<Date> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let date = |text: &str| {
        let date = text.trim().parse::<Date>().ok()?;
        (FIRST_YEAR..=LAST_YEAR).contains(&date.year()).then_some(date)
    };
    match (date(first), date(last)) {
        (Some(first), Some(last)) if first <= last => {
            let days: Vec<Date> = first.series(1.day()).take_while(|day| *day <= last).take(DATES_MAX + 1).collect();
            if days.len() > DATES_MAX {
                reader.mistake(at, format!("{text:?} is too long a span"), format!("at most {DATES_MAX} days"));
            }
            days
        }
        (Some(_), Some(_)) => {
            reader.mistake(at, format!("{text:?} ends before it begins"), "the earlier date first");
            Vec::new()
        }
        (None, _) | (_, None) => {
            let expected = format!("2026-10-01 or 2026-10-01..2026-10-07, from {FIRST_YEAR} to {LAST_YEAR}");
            reader.mistake(at, format!("{text:?} is not a date"), expected);
            Vec::new()
        }
    }
}
