//! Suppression beyond plain inhibitions: dependency on topology, maintenance windows, storms.

use crate::core::calendar::Schedule;
use crate::core::model::{Matchers, Severity, TimeDelta, Timestamp};

/// An inhibition that follows `depends_on`: the target's item depends on the source's item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Through {
    /// Maximum number of dependencies between them, 1 to 32.
    pub hops: u32,
}

/// A time of planned work, in which alerts send no pages and count for no problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintenance {
    pub name: String,
    /// The change that it belongs to, as people name it: `CHG-123`.
    pub change: Option<String>,
    /// True if the clocks of incidents pause, because the change is approved.
    pub pauses: bool,
    pub time: MaintenanceTime,
    pub matchers: Matchers,
    /// Items of the inventory, and sites; without both it is everywhere.
    pub items: Vec<String>,
    pub sites: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaintenanceTime {
    /// [from, to)
    Once { from: Timestamp, to: Timestamp },
    /// From each time of the schedule, that long.
    Recurring { schedule: Schedule, lasts: TimeDelta },
}

impl MaintenanceTime {
    /// The same time for a service whose wall clock is that many microseconds ahead of its moments.
    pub fn set_ahead(&mut self, micros: i64) {
        match self {
            MaintenanceTime::Once { from, to } => {
                *from = from.shifted(micros.saturating_neg());
                *to = to.shifted(micros.saturating_neg());
            }
            MaintenanceTime::Recurring { schedule, lasts: _ } => schedule.set_ahead(micros),
        }
    }

    /// The state at that time, and the earliest time of the next change.
    pub fn state(&self, at: Timestamp) -> (bool, Option<Timestamp>) {
        match self {
            MaintenanceTime::Once { from, to: _ } if at < *from => (false, Some(*from)),
            MaintenanceTime::Once { from: _, to } if at < *to => (true, Some(*to)),
            MaintenanceTime::Once { .. } => (false, None),
            MaintenanceTime::Recurring { schedule, lasts } => match schedule.next_after(at - *lasts) {
                Some(start) if start <= at => (true, Some(start + *lasts)),
                next => (false, next),
            },
        }
    }
}

/// A flood of alerts at one place that one incident must represent.
#[derive(Debug, Clone, PartialEq)]
pub struct Storm {
    /// Also the rule name of its incident.
    pub name: String,
    pub matchers: Matchers,
    /// The label whose value is the place; an alert without it has no storm.
    pub scope: String,
    /// Minimum number of distinct alerts that begin within 60 s.
    pub at_least: u32,
    /// Number of deviations above the usual.
    pub factor: f64,
    /// Number of consecutive minutes.
    pub buckets: u32,
    /// It ends after that long with less than half of the count that began it.
    pub leave_after: TimeDelta,
    /// Number of alerts that the incident shows as examples.
    pub representatives: u32,
    /// Alerts of that severity or worse are never suppressed by it.
    pub top_severity: Option<Severity>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_says_whether_it_is_open_and_when_to_ask_again() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let once = MaintenanceTime::Once { from: at("2026-02-13T00:00:00Z"), to: at("2026-02-13T02:00:00Z") };
        assert_eq!(once.state(at("2026-02-12T23:59:59Z")), (false, Some(at("2026-02-13T00:00:00Z"))));
        assert_eq!(once.state(at("2026-02-13T00:00:00Z")), (true, Some(at("2026-02-13T02:00:00Z"))));
        assert_eq!(once.state(at("2026-02-13T02:00:00Z")), (false, None));
        let schedule = Schedule::parse("30 1 * * *", "America/New_York").unwrap();
        let nightly = MaintenanceTime::Recurring { schedule, lasts: TimeDelta::from_hours(2) };
        // The night in which an hour comes twice: two hours are two hours.
        assert_eq!(nightly.state(at("2026-11-01T05:29:59Z")), (false, Some(at("2026-11-01T05:30:00Z"))));
        assert_eq!(nightly.state(at("2026-11-01T05:30:00Z")), (true, Some(at("2026-11-01T07:30:00Z"))));
        assert_eq!(nightly.state(at("2026-11-01T07:30:00Z")), (false, Some(at("2026-11-02T06:30:00Z"))));
        let schedule = Schedule::parse("0 * * * *", "Asia/Shanghai").unwrap();
        let overlapping = MaintenanceTime::Recurring { schedule, lasts: TimeDelta::from_minutes(90) };
        assert_eq!(overlapping.state(at("2026-02-13T05:10:00Z")), (true, Some(at("2026-02-13T05:30:00Z"))));
        assert_eq!(overlapping.state(at("2026-02-13T05:30:00Z")), (true, Some(at("2026-02-13T06:30:00Z"))));
    }
}
