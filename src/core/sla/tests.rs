//! Clocks over work calendars and random courses, against a slow reference that walks minute by minute; the ledger's
//! unions; exact ratios.

use super::clock::Due;
use super::*;
use crate::core::calendar::Calendars;
use crate::core::calendar::WorkCalendar;
use crate::core::model::{
    BreachReason, CauseParty, ClockFace, ClockKind, ClockState, ContactBy, ContactLog, IncidentId, Matchers, Outage,
    TimeDelta, Timestamp,
};
use crate::core::rules::{Indicator, Measure, OnBreach, OutageBudget, Pauses, RuleText, SlaTarget, load};

fn minute(minutes: i64) -> Timestamp {
    Timestamp::EPOCH + TimeDelta::from_minutes(minutes)
}

/// 白班 with these hours every day, and always.
fn calendars_of(hours: &str) -> Calendars {
    let weekly = format!("calendars: [{{name: 白班, zone: UTC, weekly: {{mon-sun: {hours}}}}}]");
    let texts = vec![RuleText { path: "calendars.yaml".to_owned(), text: weekly }];
    load(texts).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).rulebook.calendars
}

/// 08–12 and 14–18 every day.
fn calendars() -> Calendars {
    calendars_of(r#"["08:00-12:00", "14:00-18:00"]"#)
}

fn terms(hours: i64, calendar: &str) -> ClockTerms {
    ClockTerms { limit: TimeDelta::from_hours(hours), calendar: calendar.to_owned(), warnings: vec![50, 75, 90] }
}

#[test]
fn a_clock_goes_from_idle_through_pauses_to_a_breach_and_keeps_counting() {
    let (all, limit) = (calendars(), terms(8, "白班"));
    let mut clock = SlaClock::default();
    assert_eq!(clock.state(), ClockState::Idle);
    clock.steer(minute(17 * 60), &ClockDirective::Run, Some(&limit), &all);
    assert_eq!(clock.state(), ClockState::Running);
    assert_eq!(clock.deadline(&all), Some(minute(1440 + 17 * 60)));
    // Half of eight hours: one on the first day, three on the second.
    assert_eq!(clock.next_deadline(), Some(minute(1440 + 11 * 60)));
    assert_eq!(clock.tick(minute(1440 + 11 * 60), &all), Some(Due::Warned(50)));
    clock.steer(minute(1440 + 12 * 60), &ClockDirective::Pause("等用户".to_owned()), Some(&limit), &all);
    assert_eq!((clock.state(), clock.deadline(&all)), (ClockState::Paused, None));
    clock.steer(minute(2 * 1440 + 8 * 60), &ClockDirective::Run, Some(&limit), &all);
    // Three hours are left, and end with the span.
    assert_eq!(clock.deadline(&all), Some(minute(2 * 1440 + 11 * 60)));
    assert_eq!(clock.tick(minute(2 * 1440 + 11 * 60), &all), Some(Due::Breached(minute(2 * 1440 + 11 * 60))));
    assert_eq!((clock.state(), clock.next_deadline()), (ClockState::Breached, None));
    assert_eq!(clock.elapsed(minute(2 * 1440 + 15 * 60), &all), TimeDelta::from_hours(10));
    clock.steer(minute(2 * 1440 + 16 * 60), &ClockDirective::End(minute(2 * 1440 + 16 * 60)), Some(&limit), &all);
    assert_eq!((clock.state(), clock.elapsed(minute(9_999), &all)), (ClockState::Breached, TimeDelta::from_hours(11)));
}

#[test]
fn a_deadline_at_the_end_of_a_span_stays_there_and_so_does_a_reopened_one() {
    let (all, limit) = (calendars(), terms(4, "白班"));
    let mut clock = SlaClock::default();
    clock.steer(minute(8 * 60), &ClockDirective::Run, Some(&limit), &all);
    assert_eq!(clock.deadline(&all), Some(minute(12 * 60)));
    clock.steer(minute(9 * 60), &ClockDirective::End(minute(9 * 60)), Some(&limit), &all);
    assert_eq!(clock.state(), ClockState::Met);
    clock.steer(minute(1440), &ClockDirective::Run, Some(&limit), &all);
    assert_eq!(clock.state(), ClockState::Running);
    assert_eq!(clock.deadline(&all), Some(minute(1440 + 11 * 60)), "what ran before it was resolved counts");
}

#[test]
fn another_calendar_keeps_what_has_run_under_the_old_one() {
    let (old, limit) = (calendars(), terms(8, "白班"));
    let new = calendars_of(r#""20:00-24:00""#);
    let mut clock = SlaClock::default();
    clock.steer(minute(8 * 60), &ClockDirective::Run, Some(&limit), &old);
    clock.change_calendars(minute(16 * 60), &old, &new);
    assert_eq!(clock.elapsed(minute(16 * 60), &new), TimeDelta::from_hours(6));
    assert_eq!(clock.deadline(&new), Some(minute(22 * 60)));
    let versions = [old["白班"].version, new["白班"].version];
    assert_eq!(clock.log().iter().map(|one| one.version).collect::<Vec<_>>(), versions);
    clock.change_calendars(minute(17 * 60), &new, &new);
    assert_eq!(clock.log().len(), 2, "the same calendar again changes nothing");
}

/// A linear congruence: the same draws on every machine.
struct Draws(u64);

impl Draws {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// Minute by minute: checks if the calendar is open and the clock runs.
fn slowly(courses: &[(i64, bool)], calendar: &WorkCalendar, until: i64) -> TimeDelta {
    let runs = |at: i64| courses.iter().rev().find(|(from, _)| *from <= at).is_some_and(|(_, runs)| *runs);
    let minutes = (0..until).filter(|at| runs(*at) && calendar.is_open(minute(*at))).count();
    TimeDelta::from_minutes(minutes as i64)
}

#[test]
fn elapsed_is_the_slow_reference_however_often_the_terms_change_in_between() {
    let all = calendars();
    for seed in 0..200 {
        let mut draws = Draws(seed);
        let (mut plain, mut changing) = (SlaClock::default(), SlaClock::default());
        let (mut at, mut courses) = (0, Vec::new());
        for _ in 0..draws.below(12) + 1 {
            at += draws.below(1_500) as i64;
            let runs = draws.below(3) > 0;
            let course = if runs { ClockDirective::Run } else { ClockDirective::Pause("等厂商".to_owned()) };
            plain.steer(minute(at), &course, Some(&terms(8, "白班")), &all);
            changing.steer(minute(at), &course, Some(&terms(8, "白班")), &all);
            courses.push((at, runs));
            // Priority after priority, and a snapshot in the middle.
            for _ in 0..draws.below(4) {
                at += draws.below(90) as i64;
                let limit = terms(1 + draws.below(40) as i64, "白班");
                changing.steer(minute(at), &course, Some(&limit), &all);
                changing = postcard::from_bytes(&postcard::to_allocvec(&changing).unwrap()).unwrap();
            }
        }
        at += draws.below(3_000) as i64;
        let expected = slowly(&courses, &all["白班"], at);
        assert_eq!(plain.elapsed(minute(at), &all), expected, "seed {seed}");
        assert_eq!(changing.elapsed(minute(at), &all), expected, "seed {seed}, with changes");
    }
}

/// The first minute at which the limit has elapsed.
#[test]
fn breaches_come_in_the_minute_of_the_slow_reference() {
    let all = calendars();
    for seed in 0..200 {
        let mut draws = Draws(seed + 1_000);
        let limit = ClockTerms { warnings: Vec::new(), ..terms(1 + draws.below(30) as i64, "白班") };
        let begin = draws.below(5_000) as i64;
        let mut clock = SlaClock::default();
        clock.steer(minute(begin), &ClockDirective::Run, Some(&limit), &all);
        let due = clock.next_deadline().unwrap();
        let worked = (begin..).filter(|at| all["白班"].is_open(minute(*at)));
        let slow = worked.map(|at| at + 1).nth((limit.limit.as_micros() / 60_000_000 - 1) as usize).unwrap();
        assert_eq!(due, minute(slow), "seed {seed}");
        assert_eq!(clock.tick(due, &all), Some(Due::Breached(due)));
    }
}

#[test]
fn a_shorter_limit_that_has_run_already_breaches_at_the_change_and_not_before() {
    let all = calendars();
    let mut clock = SlaClock::default();
    clock.steer(minute(0), &ClockDirective::Run, Some(&terms(100, "always")), &all);
    clock.steer(minute(600), &ClockDirective::Run, Some(&terms(4, "always")), &all);
    assert_eq!(clock.next_deadline(), Some(minute(600)));
    assert_eq!(clock.tick(minute(600), &all), Some(Due::Breached(minute(600))));
}

fn outage(from: i64, to: Option<i64>) -> Outage {
    Outage {
        customer: "省局".to_owned(),
        service: "业务平台".to_owned(),
        party: CauseParty::Provider,
        from: minute(from),
        to: to.map(minute),
    }
}

#[test]
fn overlapping_outages_count_once_and_only_within_the_period() {
    let outages = [outage(0, Some(60)), outage(30, Some(90)), outage(40, Some(50)), outage(200, None)];
    let used = |from, to, now| downtime(outages.iter(), minute(from), minute(to), minute(now));
    assert_eq!(used(0, 1_000, 100), TimeDelta::from_minutes(90));
    assert_eq!(used(0, 1_000, 230), TimeDelta::from_minutes(120));
    assert_eq!(used(45, 210, 999), TimeDelta::from_minutes(55));
}

fn budget() -> OutageBudget {
    OutageBudget {
        name: "平台".to_owned(),
        matchers: Matchers::parse("customer=\"省局\"").unwrap(),
        party: CauseParty::Provider,
        a_year: TimeDelta::from_hours(72),
        zone: "Asia/Shanghai".to_owned(),
        warn_at: vec![50, 100],
    }
}

#[test]
fn a_budget_says_once_a_year_what_it_has_to_say_in_the_moment_it_becomes_true() {
    let budgets = [budget()];
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let start = at("2026-10-01T00:00:00+08:00");
    let mut ledger = OutageLedger::default();
    assert_eq!(ledger.follow(start, &budgets), []);
    assert_eq!(ledger.next_deadline(), None);
    ledger.set(IncidentId(1), &[Outage { from: start, to: None, ..outage(0, None) }]);
    assert_eq!(ledger.follow(start, &budgets), []);
    // Three quarters of the year have passed: half of the budget comes first.
    let half = start + TimeDelta::from_hours(36);
    assert_eq!(ledger.next_deadline(), Some(half));
    let said = ledger.follow(half, &budgets);
    assert!(matches!(said.as_slice(), [BudgetAlert::Used { percent: 50, .. }]), "{said:?}");
    let fast = ledger.next_deadline().unwrap();
    let said = ledger.follow(fast, &budgets);
    assert!(matches!(said.as_slice(), [BudgetAlert::Fast { .. }]), "{said:?}");
    assert!(fast > half && fast < start + TimeDelta::from_hours(72), "{fast}");
    let full = ledger.next_deadline().unwrap();
    assert_eq!(full, start + TimeDelta::from_hours(72));
    assert!(matches!(ledger.follow(full, &budgets).as_slice(), [BudgetAlert::Used { percent: 100, .. }]));
    let new_year = at("2027-01-01T00:00:00+08:00");
    assert_eq!(ledger.next_deadline(), Some(new_year));
    ledger.set(IncidentId(1), &[Outage { from: start, to: Some(full), ..outage(0, None) }]);
    assert_eq!(ledger.follow(full, &budgets), []);
    assert_eq!(ledger.follow(new_year, &budgets), [BudgetAlert::Renewed { budget: "平台".to_owned() }]);
    assert_eq!(ledger.next_deadline(), None);
}

fn case(clocks: Vec<ClockFace>, contacts: Vec<ContactLog>) -> IncidentOutcome {
    let opened_at = minute(10);
    IncidentOutcome { opened_at, clocks, contacts, first_line: true, resolved: true, reopened: 0, breach_reason: None }
}

fn face(clock: ClockKind, state: ClockState) -> ClockFace {
    ClockFace {
        clock,
        state,
        target: "热线".to_owned(),
        version: 1,
        shadow: false,
        limit: TimeDelta::from_hours(1),
        calendar: "always".to_owned(),
        elapsed: TimeDelta::ZERO,
        deadline: None,
        breached_at: None,
        paused: None,
        ended_at: None,
    }
}

fn contact(by: ContactBy, seconds: i64) -> ContactLog {
    let (actor, note) = ("一线值班".to_owned(), String::new());
    ContactLog { at: minute(11), by, actor, note, after: TimeDelta::from_seconds(seconds) }
}

#[test]
fn ratios_are_exact_and_what_still_runs_counts_nowhere() {
    let pickup = Measure::Contact { by: ContactBy::Phone, within: TimeDelta::from_seconds(20) };
    let target = SlaTarget {
        name: "热线".to_owned(),
        version: 1,
        from: None,
        until: None,
        because: String::new(),
        matchers: Matchers::default(),
        classes: Vec::new(),
        priorities: Vec::new(),
        during: None,
        tto: None,
        ttr: None,
        warnings: Vec::new(),
        pauses: Pauses::default(),
        shadow: false,
        on_breach: OnBreach::Page,
        indicators: vec![
            Indicator { name: "接起".to_owned(), measure: pickup, goal: 90 },
            Indicator { name: "重开".to_owned(), measure: Measure::Reopened, goal: 20 },
        ],
    };
    let tto = |state| vec![face(ClockKind::Tto, state)];
    let mut cases = vec![
        case(tto(ClockState::Met), vec![contact(ContactBy::Phone, 20)]),
        case(tto(ClockState::Breached), vec![contact(ContactBy::Phone, 21), contact(ContactBy::Visit, 60)]),
        case(tto(ClockState::Met), vec![contact(ContactBy::Mail, 5)]),
        IncidentOutcome { reopened: 1, ..case(tto(ClockState::Met), vec![contact(ContactBy::Phone, 3)]) },
        IncidentOutcome { resolved: false, ..case(tto(ClockState::Running), Vec::new()) },
        case(Vec::new(), Vec::new()),
    ];
    cases[1].breach_reason = Some(BreachReason { code: "spare_part".to_owned(), text: "等备件".to_owned() });
    let found = attainment(&cases, &[target], minute(0), minute(11));
    let [found] = found.as_slice() else { panic!("{found:?}") };
    let figures: Vec<_> = found.figures.iter().map(|one| (one.name.as_str(), one.good, one.of, one.reached)).collect();
    assert_eq!(found.cases, 5);
    assert_eq!(
        figures,
        [
            ("response", 3, 4, None),
            ("resolution", 0, 0, None),
            ("first_fix", 2, 4, None),
            ("接起", 2, 3, Some(false)),
            ("重开", 1, 4, Some(false)),
        ]
    );
    assert_eq!(ranked_reasons(&cases, minute(0), minute(11)), [("spare_part".to_owned(), 1)]);
    assert_eq!(attainment(&cases, &[], minute(11), minute(99)), []);
}
