//! Scenarios on virtual time: rules and events as text in, the correlator's outputs as text out.
//!
//! Every scenario runs four times: as it is, with re-sends in their compact form, with a snapshot and restore before
//! every input, and with both. All must give the same output and end in the same bytes; invariants are checked at every
//! step.

mod alerts;
mod bounds;
mod contexts;
mod facts;
mod grouping;
mod holding;
mod holding_language;
mod holding_model;
mod language;
mod patterns;
mod patterns_sec;
mod patterns_waiting;
mod properties;
mod reload;
mod silences;
mod suppression;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Correlator, Frozen, Output};
use crate::core::model::{Cause, Offset, Partition, TimeDelta, Timestamp};
use crate::core::rules::Rulebook;
use language::{Names, Step, Verb};

#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    pub compact: bool,
    pub restore: bool,
}

pub(super) const MODES: [Mode; 4] = [
    Mode { compact: false, restore: false },
    Mode { compact: true, restore: false },
    Mode { compact: false, restore: true },
    Mode { compact: true, restore: true },
];

/// Decisions, answers and dropped windows of a scenario, one a line.
#[track_caller]
pub(super) fn check(rules: &str, scenario: &str, expected: &str) {
    let verbs = "raised joined left held released cleared retired answer refused dropped";
    check_only(verbs, &[rules], scenario, expected);
}

/// Only lines of those verbs; `rules N` in the scenario switches to the N-th text.
#[track_caller]
pub(super) fn check_only(verbs: &str, rules: &[&str], scenario: &str, expected: &str) {
    let expected = lines(expected);
    let mut first: Option<(Vec<String>, Vec<u8>)> = None;
    for mode in MODES {
        let (all, bytes) = run(rules, scenario, mode);
        let wanted = |line: &&String| verbs.split_whitespace().any(|verb| line.split(' ').nth(1) == Some(verb));
        let found: Vec<String> = all.iter().filter(wanted).cloned().collect();
        assert_eq!(found, expected, "{mode:?}, everything said:\n{}", all.join("\n"));
        let said = (all, bytes);
        match &first {
            Some(first) => {
                assert_eq!(said.0, first.0, "{mode:?} says other things than the plain run");
                assert_eq!(said.1, first.1, "{mode:?} ends in other bytes than the plain run");
            }
            None => first = Some(said),
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// The output of a scenario, and its final bytes.
pub(super) fn run(rules: &[&str], scenario: &str, mode: Mode) -> (Vec<String>, Vec<u8>) {
    let rulebooks: Vec<Arc<Rulebook>> = rules.iter().map(|text| language::rulebook(text)).collect();
    let steps = language::scenario(scenario);
    let mut world = World::new(Arc::clone(&rulebooks[0]), mode);
    for step in &steps {
        world.step(step, &rulebooks);
    }
    (world.said, bytes(&world.correlator))
}

/// All sections of a correlator's state.
pub(super) fn bytes(correlator: &Correlator) -> Vec<u8> {
    let frozen = correlator.freeze();
    Frozen::section_names().flat_map(|name| frozen.encode_section(&name).unwrap()).collect()
}

pub(super) fn restored(correlator: &Correlator) -> Correlator {
    let frozen = correlator.freeze();
    let sections: BTreeMap<String, Vec<u8>> =
        Frozen::section_names().map(|name| (name.clone(), frozen.encode_section(&name).unwrap())).collect();
    let borrowed = sections.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let restored = Correlator::restore(Arc::clone(correlator.rulebook()), borrowed).unwrap();
    assert_eq!(bytes(&restored), bytes(correlator));
    restored
}

struct World {
    correlator: Correlator,
    mode: Mode,
    offset: u64,
    names: Names,
    said: Vec<String>,
}

impl World {
    fn new(rulebook: Arc<Rulebook>, mode: Mode) -> World {
        World { correlator: Correlator::new(rulebook), mode, offset: 0, names: Names::default(), said: Vec::new() }
    }

    /// Ticks until every due timer ran, then applies the step.
    fn step(&mut self, step: &Step, rulebooks: &[Arc<Rulebook>]) {
        let is_return = matches!(step.verb, Verb::Resumed(_));
        while !is_return && let Some(deadline) = self.correlator.next_deadline().filter(|deadline| *deadline <= step.at)
        {
            self.take(deadline, |correlator, _, out| correlator.tick(deadline, out));
        }
        // Ticks get no offsets here, because their number depends on lazy deadlines, and no result may depend on it.
        self.offset += 1;
        let at = step.at;
        let compact = self.mode.compact;
        match &step.verb {
            Verb::Event(event) => {
                self.names.learn(&event.labels);
                self.take(at, |correlator, cause, out| match correlator.compact(at, event).filter(|_| compact) {
                    Some(resend) => correlator.resend(at, cause, &resend, out),
                    None => correlator.event(at, cause, event, out),
                });
            }
            Verb::Silence(change) => self.take(at, |correlator, _, out| correlator.silence(at, change, out)),
            Verb::Tick => self.take(at, |correlator, _, out| correlator.tick(at, out)),
            Verb::Resumed(gap) => self.take(at, |correlator, _, out| correlator.resumed(at, *gap, out)),
            Verb::Rules(index) => {
                let rulebook = Arc::clone(&rulebooks[*index]);
                self.take(at, |correlator, _, out| correlator.rulebook_changed(at, rulebook, out));
            }
        }
    }

    fn take(&mut self, at: Timestamp, input: impl FnOnce(&mut Correlator, Cause, &mut Vec<Output>)) {
        if self.mode.restore {
            self.correlator = restored(&self.correlator);
        }
        let mut out = Vec::new();
        let cause = Cause { partition: Partition::DEFAULT, offset: Offset(self.offset), n: 0 };
        input(&mut self.correlator, cause, &mut out);
        let time = TimeDelta::from_micros(at.since(language::START).as_micros());
        for output in out {
            if let Output::AlertChanged(view) = &output {
                self.names.learn(&view.labels);
            }
            self.said.push(format!("{time} {}", self.names.show(&output)));
        }
        let broken = self.correlator.broken_invariants();
        assert!(broken.is_empty(), "at {time}: {broken:#?}\nsaid:\n{}", self.said.join("\n"));
        assert!(self.correlator.next_deadline().is_none_or(|deadline| deadline > at), "at {time}: not all was served");
    }
}
