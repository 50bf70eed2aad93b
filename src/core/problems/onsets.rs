//! Onsets in time, their close predecessors, and the fitted model of followers.

use std::collections::BTreeSet;

use crate::core::model::{TimeDelta, Timestamp};

/// One onset: its kind and its place, by numbers from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Onset {
    pub at: Timestamp,
    pub kind: u32,
    pub place: u32,
}

/// The steps of the lag curve, in seconds: after the lower, up to the upper.
const STEPS: [(i64, i64); 4] = [(0, 5), (5, 15), (15, 60), (60, 300)];

/// Steps of expectation and maximisation; the gains hardly move after 30.
const ROUNDS: usize = 40;

/// Maximum number of kinds; beyond it the highest numbers are dropped.
const KINDS_MAX: u32 = 256;

/// Maximum number of predecessors examined per onset, the newest.
const BEFORE_MAX: usize = 512;

/// Weight of the background of all places at one place, because a place without any must not be infinitely odd.
const SHRINK: f64 = 0.1;

/// A share of the time: all, or every second block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    Even,
    Odd,
}

/// A number for each ordered pair of kinds.
#[derive(Clone, Debug)]
pub struct PairMatrix {
    kinds: usize,
    cells: Vec<f64>,
}

impl PairMatrix {
    fn new(kinds: usize, value: f64) -> PairMatrix {
        PairMatrix { kinds, cells: vec![value; kinds * kinds] }
    }

    pub fn at(&self, cause: usize, effect: usize) -> f64 {
        self.cells[cause * self.kinds + effect]
    }

    fn at_mut(&mut self, cause: usize, effect: usize) -> &mut f64 {
        &mut self.cells[cause * self.kinds + effect]
    }

    pub fn add(&mut self, other: &PairMatrix) {
        for (cell, more) in self.cells.iter_mut().zip(&other.cells) {
            *cell += more;
        }
    }
}

/// Number of onsets of a kind in one lag step before an onset.
struct PriorCount {
    effect: usize,
    cause: usize,
    step: usize,
    count: f64,
}

/// Onsets in order, with their predecessors.
pub struct EventSequence {
    onsets: Vec<Onset>,
    kinds: usize,
    places: usize,
    /// By place: the indexes of its onsets and of those near it, in order.
    around: Vec<Vec<usize>>,
    /// Each place plus its number of neighbours.
    exposed: Vec<f64>,
    /// In order of effect, cause and step.
    before: Vec<PriorCount>,
    /// Kinds that may be effects.
    effect: Option<usize>,
    seconds: f64,
    block: i64,
}

impl EventSequence {
    pub fn new(onsets: &[Onset], neighbours: &[Vec<u32>], effect: Option<u32>) -> EventSequence {
        let mut onsets: Vec<Onset> = onsets.iter().filter(|onset| onset.kind < KINDS_MAX).copied().collect();
        onsets.sort_by_key(|onset| (onset.at, onset.kind, onset.place));
        let kinds = onsets.iter().map(|onset| onset.kind as usize + 1).max().unwrap_or(0);
        let places = onsets.iter().map(|onset| onset.place as usize + 1).max().unwrap_or(0);
        let first = onsets.first().map_or(Timestamp::EPOCH, |onset| onset.at);
        let seconds = onsets.last().map_or(1.0, |last| last.at.since(first).as_seconds_f64().max(1.0));
        let mut trace = EventSequence {
            kinds,
            places,
            around: around(&onsets, places, neighbours),
            exposed: vec![1.0; places],
            before: Vec::new(),
            effect: effect.map(|kind| kind as usize),
            seconds,
            // A day, or an eighth of the data.
            block: (86_400.0_f64.min(seconds / 8.0) * 1e6).max(1.0) as i64,
            onsets,
        };
        for (place, exposed) in trace.exposed.iter_mut().enumerate() {
            *exposed = near(place, neighbours, places).len() as f64;
        }
        trace.before = trace.look_back();
        trace
    }

    pub fn kinds(&self) -> usize {
        self.kinds
    }

