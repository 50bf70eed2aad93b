//! Random rule sets before the real `sec` and the other judges.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};

use super::case::{Case, Pattern, SECOND, Told, What};
use super::{random, sec, slow};

/// No window of a random case reaches beyond, in seconds after the last event.
const HORIZON: i64 = 24 * 11 + 30;
/// Cases in one process: the more, the more rules each line passes.
const BATCH: usize = 50;

/// Brings a story down to what SEC can tell as well: it has no action for the end of a suppression or for a pair that
/// timed out, and its groups say that they end even if they never fired.
fn comparable(case: &Case, story: Vec<Told>) -> Vec<Told> {
    let mut raised: BTreeMap<(usize, String), i64> = BTreeMap::new();
    let mut kept: Vec<Told> = Vec::new();
    for one in story {
        let place = (one.rule, one.key.clone());
        let keeps = match one.what {
            What::Raised => {
                raised.insert(place, one.at);
                true
            }
            What::Cleared => match (&case.rules[one.rule].pattern, raised.remove(&place)) {
                (Pattern::Suppress { .. }, _) | (_, None) => false,
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

#[test]
fn random_rule_sets_tell_the_same_story_to_the_slow_judge_as_sec_does() {
    let mut runner = random::runner();
    let cases = random::cases(600);
    let mut left = cases;
    while left > 0 {
        let trees: Vec<_> = (0..left.min(BATCH)).map(|_| random::sec_case().new_tree(&mut runner).unwrap()).collect();
        left -= trees.len();
        let batch: Vec<Case> = trees.iter().map(ValueTree::current).collect();
        let stories = sec::play(&batch, HORIZON);
        for ((case, story), tree) in batch.iter().zip(stories).zip(trees) {
            if comparable(case, story) != comparable(case, slow::sec::told(case, HORIZON)) {
                let disagrees = |case: &Case| {
                    let story = sec::play(std::slice::from_ref(case), HORIZON).remove(0);
                    comparable(case, story) != comparable(case, slow::sec::told(case, HORIZON))
                };
                let case = random::smallest(tree, disagrees);
                let story = comparable(&case, sec::play(std::slice::from_ref(&case), HORIZON).remove(0));
                let ours = comparable(&case, slow::sec::told(&case, HORIZON));
                panic!("sec disagrees on\n{case}sec tells {story:#?}\nthe slow judge {ours:#?}");
            }
        }
    }
    println!("{cases} rule sets");
}
