//! Storms: so many new alerts at one place that one incident represents all of them until the place is calm again.
//!
//! Counted are distinct alerts that begin to fire within one minute of the clock without a person's suppression. The
//! bar is far above the same hour of the last seven days or, without so much history, above the last hour.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::core::correlation::keys::StormKey;
use crate::core::correlation::match_target::MatchTarget;
use crate::core::model::{Fingerprint, TimeDelta, Timestamp};
use crate::core::rules::Storm;

const MINUTE_MICROS: i64 = 60_000_000;
const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;
/// Number of days whose same hour makes the baseline.
const DAYS: i64 = 7;
/// Factor from the median of the absolute deviations to a standard deviation.
const DEVIATION: f64 = 1.4826;

/// The place of a subject in a storm of the rule files, if it is one of its places.
pub(crate) fn place(storm: &Storm, subject: &MatchTarget<'_>) -> Option<StormKey> {
    let value = subject.labels.get(&storm.scope).filter(|value| !value.is_empty())?;
    let key = || StormKey { storm: storm.name.clone(), scope: storm.scope.clone(), value: value.to_owned() };
    subject.fits(&storm.matchers).then(key)
}

/// True if the storm lets the subject through because of its severity.
pub(crate) fn passes(storm: &Storm, subject: &MatchTarget<'_>) -> bool {
    storm.top_severity.is_some_and(|top| subject.severity >= top)
}

/// State of one place: this minute's alerts, the counts of earlier minutes, and the storm if one is active.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StormSite {
    first_minute: i64,
    minute: i64,
    fresh: BTreeSet<Fingerprint>,
    /// Minutes with new alerts, the oldest first; not older than the baseline needs.
    history: VecDeque<(i64, u32)>,
    /// The bar of this minute, once computed.
    bar: Option<u32>,
    over: Over,
    pub storm: Option<Active>,
}

/// The latest consecutive minutes that reached the bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Over {
    first: i64,
    count: u32,
}