    /// Number of onsets of `effect` with one of `cause` in that time before them, at their place or near it; their
    /// total; and the number expected by chance.
    pub fn counts(&self, cause: u32, effect: u32, within: TimeDelta) -> (u64, u64, f64) {
        let (mut hits, mut of, mut expected) = (0, 0, 0.0);
        let causes = |place: usize| self.around[place].iter().filter(|index| self.onsets[**index].kind == cause);
        let rates: Vec<f64> = (0..self.places).map(|place| causes(place).count() as f64 / self.seconds).collect();
        for onset in self.onsets.iter().filter(|onset| onset.kind == effect) {
            let place = onset.place as usize;
            let around = &self.around[place];
            let end = around.partition_point(|index| self.onsets[*index].at < onset.at);
            let start = around.partition_point(|index| self.onsets[*index].at < onset.at - within);
            hits += u64::from(around[start..end].iter().any(|index| self.onsets[*index].kind == cause));
            of += 1;
            expected += 1.0 - (-rates[place] * within.as_seconds_f64()).exp();
        }
        (hits, of, expected)
    }

    fn look_back(&self) -> Vec<PriorCount> {
        let longest = TimeDelta::from_seconds(STEPS[STEPS.len() - 1].1);
        let mut before = Vec::new();
        for (effect, onset) in self.onsets.iter().enumerate() {
            if self.effect.is_some_and(|wanted| wanted != onset.kind as usize) {
                continue;
            }
            let around = &self.around[onset.place as usize];
            let end = around.partition_point(|index| self.onsets[*index].at < onset.at);
            let start = around.partition_point(|index| self.onsets[*index].at < onset.at - longest);
            let mut seen: Vec<(usize, usize)> = around[start.max(end.saturating_sub(BEFORE_MAX))..end]
                .iter()
                .map(|index| (self.onsets[*index].kind as usize, step_of(onset.at.since(self.onsets[*index].at))))
                .collect();
            seen.sort_unstable();
            for group in seen.chunk_by(|one, other| one == other) {
                let (cause, step) = group[0];
                before.push(PriorCount { effect, cause, step, count: group.len() as f64 });
            }
        }
        before
    }

    fn is_in(&self, index: usize, part: Part) -> bool {
        let first = self.onsets[0].at;
        let number = self.onsets[index].at.since(first).as_micros() / self.block;
        match part {
            Part::Whole => true,
            Part::Even => number % 2 == 0,
            Part::Odd => number % 2 == 1,
        }
    }

    fn seconds_of(&self, part: Part) -> f64 {
        match part {
            Part::Whole => self.seconds,
            Part::Even | Part::Odd => self.seconds / 2.0,
        }
    }

    /// By kind: the number of places at which its onsets could have been followed.
    fn exposure(&self, part: Part) -> Vec<f64> {
        let mut exposure = vec![0.0; self.kinds];
        for (index, onset) in self.onsets.iter().enumerate().filter(|(index, _)| self.is_in(*index, part)) {
            debug_assert!(index < self.onsets.len());
            exposure[onset.kind as usize] += self.exposed[onset.place as usize];
        }
        exposure
    }
}

fn near(place: usize, neighbours: &[Vec<u32>], places: usize) -> BTreeSet<usize> {
    let beside = neighbours.get(place).into_iter().flatten().map(|other| *other as usize);
    beside.filter(|other| *other < places).chain([place]).collect()
}

fn around(onsets: &[Onset], places: usize, neighbours: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let mut around = vec![Vec::new(); places];
    // A place near another sees its onsets.
    let seen_from: Vec<BTreeSet<usize>> = (0..places).map(|place| near(place, neighbours, places)).collect();
    for (index, onset) in onsets.iter().enumerate() {
        for place in &seen_from[onset.place as usize] {
            around[*place].push(index);
        }
    }
    around
}

fn step_of(lag: TimeDelta) -> usize {
    let lag = lag.as_micros();
    STEPS.iter().position(|(_, upper)| lag <= upper * 1_000_000).unwrap_or(STEPS.len() - 1)
}

/// The model of followers: the number of effects per cause at each place that it reaches, their lag, and the share of
/// chance.
pub struct LagModel {
    /// Number of effects per cause at one place.
    brought: PairMatrix,
    /// The share of followers by step.
    curve: [f64; STEPS.len()],
    /// Chance onsets a second, by kind and place.
    chance: Vec<f64>,
    places: usize,
}

