//! Stretches of the wall clock as an Alertmanager writes them: times of day, weekdays, days of the month, months and
//! years, all of which must fit.

use std::ops::RangeInclusive;

use jiff::ToSpan;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::crontab::ParseScheduleError;
use super::zones::time_zone;
use crate::core::model::Timestamp;

const MINUTES_PER_DAY: i16 = 24 * 60;
const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
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

/// One stretch. An empty list restricts nothing.
#[derive(Clone, Debug)]
pub struct TimeInterval {
    /// Minutes of the day, the end excluded.
    pub times: Vec<(i16, i16)>,
    /// 0 is Sunday.
    pub weekdays: Vec<RangeInclusive<i16>>,
    /// 1 to 31, or -31 to -1, counted from the end of the month.
    pub days_of_month: Vec<(i16, i16)>,
    pub months: Vec<RangeInclusive<i16>>,
    pub years: Vec<RangeInclusive<i16>>,
    zone: TimeZone,
    zone_name: String,
    /// By how many microseconds civil time is ahead of the moments that are asked about.
    ahead: i64,
}

impl TimeInterval {
    /// Every moment, read on the clock of that IANA zone.
    pub fn new(zone: &str) -> Result<TimeInterval, ParseScheduleError> {
        let unknown = |_| ParseScheduleError {
            reason: format!("unknown time zone {zone:?}; expected an IANA name, for example Asia/Shanghai"),
        };
        Ok(TimeInterval {
            times: Vec::new(),
            weekdays: Vec::new(),
            days_of_month: Vec::new(),
            months: Vec::new(),
            years: Vec::new(),
            zone: time_zone(zone).map_err(unknown)?,
            zone_name: zone.to_owned(),
            ahead: 0,
        })
    }

    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// The same stretch for a service whose wall clock is that many microseconds ahead of its moments.
    pub fn set_ahead(&mut self, micros: i64) {
        self.ahead = micros;
    }

    pub fn contains(&self, at: Timestamp) -> bool {
        let local = self.zone.to_datetime(at.shifted(self.ahead).to_timestamp());
        let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
        let (month_days, day) = (i16::from(local.days_in_month()), i16::from(local.day()));
        let weekday = i16::from(local.weekday().to_sunday_zero_offset());
        let fits = |ranges: &[RangeInclusive<i16>], value: i16| {
            ranges.is_empty() || ranges.iter().any(|range| range.contains(&value))
        };
        (self.times.is_empty() || self.times.iter().any(|(from, to)| (*from..*to).contains(&minute)))
            && fits(&self.weekdays, weekday)
            && (self.days_of_month.is_empty() || self.days_of_month.iter().any(|one| is_day(*one, day, month_days)))
            && fits(&self.months, i16::from(local.month()))
            && fits(&self.years, local.year())
    }

    /// The first moment after `at` at which [`TimeInterval::contains`] may change: no later than the next midnight of
    /// its zone.
    pub fn next_boundary(&self, at: Timestamp) -> Timestamp {
        let civil = at.shifted(self.ahead);
        let local = self.zone.to_datetime(civil.to_timestamp());
        let midnight = local.date().to_datetime(jiff::civil::Time::midnight());
        let minutes = self.times.iter().flat_map(|(from, to)| [*from, *to]).chain([MINUTES_PER_DAY]);
        let instants = minutes.flat_map(|minute| self.instants(midnight.saturating_add(i64::from(minute).minutes())));
        let change = self.zone.following(civil.to_timestamp()).next();
        let change = change.map(|change| Timestamp::from_timestamp(change.timestamp()));
        let next = instants.chain(change).filter(|instant| *instant > civil).min();
        // A midnight that a clock change skips: the change itself is an instant of the list.
        next.map_or(Timestamp::FAR_FUTURE, |next| next.shifted(self.ahead.saturating_neg()))
    }

    /// Each moment at which that zone's clock shows the local time; none of a time that a clock change skips.
    fn instants(&self, local: DateTime) -> impl Iterator<Item = Timestamp> + use<> {
        let (one, other) = match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => (Some(offset), None),
            AmbiguousOffset::Fold { before, after } => (Some(before), Some(after)),
            AmbiguousOffset::Gap { .. } => (None, None),
        };
        let instant = move |offset: jiff::tz::Offset| offset.to_timestamp(local).ok().map(Timestamp::from_timestamp);
        one.into_iter().chain(other).filter_map(instant)
    }
}

