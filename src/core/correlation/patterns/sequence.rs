//! Sequence: steps in the order of their event times, with captures; instances of one key side by side.
//!
//! Events within the allowed lateness are kept beside the instances as of before them, so that a late event is inserted
//! in order and the later ones are replayed.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::event_times::CountedAt;
use super::hold_time::HoldTimer;
use super::{LevelChange, MatchRole, WindowEvent, is_past};
use crate::core::correlation::LATENESS;
use crate::core::model::Timestamp;
use crate::core::rules::{Pattern, Rule, Sequence};

/// Maximum number of instances per key.
const INSTANCES_MAX: usize = 16;
/// Maximum number of events that are replayed.
const RECENT_MAX: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct SequenceWindow {
    /// The instances before the recent events, and after them.
    before: Vec<Instance>,
    instances: Vec<Instance>,
    recent: VecDeque<Played>,
    standing: HoldTimer,
    free: bool,
    /// The oldest instance was dropped; read and reset after each event.
    #[serde(skip)]
    dropped: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Instance {
    /// The step that it waits for; 1 after the first.
    step: u8,
    began_at: Timestamp,
    last: Timestamp,
    held: Vec<CapturedValue>,
    free: bool,
}

/// The value that a label had in the event of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct CapturedValue {
    step: u8,
    /// Its index among the sequence's captured labels.
    label: u8,
    value: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Played {
    kept: CountedAt,
    /// The steps whose matchers it fits, a bit each.
    fits: u16,
    /// Values of the captured labels.
    values: Box<[Box<str>]>,
    /// True for an alert that stays as a member.
    is_member: bool,
    /// It completed an instance, and that was reported.
    completed: bool,
}

#[derive(Clone, Copy, Default)]
struct SequenceOutcome {
    completed: bool,
    free: bool,
    dropped: bool,
}

impl SequenceWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        let (Pattern::Sequence(sequence), MatchRole::Steps(fits)) = (&rule.pattern, arrival.role) else {
            return LevelChange::Nothing;
        };
        if is_past(arrival, sequence.within) {
            return LevelChange::Ignored;
        }
        self.settle_old(sequence, arrival.now);
        let values = sequence.captured.iter().map(|label| arrival.subject.value(label).into()).collect();
        let is_member = arrival.is_member;
        let played = Played { kept: CountedAt::of(arrival), fits, values, is_member, completed: false };
        let place = self.recent.iter().rposition(|other| other.kept <= played.kept).map_or(0, |before| before + 1);
        let is_newest = place == self.recent.len();
        self.recent.insert(place, played);
        let from = if is_newest { place } else { 0 };
        if !is_newest {
            self.instances = self.before.clone();
        }
        let mut told = SequenceOutcome::default();
        for played in self.recent.range_mut(from..) {
            let outcome = play(&mut self.instances, played, sequence);
            told.dropped |= outcome.dropped;
            if outcome.completed && !played.completed {
                played.completed = true;
                told.completed = true;
                told.free |= outcome.free;
                self.free &= self.standing.has_fired();
                self.standing.fire(rule, sequence.within, played.kept.at, played.is_member);
            }
        }
        self.dropped |= told.dropped;
        self.free |= told.free;
        if told.completed { LevelChange::Fired } else { LevelChange::Nothing }
    }

    /// Plays events for good once no late event can precede them.
    fn settle_old(&mut self, sequence: &Sequence, now: Timestamp) {
        while self.recent.len() >= RECENT_MAX
            || self.recent.front().is_some_and(|oldest| oldest.kept.at + LATENESS < now)
        {
            let Some(oldest) = self.recent.pop_front() else { return };
            play(&mut self.before, &oldest, sequence);
        }
    }

    fn newest(&self) -> Option<Timestamp> {
        let began = self.instances.iter().map(|instance| instance.last).max();
        self.recent.back().map(|newest| newest.kept.at).max(began)
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        let Pattern::Sequence(sequence) = &rule.pattern else { return None };
        let forgotten = self.newest().map(|newest| newest + sequence.within + LATENESS);
        [self.standing.due(), forgotten].into_iter().flatten().min()
    }

    pub fn expire(&mut self, rule: &Rule, now: Timestamp) {
        let Pattern::Sequence(sequence) = &rule.pattern else { return };
        self.standing.expire(now);
        if self.newest().is_none_or(|newest| newest + sequence.within + LATENESS <= now) {
            self.before.clear();
            self.instances.clear();
            self.recent.clear();
        }
    }

    pub fn rest(&mut self) {
        if self.standing.has_fired() {
            self.standing.rest();
            self.free = false;
        }
    }

    pub fn is_on(&self, has_members: bool) -> bool {
        self.standing.is_on(has_members)
    }

    pub fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.instances.is_empty() && self.before.is_empty() && !self.standing.has_fired()
    }

    pub fn has_free(&self) -> bool {
        self.free
    }

    /// Number of steps that the furthest instance completed, and the time until which it may continue.
    pub fn furthest(&self, sequence: &Sequence) -> Option<(u8, Timestamp)> {
        let furthest = self.instances.iter().max_by_key(|instance| (instance.step, instance.began_at))?;
        Some((furthest.step, furthest.began_at + sequence.within))
    }

    pub fn take_dropped(&mut self) -> bool {
        std::mem::take(&mut self.dropped)
    }
}

