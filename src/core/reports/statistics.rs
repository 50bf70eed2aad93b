//! Shares and duration statistics of many cases.

use serde::{Deserialize, Serialize};

use crate::core::model::TimeDelta;

/// Statistics of durations: all zero without a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DurationStatistics {
    pub count: u64,
    /// Rounded to a second.
    pub mean: TimeDelta,
    /// The middle one, the lower of two.
    pub median: TimeDelta,
    /// Nine of ten took no longer.
    pub p90: TimeDelta,
}

impl DurationStatistics {
    pub fn of(mut spans: Vec<TimeDelta>) -> DurationStatistics {
        spans.sort_unstable();
        let count = spans.len();
        if count == 0 {
            return DurationStatistics::default();
        }
        let sum: i128 = spans.iter().map(|span| i128::from(span.as_micros())).sum();
        let seconds = (sum / 1_000_000 + count as i128 / 2) / count as i128;
        // The nearest rank: the smallest value that so many per cent do not exceed.
        let rank = |percent: usize| spans[(count * percent).div_ceil(100).max(1) - 1];
        DurationStatistics {
            count: count as u64,
            mean: TimeDelta::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1_000_000)),
            median: rank(50),
            p90: rank(90),
        }
    }
}

/// `part` of `whole`, from 0 to 1; `None` of nothing.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
