//! On-call schedules against a slow reference that walks the local clock minute by minute, and against written-down
//! shifts.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Assignment, Attendance, Gap, NewOverride, OnCallShift, Overrides, PresenceStatus, WorkRequirements};
use super::{changes, choose, gaps, next_change, on_duty};
use crate::core::calendar::WorkCalendar;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{DutyHours, Layer, Roster, RuleText, Rulebook, Turns, WorkedShifts, load};

const MINUTE: i64 = 60_000_000;

fn at(text: &str) -> Timestamp {
    Timestamp::from_timestamp(text.parse().unwrap())
}

fn rulebook(text: &str) -> Rulebook {
    let texts = vec![RuleText { path: "r.yaml".to_owned(), text: text.to_owned() }];
    load(texts).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).rulebook
}

fn roster(layers: &str) -> (Roster, BTreeMap<String, WorkCalendar>) {
    zoned("Asia/Shanghai", layers)
}

fn zoned(zone: &str, layers: &str) -> (Roster, BTreeMap<String, WorkCalendar>) {
    let text = format!("rosters:\n  - name: 一线\n    zone: {zone}\n    layers:\n{layers}");
    let rulebook = rulebook(&text);
    (rulebook.rosters["一线"].clone(), rulebook.calendars)
}

/// Open in those hours of that day only.
fn calendar(date: &str, hours: &str) -> WorkCalendar {
    let dates = format!("dates: {{\"{date}\": \"{hours}\"}}");
    let rulebook = rulebook(&format!("calendars:\n  - {{name: 当天, zone: Asia/Shanghai, {dates}}}\n"));
    rulebook.calendars["当天"].clone()
}

#[track_caller]
fn check(layers: &str, overrides: &Overrides, expected: &[(&str, &str)]) {
    let (roster, calendars) = roster(layers);
    for (moment, people) in expected {
        let duty = on_duty(&roster, &calendars, overrides, at(moment));
        assert_eq!(duty.names().join("+"), *people, "{moment}: {}", duty.why);
    }
}

/// With turns that pass on worked shifts only.
fn worked(layer: Layer) -> Layer {
    let shifts = WorkedShifts::new(layer.start, layer.shift_minutes, &layer.hours, layer.days);
    Layer { turns: Turns::Worked(shifts), ..layer }
}

fn moved(layer: Layer, minutes: i64) -> Layer {
    let layer = Layer { start: layer.start + minutes, ..layer };
    if layer.turns == Turns::All { layer } else { worked(layer) }
}

const SHIFTS: &str = r#"
      - {name: 轮班, start: "2026-01-05T08:00", every: 12h, people: [甲, 乙, 丙]}
"#;

#[test]
fn shifts_go_round_from_their_start() {
    check(
        SHIFTS,
        &Overrides::default(),
        &[
            ("2026-01-05T07:59:59+08:00", ""),
            ("2026-01-05T08:00:00+08:00", "甲"),
            ("2026-01-05T19:59:59+08:00", "甲"),
            ("2026-01-05T20:00:00+08:00", "乙"),
            ("2026-01-06T08:00:00+08:00", "丙"),
            ("2026-01-06T20:00:00+08:00", "甲"),
            ("2027-06-01T12:00:00+08:00", "乙"),
        ],
    );
}

/// Who has the turn at noon or midnight of each of those days, in the order of the days.
fn turns(layer: &str, moments: impl Iterator<Item = String>) -> String {
    let (roster, calendars) = roster(&format!("      - {layer}\n"));
    let none = Overrides::default();
    moments.map(|moment| on_duty(&roster, &calendars, &none, at(&moment)).names().join("+")).collect()
}

