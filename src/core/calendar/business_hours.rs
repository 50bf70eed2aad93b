//! Working hours of a calendar: a weekly pattern, and the days with other hours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::crontab::ParseScheduleError;
use super::public_holidays::Statutory;
use super::zones::time_zone;
use crate::core::model::Timestamp;

const MINUTES_PER_HOUR: u16 = 60;
const MINUTES_PER_DAY: u16 = 24 * MINUTES_PER_HOUR;

/// Monday first, as rule files write them.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Working hours of one civil day, half-open, in minutes after its midnight; at most 1440, which is 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayHours {
    from: u16,
    to: u16,
}

/// `22:00-06:00` is two stretches: one to midnight, one of the day after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedHours {
    pub today: DayHours,
    pub tomorrow: Option<DayHours>,
}

impl DayHours {
    /// Reads `08:00-12:00`; the end may be `24:00`, or before the start: then it lies on the next day.
    pub fn parse(text: &str) -> Result<ParsedHours, ParseScheduleError> {
        let bad = || ParseScheduleError {
            reason: format!("{text:?} is not a stretch of hours; expected for example 08:00-12:00 or 22:00-06:00"),
        };
        let (from, to) = text.split_once('-').ok_or_else(bad)?;
        let (from, to) = (minutes(from.trim()).ok_or_else(bad)?, minutes(to.trim()).ok_or_else(bad)?);
        if from == MINUTES_PER_DAY || from == to {
            return Err(bad());
        }
        Ok(if from < to {
            ParsedHours { today: DayHours { from, to }, tomorrow: None }
        } else {
            let tomorrow = (to > 0).then_some(DayHours { from: 0, to });
            ParsedHours { today: DayHours { from, to: MINUTES_PER_DAY }, tomorrow }
        })
    }
}

/// Minutes after midnight of `08:30`.
fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let minutes = hour * MINUTES_PER_HOUR + minute;
    (minute < MINUTES_PER_HOUR && minutes <= MINUTES_PER_DAY).then_some(minutes)
}

/// The civil working hours of a calendar. Each civil day is decided by itself: dated hours win over a make-up workday,
/// that over a holiday, that over the weekly pattern. The part of a stretch after midnight belongs to the next day's
/// weekly pattern.
#[derive(Clone, Debug)]
pub struct CivilHours {
    /// Monday first.
    pub weekly: [Vec<DayHours>; 7],
    pub dated: BTreeMap<Date, Vec<DayHours>>,
    /// The part of dated hours after midnight, for the day after; worked in addition to that day's own hours.
    pub after_dated: BTreeMap<Date, Vec<DayHours>>,
    pub make_up: BTreeSet<Date>,
    /// The hours of a make-up workday.
    pub make_up_hours: Vec<DayHours>,
    pub holidays: BTreeSet<Date>,
    /// Countries whose statutory days apply in addition to the calendar's own.
    pub statutory: BTreeSet<Statutory>,
    zone: TimeZone,
    zone_name: String,
}

impl CivilHours {
    /// A calendar without working time; refuses a zone that is not an IANA name.
    pub fn new(zone: &str) -> Result<CivilHours, ParseScheduleError> {
        let unknown = |_| ParseScheduleError {
            reason: format!("unknown time zone {zone:?}; expected an IANA name, for example Asia/Shanghai"),
        };
        Ok(CivilHours {
            weekly: Default::default(),
            dated: BTreeMap::new(),
            after_dated: BTreeMap::new(),
            make_up: BTreeSet::new(),
            make_up_hours: Vec::new(),
            holidays: BTreeSet::new(),
            statutory: BTreeSet::new(),
            zone: time_zone(zone).map_err(unknown)?,
            zone_name: zone.to_owned(),
        })
    }

    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// The hours of the first of Monday to Friday that has any: the default of a make-up workday.
    pub fn hours_of_a_weekday(&self) -> Vec<DayHours> {
        self.weekly.iter().take(5).find(|hours| !hours.is_empty()).cloned().unwrap_or_default()
    }

    /// Adds the shipped days of `statutory` to holidays and make-up workdays; days that the calendar names itself must
    /// be there already and win.
    pub fn take_statutory(&mut self, statutory: Statutory) {
        let (holidays, make_up) = (statutory.holidays(), statutory.make_up());
        let (own_holidays, own_make_up) = (self.holidays.clone(), self.make_up.clone());
        self.holidays.extend(holidays.into_iter().filter(|day| !own_make_up.contains(day)));
        self.make_up.extend(make_up.into_iter().filter(|day| !own_holidays.contains(day)));
        self.statutory.insert(statutory);
    }

