//! Periodicity of episodes: frequency, duration, regularity, and the next expected one.
//!
//! Error rates and powers of the tests are verified by simulation in the tests of this file.

use serde::{Deserialize, Serialize};

use crate::core::calendar::week_second;
use crate::core::model::{TimeDelta, Timestamp};

/// Start and end of one appearance of a cause; no end while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burst {
    pub from: Timestamp,
    pub until: Option<Timestamp>,
}

/// The statistics of one cause's episodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Periodicity {
    /// Number of episodes used: at most the newest 64.
    pub episodes: u64,
    /// Mean time between the starts of episodes.
    pub mtbf: TimeDelta,
    /// Mean duration of ended episodes.
    pub mttr: Option<TimeDelta>,
    /// Standard deviation of the gaps over their mean, above the length of one episode: 0 is a clock, 1 is chance.
    pub gap_variation: f64,
    /// Its gaps are more even than chance makes them in one of a hundred cases.
    pub regular: bool,
    /// The minute, the hour of the day, or the hour of the week that it keeps to.
    pub season: Option<Seasonality>,
    pub next: ExpectedEpisode,
}

/// A period that the episodes keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seasonality {
    Hour,
    Day,
    Week,
}

/// The next expected episode, with its certainty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectedEpisode {
    pub at: Timestamp,
    pub from: Timestamp,
    pub until: Timestamp,
    pub by: Basis,
}

/// Basis of an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The last start and the median gap, ± twice the spread of the gaps.
    Gaps,
    /// The season's phase nearest to the median gap, ± twice the spread.
    Season,
    /// The mean rate alone: the middle 80 % of an exponential wait.
    Rate,
}

/// Minimum number of episodes for any periodicity.
pub const EPISODES_MIN: usize = 3;

/// The largest variation of the gaps of n episodes that counts as regular: the 1 % point under a Poisson process
/// (simulated, 200,000 series each, sample standard deviation). Between them it is interpolated; beyond the last it
/// stays, which is stricter than 1 %; below the first nothing counts as regular.
const VARIATION_LIMITS: [(usize, f64); 5] = [(5, 0.216), (6, 0.300), (8, 0.399), (12, 0.511), (20, 0.598)];

/// Three periods are tried, so each may err a third of this often.
const SEASON_LEVEL: f64 = 0.01;

/// Episodes must lie over so many periods: five beginnings within an hour are all in one part of the week.
const PERIODS_MIN: f64 = 3.0;

/// The middle 80 % of an exponential distribution of mean 1.
const WAIT_80: (f64, f64) = (0.105, 2.303);

/// Turns the median distance from the median into a standard deviation, under a normal distribution.
const MAD_TO_DEVIATION: f64 = 1.4826;

impl Seasonality {
    pub const ALL: [Seasonality; 3] = [Seasonality::Hour, Seasonality::Day, Seasonality::Week];

    pub const fn as_str(self) -> &'static str {
        match self {
            Seasonality::Hour => "hour",
            Seasonality::Day => "day",
            Seasonality::Week => "week",
        }
    }

    const fn seconds(self) -> f64 {
        match self {
            Seasonality::Hour => 3_600.0,
            Seasonality::Day => 86_400.0,
            Seasonality::Week => 604_800.0,
        }
    }
}

impl Periodicity {
    /// Analyses bursts, oldest first; those at most `apart` after the one before belong to its episode. `zone` is an
    /// IANA name, for the hours of day and week. `None` below [`EPISODES_MIN`] episodes.
    pub fn of(bouts: &[Burst], apart: TimeDelta, zone: &str) -> Option<Periodicity> {
        let episodes = collapse(bouts, apart);
        if episodes.len() < EPISODES_MIN {
            return None;
        }
        let starts: Vec<Timestamp> = episodes.iter().map(|episode| episode.from).collect();
        let gaps: Vec<f64> = starts.windows(2).map(|pair| pair[1].since(pair[0]).as_seconds_f64()).collect();
        let mtbf = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let gap_variation = variation(&gaps, apart.as_seconds_f64());
        let regular = variation_limit(episodes.len()).is_some_and(|limit| gap_variation <= limit);
        let season = season(&starts, zone);
        let last = starts.last().copied().unwrap_or(Timestamp::EPOCH);
        let next = match (regular, &season) {
            (true, _) => expected_by_gaps(last, &gaps),
            (false, Some(kept)) => expected_by_season(last, &gaps, kept, zone),
            (false, None) => expected_by_rate(last, mtbf),
        };
        Some(Periodicity {
            episodes: episodes.len() as u64,
            mtbf: seconds(mtbf),
            mttr: mean_length(&episodes),
            gap_variation: (gap_variation * 1_000.0).round() / 1_000.0,
            regular,
            season: season.map(|kept| kept.season),
            next,
        })
    }

    /// True if it recurs by the clock, in either way, which is no chance.
    pub fn keeps_time(&self) -> bool {
        self.regular || self.season.is_some()
    }
}