#[test]
fn a_turn_passes_only_on_shifts_that_are_worked() {
    let noons = || (1..=14).map(|day| format!("2026-12-{day:02}T12:00:00+08:00"));
    let nights = || (1..=14).map(|day| format!("2026-12-{day:02}T23:00:00+08:00"));
    let weekdays = "days: [mon, tue, wed, thu, fri]";
    let daily = format!("name: 日, start: \"2026-11-30T09:00\", every: daily, {weekdays}, hours: \"09:00-18:00\"");
    let people = "people: [甲, 乙, 丙, 丁, 戊, 己, 庚]";
    // From Tuesday on: nobody on Saturday and Sunday, all seven within ten working days.
    let found = turns(&format!("{{{daily}, {people}}}"), noons());
    assert_eq!(found, "乙丙丁戊己庚甲乙丙丁", "2026-12-01 is a Tuesday");
    let found = turns(&format!("{{{daily}, {people}, turns: all}}"), noons());
    assert_eq!(found, "乙丙丁戊甲乙丙丁戊甲", "every day of the clock takes a turn");
    // Twelve hours a shift, of which only the day's are worked: both come on.
    let halves = "name: 昼, start: \"2026-11-30T08:00\", every: 12h, hours: \"08:00-20:00\", people: [甲, 乙]";
    assert_eq!(turns(&format!("{{{halves}}}"), noons()), "乙甲乙甲乙甲乙甲乙甲乙甲乙甲");
    assert_eq!(turns(&format!("{{{halves}, turns: all}}"), noons()), "甲".repeat(14));
    // A night over midnight is one shift, of the day on which it begins.
    let night = "name: 夜, start: \"2026-11-30T20:00\", every: daily, days: [fri, sat], hours: \"20:00-08:00\"";
    assert_eq!(turns(&format!("{{{night}, people: [甲, 乙, 丙]}}"), nights()), "甲乙丙甲");
    // Two days a shift: that of the second weekend is not worked.
    let second = format!("name: 隔, start: \"2026-11-30T00:00\", every: 2d, {weekdays}");
    assert_eq!(turns(&format!("{{{second}, people: [甲, 乙]}}"), noons()), "甲乙乙甲乙甲甲乙乙甲");
}

#[test]
fn who_is_never_on_is_known() {
    for (layer, never) in [
        ("every: daily, days: [mon, tue, wed, thu, fri], people: [甲, 乙, 丙, 丁, 戊, 己, 庚]", ""),
        (
            "every: daily, days: [mon, tue, wed, thu, fri], people: [甲, 乙, 丙, 丁, 戊, 己, 庚], hours: \"09:00-18:00\", turns: all",
            "己 庚",
        ),
        ("every: daily, days: [mon, tue, wed, thu, fri], people: [甲, 乙, 丙, 丁, 戊, 己, 庚], turns: all", "己"),
        ("every: 12h, hours: \"08:00-20:00\", people: [甲, 乙], turns: all", "乙"),
        ("every: 12h, hours: \"08:00-20:00\", people: [甲, 乙]", ""),
        ("every: weekly, days: [sat], people: [甲, 乙], turns: all", ""),
        ("every: 12h, hours: \"08:00-20:00\", people: [[甲, 乙], 甲], turns: all", ""),
    ] {
        let (roster, _) = roster(&format!("      - {{name: a, start: \"2026-11-30T08:00\", {layer}}}\n"));
        assert_eq!(roster.layers[0].never_on().join(" "), never, "{layer}");
    }
}

#[test]
fn the_highest_layer_that_has_somebody_counts() {
    let layers = r#"
      - {name: 兜底, start: "2026-01-01T00:00", every: weekly, people: [组长]}
      - {name: 白班, start: "2026-01-05T08:00", every: weekly, people: [[甲, 乙], 丙], hours: "08:00-20:00", days: [mon, tue, wed, thu, fri]}
      - {name: 夜班, start: "2026-01-05T20:00", every: daily, people: [丁], hours: "20:00-08:00", days: [fri]}
"#;
    check(
        layers,
        &Overrides::default(),
        &[
            ("2026-01-05T09:00:00+08:00", "甲+乙"),
            ("2026-01-05T21:00:00+08:00", "组长"),
            ("2026-01-12T09:00:00+08:00", "丙"),
            ("2026-01-10T09:00:00+08:00", "组长"),
            // The night that begins on Friday belongs to Friday, on Saturday morning too.
            ("2026-01-09T20:00:00+08:00", "丁"),
            ("2026-01-10T07:59:00+08:00", "丁"),
            ("2026-01-10T20:00:00+08:00", "组长"),
        ],
    );
}

