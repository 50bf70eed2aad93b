//! Random rules and events before the engine and the slow judge.

use proptest::strategy::{Strategy, ValueTree};

use super::case::{self, Case, SECOND, Told};
use super::slow::world;
use super::{engine, random};

/// How long after the last event the clock runs on, in seconds.
const RUN_ON: i64 = 30;

fn stories(case: &Case) -> (Vec<Told>, Vec<Told>) {
    let last = case.events.last().map_or(0, |event| event.at);
    let horizon = last + RUN_ON * SECOND;
    (engine::changes(engine::told(case, horizon), case), engine::changes(world::told(case, horizon), case))
}

#[track_caller]
fn agree(cases: usize, strategy: impl Strategy<Value = Case>) {
    let mut runner = random::runner();
    let mut told = 0;
    for _ in 0..cases {
        let tree = strategy.new_tree(&mut runner).unwrap();
        let (ours, expected) = stories(&tree.current());
        told += ours.len();
        if ours != expected {
            let case = random::smallest(tree, |case| {
                let (ours, expected) = stories(case);
                ours != expected
            });
            let (ours, expected) = stories(&case);
            panic!("the engine tells\n{}but the slow judge\n{}of\n{case}", case::shown(&ours), case::shown(&expected));
        }
    }
    println!("{cases} cases, {told} times raised or cleared");
    assert!(told > cases / 10, "{told} is too little to compare");
}

/// The patterns one at a time, so that what disagrees is named.
#[test]
fn random_rules_of_one_pattern_tell_the_engine_the_same_story_as_the_slow_judge() {
    for (name, pattern) in random::patterns() {
        print!("{name}: ");
        agree(random::cases(500), random::case_of(pattern));
    }
}

#[test]
fn random_results_flap_alike_for_the_engine_and_the_slow_judge() {
    agree(random::cases(500), random::flapping_case());
}

#[test]
fn random_rules_and_events_tell_the_engine_the_same_story_as_the_slow_judge() {
    agree(random::cases(10_000), random::any_case());
}