    /// The year for which statutory days are missing at `at`: the present one, or in December the next. Years before
    /// the first known one are ignored.
    pub(super) fn lacks_year(&self, at: Timestamp) -> Option<i16> {
        let today = self.local(at).date();
        let next = (today.month() == 12).then(|| today.year() + 1);
        [Some(today.year()), next].into_iter().flatten().find(|year| self.lacks(*year))
    }

    /// The next first of December or January, at which the result of [`CivilHours::lacks_year`] may change.
    pub(super) fn next_look(&self, at: Timestamp) -> Option<Timestamp> {
        if self.statutory.is_empty() {
            return None;
        }
        let year = self.local(at).year();
        let days = [(year, 12), (year + 1, 1), (year + 1, 12)];
        let days = days.into_iter().filter_map(|(year, month)| Date::new(year, month, 1).ok());
        days.map(|day| self.instant(day.to_datetime(jiff::civil::Time::midnight()), Boundary::Start))
            .find(|moment| *moment > at)
    }

    fn lacks(&self, year: i16) -> bool {
        let named_by_hand = self.holidays.iter().any(|day| day.year() == year);
        self.statutory.iter().any(|statutory| year > statutory.last_year()) && !named_by_hand
    }

    fn local(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at.to_timestamp())
    }

    fn hours_of(&self, day: Date) -> (&[DayHours], &[DayHours]) {
        let weekly = &self.weekly[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs())];
        let own = if let Some(dated) = self.dated.get(&day) {
            dated.as_slice()
        } else if self.make_up.contains(&day) {
            self.make_up_hours.as_slice()
        } else if self.holidays.contains(&day) {
            &[]
        } else {
            weekly.as_slice()
        };
        (own, self.after_dated.get(&day).map_or(&[], Vec::as_slice))
    }

    /// The stretches of the civil days from `first` to `last` as instants; they may touch or overlap.
    pub(super) fn spans(&self, first: Date, last: Date) -> Vec<(Timestamp, Timestamp)> {
        let mut spans = Vec::new();
        for day in first.series(1.day()).take_while(|day| *day <= last) {
            let (own, left_over) = self.hours_of(day);
            for hours in own.iter().chain(left_over) {
                let from = self.instant(at_minute(day, hours.from), Boundary::Start);
                let to = self.instant(at_minute(day, hours.to), Boundary::End);
                if from < to {
                    spans.push((from, to));
                }
            }
        }
        spans
    }

    /// A local time that a clock change skips is the first instant after the change; if it occurs twice, a start is the
    /// first occurrence, an end the last.
    fn instant(&self, local: DateTime, boundary: Boundary) -> Timestamp {
        let offset = match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, after } => match boundary {
                Boundary::Start => before,
                Boundary::End => after,
            },
            AmbiguousOffset::Gap { before, .. } => {
                let past = before.to_timestamp(local).ok().and_then(|at| at.checked_add(1.nanosecond()).ok());
                let change = past.and_then(|past| self.zone.preceding(past).next());
                return change.map_or(Timestamp::EPOCH, |change| Timestamp::from_timestamp(change.timestamp()));
            }
        };
        Timestamp::from_timestamp(offset.to_timestamp(local).unwrap_or(jiff::Timestamp::MAX))
    }

    /// Everything that decides the open hours, as a text.
    pub(super) fn canonical(&self) -> String {
        let CivilHours {
            weekly,
            dated,
            after_dated,
            make_up,
            make_up_hours,
            holidays,
            statutory: _,
            zone: _,
            zone_name,
        } = self;
        format!("{zone_name} {weekly:?} {dated:?} {after_dated:?} {make_up:?} {make_up_hours:?} {holidays:?}")
    }
}

impl PartialEq for CivilHours {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical() && self.statutory == other.statutory
    }
}

impl Eq for CivilHours {}

#[derive(Clone, Copy)]
enum Boundary {
    Start,
    End,
}

fn at_minute(day: Date, minute: u16) -> DateTime {
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    midnight.saturating_add(i64::from(minute).minutes())
}

/// Reads `mon`, `mon-fri` or `sat-mon`: offsets from Monday, in order.
pub fn weekdays(text: &str) -> Option<Vec<usize>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (weekday(first)?, weekday(last)?);
    let count = (last + 7 - first) % 7;
    Some((0..=count).map(|days| (first + days) % 7).collect())
}

fn weekday(word: &str) -> Option<usize> {
    WEEKDAYS.into_iter().position(|day| day == word.trim())
}
