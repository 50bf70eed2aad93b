//! Random rule sets before the real `sec` and the other judges.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};

use super::case::{self, Case, Pattern, SECOND, Told, What};
use super::{engine, random, sec, slow};

/// Seconds until which all judges tell.
const HORIZON: i64 = random::SEC_SECONDS + 25;
/// Cases in one process: the more, the more rules each line passes.
const BATCH: usize = 50;

/// Brings a story down to what SEC can tell as well: it has no action for the end of a suppression, for a pair that
/// timed out, and its groups say that they end even if they never fired.
pub fn comparable(case: &Case, story: Vec<Told>) -> Vec<Told> {
    let mut raised: BTreeMap<(usize, String), i64> = BTreeMap::new();
    let mut kept: Vec<Told> = Vec::new();
    for one in story {
        let place = (one.rule, one.key.clone());
        let keeps = match one.what {
            // Our `each` stands until it is quiet, SEC's Single has no state at all.
            _ if matches!(case.rules[one.rule].pattern, Pattern::Each { .. }) => false,
            What::Raised => {
                raised.insert(place, one.at);
                true
            }
            What::Cleared => match (&case.rules[one.rule].pattern, raised.remove(&place)) {
                (Pattern::Suppress { .. } | Pattern::PairWindow { .. }, _) | (_, None) => false,
                (Pattern::Pair { within: Some(within), .. }, Some(at)) => one.at <= at + within * SECOND,
                (_, Some(_)) => true,
            },
        };
        if keeps {
            kept.push(one);
        }
    }
    // Within a second the order is nobody's promise.
    kept.sort();
    kept
}

/// What the three tell of it: SEC itself, the slow judge of SEC, the engine.
fn stories(case: &Case, real: Vec<Told>) -> [Vec<Told>; 3] {
    let slow = slow::sec::told(case, HORIZON);
    let ours = engine::told(case, HORIZON * SECOND);
    [real, slow, ours].map(|story| comparable(case, story))
}

#[test]
fn random_rule_sets_tell_the_engine_the_same_story_as_sec_does() {
    let mut runner = random::runner();
    let cases = random::cases(400);
    let (mut left, mut told) = (cases, 0);
    while left > 0 {
        let trees: Vec<_> = (0..left.min(BATCH)).map(|_| random::sec_case().new_tree(&mut runner).unwrap()).collect();
        left -= trees.len();
        let batch: Vec<Case> = trees.iter().map(ValueTree::current).collect();
        for ((case, real), tree) in batch.iter().zip(sec::play(&batch, HORIZON)).zip(trees) {
            let [real, slow, ours] = stories(case, real);
            told += real.len();
            if real == slow && real == ours {
                continue;
            }
            let alone = |case: &Case| stories(case, sec::play(std::slice::from_ref(case), HORIZON).remove(0));
            let case = random::smallest(tree, |case| {
                let [real, slow, ours] = alone(case);
                real != slow || real != ours
            });
            let [real, slow, ours] = alone(&case).map(|story| case::shown(&story));
            panic!("sec tells\n{real}the slow judge of sec\n{slow}and the engine\n{ours}of\n{case}");
        }
    }
    println!("{cases} rule sets, {told} times raised or cleared");
    assert!(told > cases, "{told} is too little to compare");
}
/// SEC has no say over alerts; so the judge of everything has to tell what the judge of SEC does, where both can.
#[test]
fn the_slow_judges_tell_the_same_story_of_rules_for_sec() {
    let mut runner = random::runner();
    for _ in 0..random::cases(1_000) {
        let tree = random::sec_case().new_tree(&mut runner).unwrap();
        let stories = |case: &Case| {
            let all = [slow::sec::told(case, HORIZON), slow::world::told(case, HORIZON * SECOND)];
            all.map(|story| comparable(case, story))
        };
        let [sec, world] = stories(&tree.current());
        if sec != world {
            let case = random::smallest(tree, |case| {
                let [sec, world] = stories(case);
                sec != world
            });
            let [sec, world] = stories(&case).map(|story| case::shown(&story));
            panic!("the judge of sec tells\n{sec}the judge of everything\n{world}of\n{case}");
        }
    }
}
