//! Random inputs against the engine's promises. `PROPTEST_CASES=4000` looks longer.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::generator;
use super::generator::{Script, choices, rulebooks, script};
use super::stage;
use super::stage::Given;
use super::toy_store::{Fate, ToyStore};
use crate::core::engine::{BatchOutput, Effect, Engine, LiveChange, RecordChange, Request, Task};
use crate::core::incidents::Incident;
use crate::core::model::IncidentId;
use std::sync::Arc;

fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64);
    // No files of past failures beside the sources: a seed that failed becomes a scenario.
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// Now and then all 64 correlators, which cost 64 times as much to look at.
fn by_domain() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.125)
}

fn fresh(script: &Script) -> Engine {
    stage::engine(script.domain, rulebooks())
}

fn play_all(engine: &mut Engine, given: &[Given]) -> BatchOutput {
    let mut work = BatchOutput::default();
    given.iter().for_each(|one| stage::play(engine, one, &mut work));
    work
}

#[track_caller]
fn assert_same_work(found: &BatchOutput, expected: &BatchOutput) {
    for (n, (found, expected)) in found.entries.iter().zip(&expected.entries).enumerate() {
        assert_eq!(found, expected, "entry {n}");
    }
    for (n, (found, expected)) in found.effects.iter().zip(&expected.effects).enumerate() {
        assert_eq!(found, expected, "effect {n}");
    }
    assert_eq!(found.entries.len(), expected.entries.len());
    assert_eq!(found.effects.len(), expected.effects.len());
}

