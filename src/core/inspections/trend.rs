//! Trends of an item's values, to warn before they reach the limit.
//!
//! The slope is the median of the slopes between all pairs of values (Theil 1950, Sen 1968): a third of the values may
//! be anything. Its significance follows from the signs of those pairs (Mann 1945, Kendall 1975), and from the total
//! change against the scatter of the values.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{Comparison, Limit};

/// Number of values kept per item.
const KEPT: usize = 48;
/// Minimum number of values for a trend.
const LEAST: usize = 8;
/// One-sided 0.1 % of the normal distribution, because many items are tested often.
const SIGNIFICANT: f64 = 3.09;
/// From the median of absolute deviations to a standard deviation.
const DEVIATION: f64 = 1.4826;
/// Minimum change, in deviations.
const RISE_LEAST: f64 = 4.5;
/// A step back by that part of the whole range, much larger than the usual step, is a new start: the cause was removed.
const RESET: f64 = 0.25;
const RESET_STEPS: f64 = 5.0;
/// Maximum forecast, in multiples of the observed time.
const AHEAD_MOST: f64 = 3.0;
/// A reported drift ends beyond this multiple of the horizon.
const GIVEN_UP: f64 = 1.5;
const DAY_SECONDS: f64 = 86_400.0;

/// The newest values of one item, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct History(VecDeque<(Timestamp, f64)>);

/// A drift that reaches its limit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Forecast {
    pub limit: Limit,
    /// Slope of the values per day.
    pub slope: f64,
    /// From the last value.
    pub within: TimeDelta,
    pub values: usize,
}

impl History {
    /// `corrects`: replaces the newest value, which was wrong.
    pub fn push(&mut self, at: Timestamp, value: f64, corrects: bool) {
        if corrects {
            self.0.pop_back();
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((at, value));
    }

    /// Time at which the values will break the limit, if they drift towards it, have not broken it, and will within the
    /// horizon. `told`: it was reported before, so that more is needed to clear it.
    pub fn forecast(&self, limit: Limit, horizon: TimeDelta, told: bool) -> Option<Forecast> {
        let sign = match limit.comparison {
            Comparison::Above | Comparison::AtLeast => 1.0,
            Comparison::Below | Comparison::AtMost => -1.0,
        };
        let (first, _) = self.0.front()?;
        let all: Vec<(f64, f64)> =
            self.0.iter().map(|(at, value)| (at.as_seconds_f64() - first.as_seconds_f64(), value * sign)).collect();
        let recent = since_reset(&all)?;
        let (last_at, last) = *recent.last()?;
        let seen = last_at - recent.first()?.0;
        if recent.len() < LEAST || seen <= 0.0 || limit.is_broken_by(last * sign) {
            return None;
        }
        let (slope, standard) = slope(recent);
        let level = median(recent.iter().map(|(at, value)| value - slope * at).collect());
        let stray = median(recent.iter().map(|(at, value)| (value - slope * at - level).abs()).collect()) * DEVIATION;
        if slope <= 0.0 || standard < SIGNIFICANT || slope * seen < RISE_LEAST * stray {
            return None;
        }
        let left = ((limit.value * sign - (level + slope * last_at)) / slope).max(0.0);
        let horizon = horizon.as_seconds_f64() * if told { GIVEN_UP } else { 1.0 };
        (left <= horizon.min(AHEAD_MOST * seen)).then(|| Forecast {
            limit,
            slope: slope * sign * DAY_SECONDS,
            within: TimeDelta::from_seconds(left as i64),
            values: recent.len(),
        })
    }
}

impl fmt::Display for Forecast {
    /// `reaches 90 in 6d (+1.2 a day over 12 values)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HOUR: i64 = 3_600;
        let hours = self.within.as_micros() / 1_000_000 / HOUR;
        let within = match hours {
            0 => "within the hour".to_owned(),
            1..48 => format!("in {hours}h"),
            _ => format!("in {}d", hours / 24),
        };
        let Forecast { limit, slope, values, .. } = self;
        write!(f, "reaches {} {within} ({slope:+.3} a day over {values} values)", limit.value)
    }
}

/// The values since the last step back; `None` while they have not passed the earlier ones, and so may repeat them.
fn since_reset(all: &[(f64, f64)]) -> Option<&[(f64, f64)]> {
    let (least, most) =
        all.iter().fold((f64::MAX, f64::MIN), |(least, most), (_, value)| (least.min(*value), most.max(*value)));
    let usual = median(all.windows(2).map(|pair| (pair[1].1 - pair[0].1).abs()).collect());
    let step = ((most - least) * RESET).max(usual * RESET_STEPS);
    let reset = all.windows(2).rposition(|pair| step > 0.0 && pair[0].1 - pair[1].1 > step);
    let Some(reset) = reset else { return Some(all) };
    let before = all[..=reset].iter().fold(f64::MIN, |most, (_, value)| most.max(*value));
    let recent = &all[reset + 1..];
    recent.last().is_some_and(|(_, last)| *last > before).then_some(recent)
}

