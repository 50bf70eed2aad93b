//! Random scenarios against invariants, and the optimised parts against slow and obvious ones.
//!
//! The seed is fixed, so runs are reproducible; `PROPTEST_SEED` and `PROPTEST_CASES` widen the search.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use super::super::matcher_index::MatcherIndex;
use super::{MODES, Mode, World, language, run};
use crate::core::model::{Fingerprint, Labels, Matchers, TimeDelta};
use crate::core::rules::Inhibition;

pub(super) fn config(cases: u32) -> Config {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("PROPTEST_SEED").unwrap_or(20_260_213);
    let cases = number("PROPTEST_CASES").map_or(cases, |cases| cases as u32);
    Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() }
}

const RULEBOOKS: [&str; 5] = [
    // Every pattern, contexts and derived events, over the same few alerts.
    "begin: alertname=\"C\" | yaml | continue: true, incident: false, clear_after: 5s, contexts: [{set: 'M_{site}', for: 12s, on_expiry: {event: {labels: {alertname: P, site: '{site}'}, severity: minor}}}, {unset: 'N', when: clear}]
     distinct: alertname=~\"A|P\" | {threshold: {count: 2, within: 20s, distinct: host}} | by: [site], continue: true, context: '!M_{site}'
     rate: alertname=\"A\" | {rate: {above: 0.1, per: 1s, within: 20s}} | by: [site], continue: true
     high: alertname=~\".+\" | {rate: {above: 60.1, per: 1s, within: 20s}} | by: [site], continue: true, on: message
     two: alertname=~\"A|P\" | {hysteresis: {rise: {count: 2, within: 10s}, fall: {count: 1, within: 15s}}} | by: [site], continue: true, emit: {labels: {alertname: D, site: '{site}', host: '{host}'}, severity: minor}
     lacks: alertname=~\"B|P\" | {missing_followup: {until: 'alertname=~\"C|D\"', within: 9s}} | by: [site], continue: true
     steps: alertname=\"A\" | {sequence: {steps: ['alertname=~\"B|P\", host=\"{1.host}\"', 'alertname=~\"A|C\"'], within: 25s}} | by: [site], continue: true, clear_after: 7s, on: message
     group: site=~\"GZ|SZ\" | {group: {all: [{match: 'alertname=\"A\"', count: 2}, {match: 'alertname=~\"P|B\"'}], within: 20s, repeat: true}} | by: [site], pass_on_after: 10s
     flap: alertname=~\"A|D\" | {flap: {start: 3, within: 20s, stop: 0, stop_within: 25s}} | by: [site], continue: true
     icinga: alertname=~\"A|H\" | {flap: {mode: icinga}} | continue: true, clear_after: 30s
     nagios: alertname=~\"A|B|T\" | {flap: {mode: nagios}} | pass_on_after: 15s
     clock: - | {calendar: {schedule: '*/20 * * * * *', zone: UTC}} | context: 'M_GZ || N', clear_after: 3s, emit: {labels: {alertname: T, site: GZ}, status: point}, contexts: [{set: N, for: 30s}]
     swallow: alertname=~\"H|T|D\" | {suppress: {within: 12s}} | by: [site]
     inhibit: alertname=\"A\" -> alertname=~\"B|D|T|P\" | site",
    "begin: alertname=\"C\" | yaml | semantics: sec, continue: true, incident: false, clear_after: 5s, contexts: [{set: 'M_{site}', for: 12s}]
     three: alertname=~\"A|P\" | {threshold: {count: 2, within: 10s}} | semantics: sec, by: [site], continue: true, context: '!M_{site}'
     two: alertname=~\"A|P\" | {hysteresis: {rise: {count: 2, within: 10s}, fall: {count: 1, within: 15s}}} | semantics: sec, by: [site], continue: true, on: message
     lacks: alertname=~\"B|P\" | {missing_followup: {until: 'alertname=~\"C|D\"', within: 9s}} | semantics: sec, by: [site], continue: true
     pair: alertname=~\"B|P\" | {pair: {until: 'alertname=~\"C|D\"', within: 9s}} | semantics: sec, by: [site], continue: true
     group: site=~\"GZ|SZ\" | {group: {all: [{match: 'alertname=\"A\"', count: 2}, {match: 'alertname=~\"P|B\"'}], within: 20s, repeat: true}} | semantics: sec, by: [site], continue: true
     once: site=~\"GZ|SZ\" | {group: {all: [{match: 'alertname=\"A\"'}, {match: 'alertname=~\"P|B\"'}], within: 20s}} | semantics: sec, by: [site]
     swallow: alertname=~\"H|T|D\" | {suppress: {within: 12s}} | semantics: sec, by: [site]
     any: site=~\"GZ|SZ\" | each | continue",
    "seen: @severity=\"critical\" | each | continue by=site
     flap: alertname=\"A\" | threshold 3 in 20s clear 2 | by=site otherwise=30s
     burst: alertname=\"P\" | threshold 2 in 15s | by=site messages
     link: alertname=\"B\" | pair until alertname=\"C\" within 40s | by=site
     beat: alertname=\"H\" | absence 25s | by=host
     trap: alertname=\"T\" | each | quiet=20s
     any: site=~\"GZ|SZ\" | each | by=site
     inhibit: alertname=\"A\" -> alertname=~\"B|D|T\" | site
     inhibit: host=\"a\" -> host=~\"a|b\" | site",
    "flap: alertname=\"A\" | threshold 3 in 20s clear 2 | by=site otherwise=30s
     burst: alertname=~\"P|T\" | threshold 2 in 15s | by=site
     beat: alertname=\"H\" | absence 25s | by=host
     ends: alertname=\"D\",@status=\"resolved\" | threshold 2 in 30s
     any: site=~\"GZ|SZ\" | each | continue
     inhibit: @severity=\"critical\" -> @severity!=\"critical\" | site,host",
    "",
];

