//! Rules and keys: CPU an event by the number of rules and of live keys, bytes a live key. One core, no JSON.
//!
//! `cargo bench --bench rules`; figures stand in benches/README.md. CPU time is this thread's own, so that a shared
//! machine disturbs it less than a clock would.

use std::sync::Arc;

use watchfire::core::engine::{BatchOutput, Engine, Request};
use watchfire::core::model::{Event, Labels, Status, TimeDelta, Timestamp};
use watchfire::core::rules;
use watchfire::core::rules::RuleText;

const EVENTS: u64 = 200_000;
/// Of a hundred events so many concern a rule.
const MATCHING: u64 = 20;
const BLOCK: u64 = 1_000;

/// The allocator of the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    println!(
        "points of 7 labels, {MATCHING} % of them a rule's; a mix of suppress, pair, threshold, group and contexts"
    );
    for count in [10, 100, 1_000, 10_000] {
        let mut stage = Stage::new(mixed_rules(count));
        let nanos = median((0..3).map(|round| stage.push(EVENTS, |n| mixed_point(round * EVENTS + n, count))));
        println!("{count:>7} rules: {nanos:>6.0} ns CPU an event");
    }
    println!("points of live keys of thresholds that are never reached");
    for keys in [1_000, 10_000, 100_000, 1_000_000] {
        let mut stage = Stage::new(thresholds(10));
        let before = resident_bytes();
        let first = stage.push(keys, |n| keyed_point(n, keys));
        let bytes = resident_bytes().saturating_sub(before) / keys;
        let again = median((0..3).map(|round| stage.push(EVENTS.min(keys), |n| keyed_point(mix(n + round), keys))));
        println!(
            "{keys:>8} keys: first {first:>6.0} ns, again {again:>6.0} ns CPU an event; {bytes} B a key of one count"
        );
    }
    let (mut stage, keys) = (Stage::new(thresholds(10)), 50_000);
    let before = resident_bytes();
    for round in 0..10 {
        // So that the counts of keys run from 1 to 10.
        stage.push(keys - round * keys / 10, |n| keyed_point(n, keys));
    }
    println!("counts from 1 to 10: {} B a key", resident_bytes().saturating_sub(before) / keys);
}

/// An engine under some rules and the moment that it is at.
struct Stage {
    engine: Engine,
    work: BatchOutput,
    now: Timestamp,
}

impl Stage {
    fn new(text: String) -> Stage {
        let texts = vec![RuleText { path: "bench.yaml".to_owned(), text }];
        let rulebook = Arc::new(rules::load(texts).expect("the bench's rules are good").rulebook);
        let (mut engine, mut work) = (Engine::new(None), BatchOutput::default());
        let (hash, now) = (rulebook.hash, Timestamp::from_seconds(1_700_000_000));
        engine.register_rulebook(rulebook);
        engine.handle(now, Request::Rulebook(hash), &mut work).expect("a known rulebook is taken");
        Stage { engine, work, now }
    }

    /// Nanoseconds of CPU an event; making the events is not counted.
    fn push(&mut self, count: u64, event: impl Fn(u64) -> Event) -> f64 {
        let mut nanos = 0;
        for start in (0..count).step_by(BLOCK as usize) {
            let block = start..(start + BLOCK).min(count);
            let block: Vec<Request> = block.map(|n| Request::Event(Box::new(event(n)))).collect();
            self.now = self.now + TimeDelta::from_millis(10);
            let before = cpu_nanos();
            while let Some((at, partition)) = self.engine.next_deadline().filter(|(at, _)| *at <= self.now) {
                self.engine.handle(at, Request::Tick(partition), &mut self.work).expect("a due tick is taken");
            }
            for request in block {
                self.engine.handle(self.now, request, &mut self.work).expect("an event is taken");
            }
            nanos += cpu_nanos() - before;
            self.work.entries.clear();
            self.work.effects.clear();
        }
        nanos as f64 / count as f64
    }
}

/// One of each kind in turn, each of its own check and by host.
fn mixed_rules(count: u64) -> String {
    let entry = |n: u64| {
        let head = format!(
            "- {{ name: r{n}, match: '@status=\"point\", check=\"chk-{n}\", status=\"firing\"', by: [host], incident: false"
        );
        let until = format!("'check=\"chk-{n}\", status=\"resolved\"'");
        let degraded = format!("'check=\"chk-{n}\", status=\"degraded\"'");
        match n % 5 {
            0 => format!("{head}, pattern: {{ suppress: {{ within: 1h }} }} }}\n"),
            1 => format!("{head}, pattern: {{ pair: {{ until: {until}, within: 1h }} }} }}\n"),
            2 => format!("{head}, pattern: {{ threshold: {{ count: 5, within: 1h }} }} }}\n"),
            3 => format!(
                "- {{ name: r{n}, match: '@status=\"point\", check=\"chk-{n}\"', by: [host], incident: false, clear_after: 1h, pattern: {{ group: \
                 {{ all: [{{ match: 'status=\"firing\"' }}, {{ match: {degraded} }}], within: 1h }} }} }}\n"
            ),
            _ => format!("{head}, context: '!r{n}_{{host}}', contexts: [{{ set: 'r{n}_{{host}}', for: 1h }}] }}\n"),
        }
    };
    let rules: String = (0..count).map(entry).collect();
    format!("rules:\n{rules}")
}

fn mixed_point(n: u64, rules: u64) -> Event {
    let draw = mix(n);
    let (check, host) = if draw % 100 < MATCHING {
        let rule = (draw >> 16) % rules;
        (format!("chk-{rule}"), (rule * 7 + (draw >> 40) % 20) % 100_000)
    } else {
        (format!("oth-{}", (draw >> 40) % rules.max(100)), (draw >> 16) % 100_000)
    };
    let status = ["firing", "firing", "firing", "resolved", "resolved", "degraded"][(draw >> 8) as usize % 6];
    point(&check, host, status, draw)
}

/// The bound on windows is one of each rule's.
fn thresholds(count: u64) -> String {
    let entry = |n: u64| {
        format!(
            "- {{ name: r{n}, match: '@status=\"point\", check=\"chk-{n}\"', by: [host], incident: false, \
             pattern: {{ threshold: {{ count: 1000, within: 1h }} }} }}\n"
        )
    };
    let rules: String = (0..count).map(entry).collect();
    format!("rules:\n{rules}")
}

fn keyed_point(n: u64, keys: u64) -> Event {
    let key = n % keys;
    point(&format!("chk-{}", key % 10), key, "firing", key)
}

fn point(check: &str, host: u64, status: &str, draw: u64) -> Event {
    let labels = Labels::from_pairs([
        ("alertname", check.to_owned()),
        ("check", check.to_owned()),
        ("host", format!("host-{host:07}")),
        ("severity", "warning".to_owned()),
        ("site", format!("site-{:02}", (draw >> 24) % 20)),
        ("service", format!("svc-{:03}", (draw >> 32) % 100)),
        ("status", status.to_owned()),
    ]);
    let annotations = Labels::from_pairs([("msg", "threshold crossed, 数值 17")]);
    Event { annotations, ..Event::new("native", Status::Point, labels) }
}

/// splitmix64: the same numbers on every run.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn cpu_nanos() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    status.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = status.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}