/// Days before the first or after the last of the month belong to no month, so a range is cut at both ends.
fn is_day((begin, end): (i16, i16), day: i16, days_in_month: i16) -> bool {
    let from_start = |day: i16| if day < 0 { days_in_month + day + 1 } else { day };
    let (begin, end) = (from_start(begin), from_start(end));
    begin <= days_in_month && (begin..=end.min(days_in_month)).contains(&day)
}

fn bad(text: &str, expected: &str) -> ParseScheduleError {
    ParseScheduleError { reason: format!("{text:?} is not {expected}") }
}

/// Reads a start and an end, `09:00` and `17:30`, the end up to `24:00`.
pub fn times_of_day(start: &str, end: &str) -> Result<(i16, i16), ParseScheduleError> {
    let minutes = |text: &str| -> Option<i16> {
        let (hour, minute) = text.split_once(':')?;
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(hour) || !digits(minute) {
            return None;
        }
        let (hour, minute): (i16, i16) = (hour.parse().ok()?, minute.parse().ok()?);
        (minute < 60).then_some(hour * 60 + minute).filter(|minutes| *minutes <= MINUTES_PER_DAY)
    };
    let read = |text: &str| minutes(text).ok_or_else(|| bad(text, "a time of day from 00:00 to 24:00"));
    let (from, to) = (read(start)?, read(end)?);
    if from >= to {
        return Err(ParseScheduleError {
            reason: format!("{start} to {end} does not end after its start; a night is two stretches"),
        });
    }
    Ok((from, to))
}

/// Reads `saturday` or `monday:friday`; the week begins with Sunday.
pub fn weekday_range(text: &str) -> Result<RangeInclusive<i16>, ParseScheduleError> {
    named_range(text, &DAYS, 0, "a day such as monday, or days such as monday:friday from sunday to saturday")
}

/// Reads `may`, `5` or `june:8`.
pub fn month_range(text: &str) -> Result<RangeInclusive<i16>, ParseScheduleError> {
    named_range(text, &MONTHS, 1, "a month such as may or 5, or months such as june:august")
}

fn named_range(
    text: &str,
    names: &[&str],
    first: i16,
    expected: &str,
) -> Result<RangeInclusive<i16>, ParseScheduleError> {
    let lower = text.trim().to_lowercase();
    let read = |word: &str| -> Option<i16> {
        let at = names.iter().position(|name| *name == word.trim());
        let named = at.and_then(|at| i16::try_from(at).ok()).map(|at| at + first);
        let numbered = || word.trim().parse::<i16>().ok().filter(|number| first == 1 && (1..=12).contains(number));
        named.or_else(numbered)
    };
    range(&lower, read).ok_or_else(|| bad(text, expected))
}

/// Reads `1`, `1:15` or `-3:-1`, which are the last three days.
pub fn days_of_month(text: &str) -> Result<(i16, i16), ParseScheduleError> {
    let read = |word: &str| word.trim().parse::<i16>().ok().filter(|day| *day != 0 && (-31..=31).contains(day));
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let (first, last) = (read(first), read(last));
    let expected = "a day such as 1 or -1 (the last), or days such as 1:15 or -3:-1";
    match (first, last) {
        (Some(first), Some(last)) if first < 0 && last > 0 => Err(bad(text, expected)),
        (Some(first), Some(last)) if (first < 0) == (last < 0) && first > last => Err(bad(text, expected)),
        (Some(first), Some(last)) => Ok((first, last)),
        (None, _) | (_, None) => Err(bad(text, expected)),
    }
}

/// Reads `2026` or `2026:2028`.
pub fn year_range(text: &str) -> Result<RangeInclusive<i16>, ParseScheduleError> {
    let read = |word: &str| word.trim().parse::<i16>().ok().filter(|year| (1..=9_999).contains(year));
    range(text, read).ok_or_else(|| bad(text, "a year such as 2026, or years such as 2026:2028"))
}