/// One line of a scenario, its time as seconds after the line before.
fn line() -> impl Strategy<Value = (u64, String)> {
    let labels = || {
        let name = prop::sample::select(vec!["A", "A", "A", "B", "C", "D", "H", "P", "P", "T"]);
        let site = prop::sample::select(vec!["", " site=GZ", " site=SZ"]);
        let host = prop::sample::select(vec!["", " host=a", " host=b"]);
        (name, site, host).prop_map(|(name, site, host)| format!("{name}{site}{host}"))
    };
    let more = prop::sample::select(vec![
        "",
        "",
        " !severity=critical",
        " !severity=minor",
        " !note=x",
        " !expires=15s",
        " !value=1",
        " !raw=x",
    ]);
    let alert = (prop::sample::select(vec!["firing", "firing", "resolved"]), labels(), more)
        .prop_map(|(verb, labels, more)| format!("{verb} {labels}{more}"));
    let late = (prop::sample::select(vec!["firing", "resolved", "point"]), labels(), 0_u64..40)
        .prop_map(|(verb, labels, ago)| format!("{verb} {labels} !ago={ago}"));
    let point = (labels(), prop::sample::select(vec!["", " !id=1", " !id=2"]))
        .prop_map(|(labels, id)| format!("point {labels}{id}"));
    let v2 = (labels(), prop::sample::select(vec!["", " !in=30", " !in=60 !ago2=5", " !in=0"]))
        .prop_map(|(labels, times)| format!("v2 {labels}{times}"));
    let matchers = prop::sample::select(vec!["site=\"GZ\"", "alertname=~\"A|P|T\"", "host!=\"a\"", "alertname=\"H\""]);
    let silence = (1_u64..4, 1_u64..6, matchers, 0_u64..20, 1_u64..40, prop::bool::weighted(0.3)).prop_map(
        |(old, new, matchers, start, length, changes)| {
            let old = if changes { format!("S{old}>") } else { String::new() };
            format!("silence {old}S{new} {matchers} +{start}..{length}")
        },
    );
    let other = prop::sample::select(vec!["expire S1", "expire S2", "expire S3", "tick", "resumed"]);
    let reload = prop::sample::select(vec!["rules 0", "rules 1", "rules 2", "rules 3", "rules 4"]);
    let what = prop_oneof![
        16 => alert, 6 => late, 8 => point, 6 => v2, 4 => silence, 2 => other.prop_map(str::to_owned),
        1 => reload.prop_map(str::to_owned)
    ];
    (prop::sample::select(vec![0_u64, 0, 0, 1, 1, 2, 3, 5, 8, 40]), what)
}

