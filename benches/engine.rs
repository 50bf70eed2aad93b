//! The engine alone, on one core: events a second, memory per active alert, snapshot and restore.
//!
//! `cargo bench --bench engine`; figures stand in benches/README.md.

use std::sync::Arc;

use watchfire::core::engine::{BatchOutput, ENGINE_VERSION, Engine, Request, Snapshot};
use watchfire::core::model::{Event, Expiry, Labels, Status, TimeDelta, Timestamp};
use watchfire::core::rules;
use watchfire::core::rules::RuleText;
use watchfire::metrics::Stopwatch;

const ALERTS: usize = 100_000;

/// The allocator of the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    println!("engine version {ENGINE_VERSION}, {ALERTS} alerts of 8 labels and 2 annotations");
    for rules in [10, 1_000] {
        run(rules);
    }
}

fn run(rule_count: usize) {
    let mut engine = Engine::new(None);
    let text = rule_text(rule_count);
    let texts = vec![RuleText { path: "bench.yaml".to_owned(), text }];
    let rulebook = Arc::new(rules::load(texts).expect("the bench's rules are good").rulebook);
    let hash = rulebook.hash;
    engine.register_rulebook(Arc::clone(&rulebook));
    let mut work = BatchOutput::default();
    let mut now = Timestamp::from_seconds(1_700_000_000);
    engine.handle(now, Request::Rulebook(hash), &mut work).expect("a known rulebook is taken");

    let before = resident_bytes();
    let events: Vec<Event> = (0..ALERTS).map(|n| event(n, rule_count)).collect();
    let made = resident_bytes();
    let first = push(&mut engine, &mut work, &mut now, &events);
    let after = resident_bytes();
    let again: Vec<f64> = (0..5).map(|_| push(&mut engine, &mut work, &mut now, &events)).collect();
    println!(
        "{rule_count:>6} rules: first seen {:>9.0}/s, re-sent {:>9.0}/s, {} B per active alert and incident",
        ALERTS as f64 / first,
        ALERTS as f64 / median(again),
        after.saturating_sub(made) / ALERTS as u64,
    );
    drop(events);
    let _ = before;
    snapshot(&engine, rulebook);
}

fn push(engine: &mut Engine, work: &mut BatchOutput, now: &mut Timestamp, events: &[Event]) -> f64 {
    let mut seconds = 0.0;
    for block in events.chunks(1_000) {
        let block: Vec<Request> = block.iter().map(|event| Request::Event(Box::new(event.clone()))).collect();
        *now = *now + TimeDelta::from_millis(10);
        let watch = Stopwatch::start();
        while let Some((at, partition)) = engine.next_deadline().filter(|(at, _)| at <= now) {
            engine.handle(at, Request::Tick(partition), work).expect("a due tick is taken");
        }
        for request in block {
            engine.handle(*now, request, work).expect("an event is taken");
        }
        seconds += watch.seconds();
        work.entries.clear();
        work.effects.clear();
    }
    seconds
}

fn snapshot(engine: &Engine, rulebook: Arc<rules::Rulebook>) {
    let watch = Stopwatch::start();
    let frozen = engine.freeze();
    let freeze = watch.seconds();
    let mut bytes = 0;
    let saved: Vec<Snapshot> = frozen
        .iter()
        .map(|one| Snapshot {
            partition: one.partition,
            next_offset: one.next_offset,
            taken_at: one.taken_at,
            rulebook: one.rulebook,
            sections: one
                .section_names()
                .into_iter()
                .map(|name| {
                    let encoded = one.encode(&name).expect("a state can be encoded");
                    bytes += encoded.len();
                    (name, encoded)
                })
                .collect(),
        })
        .collect();
    let encode = watch.seconds() - freeze;
    let watch = Stopwatch::start();
    let restored = Engine::restore(None, vec![rulebook], saved).expect("what was encoded can be restored");
    let restore = watch.seconds();
    assert_eq!(restored.alerts().count(), engine.alerts().count());
    println!(
        "        snapshot: freeze {:.3} ms, encode {:.0} ms ({} MB), restore {:.0} ms",
        freeze * 1e3,
        encode * 1e3,
        bytes / 1_000_000,
        restore * 1e3
    );
}

fn event(n: usize, rule_count: usize) -> Event {
    let labels = Labels::from_pairs([
        ("alertname", format!("Check{}", n % rule_count)),
        ("instance", format!("host-{n}.example.org:9100")),
        ("site", format!("GZ{:02}", n % 17)),
        ("job", "node".to_owned()),
        ("device", format!("sw{}", n % 97)),
        ("team", "network".to_owned()),
        ("region", "south".to_owned()),
        ("severity", "warning".to_owned()),
    ]);
    Event {
        annotations: Labels::from_pairs([
            ("summary", format!("磁盘使用率过高 host-{n}")),
            ("runbook_url", "https://runbooks.example.org/disk".to_owned()),
        ]),
        expiry: Expiry::Never,
        ..Event::new("native", Status::Firing, labels)
    }
}

/// Rules of which each takes its own alert name: most grouped by site, every fifth a threshold.
fn rule_text(count: usize) -> String {
    let mut text = String::from("rules:\n");
    for n in 0..count {
        let pattern = if n % 5 == 0 { "{ threshold: { count: 5, within: 10m } }" } else { "each" };
        text += &format!(
            "  - {{ name: r{n}, match: 'alertname=\"Check{n}\"', by: [site], pattern: {pattern}, title: 'r{n} {{site}}' }}\n"
        );
    }
    text
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = status.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}
