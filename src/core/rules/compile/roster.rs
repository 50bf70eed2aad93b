//! The section `rosters:`.

use super::calendar::ALWAYS;
use crate::core::rules::syntax::json_schema::DAYS;
use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::reader::{RefKind, SectionReader, each};
use crate::core::calendar::time_zone;
use crate::core::model::TimeDelta;
use crate::core::rules::syntax::roster::{LayerSyntax, RosterSyntax};
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::{DutyHours, Layer, Roster, Turns, UnavailablePolicy, WorkedShifts};

const LAYERS_MAX: usize = 16;
const CREWS_MAX: usize = 200;
const CREW_MAX: usize = 50;
const HOURS_MAX: usize = 8;
const AT_LEAST_MAX: u32 = 100;
const DAY_MINUTES: i64 = 24 * 60;
const ABSENT_AFTER: TimeDelta = TimeDelta::from_minutes(5);
const ABSENT_AFTER_MIN: TimeDelta = TimeDelta::from_seconds(5);
const ABSENT_AFTER_MAX: TimeDelta = TimeDelta::from_days(1);
const SHIFT_MIN: TimeDelta = TimeDelta::from_minutes(15);
const SHIFT_MAX: TimeDelta = TimeDelta::from_days(366);
pub(super) fn roster(reader: &mut SectionReader<'_>, entry: &RosterSyntax) -> Roster {
    let name = reader.name(&entry.name);
    let at = entry.name.referenced;
    if entry.layers.is_empty() || entry.layers.len() > LAYERS_MAX {
        let message = format!("a roster of {} layers", entry.layers.len());
        reader.mistake(at, message, format!("1 to {LAYERS_MAX} layers"));
    }
    let mut layers: Vec<Layer> = Vec::with_capacity(entry.layers.len());
    for text in &entry.layers {
        let layer = layer(reader, text);
        if layers.iter().any(|before| before.name == layer.name) {
            reader.mistake(
                text.name.referenced,
                format!("a second layer {:?} in {name:?}", layer.name),
                "another name",
            );
        }
        layers.push(layer);
    }
    let zone = time_zone(&entry.zone.value).unwrap_or_else(|_| {
        let message = format!("unknown time zone {:?}", entry.zone.value);
        reader.mistake(entry.zone.referenced, message, "an IANA name, for example Asia/Shanghai");
        TimeZone::UTC
    });
    let absent_after = reader.optional_span(entry.absent_after.as_ref(), ABSENT_AFTER_MIN, ABSENT_AFTER_MAX);
    Roster {
        title: entry.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title)),
        zone_name: entry.zone.value.clone(),
        zone,
        ahead: 0,
        covers: entry.covers.as_ref().map_or_else(|| ALWAYS.to_owned(), |name| reader.refer(RefKind::Calendar, name)),
        at_least: entry.at_least.as_ref().map_or(1, |count| reader.count(count, 1, AT_LEAST_MAX)),
        presence_required: entry.presence_required.unwrap_or(false),
        absent_after: absent_after.unwrap_or(ABSENT_AFTER),
        when_absent: otherwise(reader, entry.if_nobody_on_duty.as_ref(), UnavailablePolicy::Skip),
        when_full: otherwise(reader, entry.if_all_at_limit.as_ref(), UnavailablePolicy::Wait),
        layers,
        name,
    }
}

fn otherwise(
    reader: &mut SectionReader<'_>,
    text: Option<&Spanned<String>>,
    default: UnavailablePolicy,
) -> UnavailablePolicy {
    let Some(text) = text else { return default };
    UnavailablePolicy::ALL.into_iter().find(|word| word.as_str() == text.value).unwrap_or_else(|| {
        reader.mistake(text.referenced, format!("{:?} is not known here", text.value), "skip or wait");
        default
    })
}

