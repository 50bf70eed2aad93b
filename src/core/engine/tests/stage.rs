//! What every test of the whole engine needs: rulebooks from text, inputs given in the driver's order, states as bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::core::engine::{BatchOutput, Control, Effect, Engine, Input, JournalEntry, Request, Snapshot, SnapshotView};
use crate::core::model::{Offset, Partition, Timestamp};
use crate::core::rules::{RuleText, Rulebook, RulebookHash, load};

/// When the stories begin: a Friday, 00:00 UTC.
pub const START: Timestamp = Timestamp::from_seconds(1_770_940_800);

/// One input as the outside world gives it; ticks are the stage's.
pub type Given = (Timestamp, Request);

pub fn rulebook(text: &str) -> Arc<Rulebook> {
    let texts = vec![RuleText { path: "rules.yaml".to_owned(), text: text.to_owned() }];
    Arc::new(load(texts).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:#?}")).rulebook)
}

pub fn engine(domain_label: Option<&str>, rulebooks: &[Arc<Rulebook>]) -> Engine {
    let mut engine = Engine::new(domain_label.map(str::to_owned));
    rulebooks.iter().for_each(|rulebook| engine.register_rulebook(Arc::clone(rulebook)));
    engine
}

/// The driver's rule: every deadline up to `now` is served before an input, in order; a return is told first.
pub fn play(engine: &mut Engine, given: &Given, work: &mut BatchOutput) {
    let (now, request) = given;
    if !matches!(request, Request::Resumed { .. } | Request::ClockStepped { .. }) {
        serve(engine, *now, work, |_, _, _| ());
    }
    engine.handle(*now, request.clone(), work).expect("everything due was served");
}

/// The same, and what it took with its ticks. A correlator that was never restored may wake early for nothing, one from
/// a snapshot wakes only when something is due: to compare the two, the ticks of the first are given to both.
pub fn play_telling(engine: &mut Engine, given: &Given, work: &mut BatchOutput) -> Vec<Given> {
    let before = work.entries.len();
    play(engine, given, work);
    let tick = Input::Control(Control::Tick);
    let ticks = work.entries[before..].iter().filter(|(_, entry)| entry.input == tick);
    ticks.map(|(partition, entry)| (entry.now, Request::Tick(*partition))).chain([given.clone()]).collect()
}

/// Gives inputs whose ticks are among them.
pub fn give_exactly(engine: &mut Engine, inputs: &[Given], work: &mut BatchOutput) {
    for (now, request) in inputs {
        engine.handle(*now, request.clone(), work).expect("nothing is due that was not due elsewhere");
    }
}

/// Serves what is due by `now`; `seen` looks on after each tick.
pub fn serve(
    engine: &mut Engine,
    now: Timestamp,
    work: &mut BatchOutput,
    mut seen: impl FnMut(&Engine, Timestamp, &mut BatchOutput),
) {
    let mut ticks = 0;
    while let Some((at, partition)) = engine.next_deadline().filter(|(at, _)| *at <= now) {
        engine.handle(at, Request::Tick(partition), work).expect("a tick at its deadline");
        seen(engine, at, work);
        ticks += 1;
        assert!(ticks < 20_000, "partition {partition} is due at {at} again and again");
    }
}

/// A partition's position and every section of its state.
pub type Bytes = (Partition, Offset, Timestamp, RulebookHash, BTreeMap<String, Vec<u8>>);

pub fn bytes_of(frozen: &SnapshotView) -> Bytes {
    let sections = frozen.section_names().into_iter().map(|name| {
        let bytes = frozen.encode(&name).expect("every section encodes");
        (name, bytes)
    });
    (frozen.partition, frozen.next_offset, frozen.taken_at, frozen.rulebook, sections.collect())
}

pub fn bytes(engine: &Engine) -> Vec<Bytes> {
    engine.freeze().iter().map(bytes_of).collect()
}

pub fn saved(bytes: &Bytes) -> Snapshot {
    let (partition, next_offset, taken_at, rulebook, sections) = bytes.clone();
    Snapshot { partition, next_offset, taken_at, rulebook, sections }
}

/// Says which section differs, since all the bytes together say nothing to a person.
#[track_caller]
pub fn assert_same_state(found: &Engine, expected: &Engine) {
    for (found, expected) in bytes(found).iter().zip(&bytes(expected)) {
        let place = |of: &Bytes| (of.0, of.1, of.2, of.3);
        assert_eq!(place(found), place(expected));
        for (name, bytes) in &expected.4 {
            assert!(found.4.get(name) == Some(bytes), "partition {}: section {name} differs", expected.0);
        }
        assert_eq!(found.4.len(), expected.4.len());
    }
}

/// What replaying each entry led to, by its place.
pub type Replayed = BTreeMap<(Partition, Offset), Vec<Effect>>;

/// Replays every partition's journal from where the engine stands, one partition after another in that order.
pub fn replay(engine: &mut Engine, journal: &[(Partition, JournalEntry)], order: &[Partition]) -> Replayed {
    let heads: BTreeMap<Partition, Offset> = engine.heads().collect();
    let mut replayed = Replayed::new();
    for partition in order {
        let from = heads.get(partition).copied().unwrap_or_default();
        for (_, entry) in journal.iter().filter(|(of, entry)| of == partition && entry.offset >= from) {
            let mut effects = Vec::new();
            engine.replay(*partition, entry, &mut effects).expect("the journal is without gaps");
            replayed.insert((*partition, entry.offset), effects);
        }
    }
    engine.settle_rulebook();
    replayed
}

/// Every partition of the engine in an order that the seed chooses.
pub fn order(engine: &Engine, seed: u8) -> Vec<Partition> {
    let mut order: Vec<Partition> = engine.heads().map(|(partition, _)| partition).collect();
    let turn = usize::from(seed) % order.len();
    order.rotate_left(turn);
    if seed % 2 == 1 {
        order.reverse();
    }
    order
}

/// What must hold after every input, whatever it was.
#[track_caller]
pub fn assert_well(engine: &Engine) {
    let mut broken = engine.broken_invariants();
    let mut held = BTreeSet::new();
    for incident in engine.incidents().filter(|incident| incident.record.state.is_open()) {
        let record = &incident.record;
        if record.next_step_at.is_none() && incident.resolve_at.is_none() && record.unarmed.is_none() {
            broken.push(format!("{} waits for nothing and does not say why", record.id));
        }
        for (fingerprint, _) in incident.members.iter().filter(|(_, member)| member.firing) {
            if !held.insert(*fingerprint) {
                broken.push(format!("alert {fingerprint} fires in {} and in another open incident", record.id));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
