//! Limits: growth is bounded, a limit that is hit is reported, and a snapshot writes only changed sections.

use super::super::{
    CorrelationLimit, CorrelationMetric, Correlator, Frozen, MEMBERS_SHOWN, Output, Verdict, WINDOWS_PER_RULE,
};
use super::language;
use super::language::{START, Verb};
use crate::core::model::{Cause, Event, Labels, Offset, Partition, Status, TimeDelta, Timestamp};

fn send(correlator: &mut Correlator, now: Timestamp, event: &Event) -> Vec<Output> {
    let mut out = Vec::new();
    let cause = Cause { partition: Partition::DEFAULT, offset: Offset(now.as_micros() as u64), n: 0 };
    correlator.event(now, cause, event, &mut out);
    out
}

fn labelled(status: Status, name: &str, number: usize) -> Event {
    Event::new("native", status, Labels::from_pairs([("alertname", name), ("n", &number.to_string())]))
}

#[test]
fn the_oldest_window_of_a_rule_goes_when_there_are_too_many() {
    let rules = "t: alertname=\"E\" | threshold 2 in 1h | by=n";
    let mut correlator = Correlator::new(language::rulebook(rules));
    let at = |n: usize| START + TimeDelta::from_micros(n as i64);
    for n in 0..WINDOWS_PER_RULE {
        assert_eq!(send(&mut correlator, at(n), &labelled(Status::Point, "E", n)), []);
    }
    let windows = correlator.window_count();
    let bound = Output::Count(CorrelationMetric::Bound { which: CorrelationLimit::Windows });
    assert_eq!(send(&mut correlator, at(windows), &labelled(Status::Point, "E", windows)), [bound]);
    assert_eq!(correlator.window_count(), windows);
    // The first lost its count, the second did not.
    let raised = send(&mut correlator, at(windows + 1), &labelled(Status::Point, "E", 1));
    assert!(matches!(verdict(&raised[0]), Some(Verdict::Raised(_))), "{raised:?}");
    // Raised or not, the oldest is dropped next; the desk gets a report.
    let said = send(&mut correlator, at(windows + 2), &labelled(Status::Point, "E", 0));
    assert_eq!(said.iter().filter_map(verdict).collect::<Vec<_>>(), [&Verdict::Retired], "{said:?}");
}

fn verdict(output: &Output) -> Option<&Verdict> {
    match output {
        Output::Decision(decision) => Some(&decision.verdict),
        _ => None,
    }
}

#[test]
fn a_large_group_shows_some_members_at_once_and_the_rest_right_after() {
    let mut correlator = Correlator::new(language::rulebook("all: alertname=\"Down\" | each | by=alertname"));
    let mut out = Vec::new();
    let silence = language::scenario("0s silence S1 alertname=\"Down\" 0s..3600s");
    if let Verb::Silence(change) = &silence[0].verb {
        correlator.silence(START, change, &mut out);
    }
    let members = MEMBERS_SHOWN + 5;
    for n in 0..members {
        send(&mut correlator, START, &labelled(Status::Firing, "Down", n));
    }
    out.clear();
    correlator.tick(START + TimeDelta::from_hours(1), &mut out);
    let (mut shown, mut joined, mut changed, mut bounds) = (0, 0, 0, 0);
    for output in &out {
        match output {
            Output::Decision(decision) => match &decision.verdict {
                Verdict::Raised(raised) => shown += raised.members.len(),
                Verdict::Joined { .. } => joined += 1,
                other => panic!("{other:?}"),
            },
            Output::AlertChanged(_) => changed += 1,
            Output::Count(CorrelationMetric::Bound { which: CorrelationLimit::Members }) => bounds += 1,
            _ => {}
        }
    }
    assert_eq!((shown, joined, changed, bounds), (MEMBERS_SHOWN, 5, members, 1));
    assert_eq!(correlator.broken_invariants(), Vec::<String>::new());
}

#[test]
fn a_frozen_state_stays_as_it_was_and_only_touched_sections_are_new() {
    let mut correlator = Correlator::new(language::rulebook("all: alertname!=\"\" | each"));
    for n in 0..500 {
        send(&mut correlator, START, &labelled(Status::Firing, "故障", n));
    }
    let before = correlator.freeze();
    let bytes = |frozen: &Frozen| -> Vec<Vec<u8>> {
        Frozen::section_names().map(|name| frozen.encode_section(&name).unwrap()).collect()
    };
    let then = bytes(&before);
    send(&mut correlator, START + TimeDelta::from_seconds(1), &labelled(Status::Resolved, "故障", 7));
    let after = correlator.freeze();
    assert_eq!(bytes(&before), then);
    let new: Vec<String> = Frozen::section_names().filter(|name| !after.same_section(&before, name)).collect();
    assert_eq!(new.len(), 2, "one of alerts, one of conditions: {new:?}");
    for (name, (then, now)) in Frozen::section_names().zip(then.iter().zip(&bytes(&after))) {
        assert_eq!(then != now, new.contains(&name), "{name}");
    }
}

#[test]
fn an_early_deadline_costs_a_tick_that_says_nothing() {
    let mut correlator = Correlator::new(language::rulebook(""));
    let mut event = labelled(Status::Firing, "Down", 1);
    event.expiry = crate::core::model::Expiry::After(TimeDelta::from_seconds(60));
    send(&mut correlator, START, &event);
    send(&mut correlator, START + TimeDelta::from_seconds(30), &event);
    let early = correlator.next_deadline().unwrap();
    assert_eq!(early, START + TimeDelta::from_seconds(60));
    let mut out = Vec::new();
    correlator.tick(early, &mut out);
    assert_eq!((out, correlator.next_deadline()), (Vec::new(), Some(START + TimeDelta::from_seconds(90))));
}
