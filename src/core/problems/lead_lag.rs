//! Lead and lag: alerts that tend to precede others, on the same item or a near one. Hints for the search for a cause,
//! never a verdict.
//!
//! Each onset is attributed to chance or to an earlier onset; expectation and maximisation finds the shares (a
//! self-exciting process per kind, one shared lag curve in four steps). So an effect that one cause explains is not
//! counted for another one near it. A link must explain more than chance among all tested pairs would, also on days
//! that it was not fitted on. The window follows from the lag curve of the site.

use serde::{Deserialize, Serialize};

use super::onsets::{EventSequence, LagModel, Onset, Part};
use crate::core::model::TimeDelta;

/// One kind tends to come before another.
#[derive(Clone, Debug, PartialEq)]
pub struct CausalLink {
    pub cause: u32,
    pub effect: u32,
    /// Number of the effect's onsets with the cause's onset in the window before them; and their total.
    pub hits: u64,
    pub of: u64,
    /// Number of hits expected by chance, at the cause's mean rate.
    pub expected: f64,
    /// Likelihood ratio of the effect's times with the cause against without, as a natural logarithm.
    pub gain: f64,
    /// The window that holds nine of ten followers at this site, one of 5, 15, 60 and 300 s.
    pub within: TimeDelta,
}

impl CausalLink {
    /// Hits over expected ones.
    pub fn lift(&self) -> f64 {
        self.hits as f64 / self.expected.max(1e-9)
    }

    /// Excess of hits over the expected ones, in standard deviations.
    pub fn z(&self) -> f64 {
        (self.hits as f64 - self.expected) / self.expected.max(1e-9).sqrt()
    }
}

/// An alert that tended to precede a problem's episodes. A count, shown as one; never a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CauseHint {
    /// Name of the preceding alert.
    pub before: String,
    /// Its position, seen from the episodes.
    pub place: LeadPosition,
    /// Number of episodes preceded by it within the window.
    pub hits: u64,
    pub of: u64,
    /// Number expected by chance alone.
    pub expected: f64,
    /// Hits over expected.
    pub lift: f64,
    /// Excess of hits over expected, in standard deviations.
    pub z: f64,
    /// Maximum lead time.
    pub within: TimeDelta,
}

/// Position of a leading alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadPosition {
    /// On the same item.
    Same,
    /// On an item that the item depends on.
    Parent,
    /// On an item that depends on the item.
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

/// Accepted probability of finding any link where there is none.
const FALSE_ALARMS: f64 = 0.01;

/// Finds links; of pairs that seem linked both ways, the likelier way; strongest first. `neighbours` by place, itself
/// excluded; a place beyond it has none. `effect`: only links to that kind. Short data is not refused, because
/// insignificant links are never returned.
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

/// The gain of each link on the days that it was not fitted on.
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