/// Joins bursts at most `apart` after the end of the one before (or its start, while that lasts).
pub fn collapse(bouts: &[Burst], apart: TimeDelta) -> Vec<Burst> {
    let mut episodes: Vec<Burst> = Vec::new();
    let mut latest = Timestamp::EPOCH;
    for bout in bouts {
        let end = bout.until.map_or(bout.from, |until| until.max(bout.from));
        match episodes.last_mut().filter(|_| bout.from <= latest + apart) {
            Some(episode) => {
                episode.until = bout.until.map(|_| end.max(latest));
                latest = latest.max(end);
            }
            None => {
                episodes.push(*bout);
                latest = end;
            }
        }
    }
    episodes
}

fn mean_length(episodes: &[Burst]) -> Option<TimeDelta> {
    let lengths: Vec<f64> = episodes
        .iter()
        .filter_map(|episode| episode.until.map(|until| until.since(episode.from).as_seconds_f64()))
        .collect();
    (!lengths.is_empty()).then(|| seconds(lengths.iter().sum::<f64>() / lengths.len() as f64))
}

/// Gaps are never below the length of one episode, so only the part above it can be chance.
fn variation(gaps: &[f64], floor: f64) -> f64 {
    let count = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / count;
    let squares: f64 = gaps.iter().map(|gap| (gap - mean).powi(2)).sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    if mean > floor { (deviation / (mean - floor)).min(99.0) } else { 99.0 }
}

/// See [`VARIATION_LIMITS`].
fn variation_limit(episodes: usize) -> Option<f64> {
    let (_, last) = VARIATION_LIMITS[VARIATION_LIMITS.len() - 1];
    let (fewest, _) = VARIATION_LIMITS[0];
    if episodes < fewest {
        return None;
    }
    let around = VARIATION_LIMITS.windows(2).find(|pair| episodes <= pair[1].0);
    Some(around.map_or(last, |pair| {
        let [(below, low), (above, high)] = [pair[0], pair[1]];
        low + (high - low) * (episodes - below) as f64 / (above - below) as f64
    }))
}

/// A season that is kept: the mean phase and its spread, in seconds.
struct PhaseFit {
    season: Seasonality,
    phase: f64,
    spread: f64,
}

fn season(starts: &[Timestamp], zone: &str) -> Option<PhaseFit> {
    let length = starts.last()?.since(*starts.first()?).as_seconds_f64();
    let tried = Seasonality::ALL.into_iter().filter(|season| length >= PERIODS_MIN * season.seconds());
    let found = tried.map(|season| rayleigh(starts, season, zone));
    let likely = found.filter(|(p, _)| *p * Seasonality::ALL.len() as f64 <= SEASON_LEVEL);
    likely.min_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, kept)| kept)
}

/// Rayleigh's test of uniform phases: the probability that chance brings them so near together (Zar's approximation).
fn rayleigh(starts: &[Timestamp], season: Seasonality, zone: &str) -> (f64, PhaseFit) {
    let period = season.seconds();
    let turn = std::f64::consts::TAU / period;
    let (mut sine, mut cosine) = (0.0, 0.0);
    for start in starts {
        let angle = phase(*start, season, zone) * turn;
        sine += angle.sin();
        cosine += angle.cos();
    }
    let count = starts.len() as f64;
    let length = sine.hypot(cosine).min(count);
    let p = ((1.0 + 4.0 * count + 4.0 * (count * count - length * length)).sqrt() - (1.0 + 2.0 * count)).exp();
    let concentration = (length / count).clamp(1e-9, 1.0 - 1e-12);
    let spread = (-2.0 * concentration.ln()).sqrt() / turn;
    (p, PhaseFit { season, phase: (sine.atan2(cosine) / turn).rem_euclid(period), spread })
}

fn phase(at: Timestamp, season: Seasonality, zone: &str) -> f64 {
    week_second(at, zone).rem_euclid(season.seconds())
}

fn expected_by_gaps(last: Timestamp, gaps: &[f64]) -> ExpectedEpisode {
    let typical = median(gaps.to_vec());
    let spread = MAD_TO_DEVIATION * median(gaps.iter().map(|gap| (gap - typical).abs()).collect());
    around(last, typical, 2.0 * spread, Basis::Gaps)
}

fn expected_by_season(last: Timestamp, gaps: &[f64], kept: &PhaseFit, zone: &str) -> ExpectedEpisode {
    let period = kept.season.seconds();
    let typical = median(gaps.to_vec());
    let reached = phase(last + seconds(typical), kept.season, zone);
    let off = (kept.phase - reached + period / 2.0).rem_euclid(period) - period / 2.0;
    // Never again in the same period, because that was the last episode.
    let wait = if typical + off < period / 2.0 { typical + off + period } else { typical + off };
    around(last, wait, 2.0 * kept.spread, Basis::Season)
}

fn expected_by_rate(last: Timestamp, mtbf: f64) -> ExpectedEpisode {
    let (early, late) = WAIT_80;
    ExpectedEpisode {
        at: last + seconds(mtbf),
        from: last + seconds(early * mtbf),
        until: last + seconds(late * mtbf),
        by: Basis::Rate,
    }
}

fn around(last: Timestamp, wait: f64, margin: f64, by: Basis) -> ExpectedEpisode {
    ExpectedEpisode {
        at: last + seconds(wait),
        from: last + seconds(wait - margin),
        until: last + seconds(wait + margin),
        by,
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// Whole seconds, because a prediction is no more precise.
fn seconds(count: f64) -> TimeDelta {
    TimeDelta::from_seconds(count.round() as i64)
}

#[cfg(test)]
mod tests;