/// One event goes to every instance that waits for it, and opens one if it fits the first step.
fn play(instances: &mut Vec<Instance>, event: &Played, sequence: &Sequence) -> SequenceOutcome {
    let mut outcome = SequenceOutcome::default();
    let (at, free) = (event.kept.at, !event.kept.suppressed());
    instances.retain(|instance| at < instance.began_at + sequence.within);
    for instance in instances.iter_mut() {
        if instance.last <= at && fits(instance, event, sequence) {
            hold(instance, event, sequence);
            instance.step += 1;
            instance.last = at;
            instance.free |= free;
            let is_complete = usize::from(instance.step) == sequence.steps.len();
            outcome.completed |= is_complete;
            outcome.free |= is_complete && instance.free;
        }
    }
    instances.retain(|instance| usize::from(instance.step) < sequence.steps.len());
    if event.fits & 1 == 1 {
        let mut opened = Instance { step: 0, began_at: at, last: at, held: Vec::new(), free };
        hold(&mut opened, event, sequence);
        opened.step = 1;
        instances.push(opened);
    }
    keep_the_latest(instances);
    if instances.len() > INSTANCES_MAX {
        instances.remove(0);
        outcome.dropped = true;
    }
    outcome
}

fn fits(instance: &Instance, event: &Played, sequence: &Sequence) -> bool {
    let step = usize::from(instance.step);
    let place = |label: &String| sequence.captured.binary_search(label).ok();
    let value = |label: &String| event.values.get(place(label)?).map(|value| &**value);
    let held = |capture: &crate::core::rules::Capture| {
        let label = place(&capture.of)?;
        let is_it = |held: &&CapturedValue| usize::from(held.step) == capture.step && usize::from(held.label) == label;
        instance.held.iter().find(is_it).map(|held| &*held.value)
    };
    let captures = sequence.steps.get(step).map(|step| step.captures.as_slice()).unwrap_or_default();
    event.fits >> step & 1 == 1 && captures.iter().all(|capture| held(capture) == value(&capture.label))
}

/// Stores the values that later steps read from the event at the instance's present step.
fn hold(instance: &mut Instance, event: &Played, sequence: &Sequence) {
    let step = instance.step;
    for (label, (name, value)) in sequence.captured.iter().zip(&event.values).enumerate() {
        let is_read = |capture: &crate::core::rules::Capture| capture.step == usize::from(step) && capture.of == *name;
        if sequence.steps.iter().flat_map(|step| &step.captures).any(is_read) {
            instance.held.push(CapturedValue { step, label: label as u8, value: value.clone() });
        }
    }
}

/// Of instances that wait for the same step with the same captures, keeps the one that began last, because it lives
/// longest.
fn keep_the_latest(instances: &mut Vec<Instance>) {
    instances.sort_by_key(|instance| (instance.began_at, instance.last));
    let mut at = 0;
    while at < instances.len() {
        let same = |later: &Instance| later.step == instances[at].step && later.held == instances[at].held;
        if instances[at + 1..].iter().any(same) {
            let gone = instances.remove(at);
            if let Some(kept) =
                instances[at..].iter_mut().find(|later| later.step == gone.step && later.held == gone.held)
            {
                kept.free |= gone.free;
            }
        } else {
            at += 1;
        }
    }
}