/// Converts relative times to absolute ones.
fn written(lines: &[(u64, String)]) -> String {
    let mut now = 1_000;
    let mut text = String::new();
    for (gap, line) in lines {
        now += gap;
        let words: Vec<String> = line
            .split(' ')
            .map(|word| match word.split_once('=') {
                Some(("!ago", ago)) => format!("!at={}s", now - ago.parse::<u64>().unwrap()),
                Some(("!ago2", ago)) => format!("!starts={}s", now - ago.parse::<u64>().unwrap()),
                Some(("!in", after)) => format!("!ends={}s", now + after.parse::<u64>().unwrap()),
                Some(_) | None => match word.strip_prefix('+').and_then(|word| word.split_once("..")) {
                    Some((start, length)) => {
                        let start = now + start.parse::<u64>().unwrap();
                        format!("{start}s..{}s", start + length.parse::<u64>().unwrap())
                    }
                    None if word == "resumed" => format!("resumed {gap}s"),
                    None => word.to_owned(),
                },
            })
            .collect();
        text.push_str(&format!("{now}s {}\n", words.join(" ")));
    }
    text.push_str(&format!("{}s tick\n", now + 100));
    text
}

#[test]
fn any_scenario_says_the_same_in_every_mode_and_breaks_no_invariant() {
    proptest!(config(24), |(lines in prop::collection::vec(line(), 1..60), first in 0_usize..5)| {
        let scenario = written(&lines);
        let mut rulebooks = RULEBOOKS;
        rulebooks.swap(0, first);
        let rulebooks = &rulebooks[..];
        let plain = run(rulebooks, &scenario, MODES[0]);
        for mode in &MODES[1..] {
            let other = run(rulebooks, &scenario, *mode);
            prop_assert_eq!(&other.0, &plain.0, "{:?} says other things after\n{}", mode, scenario);
            prop_assert!(other.1 == plain.1, "{:?} ends in other bytes after\n{}", mode, scenario);
        }
    });
}

/// By Alertmanager's words, over all pairs.
fn inhibitor(inhibitions: &[Inhibition], firing: &[Labels], target: &Labels) -> Option<Fingerprint> {
    inhibitions.iter().find_map(|rule| {
        let both_sides = rule.source.matches(target);
        let equal = |source: &Labels| {
            rule.equal.iter().all(|name| source.get(name).unwrap_or_default() == target.get(name).unwrap_or_default())
        };
        let holds = |source: &&Labels| {
            rule.source.matches(source) && equal(source) && !(both_sides && rule.target.matches(source))
        };
        if !rule.target.matches(target) {
            return None;
        }
        firing.iter().filter(holds).map(Labels::fingerprint).min()
    })
}

#[test]
fn inhibition_agrees_with_asking_every_pair() {
    let matchers = || {
        prop::sample::select(vec![
            "a=\"1\"",
            "a=\"2\"",
            "b=\"1\"",
            "a=~\"1|2\"",
            "a=~\"1.*\"",
            "a=~\".*\"",
            "a!~\"1.*\"",
            "b=~\"(?:1|2)\",c=~\".+\"",
            "b!=\"1\"",
            "c=\"\"",
            "a=\"1\",b=\"1\"",
        ])
    };
    let equal = prop::sample::select(vec!["", "a", "c", "b,c"]);
    let rules = prop::collection::vec((matchers(), matchers(), equal), 1..4);
    let value = || prop::sample::select(vec!["", "1", "2"]);
    let events = prop::collection::vec((any::<bool>(), value(), value(), value()), 1..40);
    proptest!(config(96), |(rules in rules, events in events)| {
        let rules: String =
            rules.iter().map(|(source, target, equal)| format!("inhibit: {source} -> {target} | {equal},\n")).collect();
        let rulebook = language::rulebook(&rules);
        let mut world = World::new(Arc::clone(&rulebook), Mode { compact: false, restore: false });
        for (second, (fires, a, b, c)) in events.iter().enumerate() {
            let pairs: String = [("a", a), ("b", b), ("c", c)]
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!(" {name}={value}"))
                .collect();
            let verb = if *fires { "firing" } else { "resolved" };
            for step in language::scenario(&format!("{second}s {verb} X{pairs}")) {
                world.step(&step, &[]);
            }
            let alerts: Vec<_> = world.correlator.alerts().collect();
            let firing: Vec<Labels> = alerts.iter().map(|alert| alert.labels.clone()).collect();
            for alert in &alerts {
                let expected: Vec<Fingerprint> =
                    inhibitor(&rulebook.inhibitions, &firing, &alert.labels).into_iter().collect();
                prop_assert_eq!(&alert.inhibited_by, &expected, "{} under\n{}", alert.labels, rules);
            }
        }
    });
}