fn layer(reader: &mut SectionReader<'_>, entry: &LayerSyntax) -> Layer {
    let name = reader.name(&entry.name);
    let crews = crews(reader, entry);
    let hours = entry.hours.as_ref().map(each).unwrap_or_default();
    if hours.len() > HOURS_MAX {
        let message = format!("{} stretches of hours", hours.len());
        reader.mistake(entry.name.referenced, message, format!("at most {HOURS_MAX}"));
    }
    let mut stretches = Vec::new();
    for (text, at) in hours {
        match duty_hours(text) {
            Some(stretch) => stretches.push(stretch),
            None => {
                let message = format!("{text:?} is not a stretch of the day");
                reader.mistake(at, message, "for example 08:00-20:00, 20:00-08:00 or 00:00-24:00");
            }
        }
    }
    let (start, shift_minutes) = (start(reader, &entry.start), shift_minutes(reader, &entry.every));
    let days = days(reader, entry);
    Layer {
        name,
        start,
        shift_minutes,
        crews,
        turns: turns(reader, entry.turns.as_ref(), || WorkedShifts::new(start, shift_minutes, &stretches, days)),
        hours: stretches,
        days,
        calendar: entry.calendar.as_ref().map(|name| reader.refer(RefKind::Calendar, name)),
    }
}

fn turns(
    reader: &mut SectionReader<'_>,
    text: Option<&Spanned<String>>,
    worked: impl FnOnce() -> WorkedShifts,
) -> Turns {
    match text.map(|text| (text.value.as_str(), text.referenced)) {
        None | Some(("worked", _)) => Turns::Worked(worked()),
        Some(("all", _)) => Turns::All,
        Some((other, at)) => {
            reader.mistake(at, format!("{other:?} is not known here"), Turns::WORDS.join(" or "));
            Turns::All
        }
    }
}

fn crews(reader: &mut SectionReader<'_>, entry: &LayerSyntax) -> Vec<Vec<String>> {
    let at = entry.name.referenced;
    if entry.people.is_empty() || entry.people.len() > CREWS_MAX {
        let message = format!("a rotation of {}", entry.people.len());
        reader.mistake(at, message, format!("1 to {CREWS_MAX} people or crews in turn"));
    }
    let mut crews = Vec::with_capacity(entry.people.len());
    for crew in &entry.people {
        let mut known = BTreeSet::new();
        let mut members = Vec::new();
        for (person, at) in each(crew) {
            let person = reader.refer(RefKind::Person, &Spanned::new(person.to_owned(), at));
            if !known.insert(person.clone()) {
                reader.mistake(at, format!("{person:?} stands twice in one crew"), "each person once");
            }
            members.push(person);
        }
        if members.is_empty() || members.len() > CREW_MAX {
            reader.mistake(crew.referenced, format!("a crew of {}", members.len()), format!("1 to {CREW_MAX} people"));
        }
        crews.push(members);
    }
    crews
}

/// Local minutes since 1970.
fn start(reader: &mut SectionReader<'_>, text: &Spanned<String>) -> i64 {
    let local = text.value.parse::<DateTime>().ok().and_then(|local| Offset::UTC.to_timestamp(local).ok());
    match local.map(jiff::Timestamp::as_second) {
        Some(seconds) if seconds % 60 == 0 => seconds / 60,
        Some(_) | None => {
            let message = format!("{:?} is not a local time", text.value);
            reader.mistake(text.referenced, message, "a date and a time to the minute, for example 2026-01-05T08:00");
            0
        }
    }
}

fn shift_minutes(reader: &mut SectionReader<'_>, text: &Spanned<String>) -> i64 {
    match text.value.as_str() {
        "daily" => DAY_MINUTES,
        "weekly" => 7 * DAY_MINUTES,
        other => match other.parse::<TimeDelta>() {
            Ok(span) if (SHIFT_MIN..=SHIFT_MAX).contains(&span) && span.as_micros() % 60_000_000 == 0 => {
                span.as_micros() / 60_000_000
            }
            Ok(_) | Err(_) => {
                let expected = format!("daily, weekly, or whole minutes from {SHIFT_MIN} to {SHIFT_MAX}, such as 12h");
                reader.mistake(text.referenced, format!("{other:?} is not the length of a shift"), expected);
                DAY_MINUTES
            }
        },
    }
}