/// Slope per second, and its significance, in standard deviations.
fn slope(values: &[(f64, f64)]) -> (f64, f64) {
    let pairs =
        values.iter().enumerate().flat_map(|(n, earlier)| values[n + 1..].iter().map(move |later| (earlier, later)));
    let slopes: Vec<f64> = pairs
        .filter(|(earlier, later)| later.0 > earlier.0)
        .map(|(earlier, later)| (later.1 - earlier.1) / (later.0 - earlier.0))
        .collect();
    let signs: f64 = slopes
        .iter()
        .map(|slope| {
            if *slope > 0.0 {
                1.0
            } else if *slope < 0.0 {
                -1.0
            } else {
                0.0
            }
        })
        .sum();
    let n = values.len() as f64;
    let variance = n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    (median(slopes), (signs - 1.0) / variance.sqrt())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.get(middle) {
        None => 0.0,
        Some(upper) if values.len() % 2 == 1 => *upper,
        Some(upper) => (values[middle - 1] + upper) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Limit = Limit { comparison: Comparison::AtLeast, value: 90.0 };
    const HORIZON: TimeDelta = TimeDelta::from_days(14);

    /// One value a day; returns the days with a warning, and the day on which the limit is broken.
    fn watch(values: &[f64], limit: Limit) -> (Vec<usize>, Option<usize>) {
        let (mut history, mut warned) = (History::default(), Vec::new());
        for (day, value) in values.iter().enumerate() {
            history.push(Timestamp::EPOCH + TimeDelta::from_days(day as i64), *value, false);
            let forecast = history.forecast(limit, HORIZON, warned.last().is_some_and(|last| last + 1 == day));
            warned.extend(forecast.map(|_| day));
        }
        (warned, values.iter().position(|value| limit.is_broken_by(*value)))
    }

    /// Uniform in −1..1, the same each time.
    fn noise(seed: u64) -> impl Iterator<Item = f64> {
        std::iter::successors(Some(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1), |state| {
            Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        })
        .map(|state| (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
    }

    #[test]
    fn a_disk_that_fills_slowly_warns_days_before_it_is_full() {
        for seed in 0..20 {
            let values: Vec<f64> =
                noise(seed).skip(5).take(60).enumerate().map(|(day, noise)| 50.0 + day as f64 + noise).collect();
            let (warned, full) = watch(&values, FULL);
            let (first, full) = (warned[0], full.expect("it fills"));
            assert!((8..=15).contains(&(full - first)), "seed {seed}: warned on day {first}, full on day {full}");
            assert_eq!(warned.len(), full - first, "seed {seed}: it says so until it is full: {warned:?}");
        }
        // A fall towards a lower limit warns as well.
        let below = Limit { comparison: Comparison::Below, value: 10.0 };
        let (warned, low) = watch(&(0..60).map(|day| 60.0 - f64::from(day)).collect::<Vec<_>>(), below);
        assert_eq!((warned.first(), low), (Some(&36), Some(51)));
    }

    #[test]
    fn noise_teeth_steps_and_what_stands_still_warn_of_nothing() {
        let mut cases: Vec<(String, Vec<f64>)> = vec![
            ("a tooth of ten days".to_owned(), (0..120).map(|day| 40.0 + 4.5 * f64::from(day % 10)).collect()),
            ("a tooth of a month".to_owned(), (0..120).map(|day| 30.0 + 1.5 * f64::from(day % 30)).collect()),
            ("stands still".to_owned(), vec![70.0; 60]),
            ("a step".to_owned(), (0..60).map(|day| if day < 30 { 40.0 } else { 80.0 }).collect()),
            ("falls".to_owned(), (0..60).map(|day| 85.0 - f64::from(day)).collect()),
            ("day and night".to_owned(), (0..60).map(|day| if day % 2 == 0 { 60.0 } else { 85.0 }).collect()),
        ];
        for seed in 0..200 {
            cases.push((
                format!("noise {seed}"),
                noise(seed).skip(3).take(120).map(|noise| 75.0 + 10.0 * noise).collect(),
            ));
        }
        let mut wrong = Vec::new();
        let mut days = 0;
        for (name, values) in &cases {
            let (warned, _) = watch(values, FULL);
            days += values.len();
            if !warned.is_empty() && !name.contains("tooth") {
                wrong.push((name.clone(), warned));
            } else if let Some(first) = warned.first().filter(|first| **first >= 30) {
                // The first tooth can be no tooth yet; after it, it is one.
                wrong.push((name.clone(), vec![*first]));
            }
        }
        println!("{} series, {days} days, wrong: {wrong:?}", cases.len());
        // Of pure noise close to the limit one day in 10,000 may look like a trend.
        let (by_chance, others): (Vec<_>, Vec<_>) = wrong.into_iter().partition(|(name, _)| name.starts_with("noise"));
        assert!(others.is_empty(), "{others:?}");
        assert!(by_chance.iter().map(|(_, days)| days.len()).sum::<usize>() * 10_000 <= days, "{by_chance:?}");
    }

    #[test]
    fn a_forecast_says_when_and_why() {
        let mut history = History::default();
        for day in 0..12 {
            history.push(Timestamp::EPOCH + TimeDelta::from_days(day), 72.0 + day as f64, false);
        }
        let told = |history: &History| history.forecast(FULL, HORIZON, false).map(|forecast| forecast.to_string());
        assert_eq!(told(&history).as_deref(), Some("reaches 90 in 7d (+1.000 a day over 12 values)"));
        assert_eq!(history.forecast(FULL, TimeDelta::from_days(6), false), None);
        assert!(
            history.forecast(FULL, TimeDelta::from_days(6), true).is_some(),
            "what was told is not unsaid for a day"
        );
        // A correction replaces, and half of a kept history may be outliers' neighbours without harm.
        history.push(Timestamp::EPOCH + TimeDelta::from_days(11), 20.0, true);
        assert_eq!(told(&history), None);
        for _ in 0..200 {
            history.push(Timestamp::EPOCH + TimeDelta::from_days(12), 1.0, false);
        }
        assert_eq!(history.0.len(), KEPT);
    }
}
