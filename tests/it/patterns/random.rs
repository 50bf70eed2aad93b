//! Random cases, and the way from one on which two judges disagree to the smallest.
//!
//! The seed is fixed, so that a run never surprises; `PROPTEST_SEED` and `PROPTEST_CASES` widen the search.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::case::{Becomes, Case, Change, Event, Guard, Name, Pattern, Rule, SECOND, Semantics, Status, What};

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
/// What rules make: the second name only of the first, so that nothing goes round for ever.
const MADE: [Name; 2] = ["D", "E"];
const SITES: [&str; 2] = ["GZ", "深圳"];
const HOSTS: [&str; 2] = ["a", "b"];

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![7 => prop::sample::select(&NAMES[..]), 1 => prop::sample::select(&MADE[..])]
}

fn names() -> impl Strategy<Value = Vec<Name>> {
    let two = (name(), name()).prop_filter("two names", |(one, other)| one != other);
    prop_oneof![4 => name().prop_map(|name| vec![name]), 1 => two.prop_map(|(one, other)| vec![one, other])]
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
        quiet: 5,
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

fn context() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["M", "S_{site}"])
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let set = (prop::option::weighted(0.8, within()), prop::option::weighted(0.3, prop::sample::select(&MADE[..])));
    let becomes = prop_oneof![
        2 => set.prop_map(|(lifetime, then)| Becomes::Set { lifetime, then: then.filter(|_| lifetime.is_some()) }),
        1 => Just(Becomes::Unset),
    ];
    let on = prop_oneof![3 => Just(What::Raised), 1 => Just(What::Cleared)];
    let change = (on, context(), becomes).prop_map(|(on, context, becomes)| Change { on, context, becomes });
    prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(change, 1..=2)]
}

/// Puts a rule together from parts that may not fit one another: what would mean nothing is left out.
fn rule(semantics: Semantics, pattern: impl Strategy<Value = Pattern>) -> impl Strategy<Value = Rule> {
    let guard = prop::option::weighted(0.25, (context(), any::<bool>()));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (names(), pattern, flags, guard, changes()).prop_map(move |(names, pattern, flags, guard, changes)| {
        let (keyed, continues, emits) = flags;
        let mut rule = Rule { keyed, continues, changes, ..Rule::new(names[0], pattern, semantics) };
        rule.names = names;
        if let Pattern::Group { all, .. } = &rule.pattern {
            // Its own matchers let through what its classes name.
            rule.names = all.iter().flat_map(|(names, _)| names.clone()).collect();
            rule.names.sort_unstable();
            rule.names.dedup();
        }
        // Without a key each alert would be one.
        rule.keyed |= matches!(rule.pattern, Pattern::Each { .. });
        let fits_key = |context: &str| rule.keyed || !context.contains('{');
        rule.guard = guard.map(|(context, alive)| Guard { context, alive }).filter(|guard| fits_key(guard.context));
        rule.changes.retain(|change| fits_key(change.context));
        if emits {
            let makes = [MADE[0], MADE[1]].into_iter().find(|made| rule.seen().all(|name| name < *made));
            rule.emits = makes.map(|made| (made, Status::Point));
        }
        rule
    })
}

/// Whether SEC does something when the pattern ends, and at no other time.
fn has_end_in_sec(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::Threshold { .. } | Pattern::Thresholds { .. } | Pattern::Pair { within: None, .. })
}

/// How long the events of a case for SEC come: within a minute nobody is reminded of what stands.
pub const SEC_SECONDS: i64 = 55;