/// A threshold that keeps every event for ever and looks through all of them.
#[derive(Default)]
struct SlowThreshold {
    count: usize,
    within: u64,
    clear: usize,
    times: Vec<u64>,
    on: bool,
    told_to: Option<u64>,
    now: u64,
    said: Vec<String>,
}

impl SlowThreshold {
    fn arrive(&mut self, now: u64, at: u64) {
        self.pass(now);
        self.now = now;
        self.times.push(at);
        self.times.sort_unstable();
        let newest: Vec<u64> = self.times.iter().rev().take(self.count).copied().collect();
        let is_among = newest.len() == self.count && at >= newest[self.count - 1] && Some(newest[0]) > self.told_to;
        if !self.on && is_among && newest[0] - newest[self.count - 1] < self.within {
            self.on = true;
            self.said.push(format!("{} raised t{{}}", TimeDelta::from_seconds(now as i64)));
        }
        self.pass(now);
    }

    fn pass(&mut self, now: u64) {
        if !self.on {
            return;
        }
        // The first whole second at which fewer than `clear` lie in the window that ends there.
        let left = |at: u64| self.times.iter().filter(|time| **time + self.within > at).count();
        let oldest = self.times.iter().min().copied().unwrap_or_default();
        if let Some(at) = (oldest..=now).find(|at| left(*at) < self.clear) {
            self.on = false;
            self.told_to = self.times.last().copied();
            let at = at.max(self.now);
            self.said.push(format!("{} cleared t{{}}", TimeDelta::from_seconds(at as i64)));
        }
    }
}

#[test]
fn a_threshold_agrees_with_one_that_keeps_everything() {
    let arrivals = prop::collection::vec((prop::sample::select(vec![0_u64, 1, 1, 2, 3, 5, 9, 30]), 0_u64..12), 1..50);
    proptest!(config(192), |(arrivals in arrivals, count in 1_usize..5, within in 2_u64..12, clear in 1_usize..4)| {
        let clear = clear.min(count);
        let (mut now, mut scenario) = (100, String::new());
        let mut slow = SlowThreshold { count, within, clear, ..SlowThreshold::default() };
        for (gap, late) in arrivals {
            now += gap;
            scenario.push_str(&format!("{now}s point E !at={}s\n", now - late));
            slow.arrive(now, now - late);
        }
        scenario.push_str("10000s tick");
        slow.pass(10_000);
        let rules = format!("t: alertname=\"E\" | threshold {count} in {within}s clear {clear}");
        let (said, _) = run(&[&rules], &scenario, MODES[0]);
        let said: Vec<String> = said.iter().map(|line| line.split(" indeterminate").next().unwrap().to_owned()).collect();
        prop_assert_eq!(said, slow.said, "{}\n{}", rules, scenario);
    });
}

#[test]
fn candidates_lose_no_rule_and_keep_the_order() {
    let matchers = prop::sample::select(vec![
        "a=\"1\"",
        "a=\"2\"",
        "b=\"1\"",
        "a=\"1\",b=\"1\"",
        "a=~\"1|2\"",
        "a!=\"1\"",
        "c=\"\"",
        "@source=\"x\"",
        "{}",
        "b=\"1\",c=\"\"",
    ]);
    let value = || prop::sample::select(vec!["", "1", "2"]);
    proptest!(config(192), |(sets in prop::collection::vec(matchers, 0..20), a in value(), b in value(), c in value())| {
        let sets: Vec<Matchers> = sets.into_iter().map(|text| Matchers::parse(text).unwrap()).collect();
        let labels = Labels::from_pairs([("a", a), ("b", b), ("c", c)].into_iter().filter(|(_, value)| !value.is_empty()));
        let candidates = MatcherIndex::new(sets.iter().enumerate().map(|(number, set)| (number as u32, set)));
        let mut found = Vec::new();
        candidates.find(&labels, &Labels::empty(), &mut found);
        let distinct: BTreeSet<u32> = found.iter().copied().collect();
        prop_assert!(distinct.iter().eq(found.iter()), "{:?} is not in order", found);
        let fits = |number: &u32| sets[*number as usize].matches(&labels);
        let linear: Vec<u32> = (0..sets.len() as u32).filter(fits).collect();
        let indexed: Vec<u32> = found.into_iter().filter(fits).collect();
        prop_assert_eq!(indexed, linear);
    });
}
