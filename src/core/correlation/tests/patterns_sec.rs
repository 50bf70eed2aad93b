//! The tables of SEC's semantics as data: a rule's results under `semantics: sec`, and beside them the same rule's
//! results under ours.

use super::{MODES, run};

/// One rule against points at whole seconds, `A0 B3` (a bare number is an `A`). The expected text reads `fire 10, end
/// 11`.
#[track_caller]
fn row(pattern: &str, events: &str, sec: &str, own: &str) {
    assert_eq!(says(pattern, "semantics: sec, ", events), sec, "under SEC's semantics: {pattern} with {events}");
    assert_eq!(says(pattern, "", events), own, "under ours: {pattern} with {events}");
}

#[track_caller]
fn says(pattern: &str, semantics: &str, events: &str) -> String {
    let quiet = if pattern.starts_with("{group") { ", clear_after: 10s" } else { "" };
    let rules = format!("t: alertname=~\"A|B\",@status=\"point\" | {pattern} | {semantics}by: [x]{quiet}");
    let pair = format!("t: alertname=\"A\" | {pattern} | {semantics}by: [x]");
    let rules = if pattern.contains("until") { pair } else { rules };
    let events = events.split(' ').map(|event| match event.split_at(1) {
        (name @ ("A" | "B"), at) => format!("{at}s point {name}\n"),
        (_, _) => format!("{event}s point A\n"),
    });
    let scenario = format!("{}200s tick", events.collect::<String>());
    let all = MODES.map(|mode| {
        let (said, bytes) = run(&[&rules], &scenario, mode);
        let lines = said.iter().filter_map(|line| {
            let (at, rest) = line.split_once(' ')?;
            let what = match rest.split_once(' ')?.0 {
                "raised" => "fire",
                "cleared" => "end",
                _ => return None,
            };
            let at: crate::core::model::TimeDelta = at.parse().unwrap();
            Some(format!("{what} {}", at.as_micros() / 1_000_000))
        });
        (lines.collect::<Vec<_>>().join(", "), bytes)
    });
    assert!(all.iter().all(|one| *one == all[0]), "the modes differ: {all:?}");
    all[0].0.clone()
}

#[test]
fn one_threshold() {
    let three = "{threshold: {count: 3, within: 10s}}";
    row(three, "0 5 10", "fire 10, end 11", "");
    row(three, "0 5 11", "", "");
    row(three, "0 5 11 15", "fire 15, end 16", "");
    row(three, "0 5 11 16", "", "");
    row(three, "0 1 2 10 11", "fire 2, end 11", "fire 2, end 21");
    let every_second = (0..=40).map(|second| second.to_string()).collect::<Vec<_>>().join(" ");
    let fires = "fire 2, end 11, fire 13, end 22, fire 24, end 33, fire 35, end 44";
    row(three, &every_second, fires, "fire 2, end 50");
    row("{threshold: {count: 1, within: 10s}}", "0 5 12", "fire 0, end 11, fire 12, end 23", "fire 0, end 22");
}

#[test]
fn two_thresholds() {
    let fall = |count: u32| {
        format!("{{hysteresis: {{rise: {{count: 2, within: 10s}}, fall: {{count: {count}, within: 20s}}}}}}")
    };
    row(&fall(0), "0 5", "fire 5, end 26", "fire 5, end 25");
    row(&fall(0), "0 5 15", "fire 5, end 36", "fire 5, end 35");
    row(&fall(0), "0 5 25", "fire 5, end 46", "fire 5, end 25");
    row(&fall(0), "0 5 26", "fire 5, end 26", "fire 5, end 25");
    row(&fall(1), "0 5 15", "fire 5, end 26", "fire 5, end 25");
    row(&fall(1), "0 5 15 20", "fire 5, end 41", "fire 5, end 35");
    row(&fall(1), "0 5 15 20 24", "fire 5, end 45", "fire 5, end 40");
    row(&fall(2), "0 5 10 15 20", "fire 5, end 36", "fire 5, end 30");
}

#[test]
fn groups() {
    let two_each = |repeat: bool| {
        let class = |name: &str| format!("{{match: 'alertname=\"{name}\"', count: 2}}");
        format!("{{group: {{all: [{}, {}], within: 10s, repeat: {repeat}}}}}", class("A"), class("B"))
    };
    row(&two_each(false), "A0 B3 A4 B7 A8", "fire 7, end 11", "fire 7, end 17");
    row(&two_each(false), "A0 A1 B9 B10", "fire 10, end 11", "");
    row(&two_each(false), "A0 A1 B9 B11", "", "");
    row(&two_each(true), "A0 A1 B2 B3 A9 B12", "fire 3, fire 9, end 23", "fire 3, fire 9, end 19");
}

#[test]
fn pairs_and_suppression() {
    // An event that matched the first pattern is swallowed and extends nothing.
    let suppress = "{suppress: {within: 10s}}";
    row(suppress, "0 5 10", "fire 0, end 11", "fire 0, end 10, fire 10, end 20");
    row(suppress, "0 5 11 12", "fire 0, end 11, fire 11, end 22", "fire 0, end 10, fire 11, end 21");
    let pair = "{pair: {until: 'alertname=\"B\"', within: 10s}}";
    row(pair, "A0 A5 B7", "fire 0, end 7", "fire 0, end 7");
    row(pair, "A0 B10 A10", "fire 0, end 10, fire 10, end 21", "fire 0, end 10, fire 10, end 20");
    row(pair, "A0 B11", "fire 0, end 11", "fire 0, end 10");
    let window = "{missing_followup: {until: 'alertname=\"B\"', within: 10s}}";
    row(window, "A0 A5 B7", "", "");
    row(window, "A0 A5 B10", "", "fire 10, end 10");
    row(window, "A0 A5 B11", "fire 11, end 11", "fire 10, end 11");
    row(window, "A0 A20 B40", "fire 11, fire 31, end 40", "fire 10, fire 30, end 40");
}

/// An event that matches both patterns of a pair is a first one only.
#[test]
fn what_is_a_first_event_is_never_tried_as_a_second() {
    let pair = "{pair: {until: 'alertname=~\"A|B\"', within: 10s}}";
    row(pair, "A0 A5", "fire 0, end 11", "fire 0, end 10");
}
