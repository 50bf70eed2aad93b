//! What tends to come before what, on the same item or beside it: hints for whoever looks for a cause, never a verdict.
//!
//! Each beginning is taken as chance, or as following an earlier one; how much of which is found by expectation and
//! maximisation (a self-exciting process per kind, one shared lag curve in four steps). So what one cause explains is
//! not counted for another one beside it. A link must explain more than chance among all pairs tried would, and must
//! still do so on days that it was not fitted on. How far back one has to look is read off the lag curve of the site.

use serde::{Deserialize, Serialize};

use super::onsets::{EventSequence, LagModel, Part};
use crate::core::model::{TimeDelta, Timestamp};

/// One beginning: of which kind, at which place, by numbers from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Onset {
    pub at: Timestamp,
    pub kind: u32,
    pub place: u32,
}

/// One kind tends to come before another.
#[derive(Clone, Debug, PartialEq)]
pub struct CausalLink {
    pub cause: u32,
    pub effect: u32,
    /// Before how many of the effect's beginnings the cause began within the window; of how many.
    pub hits: u64,
    pub of: u64,
    /// How many of them chance would have met, at the cause's mean rate.
    pub expected: f64,
    /// How much likelier the effect's moments are with the cause than without: natural logarithm of the ratio.
    pub gain: f64,
    /// The window: as long as nine of ten following beginnings of this site take, one of 5, 15, 60 and 300 s.
    pub within: TimeDelta,
}

impl CausalLink {
    /// Hits over expected ones.
    pub fn lift(&self) -> f64 {
        self.hits as f64 / self.expected.max(1e-9)
    }

    /// By how many standard deviations hits are above the expected ones.
    pub fn z(&self) -> f64 {
        (self.hits as f64 - self.expected) / self.expected.max(1e-9).sqrt()
    }
}

/// What tended to come before a problem's episodes. A count, shown as one; never a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CauseHint {
    /// What came before: the alert's name.
    pub before: String,
    /// Where it was, seen from the episodes.
    pub place: LeadPosition,
    /// Before how many of the episodes it began within the window.
    pub hits: u64,
    pub of: u64,
    /// How many of them chance alone would have met.
    pub expected: f64,
    /// Hits over expected.
    pub lift: f64,
    /// By how many standard deviations hits are above expected.
    pub z: f64,
    /// How long before, at most.
    pub within: TimeDelta,
}

/// Where a leading alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadPosition {
    /// On the same item.
    Same,
    /// On what the item depends on.
    Parent,
    /// On what depends on the item.
    Child,
}

impl LeadPosition {
    pub const fn words(self) -> &'static str {
        match self {
            LeadPosition::Same => "on the same item",
            LeadPosition::Parent => "on what it depends on",
            LeadPosition::Child => "on what depends on it",
        }
    }
}

/// How often any link at all may be found where there is none.
const FALSE_ALARMS: f64 = 0.01;

/// Of pairs that seem linked both ways, the likelier way; strongest first. `neighbours` by place, itself apart; a place
/// beyond it has none. `effect`: only links to that kind are looked for. Nothing with fewer than two days' worth of
/// sense is refused: what is not significant is simply not there.
pub fn links(onsets: &[Onset], neighbours: &[Vec<u32>], effect: Option<u32>) -> Vec<CausalLink> {
    let trace = EventSequence::new(onsets, neighbours, effect);
    let kinds = trace.kinds();
    let whole = LagModel::of(&trace, Part::Whole);
    let gains = whole.gains(&trace, Part::Whole);
    let held_back = held_back_gains(&trace);
    let causes = kinds.saturating_sub(1);
    let tried = if effect.is_some() { causes } else { kinds * causes };
    let least = least_gain(FALSE_ALARMS / tried.max(1) as f64);
    let within = whole.reach();
    let mut found: Vec<CausalLink> = Vec::new();
    for cause in 0..kinds {
        for to in (0..kinds).filter(|to| *to != cause) {
            let gain = gains.at(cause, to);
            let is_significant = gain >= least && held_back.at(cause, to) > 0.0;
            if is_significant && gain >= gains.at(to, cause) {
                let (hits, of, expected) = trace.counts(cause as u32, to as u32, within);
                let (cause, effect) = (cause as u32, to as u32);
                found.push(CausalLink { cause, effect, hits, of, expected, gain, within });
            }
        }
    }
    found.sort_by(|one, other| {
        other.gain.total_cmp(&one.gain).then((one.cause, one.effect).cmp(&(other.cause, other.effect)))
    });
    found
}

/// What each link explains of the days that it was not fitted on.
fn held_back_gains(trace: &EventSequence) -> super::onsets::PairMatrix {
    let mut sum = LagModel::of(trace, Part::Even).gains(trace, Part::Odd);
    sum.add(&LagModel::of(trace, Part::Odd).gains(trace, Part::Even));
    sum
}

/// The gain that chance exceeds with that probability: twice a gain is chi-squared with one degree of freedom, whose
/// tail is below exp(-g) / sqrt(πg).
fn least_gain(probability: f64) -> f64 {
    let (mut low, mut high) = (0.1, 200.0);
    for _ in 0..60 {
        let gain: f64 = (low + high) / 2.0;
        let tail = (-gain).exp() / (std::f64::consts::PI * gain).sqrt();
        if tail > probability { low = gain } else { high = gain }
    }
    high
}

#[cfg(test)]
mod tests;