/// Rules that SEC can be given, for points that come when they happen.
pub fn sec_case() -> impl Strategy<Value = Case> {
    let rule = rule(Semantics::Sec, sec_pattern()).prop_map(|mut rule| {
        rule.changes.retain(|change| change.on == What::Raised || has_end_in_sec(&rule.pattern));
        // With nothing open the second event of a pair passes SEC's rule by; here it is the rule's all the same.
        rule.continues |= matches!(rule.pattern, Pattern::Pair { .. } | Pattern::PairWindow { .. });
        rule
    });
    let gap = prop::sample::select(vec![0, 0, 1, 1, 1, 2, 2, 3, 4, 6, 11]);
    let event = (gap, prop::sample::select(&NAMES[..]), prop::sample::select(&SITES[..]));
    (prop::collection::vec(rule, 1..=4), prop::collection::vec(event, 0..=24)).prop_map(|(rules, events)| {
        let mut at = 0;
        let happen = |(gap, name, site)| {
            at += gap * SECOND;
            Event { at, ago: 0, status: Status::Point, name, site, host: HOSTS[0] }
        };
        let events = events.into_iter().map(happen).take_while(|event| event.at < SEC_SECONDS * SECOND);
        Case { rules, events: events.collect() }
    })
}

/// The patterns, by name.
pub fn patterns() -> Vec<(&'static str, BoxedStrategy<Pattern>)> {
    let quiet = || prop::sample::select(vec![1_i64, 3, 5, 12]);
    let count = || 1_usize..=4;
    vec![
        ("each", quiet().prop_map(|quiet| Pattern::Each { quiet }).boxed()),
        ("suppress", within().prop_map(|within| Pattern::Suppress { within }).boxed()),
        (
            "threshold",
            (count(), within(), count(), any::<bool>())
                .prop_map(|(count, within, clear, distinct)| Pattern::Threshold {
                    count,
                    within,
                    clear: clear.min(count),
                    distinct,
                })
                .boxed(),
        ),
        (
            "rate",
            (prop::sample::select(vec![0_i64, 5, 10, 25]), prop::sample::select(vec![1_i64, 2, 10]), within())
                .prop_map(|(above, per, within)| {
                    let count = usize::try_from(above * within / (per * 10)).unwrap() + 1;
                    Pattern::Rate { above, per, within, count }
                })
                .boxed(),
        ),
        (
            "thresholds",
            (1_usize..=3, within(), 0_usize..=3, within())
                .prop_map(|(rise, within, fall, calm)| Pattern::Thresholds { rise: (rise, within), fall: (fall, calm) })
                .boxed(),
        ),
        (
            "pair",
            (names(), prop::option::weighted(0.7, within()))
                .prop_map(|(until, within)| Pattern::Pair { until, within })
                .boxed(),
        ),
        ("pair_window", (names(), within()).prop_map(|(until, within)| Pattern::PairWindow { until, within }).boxed()),
        ("absence", within().prop_map(|within| Pattern::Absence { within }).boxed()),
        (
            "sequence",
            (prop::collection::vec(names(), 1..=2), within(), any::<bool>(), quiet())
                .prop_map(|(steps, within, captures, quiet)| Pattern::Sequence { steps, within, captures, quiet })
                .boxed(),
        ),
        (
            "group",
            (prop::collection::vec((names(), 1_usize..=2), 1..=3), within(), any::<bool>(), quiet())
                .prop_map(|(all, within, repeat, quiet)| Pattern::Group { all, within, repeat, quiet })
                .boxed(),
        ),
        (
            "flap",
            (2_usize..=4, within(), 0_usize..=3, 0_i64..=5)
                .prop_map(|(start, within, stop, more)| Pattern::Flap {
                    start: (start, within),
                    stop: (stop.min(start - 1), within + more),
                })
                .boxed(),
        ),
    ]
}