impl LagModel {
    pub fn of(trace: &EventSequence, part: Part) -> LagModel {
        let exposure = trace.exposure(part);
        let even = 1.0 / STEPS.len() as f64;
        let mut fit = LagModel {
            brought: PairMatrix::new(trace.kinds, 0.01),
            curve: [even; STEPS.len()],
            chance: Vec::new(),
            places: trace.places,
        };
        let mut background = vec![0.0; trace.kinds * trace.places];
        for (index, onset) in trace.onsets.iter().enumerate().filter(|(index, _)| trace.is_in(*index, part)) {
            debug_assert!(index < trace.onsets.len());
            background[onset.kind as usize * trace.places + onset.place as usize] += 0.5;
        }
        fit.settle_chance(&background, trace.seconds_of(part));
        for _ in 0..ROUNDS {
            fit.round(trace, part, &exposure);
        }
        fit
    }

    /// The shortest step by which nine of ten followers have come.
    pub fn reach(&self) -> TimeDelta {
        let mut sum = 0.0;
        let reached = STEPS.iter().zip(self.curve).find(|(_, share)| {
            sum += share;
            sum >= 0.9
        });
        TimeDelta::from_seconds(reached.map_or(STEPS[STEPS.len() - 1].1, |((_, upper), _)| *upper))
    }

    /// Gain of each link in the logarithm of the likelihood of that part.
    pub fn gains(&self, trace: &EventSequence, part: Part) -> PairMatrix {
        let mut gains = PairMatrix::new(trace.kinds, 0.0);
        for group in trace.before.chunk_by(|one, other| one.effect == other.effect) {
            let effect = group[0].effect;
            if !trace.is_in(effect, part) {
                continue;
            }
            let kind = trace.onsets[effect].kind as usize;
            let rate = self.chance_of(trace, effect) + group.iter().map(|one| self.rate(one, kind)).sum::<f64>();
            for of_cause in group.chunk_by(|one, other| one.cause == other.cause) {
                let theirs: f64 = of_cause.iter().map(|one| self.rate(one, kind)).sum();
                *gains.at_mut(of_cause[0].cause, kind) += (rate / (rate - theirs).max(1e-300)).ln();
            }
        }
        for (cause, exposed) in trace.exposure(part).into_iter().enumerate() {
            for effect in 0..trace.kinds {
                *gains.at_mut(cause, effect) -= self.brought.at(cause, effect) * exposed;
            }
        }
        gains
    }

    fn round(&mut self, trace: &EventSequence, part: Part, exposure: &[f64]) {
        let mut credit = PairMatrix::new(trace.kinds, 0.0);
        let mut by_step = [0.0; STEPS.len()];
        let mut background = vec![0.0; trace.kinds * trace.places];
        let mut groups = trace.before.chunk_by(|one, other| one.effect == other.effect).peekable();
        for (index, onset) in trace.onsets.iter().enumerate() {
            let group = groups.next_if(|group| group[0].effect == index).unwrap_or(&[]);
            if !trace.is_in(index, part) {
                continue;
            }
            let kind = onset.kind as usize;
            let chance = self.chance_of(trace, index);
            let rate = chance + group.iter().map(|one| self.rate(one, kind)).sum::<f64>();
            for one in group {
                let share = self.rate(one, kind) / rate;
                *credit.at_mut(one.cause, kind) += share;
                by_step[one.step] += share;
            }
            background[kind * trace.places + onset.place as usize] += chance / rate;
        }
        let all: f64 = by_step.iter().sum();
        if all > 0.0 {
            self.curve = by_step.map(|share| share / all);
        }
        for (cause, exposed) in exposure.iter().enumerate() {
            for effect in 0..trace.kinds {
                *self.brought.at_mut(cause, effect) = credit.at(cause, effect) / exposed.max(1.0);
            }
        }
        self.settle_chance(&background, trace.seconds_of(part));
    }

    fn settle_chance(&mut self, background: &[f64], seconds: f64) {
        let places = self.places.max(1);
        self.chance = background
            .chunks(places)
            .flat_map(|of_kind| {
                let mean = of_kind.iter().sum::<f64>() / places as f64;
                of_kind.iter().map(move |count| (count + SHRINK * mean) / ((1.0 + SHRINK) * seconds) + 1e-12)
            })
            .collect();
    }

    fn chance_of(&self, trace: &EventSequence, index: usize) -> f64 {
        let onset = trace.onsets[index];
        self.chance[onset.kind as usize * self.places + onset.place as usize]
    }

    fn rate(&self, before: &PriorCount, effect: usize) -> f64 {
        let (lower, upper) = STEPS[before.step];
        before.count * self.brought.at(before.cause, effect) * self.curve[before.step] / (upper - lower) as f64
    }
}