fn range(text: &str, read: impl Fn(&str) -> Option<i16>) -> Option<RangeInclusive<i16>> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let (first, last) = (read(first)?, read(last)?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_night_ends_by_the_clock_in_any_season() {
        let mut night = TimeInterval::new("Europe/Berlin").unwrap();
        night.times = vec![times_of_day("00:00", "06:00").unwrap()];
        let check = |start: &str, expected: &[&str]| {
            let mut moment = at(start);
            for expected in expected {
                moment = night.next_boundary(moment);
                assert_eq!(moment, at(expected), "after {start}");
            }
        };
        // 25 hours, 23 hours, 24 hours; the change itself is a boundary.
        check("2026-10-24T22:30:00Z", &["2026-10-25T01:00:00Z", "2026-10-25T05:00:00Z", "2026-10-25T23:00:00Z"]);
        check("2026-03-28T23:30:00Z", &["2026-03-29T01:00:00Z", "2026-03-29T04:00:00Z", "2026-03-29T22:00:00Z"]);
        assert!(night.contains(at("2026-10-25T04:59:59Z")) && !night.contains(at("2026-10-25T05:00:00Z")));
        assert!(night.contains(at("2026-03-29T03:59:59Z")) && !night.contains(at("2026-03-29T04:00:00Z")));
        assert!(!night.contains(at("2026-11-23T22:59:59Z")) && night.contains(at("2026-11-23T23:00:00Z")));
    }

    #[test]
    fn a_time_inside_the_repeated_hour_is_a_boundary_twice() {
        let mut early = TimeInterval::new("America/New_York").unwrap();
        early.times = vec![times_of_day("00:00", "01:30").unwrap()];
        let mut moment = at("2026-11-01T04:00:00Z");
        let expected = ["2026-11-01T05:30:00Z", "2026-11-01T06:00:00Z", "2026-11-01T06:30:00Z"];
        for (expected, inside) in expected.into_iter().zip([false, true, false]) {
            moment = early.next_boundary(moment);
            assert_eq!((moment, early.contains(moment)), (at(expected), inside));
        }
    }

    #[test]
    fn all_fields_must_fit() {
        let check = |days: &str, month: &str, moment: &str, expected: bool| {
            let mut interval = TimeInterval::new("UTC").unwrap();
            interval.days_of_month = vec![days_of_month(days).unwrap()];
            interval.months = vec![month_range(month).unwrap()];
            interval.years = vec![year_range("2026:2028").unwrap()];
            assert_eq!(interval.contains(at(moment)), expected, "{days} {month} {moment}");
        };
        check("-1", "february", "2026-02-28T12:00:00Z", true);
        check("-1", "february", "2028-02-28T12:00:00Z", false);
        check("-1", "2", "2028-02-29T12:00:00Z", true);
        check("-3:-1", "april:June", "2027-06-28T00:00:00Z", true);
        check("31", "february", "2026-02-28T12:00:00Z", false);
        check("28:31", "february", "2026-02-28T12:00:00Z", true);
        check("15:-1", "7", "2026-07-15T00:00:00Z", true);
        check("15:-1", "7", "2029-07-15T00:00:00Z", false);
        let mut week = TimeInterval::new("Asia/Shanghai").unwrap();
        week.weekdays = vec![weekday_range("Monday:friday").unwrap()];
        assert!(week.contains(at("2026-11-22T16:00:00Z")) && !week.contains(at("2026-11-22T15:59:59Z")));
        assert_eq!(week.next_boundary(at("2026-11-22T15:59:59Z")), at("2026-11-22T16:00:00Z"));
    }

    #[test]
    fn what_no_alertmanager_takes_is_refused() {
        for text in ["friday:monday", "mon", "0", ""] {
            assert!(weekday_range(text).is_err(), "{text}");
        }
        for text in ["0", "32", "5:1", "-1:-3", "-1:3", "x"] {
            assert!(days_of_month(text).is_err(), "{text}");
        }
        for (start, end) in [("22:00", "06:00"), ("9:00", "10:00"), ("09:00", "24:01"), ("09:00", "09:00")] {
            assert!(times_of_day(start, end).is_err(), "{start} {end}");
        }
        assert!(month_range("13").is_err() && year_range("2028:2026").is_err());
        assert!(TimeInterval::new("Asia/Guangzhou2").is_err());
    }
}