/// How events come: received in order, some late, alerts as well as points.
fn events(has_late: bool) -> impl Strategy<Value = Vec<Event>> {
    let gap = prop::sample::select(vec![0_i64, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 6, 11]);
    let half = prop::bool::weighted(0.03);
    let ago = prop_oneof![5 => Just(0_i64), 1 => prop::sample::select(vec![1_i64, 2, 3, 5, 9, 15])];
    let status = prop_oneof![
        3 => Just(Status::Point),
        2 => Just(Status::Firing),
        1 => Just(Status::Resolved),
    ];
    let labels = (prop::sample::select(&NAMES[..]), prop::sample::select(&SITES[..]), prop::sample::select(&HOSTS[..]));
    prop::collection::vec((gap, half, ago, status, labels), 0..=18).prop_map(move |drawn| {
        let mut at = 16 * SECOND;
        let happen = |(gap, half, ago, status, (name, site, host))| {
            at += gap * SECOND + if half { SECOND / 2 } else { 0 };
            let ago = if has_late { ago * SECOND } else { 0 };
            Event { at, ago, status, name, site, host }
        };
        drawn.into_iter().map(happen).collect()
    })
}

/// One alert that goes up and down, for what looks back over many results.
fn flapping() -> impl Strategy<Value = Vec<Event>> {
    let status = prop_oneof![1 => Just(None), 4 => Just(Some(true)), 2 => Just(Some(false))];
    prop::collection::vec((0_i64..=2, status), 0..=60).prop_map(|drawn| {
        let (mut at, mut fires) = (0, false);
        let happen = |(gap, turns): (i64, Option<bool>)| {
            at += gap * SECOND;
            fires ^= turns == Some(true);
            let status = match (turns, fires) {
                (None, _) => Status::Point,
                (Some(_), true) => Status::Firing,
                (Some(_), false) => Status::Resolved,
            };
            Event { at, ago: 0, status, name: NAMES[0], site: SITES[0], host: HOSTS[0] }
        };
        drawn.into_iter().map(happen).collect()
    })
}

/// One rule that judges flapping by results.
pub fn flapping_case() -> impl Strategy<Value = Case> {
    (any::<bool>(), flapping()).prop_map(|(icinga, events)| {
        let rule = Rule::new(NAMES[0], Pattern::FlapResults { icinga }, Semantics::Default);
        Case { rules: vec![rule], events }
    })
}

/// Rules of that pattern alone, without contexts and events of their own.
pub fn case_of(pattern: BoxedStrategy<Pattern>) -> impl Strategy<Value = Case> {
    let rule = own_rule(pattern).prop_map(|rule| Rule { guard: None, changes: Vec::new(), emits: None, ..rule });
    (prop::collection::vec(rule, 1..=2), events(true)).prop_map(|(rules, events)| Case { rules, events })
}

/// Any rules and events that the rule language allows, SEC's semantics among them.
pub fn any_case() -> impl Strategy<Value = Case> {
    let patterns = || prop::strategy::Union::new(patterns().into_iter().map(|(_, pattern)| pattern));
    let rule = prop_oneof![3 => own_rule(patterns().boxed()), 1 => rule(Semantics::Sec, sec_pattern())];
    (prop::collection::vec(rule, 1..=4), events(true)).prop_map(|(mut rules, mut events)| {
        // SEC knows no late events, and an alert that another rule gives up comes late.
        if rules.iter().any(|rule| rule.semantics == Semantics::Sec) {
            events.iter_mut().for_each(|event| event.ago = 0);
            rules.iter_mut().for_each(|rule| rule.because = rule.pattern.waits().is_some());
        }
        Case { rules, events }
    })
}

fn own_rule(pattern: BoxedStrategy<Pattern>) -> impl Strategy<Value = Rule> {
    let flags = (any::<bool>(), prop::bool::weighted(0.2), any::<bool>());
    (rule(Semantics::Default, pattern), flags).prop_map(|(mut rule, (because, messages, as_alert))| {
        rule.because = because && rule.pattern.waits().is_some();
        rule.messages = messages && !matches!(rule.pattern, Pattern::Each { .. } | Pattern::Absence { .. });
        rule.emits = rule.emits.map(|(name, _)| (name, if as_alert { Status::Firing } else { Status::Point }));
        rule
    })
}
