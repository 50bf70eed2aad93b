//! The vector tables of the specification of SEC's semantics, and beside each what the default semantics say.
//!
//! Events are written `A5`: a point named A at second 5. What is told: `+7` raised at 7, `-11` cleared at 11; a rule other
//! than the first says its number before.

use super::case::{Becomes, Case, Change, Event, Guard, Name, Pattern, Rule, SECOND, Semantics, Status, Told, What};
use super::slow;
use super::{engine, sec, versus_sec};

/// Seconds that any of these cases may take.
const HORIZON: i64 = 60;

/// Events; what `semantics: sec` tells; what the default tells.
type Row = (&'static str, &'static str, &'static str);

#[track_caller]
fn check(rules: impl Fn(Semantics) -> Vec<Rule>, rows: &[Row]) {
    let case = |semantics, row: &Row| Case { rules: rules(semantics), events: row.0.split(' ').map(event).collect() };
    let as_sec: Vec<Case> = rows.iter().map(|row| case(Semantics::Sec, row)).collect();
    let real = sec::play(&as_sec, HORIZON);
    for ((row, case), real) in rows.iter().zip(&as_sec).zip(real) {
        let expected = story(row.1);
        let comparable = |story: Vec<Told>| versus_sec::comparable(case, story);
        assert_eq!(shown(&comparable(real)), shown(&comparable(expected.clone())), "sec itself tells of\n{case}");
        let judged = comparable(slow::sec::told(case, HORIZON));
        assert_eq!(shown(&judged), shown(&comparable(expected.clone())), "the slow sec tells of\n{case}");
        both(case, &expected);
    }
    for row in rows {
        both(&case(Semantics::Default, row), &story(row.2));
    }
}

/// The engine and the slow judge both tell that.
#[track_caller]
fn both(case: &Case, expected: &[Told]) {
    let horizon = HORIZON * SECOND;
    let slow = engine::changes(slow::world::told(case, horizon), case);
    assert_eq!(shown(&slow), shown(expected), "the slow judge tells of\n{case}");
    let ours = engine::changes(engine::told(case, horizon), case);
    assert_eq!(shown(&ours), shown(expected), "the engine tells of\n{case}");
}

fn event(word: &str) -> Event {
    let names: [Name; 3] = ["A", "B", "C"];
    let (name, at) = word.split_at(1);
    let name = names.into_iter().find(|known| *known == name).unwrap();
    Event { at: at.parse::<i64>().unwrap() * SECOND, ago: 0, status: Status::Point, name, site: "GZ", host: "a" }
}

fn story(text: &str) -> Vec<Told> {
    let told = |word: &str| {
        let sign = word.find(['+', '-']).unwrap();
        let what = if word[sign..].starts_with('+') { What::Raised } else { What::Cleared };
        let rule = if sign == 0 { 0 } else { word[..sign].parse().unwrap() };
        Told { at: word[sign + 1..].parse::<i64>().unwrap() * SECOND, rule, key: "all".to_owned(), what }
    };
    text.split_whitespace().map(told).collect()
}

fn shown(story: &[Told]) -> String {
    let word = |one: &Told| {
        let sign = if one.what == What::Raised { '+' } else { '-' };
        let rule = if one.rule == 0 { String::new() } else { one.rule.to_string() };
        format!("{rule}{sign}{}", one.at / SECOND)
    };
    story.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn one(pattern: Pattern) -> impl Fn(Semantics) -> Vec<Rule> {
    move |semantics| vec![Rule::new("A", pattern.clone(), semantics)]
}

fn threshold(count: usize, within: i64) -> Pattern {
    Pattern::Threshold { count, within, clear: 1, distinct: false }
}

fn points(rows: &[(&str, &'static str, &'static str)]) -> Vec<Row> {
    let named = |seconds: &str| {
        let events: Vec<String> = seconds.split(' ').map(|second| format!("A{second}")).collect();
        &*events.join(" ").leak()
    };
    rows.iter().map(|(seconds, sec, own)| (named(seconds), *sec, *own)).collect()
}

#[test]
fn thresholds_tell_what_the_table_of_section_4_says() {
    let rows = points(&[
        ("0 5 10", "+10 -11", ""),
        ("0 5 11", "", ""),
        ("0 5 11 15", "+15 -16", ""),
        ("0 5 11 16", "", ""),
        ("0 1 2 10 11", "+2 -11", "+2 -21"),
    ]);
    check(one(threshold(3, 10)), &rows);
    let seconds: Vec<String> = (0..=40).map(|second| second.to_string()).collect();
    let rows = points(&[(seconds.join(" ").as_str(), "+2 -11 +13 -22 +24 -33 +35 -44", "+2 -50")]);
    check(one(threshold(3, 10)), &rows);
    check(one(threshold(1, 10)), &points(&[("0 5 12", "+0 -11 +12 -23", "+0 -22")]));
}

#[test]
fn two_thresholds_tell_what_the_table_of_section_5_says() {
    let rises = |bearable| one(Pattern::Thresholds { rise: (2, 10), fall: (bearable, 20) });
    check(
        rises(0),
        &points(&[
            ("0 5", "+5 -26", "+5 -25"),
            ("0 5 15", "+5 -36", "+5 -35"),
            ("0 5 25", "+5 -46", "+5 -25"),
            ("0 5 26", "+5 -26", "+5 -25"),
        ]),
    );
    check(
        rises(1),
        &points(&[
            ("0 5 15", "+5 -26", "+5 -25"),
            ("0 5 15 20", "+5 -41", "+5 -35"),
            ("0 5 15 20 24", "+5 -45", "+5 -40"),
        ]),
    );
    check(rises(2), &points(&[("0 5 10 15 20", "+5 -36", "+5 -30")]));
}

#[test]
fn groups_tell_what_the_table_of_section_6_says() {
    let group = |repeat| {
        move |semantics| {
            let all = vec![(vec!["A"], 2), (vec!["B"], 2)];
            let pattern = Pattern::Group { all, within: 10, repeat, quiet: 10 };
            vec![Rule { names: vec!["A", "B"], ..Rule::new("A", pattern, semantics) }]
        }
    };
    check(
        group(false),
        &[("A0 B3 A4 B7 A8", "+7 -11", "+7 -17"), ("A0 A1 B9 B10", "+10 -11", ""), ("A0 A1 B9 B11", "", "")],
    );
    check(group(true), &[("A0 A1 B2 B3 A9 B12", "+3 +9 -23", "+3 -19")]);
}

#[test]
fn suppressions_and_pairs_tell_what_section_3_says() {
    check(
        one(Pattern::Suppress { within: 10 }),
        &points(&[("0 5 10", "+0 -11", "+0 -10 +10 -20"), ("0 5 11", "+0 -11 +11 -22", "+0 -10 +11 -21")]),
    );
    check(
        one(Pattern::Pair { until: vec!["B"], within: Some(10) }),
        &[
            ("A0 A3 B5", "+0 -5", "+0 -5"),
            ("A0 A9 B10", "+0 -10", "+0 -10"),
            ("A0 B11", "+0 -11", "+0 -10"),
            ("B0 A5", "+5 -16", "+5 -15"),
        ],
    );
    // Who fits both is never tried as the second.
    check(one(Pattern::Pair { until: vec!["A"], within: None }), &points(&[("0 1 2", "+0", "+0")]));
    check(
        one(Pattern::PairWindow { until: vec!["B"], within: 10 }),
        &[("A0 A5", "+11", "+10"), ("A0 B9", "", ""), ("A0 B10", "", "+10 -10"), ("A0 B11", "+11 -11", "+10 -11")],
    );
}

#[test]
fn what_was_swallowed_was_matched_and_goes_on_only_where_the_rule_continues() {
    let rules = |semantics| {
        let suppress = Rule { continues: true, ..Rule::new("A", Pattern::Suppress { within: 10 }, semantics) };
        let third = Rule::new("A", threshold(1, 10), semantics);
        vec![suppress, Rule::new("A", threshold(2, 10), semantics), third]
    };
    check(rules, &[("A0 A5", "+0 1+5 -11 1-11", "+0 1+5 -10 1-15")]);
}

#[test]
fn contexts_tell_what_section_7_says() {
    let change = |becomes| vec![Change { on: What::Raised, context: "M", becomes }];
    let watched = |becomes, watches: Name, guard: Option<Guard>| {
        move |semantics| {
            let suppress = || Pattern::Suppress { within: 1 };
            let sets = Rule { changes: change(becomes), ..Rule::new("A", suppress(), semantics) };
            vec![sets, Rule { guard: guard.clone(), ..Rule::new(watches, suppress(), semantics) }]
        }
    };
    let ten = Becomes::Set { lifetime: Some(10), then: None };
    let alive = |alive| Some(Guard { context: "M", alive });
    check(
        watched(ten, "B", alive(true)),
        &[
            ("B0 A1 B11", "+1 -3 1+11 1-13", "+1 -2"),
            ("A0 B9", "+0 -2 1+9 1-11", "+0 -1 1+9 1-10"),
            ("A0 B11", "+0 -2", "+0 -1"),
            // Set again, its life begins anew.
            ("A0 A5 B13", "+0 -2 +5 -7 1+13 1-15", "+0 -1 +5 -6 1+13 1-14"),
        ],
    );
    // Maintenance.
    check(watched(ten, "B", alive(false)), &[("A0 B5 B11", "+0 -2 1+11 1-13", "+0 -1 1+11 1-12")]);
    // A dead man's switch.
    let alarm = Becomes::Set { lifetime: Some(10), then: Some("D") };
    check(watched(alarm, "D", None), &[("A0 A7", "+0 -2 +7 -9 1+18 1-20", "+0 -1 +7 -8 1+17 1-18")]);
}

#[test]
fn an_event_that_a_rule_makes_comes_before_further_input() {
    let rules = |semantics| {
        let makes =
            Rule { emits: Some(("D", Status::Point)), ..Rule::new("A", Pattern::Suppress { within: 10 }, semantics) };
        // Open by D when B comes, though both come in one second.
        vec![
            makes,
            Rule { names: vec!["D"], ..Rule::new("D", Pattern::Pair { until: vec!["B"], within: None }, semantics) },
        ]
    };
    check(rules, &[("A0 B0", "+0 1+0 1-0 -11", "+0 1+0 1-0 -10")]);
}