fn days(reader: &mut SectionReader<'_>, entry: &LayerSyntax) -> [bool; 7] {
    let Some(words) = &entry.days else { return [true; 7] };
    let mut days = [false; 7];
    for word in words {
        match DAYS.iter().position(|day| *day == word.value) {
            Some(day) => days[day] = true,
            None => {
                let message = format!("{:?} is not a day", word.value);
                reader.mistake(word.referenced, message, DAYS.join(", "));
            }
        }
    }
    if days == [false; 7] {
        reader.mistake(entry.name.referenced, "a layer without any day", "at least one day, or leave the key out");
    }
    days
}

fn duty_hours(text: &str) -> Option<DutyHours> {
    let (from, until) = text.split_once('-')?;
    let (from, until) = (clock_time(from)?, clock_time(until)?);
    let until = if until <= from { until + DAY_MINUTES } else { until };
    (from < DAY_MINUTES).then_some(DutyHours { from, until })
}

/// Minutes after midnight, up to 24:00.
fn clock_time(text: &str) -> Option<i64> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| text.parse::<i64>().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    let (hour, minute) = (number(hour)?, number(minute)?);
    let minutes = hour * 60 + minute;
    (minute < 60 && (0..=DAY_MINUTES).contains(&minutes)).then_some(minutes)
}

#[cfg(test)]
mod tests {
    use crate::core::rules::{DutyHours, RuleText, load};

    fn check(layer: &str, expected: Result<&str, &str>) {
        let text = format!(
            "people: [{{name: 一线值班甲}}]\nrosters:\n  - name: 一线\n    zone: Asia/Shanghai\n    layers: [{layer}]\n"
        );
        let found = load(vec![RuleText { path: "r.yaml".to_owned(), text: text.clone() }]);
        match (found, expected) {
            (Ok(loaded), Ok(warning)) => {
                let warnings: Vec<_> = loaded.warnings.iter().map(|one| one.message.clone()).collect();
                assert_eq!(warnings.join("; "), warning, "{text}");
            }
            (Err(mistakes), Err(wanted)) => {
                assert!(mistakes.iter().any(|one| one.to_string().contains(wanted)), "{mistakes:#?}");
            }
            (found, expected) => panic!("{text}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn layers_are_read_and_what_cannot_be_meant_is_a_mistake() {
        check("{name: 白班, start: 2026-01-05T08:00, every: 12h, people: [一线值班甲]}", Ok(""));
        check(
            "{name: 夜班, start: 2026-01-05T20:00, every: weekly, people: [[一线值班甲, 一线值班乙]]}",
            Ok("nobody named \"一线值班乙\" stands in people"),
        );
        check("{name: a, start: 2026-01-05, every: daily, people: []}", Err("a rotation of 0"));
        check("{name: a, start: 2026-01-05T08:00, every: 5m, people: [甲]}", Err("not the length of a shift"));
        check("{name: a, start: 周一, every: daily, people: [甲]}", Err("not a local time"));
        check("{name: a, start: 2026-01-05T08:00, every: daily, people: [[甲, 甲]]}", Err("stands twice"));
        for hours in ["8-20", "08:00-25:00", "24:00-08:00", "08:00"] {
            let layer = format!("{{name: a, start: 2026-01-05T08:00, every: daily, people: [甲], hours: \"{hours}\"}}");
            check(&layer, Err("not a stretch of the day"));
        }
        check("{name: a, start: 2026-01-05T08:00, every: daily, people: [甲], days: [周一]}", Err("is not a day"));
        check("{name: a, start: 2026-01-05T08:00, every: daily, people: [甲], calendar: 无}", Err("unknown calendar"));
        check("{name: a, start: 2026-01-05T08:00, every: daily, people: [甲], turns: 轮}", Err("is not known here"));
    }

    #[test]
    fn hours_may_end_at_midnight_or_on_the_next_day() {
        for (text, from, until) in [
            ("08:00-20:00", 480, 1200),
            ("20:00-08:00", 1200, 1920),
            ("00:00-24:00", 0, 1440),
            ("22:30-22:30", 1350, 2790),
        ] {
            assert_eq!(super::duty_hours(text), Some(DutyHours { from, until }), "{text}");
        }
    }
}
