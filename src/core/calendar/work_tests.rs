//! Work calendars against the golden vectors, against laws, and against a slow reference that looks at every minute.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{CivilHours, DayHours, Statutory, WorkCalendar, moment_in};
use crate::core::model::{TimeDelta, Timestamp};

const SHANGHAI: &str = "Asia/Shanghai";

fn hours(texts: &[&str]) -> Vec<DayHours> {
    texts.iter().map(|text| DayHours::parse(text).unwrap().today).collect()
}

/// 08–12 and 14–18, Monday to Friday, in Shanghai.
fn office(statutory: bool, make_up: bool) -> WorkCalendar {
    let mut civil = CivilHours::new(SHANGHAI).unwrap();
    for day in 0..5 {
        civil.weekly[day] = hours(&["08:00-12:00", "14:00-18:00"]);
    }
    civil.make_up_hours = civil.hours_of_a_weekday();
    if statutory {
        civil.take_statutory(Statutory::China);
    }
    if !make_up {
        civil.make_up.clear();
    }
    WorkCalendar::civil("白班", civil)
}

fn round_the_clock(zone: &str) -> WorkCalendar {
    let mut civil = CivilHours::new(zone).unwrap();
    civil.weekly = std::array::from_fn(|_| hours(&["00:00-24:00"]));
    WorkCalendar::civil("7x24", civil)
}

#[track_caller]
fn check_add(calendar: &WorkCalendar, zone: &str, from: &str, work: i64, expected: &str) {
    let (from, expected) = (moment_in(from, Some(zone)).unwrap(), moment_in(expected, Some(zone)).unwrap());
    assert_eq!(calendar.add(from, TimeDelta::from_hours(work)), Some(expected), "{work} h after {from}");
    assert_eq!(calendar.between(from, expected), TimeDelta::from_hours(work), "{from} to {expected}");
}

#[test]
fn the_golden_vectors_hold() {
    let (all, no_make_up) = (office(true, true), office(true, false));
    check_add(&all, SHANGHAI, "2026-02-13T17:00", 8, "2026-02-14T17:00");
    check_add(&no_make_up, SHANGHAI, "2026-02-13T17:00", 8, "2026-02-24T17:00");
    check_add(&all, SHANGHAI, "2026-09-30T17:00", 8, "2026-10-08T17:00");
    check_add(&all, SHANGHAI, "2026-09-19T10:00", 8, "2026-09-20T18:00");
    let berlin = "Europe/Berlin";
    check_add(&round_the_clock(berlin), berlin, "2026-03-28T12:00", 24, "2026-03-29T13:00");
    check_add(&round_the_clock(berlin), berlin, "2026-10-24T12:00", 24, "2026-10-25T11:00");
}

/// The working days of a year, against a plain Monday to Friday.
#[track_caller]
fn check_wrong_days(year: i16, expected: usize) {
    let (right, plain) = (office(true, true), office(false, false));
    let noon = |day: Date| moment_in(&format!("{day}T10:00"), Some(SHANGHAI)).unwrap();
    let days = date(year, 1, 1).series(1.day()).take_while(|day| day.year() == year);
    assert_eq!(days.filter(|day| right.is_open(noon(*day)) != plain.is_open(noon(*day))).count(), expected, "{year}");
}

#[test]
fn a_calendar_of_monday_to_friday_is_wrong_on_so_many_days() {
    check_wrong_days(2024, 27);
    check_wrong_days(2025, 23);
    check_wrong_days(2026, 25);
}

#[test]
fn a_deadline_at_the_end_of_a_stretch_stays_there() {
    let office = office(true, true);
    check_add(&office, SHANGHAI, "2026-03-02T08:00", 4, "2026-03-02T12:00");
    check_add(&office, SHANGHAI, "2026-03-02T08:00", 8, "2026-03-02T18:00");
    check_add(&office, SHANGHAI, "2026-12-31T12:00", 4, "2026-12-31T18:00");
    let at = |text: &str| moment_in(text, Some(SHANGHAI)).unwrap();
    assert!(office.is_open(at("2026-03-02T08:00")) && !office.is_open(at("2026-03-02T12:00")));
    assert_eq!(office.next_open(at("2026-03-02T12:00")), Some(at("2026-03-02T14:00")));
    assert_eq!(office.next_closed(at("2026-03-02T09:00")), Some(at("2026-03-02T12:00")));
    assert_eq!(office.outside(at("2026-02-13T17:00"), at("2026-02-14T09:00")), TimeDelta::from_hours(14));
    let never = WorkCalendar::civil("never", CivilHours::new(SHANGHAI).unwrap());
    assert_eq!(
        (never.add(at("2026-03-02T08:00"), TimeDelta::from_hours(1)), never.next_open(Timestamp::EPOCH)),
        (None, None)
    );
    assert_eq!(round_the_clock(SHANGHAI).next_closed(at("2026-03-02T09:00")), None);
    assert_eq!(never.add(at("2026-03-02T08:00"), TimeDelta::ZERO), Some(at("2026-03-02T08:00")));
}