#[test]
fn overrides_put_somebody_in_a_place_or_in_everybodys() {
    let (roster, _) = roster(SHIFTS);
    let mut overrides = Overrides::default();
    let now = at("2026-01-05T00:00:00+08:00");
    let put = |overrides: &mut Overrides, person: &str, instead_of: Option<&str>, from: &str, until: &str| {
        let new = NewOverride {
            person: person.to_owned(),
            instead_of: instead_of.map(str::to_owned),
            from: at(from),
            until: at(until),
            reason: "家中有事".to_owned(),
        };
        overrides.put(&roster, new, "组长", now)
    };
    let day = ("2026-01-05T00:00:00+08:00", "2026-01-06T00:00:00+08:00");
    assert_eq!(put(&mut overrides, "戊", Some("甲"), day.0, day.1), Ok(1));
    assert_eq!(put(&mut overrides, "己", Some("戊"), "2026-01-05T10:00:00+08:00", day.1), Ok(2));
    assert_eq!(put(&mut overrides, "组长", None, "2026-01-05T18:00:00+08:00", "2026-01-05T22:00:00+08:00"), Ok(3));
    for (person, instead_of, from, until, why) in [
        ("戊", Some("甲"), day.1, day.0, "ends after it begins"),
        ("戊", Some("甲"), "2026-01-05T23:00:00+08:00", "2026-01-07T00:00:00+08:00", "override 1 already"),
        ("甲", Some("甲"), "2026-02-05T00:00:00+08:00", "2026-02-06T00:00:00+08:00", "for themselves"),
        ("甲", Some("路人"), "2026-02-05T00:00:00+08:00", "2026-02-06T00:00:00+08:00", "never on the roster"),
        ("甲", Some("乙"), "2026-02-05T00:00:00+08:00", "2027-02-06T00:00:00+08:00", "at most 92d"),
        ("甲", Some("乙"), "2025-02-05T00:00:00+08:00", "2025-02-06T00:00:00+08:00", "would be over"),
    ] {
        let refused = put(&mut overrides, person, instead_of, from, until).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    check(
        SHIFTS,
        &overrides,
        &[
            ("2026-01-05T09:00:00+08:00", "戊"),
            ("2026-01-05T10:00:00+08:00", "己"),
            ("2026-01-05T18:00:00+08:00", "组长"),
            ("2026-01-05T22:00:00+08:00", "乙"),
            ("2026-01-06T20:00:00+08:00", "甲"),
        ],
    );
    overrides.forget(at("2026-01-05T23:00:00+08:00"));
    assert_eq!(overrides.iter().map(|one| one.id).collect::<Vec<_>>(), [1, 2]);
    assert!(overrides.remove(1).is_some() && overrides.remove(1).is_none());
}

#[test]
fn a_shift_over_a_clock_change_is_an_hour_shorter_or_longer() {
    let nights = r#"
      - {name: 夜班, start: "2026-03-01T20:00", every: 12h, people: [甲, 乙]}
"#;
    let (roster, calendars) = zoned("Europe/Berlin", nights);
    let lengths = |from: &str, count: usize| -> Vec<i64> {
        let mut moment = at(from);
        let mut lengths = Vec::new();
        for change in changes(&roster, &calendars, &Overrides::default(), moment, count) {
            lengths.push(change.at.since(moment).as_micros() / MINUTE);
            moment = change.at;
        }
        lengths
    };
    assert_eq!(lengths("2026-03-28T08:00:00+01:00", 3), [720, 660, 720]);
    assert_eq!(lengths("2026-10-24T08:00:00+02:00", 3), [720, 780, 720]);
}

#[test]
fn gaps_are_exact_and_a_full_roster_has_none() {
    let weekdays = r#"
      - {name: 白班, start: "2026-01-05T08:00", every: weekly, people: [甲], hours: "08:00-20:00", days: [mon, tue, wed, thu, fri]}
"#;
    let (mut roster, mut calendars) = roster(weekdays);
    let (from, until) = (at("2026-01-09T00:00:00+08:00"), at("2026-01-13T00:00:00+08:00"));
    let gap = |from: &str, until: &str| Gap { from: at(from), until: at(until), on_duty: 0, at_least: 1 };
    let found = gaps(&roster, &calendars, &Overrides::default(), from, until);
    let expected = [
        gap("2026-01-09T00:00:00+08:00", "2026-01-09T08:00:00+08:00"),
        gap("2026-01-09T20:00:00+08:00", "2026-01-12T08:00:00+08:00"),
        gap("2026-01-12T20:00:00+08:00", "2026-01-13T00:00:00+08:00"),
    ];
    assert_eq!(found, expected);
    // Only the calendar's hours need coverage: here Saturday from 10 to 12.
    calendars.insert("值班".to_owned(), calendar("2026-01-10", "10:00-12:00"));
    roster.covers = "值班".to_owned();
    let found = gaps(&roster, &calendars, &Overrides::default(), from, until);
    assert_eq!(found, [gap("2026-01-10T10:00:00+08:00", "2026-01-10T12:00:00+08:00")]);
    let (full, calendars) = self::roster(SHIFTS);
    assert!(gaps(&full, &calendars, &Overrides::default(), from, until).is_empty());
}

#[test]
fn at_the_ends_of_time_the_search_for_the_next_boundary_ends() {
    for at in [Timestamp::FAR_FUTURE, Timestamp::FAR_FUTURE - TimeDelta::from_days(1), at("-009999-01-03T00:00:00Z")] {
        for layers in
            [SHIFTS, "      - {name: 日班, start: \"2026-01-05T08:00\", every: daily, days: [mon], people: [甲]}\n"]
        {
            let (roster, calendars) = roster(layers);
            let none = Overrides::default();
            let until = at + TimeDelta::from_days(3);
            let found = gaps(&roster, &calendars, &none, at, until);
            assert!(found.iter().all(|gap| at <= gap.from && gap.until <= until), "{found:?}");
            changes(&roster, &calendars, &none, at, 3);
        }
    }
}

#[test]
fn a_layer_follows_its_calendar() {
    let layers = r#"
      - {name: 工作时间, start: "2026-01-05T00:00", every: weekly, people: [甲], calendar: always}
"#;
    let (mut roster, mut calendars) = roster(layers);
    calendars.insert("调休".to_owned(), calendar("2026-02-14", "09:00-18:00"));
    roster.layers[0].calendar = Some("调休".to_owned());
    let none = Overrides::default();
    let start = at("2026-02-14T00:00:00+08:00");
    let found = changes(&roster, &calendars, &none, start, 5);
    let shown: Vec<(Timestamp, usize)> = found.iter().map(|change| (change.at, change.people.len())).collect();
    assert_eq!(shown, [(at("2026-02-14T09:00:00+08:00"), 1), (at("2026-02-14T18:00:00+08:00"), 0)]);
}

#[test]
fn the_least_loaded_who_fits_takes_it_and_the_others_say_why_not() {
    let rulebook = rulebook(
        r#"
people:
  - {name: 甲, limit: 2, sites: [GZ01, SZ02], skills: [network]}
  - {name: 乙, limit: 2, sites: [GZ01]}
  - {name: 丙, limit: 1}
rosters:
  - {name: 现场, zone: Asia/Shanghai, layers: [{name: 全部, start: "2026-01-01T00:00", every: daily, people: [[甲, 乙, 丙]]}]}
teams:
  - {name: 现场, roster: 现场, sites: [GZ01, SZ02, ZH03]}
  - {name: 专家, members: [丙], dispatch: least_loaded}
"#,
    );
    let roster = &rulebook.rosters["现场"];
    let duty = on_duty(roster, &rulebook.calendars, &Overrides::default(), at("2026-03-01T00:00:00Z"));
    let mut attendance = Attendance::default();
    let check = |attendance: &Attendance, team: &str, site: &str, skill: &str, loads: [u32; 3], expected: &str| {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let load = |name: &str| loads[["甲", "乙", "丙"].iter().position(|one| *one == name).unwrap()];
        let (team, wanted) = (&rulebook.teams[team], WorkRequirements { site: some(site), skill: some(skill) });
        let duty = team.roster.is_some().then_some(&duty);
        let found = match choose(&rulebook, team, duty, attendance, &wanted, load) {
            Assignment::Take { person, .. } => person,
            Assignment::Wait { reason } => format!("wait: {reason}"),
            Assignment::Skip { reason } => format!("skip: {reason}"),
        };
        assert!(found.starts_with(expected), "{found}, not {expected}");
    };
    check(&attendance, "现场", "", "", [0, 0, 0], "丙");
    check(&attendance, "现场", "", "", [1, 0, 1], "乙");
    check(&attendance, "现场", "SZ02", "", [1, 0, 1], "甲");
    check(&attendance, "现场", "GZ01", "database", [0, 1, 1], "乙");
    check(&attendance, "现场", "GZ01", "network", [2, 2, 1], "wait: everybody of 现场 holds as much");
    check(&attendance, "现场", "BJ09", "", [0, 0, 0], "skip: 现场 does not take site BJ09");
    let now = at("2026-03-01T00:00:00Z");
    attendance.gone("丙", PresenceStatus::Away, now);
    check(&attendance, "现场", "ZH03", "", [0, 0, 0], "skip: nobody of 现场 is present (丙: away since");
    // Without an on-call schedule the default is not to skip a step.
    check(&attendance, "专家", "", "", [0, 0, 0], "wait: nobody of 专家 is present");
}

#[test]
fn a_heartbeat_holds_its_lifetime() {
    let mut attendance = Attendance::default();
    let minute = |minutes: i64| Timestamp::EPOCH + TimeDelta::from_minutes(minutes);
    assert_eq!(attendance.absence("甲", false), None);
    assert!(attendance.absence("甲", true).is_some());
    assert_eq!(attendance.here("甲", Some(TimeDelta::from_minutes(5)), minute(0)), Some(true));
    assert_eq!(attendance.here("甲", Some(TimeDelta::from_minutes(5)), minute(3)), Some(false));
    assert_eq!(attendance.next_expiry(), Some(minute(8)));
    assert!(attendance.expire(minute(7)).is_empty());
    assert_eq!(attendance.expire(minute(8)), ["甲"]);
    assert_eq!(attendance.absence("甲", false).unwrap(), "no heartbeat since 1970-01-01T00:03:00Z");
    assert_eq!(attendance.here("甲", None, minute(9)), Some(true));
    assert_eq!(attendance.next_expiry(), None);
    assert_eq!(attendance.gone("甲", PresenceStatus::Lost, minute(10)), Some(true));
    assert_eq!(attendance.of("甲").unwrap().since, minute(10));
}

/// The same schedule, walked minute by minute: a shift has begun once the local clock has shown its time, a stretch has
/// ended once the local clock will never again show a time before its end.
struct Slow {
    from: i64,
    /// The highest local minute shown up to then, and the lowest from then on.
    shown: Vec<i64>,
    ahead: Vec<i64>,
}

impl Slow {
    fn new(roster: &Roster, from: Timestamp, minutes: usize) -> Slow {
        let first = from.as_micros() / MINUTE;
        let local = |minute: i64| {
            let timestamp = jiff::Timestamp::from_second(minute * 60).unwrap();
            let civil = timestamp.to_zoned(roster.zone.clone()).datetime();
            jiff::tz::Offset::UTC.to_timestamp(civil).unwrap().as_second().div_euclid(60)
        };
        let wall: Vec<i64> = (first..first + minutes as i64).map(local).collect();
        let mut shown = wall.clone();
        for index in 1..shown.len() {
            shown[index] = shown[index].max(shown[index - 1]);
        }
        let mut ahead = wall;
        for index in (0..ahead.len() - 1).rev() {
            ahead[index] = ahead[index].min(ahead[index + 1]);
        }
        Slow { from: first, shown, ahead }
    }

    fn on_duty(&self, roster: &Roster, minute: usize) -> Vec<String> {
        let (shown, ahead) = (self.shown[minute], self.ahead[minute]);
        for layer in roster.layers.iter().rev() {
            if shown < layer.start {
                continue;
            }
            let is_in = |day: i64, hours: &DutyHours| {
                let weekday = (day + 3).rem_euclid(7) as usize;
                layer.days[weekday] && shown >= day * 1440 + hours.from && ahead < day * 1440 + hours.until
            };
            let all_day = [DutyHours { from: 0, until: 1440 }];
            let hours: &[DutyHours] = if layer.hours.is_empty() { &all_day } else { &layer.hours };
            let days = shown / 1440 - 3..=shown / 1440 + 1;
            let unrestricted = layer.hours.is_empty() && layer.days == [true; 7];
            if unrestricted || days.into_iter().any(|day| hours.iter().any(|hours| is_in(day, hours))) {
                let shift = (shown - layer.start) / layer.shift_minutes;
                let turn = match layer.turns {
                    Turns::All => shift as usize,
                    Turns::Worked(_) => (0..shift).filter(|shift| is_worked(layer, *shift, hours)).count(),
                };
                return layer.crews[turn % layer.crews.len()].clone();
            }
        }
        Vec::new()
    }
}

/// True if any minute of the shift is within the hours of a day on which the layer works.
fn is_worked(layer: &Layer, shift: i64, hours: &[DutyHours]) -> bool {
    let begin = layer.start + shift * layer.shift_minutes;
    (begin..begin + layer.shift_minutes).any(|minute| {
        (minute.div_euclid(1440) - 2..=minute.div_euclid(1440)).any(|day| {
            let of_day = minute - day * 1440;
            layer.days[(day + 3).rem_euclid(7) as usize]
                && hours.iter().any(|stretch| (stretch.from..stretch.until).contains(&of_day))
        })
    })
}

fn any_layer(start: i64) -> impl Strategy<Value = Layer> {
    let hours = prop::collection::vec((0_i64..96, 1_i64..96), 0..3);
    let days = prop::array::uniform7(prop::bool::weighted(0.7));
    let shift = prop_oneof![Just(1440), Just(10_080), Just(720), Just(480), (1_i64..200).prop_map(|n| n * 15)];
    let crews = prop::collection::vec(prop::collection::vec(0_u8..5, 1..3), 1..4);
    let all = (0_i64..400, shift, crews, hours, days, prop::bool::weighted(0.3));
    all.prop_map(move |(offset, shift_minutes, crews, hours, days, all_turns)| {
        let crew = |crew: Vec<u8>| {
            let mut names: Vec<String> = crew.into_iter().map(|n| format!("值班{n}")).collect();
            names.dedup();
            names
        };
        let hours = hours.into_iter().map(|(from, length)| DutyHours { from: from * 15, until: (from + length) * 15 });
        let hours: Vec<DutyHours> = hours.collect();
        let days = if days == [false; 7] { [true; 7] } else { days };
        let layer = Layer {
            name: "轮班".to_owned(),
            start: start + offset * 15,
            shift_minutes,
            crews: crews.into_iter().map(crew).collect(),
            hours,
            days,
            calendar: None,
            turns: Turns::All,
        };
        if all_turns { layer } else { worked(layer) }
    })
}

/// The clock of Berlin goes back from 03:00 to 02:00 on 2026-10-25 at 01:00 UTC: a shift until 02:00 ends at the first
/// 02:00, one until 02:15 at the second 02:15, and one until 03:00 at the only 03:00.
#[test]
fn a_shift_that_ends_where_the_clock_goes_back_ends_once() {
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let midnight = super::local_time::local_minutes(&zone, at("2026-10-24T22:00:00Z"));
    for (hours, ends) in [
        (119, "2026-10-24T23:59:00Z"),
        (120, "2026-10-25T00:00:00Z"),
        (135, "2026-10-25T01:15:00Z"),
        (180, "2026-10-25T02:00:00Z"),
    ] {
        let edge = super::local_time::Edge::Last;
        assert_eq!(super::local_time::instant(&zone, midnight + hours, edge), at(ends), "{hours} minutes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Over each of the clock changes of zones with odd ones, and over a quiet week.
    #[test]
    fn duty_is_what_a_walk_over_the_local_clock_says(
        place in prop::sample::select(vec![
            ("Europe/Berlin", "2026-03-27T00:00:00Z"),
            ("Europe/Berlin", "2026-10-23T00:00:00Z"),
            ("America/New_York", "2026-03-06T12:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-03T00:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-02T00:00:00Z"),
            ("Asia/Shanghai", "2026-02-13T00:00:00Z"),
        ]),
        seeds in prop::collection::vec(any_layer(0), 1..4),
    ) {
        let (zone, from) = place;
        let from = at(from);
        let zone_of = jiff::tz::TimeZone::get(zone).unwrap();
        let (mut roster, calendars) = zoned(zone, SHIFTS);
        let begin = super::local_time::local_minutes(&zone_of, from);
        roster.layers = seeds.into_iter().map(|layer| moved(layer, begin - 1440)).collect();
        let minutes = 6 * 1440;
        // A day before and after, so that the minimum and maximum of the walk are complete.
        let lead = 2 * 1440;
        let slow = Slow::new(&roster, from - TimeDelta::from_minutes(lead), minutes + 2 * lead as usize);
        let none = Overrides::default();
        let mut next: Option<Timestamp> = next_change(&roster, &calendars, &none, from);
        let mut before: Option<OnCallShift> = None;
        for minute in 0..minutes {
            let moment = from + TimeDelta::from_minutes(minute as i64);
            prop_assert_eq!(moment.as_micros() / MINUTE, slow.from + lead + minute as i64);
            let duty = on_duty(&roster, &calendars, &none, moment);
            let mut wanted = slow.on_duty(&roster, minute + lead as usize);
            let mut seen = Vec::new();
            wanted.retain(|name| !seen.contains(name) && { seen.push(name.clone()); true });
            prop_assert_eq!(duty.names(), wanted, "{} in {}", moment, zone);
            if let Some(before) = &before {
                // The change is reported at its exact time.
                let changed = before.people != duty.people;
                prop_assert_eq!(changed, next == Some(moment), "{} in {}: next {:?}", moment, zone, next);
                if changed {
                    next = next_change(&roster, &calendars, &none, moment);
                }
            }
            before = Some(duty);
        }
        let open: i64 = gaps(&roster, &calendars, &none, from, from + TimeDelta::from_minutes(minutes as i64))
            .iter()
            .map(|gap| gap.until.since(gap.from).as_micros() / MINUTE)
            .sum();
        let empty = (0..minutes).filter(|minute| slow.on_duty(&roster, minute + lead as usize).is_empty()).count();
        prop_assert_eq!(open, empty as i64);
    }
}
