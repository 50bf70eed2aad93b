//! Random cases, and the way from one on which two judges disagree to the smallest.
//!
//! The seed is fixed, so that a run never surprises; `PROPTEST_SEED` and `PROPTEST_CASES` widen the search.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::case::{Case, Event, Name, Pattern, Rule, SECOND, Semantics, Status};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// How many cases, unless the environment says otherwise.
pub fn cases(default: usize) -> usize {
    number("PROPTEST_CASES").map_or(default, |cases| usize::try_from(cases).unwrap())
}

pub fn runner() -> TestRunner {
    let seed = number("PROPTEST_SEED").unwrap_or(20_260_213);
    TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() })
}

/// The smallest case that still disagrees, of those that lie on the way down from this one.
pub fn smallest(mut tree: impl ValueTree<Value = Case>, disagrees: impl Fn(&Case) -> bool) -> Case {
    let mut worst = tree.current();
    while tree.simplify() {
        while !disagrees(&tree.current()) {
            if !tree.complicate() {
                return worst;
            }
        }
        worst = tree.current();
    }
    worst
}

const NAMES: [Name; 3] = ["A", "B", "C"];
const SITES: [&str; 2] = ["GZ", "深圳"];
const HOSTS: [&str; 2] = ["a", "b"];

fn names() -> impl Strategy<Value = Vec<Name>> {
    prop_oneof![
        4 => prop::sample::select(&NAMES[..]).prop_map(|name| vec![name]),
        1 => prop::sample::subsequence(&NAMES[..], 1..=2),
    ]
}

fn within() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![1, 2, 3, 5, 8, 10])
}

fn group() -> impl Strategy<Value = Pattern> {
    let class = || (names(), 1_usize..=3);
    (prop::collection::vec(class(), 2..=3), within(), any::<bool>()).prop_map(|(all, within, repeat)| Pattern::Group {
        all,
        within,
        repeat,
    })
}

/// What SEC knows as well.
fn sec_pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        1 => Just(Pattern::Each { quiet: 5 }),
        2 => within().prop_map(|within| Pattern::Suppress { within }),
        4 => (1_usize..=4, within())
            .prop_map(|(count, within)| Pattern::Threshold { count, within, clear: 1, distinct: false }),
        4 => (1_usize..=3, within(), 0_usize..=3, within())
            .prop_map(|(rise, within, fall, calm)| Pattern::Thresholds { rise: (rise, within), fall: (fall, calm) }),
        3 => (names(), prop::option::weighted(0.8, within()))
            .prop_map(|(until, within)| Pattern::Pair { until, within }),
        3 => (names(), within()).prop_map(|(until, within)| Pattern::PairWindow { until, within }),
        4 => group(),
    ]
}

/// Rules that SEC can be given, for points that come when they happen.
pub fn sec_case() -> impl Strategy<Value = Case> {
    let rule = (names(), any::<bool>(), sec_pattern(), any::<bool>()).prop_map(|(names, keyed, pattern, continues)| {
        Rule { names, keyed, pattern, semantics: Semantics::Sec, continues, messages: false }
    });
    let gap = prop::sample::select(vec![0, 0, 1, 1, 1, 2, 2, 3, 4, 6, 11]);
    let event = (gap, prop::sample::select(&NAMES[..]), prop::sample::select(&SITES[..]));
    (prop::collection::vec(rule, 1..=3), prop::collection::vec(event, 0..=24)).prop_map(|(rules, events)| {
        let mut at = 0;
        let happen = |(gap, name, site)| {
            at += gap * SECOND;
            Event { at, ago: 0, status: Status::Point, name, site, host: HOSTS[0] }
        };
        Case { rules, events: events.into_iter().map(happen).collect() }
    })
}