/// Everything but the records of incidents, and the last record of each.
fn apart(effects: Vec<Effect>) -> (Vec<Effect>, BTreeMap<IncidentId, Arc<Incident>>) {
    let (mut rest, mut records) = (Vec::new(), BTreeMap::new());
    for effect in effects {
        match effect {
            Effect::Record(RecordChange::Incident(record)) => drop(records.insert(record.id, record)),
            other => rest.push(other),
        }
    }
    (rest, records)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_same_inputs_lead_to_the_same_journal_and_effects(by_domain in by_domain(), choices in choices()) {
        let script = script(by_domain, &choices);
        let mut second = fresh(&script);
        assert_same_work(&play_all(&mut second, &script.given), &script.work);
        stage::assert_same_state(&second, &script.engine);
    }

    #[test]
    fn every_invariant_holds_after_every_input(by_domain in by_domain(), choices in choices()) {
        generator::watched_script(by_domain, &choices, stage::assert_well);
    }

    #[test]
    fn the_name_of_a_notice_or_an_audit_line_is_given_once(by_domain in by_domain(), choices in choices()) {
        let script = script(by_domain, &choices);
        let mut names = BTreeSet::new();
        for effect in &script.work.effects {
            let cause = match effect {
                Effect::Do(Task::Notice(notice)) => notice.cause,
                Effect::Record(RecordChange::Audit(audit)) => audit.cause,
                _ => continue,
            };
            prop_assert!(names.insert(cause), "{cause} names two consequences");
        }
    }

    #[test]
    fn replaying_the_journals_one_by_one_gives_the_same_state_and_effects(
        by_domain in by_domain(), choices in choices(), seed: u8,
    ) {
        let script = script(by_domain, &choices);
        let mut again = fresh(&script);
        let order = stage::order(&again, seed);
        let mut replayed = stage::replay(&mut again, &script.work.entries, &order);
        stage::assert_same_state(&again, &script.engine);
        let in_order: Vec<Effect> = script.work.entries.iter()
            .flat_map(|(partition, entry)| replayed.remove(&(*partition, entry.offset)).unwrap_or_default())
            .collect();
        // Records are written when a request is done, in a replay after each of its inputs: only the last one stays.
        let (found, found_records) = apart(in_order);
        let (expected, expected_records) = apart(script.work.effects);
        assert_same_work(&BatchOutput { entries: Vec::new(), effects: found }, &BatchOutput { entries: Vec::new(), effects: expected });
        prop_assert_eq!(found_records, expected_records);
    }

    #[test]
    fn a_snapshot_anywhere_and_the_tail_after_it_equal_the_whole(
        by_domain in by_domain(), choices in choices(), cut: prop::sample::Index, seed: u8,
    ) {
        let script = script(by_domain, &choices);
        let (before, after) = script.given.split_at(cut.index(script.given.len()));
        let mut live = fresh(&script);
        let head = play_all(&mut live, before);
        let frozen = live.freeze();
        let snapshot = || frozen.iter().map(|one| stage::saved(&stage::bytes_of(one))).collect::<Vec<_>>();
        let restore = || {
            let domain = script.domain.map(str::to_owned);
            let mut engine = Engine::restore(domain, rulebooks().to_vec(), snapshot()).expect("a snapshot that reads back");
            engine.settle_rulebook();
            engine
        };
        stage::assert_same_state(&restore(), &live);
        let mut tail = BatchOutput::default();
        let with_ticks: Vec<Given> =
            after.iter().flat_map(|one| stage::play_telling(&mut live, one, &mut tail)).collect();
        stage::assert_same_state(&live, &script.engine);
        prop_assert_eq!(head.entries.len() + tail.entries.len(), script.work.entries.len());

        let mut replayed = restore();
        let order = stage::order(&replayed, seed);
        stage::replay(&mut replayed, &tail.entries, &order);
        stage::assert_same_state(&replayed, &live);
        stage::assert_well(&replayed);

        let mut goes_on = restore();
        let mut other_tail = BatchOutput::default();
        stage::give_exactly(&mut goes_on, &with_ticks, &mut other_tail);
        assert_same_work(&other_tail, &tail);
        stage::assert_same_state(&goes_on, &live);

        for (earlier, now) in frozen.iter().zip(&live.freeze()) {
            for name in now.section_names().iter().filter(|name| now.is_same(earlier, name)) {
                prop_assert_eq!(now.encode(name), earlier.encode(name), "{} was called unchanged", name);
            }
        }
    }

    #[test]
    fn other_blocks_change_nothing(by_domain in by_domain(), choices in choices(), sizes in prop::collection::vec(1..9_usize, 1..8)) {
        let script = script(by_domain, &choices);
        let mut engine = fresh(&script);
        let mut together = BatchOutput::default();
        let mut rest = script.given.as_slice();
        for size in sizes.iter().cycle() {
            let (block, later) = rest.split_at((*size).min(rest.len()));
            let work = play_all(&mut engine, block);
            together.entries.extend(work.entries);
            together.effects.extend(work.effects);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        assert_same_work(&together, &script.work);
        stage::assert_same_state(&engine, &script.engine);
    }

    #[test]
    fn a_commit_that_fails_or_whose_answer_is_lost_leaves_nothing_ahead_of_the_store(
        by_domain in by_domain(),
        choices in choices(),
        blocks in prop::collection::vec((1..6_usize, 0..6_u8, any::<bool>(), any::<u8>()), 1..20),
    ) {
        let script = script(by_domain, &choices);
        let blocks = fated(&script.given, &blocks);
        // The same without failures: what was refused was never sent.
        let (mut undisturbed, mut expected) = (fresh(&script), BatchOutput::default());
        let with_ticks: Vec<Vec<Given>> = blocks.iter().map(|block| {
            let kept = block.given.iter().filter(|_| block.fate != Fate::NotKept);
            kept.flat_map(|one| stage::play_telling(&mut undisturbed, one, &mut expected)).collect()
        }).collect();

        let (mut store, mut engine) = (ToyStore::default(), fresh(&script));
        for (block, with_ticks) in blocks.iter().zip(&with_ticks) {
            let mut work = BatchOutput::default();
            match block.fate {
                Fate::NotKept => block.given.iter().for_each(|one| stage::play(&mut engine, one, &mut work)),
                Fate::Committed | Fate::AnswerLost => stage::give_exactly(&mut engine, with_ticks, &mut work),
            }
            if store.commit(work, block.fate).is_err() {
                let landed = engine.heads().all(|(partition, head)| store.head(partition) == head);
                prop_assert_eq!(landed, block.fate == Fate::AnswerLost);
                if !landed {
                    engine = store.recover(script.domain, rulebooks(), block.seed);
                    prop_assert!(engine.heads().all(|(partition, head)| store.head(partition) == head));
                }
            }
            if block.seed % 3 == 0 {
                store.keep_snapshot(&engine);
            }
        }
        assert_same_work(&BatchOutput { entries: store.journal, effects: store.effects }, &expected);
        stage::assert_same_state(&engine, &undisturbed);
    }
}

/// Inputs that are committed together, and what becomes of them.
struct FatedBlock {
    given: Vec<Given>,
    fate: Fate,
    seed: u8,
}

/// Cuts the inputs into blocks; what is refused may be sent again, then later than it was.
fn fated(given: &[Given], choices: &[(usize, u8, bool, u8)]) -> Vec<FatedBlock> {
    let (mut queue, mut blocks) = (given.to_vec(), Vec::new());
    for (size, fate, sent_again, seed) in choices.iter().cycle().take(200) {
        if queue.is_empty() {
            break;
        }
        let given: Vec<Given> = queue.drain(..(*size).min(queue.len())).collect();
        let fate = match fate {
            0 => Fate::NotKept,
            1 => Fate::AnswerLost,
            _ => Fate::Committed,
        };
        if let Some((now, _)) = given.last().filter(|_| fate == Fate::NotKept && *sent_again) {
            queue.splice(0..0, given.iter().map(|(_, request)| (*now, request.clone())));
        }
        blocks.push(FatedBlock { given, fate, seed: *seed });
    }
    blocks
}

/// The generator must reach what it is there for; otherwise the properties above say little.
#[test]
fn the_random_inputs_reach_every_kind_of_record() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..30 {
        let choices = generator::choices().new_tree(&mut runner).expect("choices").current();
        let script = script(round % 3 == 0, &choices);
        for effect in &script.work.effects {
            let name = match effect {
                Effect::Record(RecordChange::Alert(_)) => "alert",
                Effect::Live(LiveChange::AlertTouched { .. }) => "re-send",
                Effect::Live(LiveChange::AlertForgotten { .. }) => "alert forgotten",
                Effect::Record(RecordChange::Incident(_)) => "incident",
                Effect::Record(RecordChange::Membership { .. }) => "membership",
                Effect::Record(RecordChange::Timeline(_)) => "timeline",
                Effect::Record(RecordChange::Evidence { .. }) => "evidence",
                Effect::Record(RecordChange::Problem(_)) => "problem",
                Effect::Record(RecordChange::Run(_)) => "run",
                Effect::Record(RecordChange::Silence(_)) => "silence",
                Effect::Live(LiveChange::SilenceForgotten { .. }) => continue,
                Effect::Record(RecordChange::Audit(_)) => "audit",
                Effect::Do(Task::Notice(_)) => "notice",
                Effect::Record(RecordChange::Delivery(_)) => "delivery",
                Effect::Do(Task::Probe(_)) => "probe",
                Effect::Live(LiveChange::Staff(_)) => continue,
                Effect::Live(LiveChange::Normalised(_)) => "normalised",
                Effect::Count(_) => "count",
            };
            *seen.entry(name).or_default() += 1;
        }
        let resumed = script.given.iter().filter(|(_, request)| matches!(request, Request::Resumed { .. })).count();
        *seen.entry("return").or_default() += resumed;
    }
    println!("30 scripts: {seen:?}");
    let wanted =
        ["alert", "incident", "membership", "evidence", "run", "silence", "audit", "notice", "probe", "return"];
    for name in wanted {
        assert!(seen.contains_key(name), "no {name} in {seen:?}");
    }
}