impl Over {
    fn last(self) -> Option<i64> {
        (self.count > 0).then(|| self.first + i64::from(self.count) - 1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Active {
    /// Earlier alerts are not suppressed by it.
    pub since: Timestamp,
    /// Number of alerts in the minute that made it a storm, up to that point.
    pub count: u32,
    pub bar: u32,
    last_loud: i64,
}

impl Active {
    /// Time of its end if no loud minute follows.
    pub fn due(&self, storm: &Storm) -> Timestamp {
        start_of(self.last_loud + 1) + storm.leave_after
    }
}

pub(crate) fn minute_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(MINUTE_MICROS)
}

fn start_of(minute: i64) -> Timestamp {
    Timestamp::from_micros(minute.saturating_mul(MINUTE_MICROS))
}

impl StormSite {
    pub fn new(now: Timestamp) -> StormSite {
        let minute = minute_of(now);
        StormSite {
            first_minute: minute,
            minute,
            fresh: BTreeSet::new(),
            history: VecDeque::new(),
            bar: None,
            over: Over::default(),
            storm: None,
        }
    }

    /// Time of the last new alert there.
    pub fn last_minute(&self) -> i64 {
        self.minute
    }

    /// Counts one more new alert there; returns true if that makes a storm.
    pub fn count(&mut self, storm: &Storm, now: Timestamp, fingerprint: Fingerprint) -> bool {
        self.turn_to(minute_of(now));
        if !self.fresh.insert(fingerprint) {
            return false;
        }
        let count = u32::try_from(self.fresh.len()).unwrap_or(u32::MAX);
        if let Some(active) = &mut self.storm {
            if u64::from(count) * 2 >= u64::from(active.bar) {
                active.last_loud = self.minute;
            }
            return false;
        }
        if count < storm.at_least || self.over.last() == Some(self.minute) || count < self.bar(storm) {
            return false;
        }
        let follows = self.over.last() == Some(self.minute - 1);
        self.over = match follows {
            true => Over { count: self.over.count + 1, ..self.over },
            false => Over { first: self.minute, count: 1 },
        };
        if self.over.count < storm.buckets {
            return false;
        }
        let (since, bar) = (start_of(self.minute - i64::from(storm.buckets) + 1), self.bar(storm));
        self.storm = Some(Active { since, count, bar, last_loud: self.minute });
        true
    }

    /// Ends the storm after a calm of enough length.
    pub fn end(&mut self) {
        self.storm = None;
        self.over = Over::default();
    }

    fn turn_to(&mut self, minute: i64) {
        if minute == self.minute {
            return;
        }
        let count = u32::try_from(self.fresh.len()).unwrap_or(u32::MAX);
        if count > 0 {
            self.history.push_back((self.minute, count));
        }
        self.fresh.clear();
        self.minute = minute;
        self.bar = None;
        while self.history.front().is_some_and(|(old, _)| *old < minute - (DAYS + 1) * DAY) {
            self.history.pop_front();
        }
    }

    /// Number of new alerts in this minute that makes a storm.
    fn bar(&mut self, storm: &Storm) -> u32 {
        if let Some(bar) = self.bar {
            return bar;
        }
        let (median, deviation) = self.usual();
        // Independent alerts vary at least this much; without it a constant count would always be a storm.
        let spread = (DEVIATION * deviation).max(median.sqrt());
        let bar = (median + storm.factor * spread).ceil();
        // A float becomes the nearest number there is.
        let bar = storm.at_least.max(bar as u32);
        self.bar = Some(bar);
        bar
    }

    /// Median, and median of the deviations from it, over the minutes of the baseline.
    fn usual(&self) -> (f64, f64) {
        let hour = self.minute.div_euclid(HOUR) * HOUR;
        let ranges: Vec<(i64, i64)> = if self.first_minute + DAYS * DAY <= self.minute {
            (1..=DAYS).map(|day| (hour - day * DAY, hour - day * DAY + HOUR)).collect()
        } else {
            vec![(self.minute - HOUR, self.minute)]
        };
        let minutes = ranges.len() * HOUR as usize;
        let is_in = |minute: i64| ranges.iter().any(|(from, to)| *from <= minute && minute < *to);
        let counts = self.history.iter().filter(|(minute, _)| is_in(*minute)).map(|(_, count)| f64::from(*count));
        let mut counts: Vec<f64> = counts.collect();
        counts.resize(minutes.max(counts.len()), 0.0);
        let median = median(&mut counts);
        let mut deviations: Vec<f64> = counts.iter().map(|count| (count - median).abs()).collect();
        (median, self::median(&mut deviations))
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), middle.checked_sub(1).and_then(|before| values.get(before))) {
        (Some(upper), Some(lower)) if values.len().is_multiple_of(2) => (lower + upper) / 2.0,
        (Some(value), _) => *value,
        (None, _) => 0.0,
    }
}

/// Retention of a place without new alerts.
pub(crate) const FORGOTTEN_AFTER: TimeDelta = TimeDelta::from_days(DAYS + 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Matchers;

    fn storm(at_least: u32, factor: f64, buckets: u32) -> Storm {
        Storm {
            name: "风暴".to_owned(),
            matchers: Matchers::default(),
            scope: "site".to_owned(),
            at_least,
            factor,
            buckets,
            leave_after: TimeDelta::from_minutes(10),
            representatives: 10,
            top_severity: None,
        }
    }

    /// Given so many new alerts in each minute, returns the minutes in which a storm began.
    fn begun(storm: &Storm, counts: &[(i64, u64)]) -> Vec<i64> {
        let mut place = StormSite::new(start_of(counts[0].0));
        let mut begun = Vec::new();
        for (minute, count) in counts {
            for number in 0..*count {
                if place.count(storm, start_of(*minute), Fingerprint(number)) {
                    begun.push(*minute);
                    place.end();
                }
            }
        }
        begun
    }

    #[test]
    fn two_minutes_in_a_row_make_a_storm_and_a_gap_does_not() {
        let storm = storm(5, 6.0, 2);
        assert_eq!(begun(&storm, &[(10, 5), (11, 5)]), [11]);
        assert_eq!(begun(&storm, &[(10, 5), (12, 5)]), [0_i64; 0]);
        assert_eq!(begun(&storm, &[(10, 4), (11, 9), (12, 4), (13, 9), (14, 9)]), [14]);
    }

    #[test]
    fn what_is_usual_there_makes_no_storm() {
        let storm = storm(5, 6.0, 1);
        // An hour in which 10 and 30 begin by turns: the median is 20, the deviation 10, the bar 20 + 6 · 14.826.
        let wild: Vec<(i64, u64)> = (0..60).map(|minute| (minute, 10 + 20 * (minute as u64 % 2))).collect();
        // In which 25 begin each minute: the bar is 25 + 6 · 5.
        let steady: Vec<(i64, u64)> = (0..60).map(|minute| (minute, 25)).collect();
        let later = |hour: &[(i64, u64)], last: u64| {
            let counts = [hour, &[(60, last)]].concat();
            begun(&storm, &counts).into_iter().filter(|minute| *minute >= 60).count()
        };
        assert_eq!((later(&wild, 108), later(&wild, 109)), (0, 1));
        assert_eq!((later(&steady, 54), later(&steady, 55)), (0, 1));
    }

    #[test]
    fn after_a_week_the_same_hour_counts() {
        let storm = storm(5, 6.0, 1);
        // Every night at minute 120 of the day, for an hour, twenty begin a minute; in the last hour before none did.
        let mut counts: Vec<(i64, u64)> = vec![(0, 1)];
        for day in 0..7 {
            counts.extend((0..60).map(|minute| (day * DAY + 120 + minute, 20)));
        }
        let mut quiet_before = counts.clone();
        counts.push((7 * DAY + 130, 20));
        assert!(!begun(&storm, &counts).contains(&(7 * DAY + 130)));
        // An hour later the same count is a storm.
        quiet_before.push((7 * DAY + 190, 20));
        assert!(begun(&storm, &quiet_before).contains(&(7 * DAY + 190)));
    }
}