#[test]
fn dated_hours_win_over_make_up_days_and_those_over_holidays() {
    let mut civil = CivilHours::new(SHANGHAI).unwrap();
    civil.weekly[0] = hours(&["08:00-12:00"]);
    let days = [2, 9, 16, 23].map(|day| date(2026, 3, day));
    civil.holidays.extend(&days[1..]);
    civil.make_up.extend(&days[2..]);
    civil.make_up_hours = hours(&["09:00-10:00"]);
    civil.dated.insert(days[3], hours(&["20:00-24:00"]));
    let calendar = WorkCalendar::civil("四种日子", civil);
    let of = |day: Date| {
        let (from, to) = (format!("{day}T00:00"), format!("{}T00:00", day + 1.day()));
        calendar.between(moment_in(&from, Some(SHANGHAI)).unwrap(), moment_in(&to, Some(SHANGHAI)).unwrap())
    };
    assert_eq!(days.map(of), [4, 0, 1, 4].map(TimeDelta::from_hours));
}

#[test]
fn hours_are_read_as_people_write_them() {
    let parsed = DayHours::parse("22:00-06:00").unwrap();
    assert_eq!((parsed.today, parsed.tomorrow), (hours(&["22:00-24:00"])[0], Some(hours(&["00:00-06:00"])[0])));
    assert_eq!(DayHours::parse("22:00-00:00"), DayHours::parse("22:00-24:00"));
    for bad in ["8:00-12:00", "08:00", "08:00-24:30", "08:60-09:00", "24:00-08:00", "08:00-08:00", "上午-下午"] {
        assert!(DayHours::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(super::weekdays("sat-mon"), Some(vec![5, 6, 0]));
    assert_eq!((super::weekdays("fri"), super::weekdays("weekday")), (Some(vec![4]), None));
}

#[test]
fn the_next_year_is_missed_from_december_on() {
    let calendar = office(true, true);
    let at = |text: &str| moment_in(text, Some(SHANGHAI)).unwrap();
    for (moment, expected) in [
        ("2023-12-05T00:00", None),
        ("2025-12-05T00:00", None),
        ("2026-11-30T23:59", None),
        ("2026-12-01T00:00", Some(2027)),
        ("2027-03-01T00:00", Some(2027)),
    ] {
        assert_eq!(calendar.lacks_statutory_year(at(moment)), expected, "{moment}");
    }
    assert_eq!(calendar.next_statutory_look(at("2026-11-22T00:00")), Some(at("2026-12-01T00:00")));
    assert_eq!(calendar.next_statutory_look(at("2026-12-01T00:00")), Some(at("2027-01-01T00:00")));
    assert_eq!(office(false, true).lacks_statutory_year(at("2027-03-01T00:00")), None);
}

const ZONES: [&str; 8] = [
    SHANGHAI,
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Beirut",
    "Asia/Kolkata",
    "UTC",
];
/// Around the clock changes of those zones, the New Year, a leap day, and a day of nothing.
const DAYS: [&str; 10] = [
    "2024-03-10",
    "2024-03-31",
    "2024-04-07",
    "2024-09-08",
    "2024-10-06",
    "2024-10-27",
    "2024-11-03",
    "2025-01-01",
    "2024-02-29",
    "2024-06-12",
];
const REFERENCE_DAYS: i64 = 6;

/// One random stretch: its day counted from the first, and its minutes.
type Stretch = (i64, u16, u16);

fn stretches() -> impl Strategy<Value = Vec<Stretch>> {
    // Quarters meet the clock changes, which lie on them.
    let one = (0..REFERENCE_DAYS, 0u16..96, 1u16..=96);
    let one = one
        .prop_filter_map("a stretch has a length", |(day, from, to)| (from < to).then_some((day, from * 15, to * 15)));
    prop::collection::vec(one, 0..8)
}

fn text(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn calendar_of(zone: &str, first: Date, stretches: &[Stretch]) -> WorkCalendar {
    let mut civil = CivilHours::new(zone).unwrap();
    for (day, from, to) in stretches {
        let hours = DayHours::parse(&format!("{}-{}", text(*from), text(*to))).unwrap().today;
        civil.dated.entry(first + (*day).days()).or_default().push(hours);
    }
    WorkCalendar::civil("random", civil)
}

/// Looks at every minute from two days before the first day to two days after the last.
struct Reference {
    begin: Timestamp,
    open: Vec<bool>,
}

impl Reference {
    fn new(zone: &str, first: Date, stretches: &[Stretch]) -> Reference {
        let zone = TimeZone::get(zone).unwrap();
        let begin = moment_in(&format!("{}T00:00", first - 2.days()), Some("UTC")).unwrap();
        let moment = |minute: usize| begin + TimeDelta::from_minutes(minute as i64);
        let count = (REFERENCE_DAYS as usize + 4) * 24 * 60;
        let local: Vec<_> = (0..count).map(|minute| zone.to_datetime(moment(minute).to_timestamp())).collect();
        let mut open = vec![false; count];
        for (day, from, to) in stretches {
            let at = |minute: u16| {
                (first + (*day).days()).to_datetime(jiff::civil::Time::midnight()) + i64::from(minute).minutes()
            };
            let (from, to) = (at(*from), at(*to));
            let after = |wanted| local.iter().position(|local| *local >= wanted).unwrap();
            let start = local.iter().position(|local| *local == from).unwrap_or_else(|| after(from));
            let end = local.iter().rposition(|local| *local == to).unwrap_or_else(|| after(to));
            open.get_mut(start..end.max(start)).unwrap().fill(true);
        }
        Reference { begin, open }
    }

    fn between(&self, from: usize, to: usize) -> TimeDelta {
        let worked = self.open.get(from..to).unwrap_or_default().iter().filter(|open| **open).count();
        TimeDelta::from_minutes(worked as i64)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_minute_agrees_with_the_slow_reference(
        zone in prop::sample::select(&ZONES[..]),
        day in prop::sample::select(&DAYS[..]),
        before in 0i64..4,
        stretches in stretches(),
        points in prop::collection::vec((0usize..14_400, 0usize..14_400), 16),
    ) {
        let first = day.parse::<Date>().unwrap() - before.days();
        let calendar = calendar_of(zone, first, &stretches);
        let reference = Reference::new(zone, first, &stretches);
        let moment = |minute: usize| reference.begin + TimeDelta::from_minutes(minute as i64);
        for (minute, open) in reference.open.iter().enumerate() {
            prop_assert_eq!(calendar.is_open(moment(minute)), *open, "{} in {}", moment(minute), zone);
        }
        for (from, to) in points {
            prop_assert_eq!(calendar.between(moment(from), moment(to)), reference.between(from, to));
            let next = reference.open.iter().skip(from).position(|open| *open).map(|minutes| moment(from + minutes));
            prop_assert_eq!(calendar.next_open(moment(from)), next);
        }
    }

    #[test]
    fn adding_and_measuring_are_inverse_and_measuring_adds_up(
        zone in prop::sample::select(&ZONES[..]),
        weekly in prop::collection::vec((0usize..7, 0u16..96, 1u16..=96), 1..12),
        statutory in any::<bool>(),
        micros in 1_704_000_000_000_000i64..1_830_000_000_000_000,
        work in 0i64..4_000_000_000_000,
        later in (0i64..40_000_000_000_000, 0i64..40_000_000_000_000),
    ) {
        let mut civil = CivilHours::new(zone).unwrap();
        for (day, from, to) in weekly.iter().filter(|(_, from, to)| from < to) {
            let hours = DayHours::parse(&format!("{}-{}", text(from * 15), text(to * 15))).unwrap().today;
            civil.weekly[*day].push(hours);
        }
        civil.make_up_hours = civil.hours_of_a_weekday();
        if statutory {
            civil.take_statutory(Statutory::China);
        }
        let calendar = WorkCalendar::civil("random", civil);
        let (from, work) = (Timestamp::from_micros(micros), TimeDelta::from_micros(work));
        match calendar.add(from, work) {
            Some(due) => {
                prop_assert_eq!(calendar.between(from, due), work);
                let just_before = due - TimeDelta::from_micros(1);
                prop_assert!(work.is_zero() || calendar.between(from, just_before) < work, "the earliest such moment");
            }
            None => prop_assert!(calendar.between(from, from + TimeDelta::from_days(19 * 366)) < work),
        }
        let middle = from + TimeDelta::from_micros(later.0);
        let end = middle + TimeDelta::from_micros(later.1);
        prop_assert_eq!(calendar.between(from, end), calendar.between(from, middle) + calendar.between(middle, end));
        prop_assert_eq!(calendar.between(from, end) + calendar.outside(from, end), end.since(from));
    }
}
