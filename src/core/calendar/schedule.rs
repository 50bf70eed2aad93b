//! Due times of a crontab line in a time zone.
//!
//! The `cron` crate computes in local time without a zone, and each result is placed in the zone here: a time that a
//! clock change skips is due at the first instant after it, a time that occurs twice is due the first time only.

use super::crontab::ParseScheduleError;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::crontab::Crontab;
use super::zones::time_zone;
use crate::core::model::Timestamp;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A crontab line in a zone. Equal if text, zone and offset are.
#[derive(Clone)]
pub struct Schedule {
    text: String,
    zone_name: String,
    zone: TimeZone,
    /// Due if any of these is.
    lines: Vec<cron::Schedule>,
    /// By how many microseconds civil time is ahead of the moments that are asked about.
    ahead: i64,
}

impl Schedule {
    /// Compiles a crontab line (5 fields, or 6 with seconds first; both day fields given: either fits) for that IANA
    /// zone. Refuses a line that can never be due.
    pub fn parse(text: &str, zone: &str) -> Result<Schedule, ParseScheduleError> {
        let crontab = Crontab::parse(text)?;
        let bad_zone = |_| ParseScheduleError {
            reason: format!("unknown time zone {zone:?}; expected an IANA name, for example Asia/Shanghai"),
        };
        let compiled = time_zone(zone).map_err(bad_zone)?;
        let lines: Result<Vec<_>, _> = crontab.cron_lines().iter().map(|line| cron::Schedule::from_str(line)).collect();
        let lines = lines.map_err(|error| ParseScheduleError { reason: error.to_string() })?;
        let schedule = Schedule { text: text.to_owned(), zone_name: zone.to_owned(), zone: compiled, lines, ahead: 0 };
        if schedule.next_after(Timestamp::EPOCH).is_none() {
            return Err(ParseScheduleError { reason: format!("{text:?} is never due: no month in it has such a day") });
        }
        Ok(schedule)
    }

    /// The first due time strictly after `after`; `None` if there is none before the year 2101.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.shifted(self.ahead);
        let next = self.lines.iter().filter_map(|line| self.next_of(line, after)).min();
        next.map(|next| next.shifted(self.ahead.saturating_neg()))
    }

    /// The same schedule for a service whose wall clock is that many microseconds ahead of its moments.
    pub fn set_ahead(&mut self, micros: i64) {
        self.ahead = micros;
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// The local time in its zone: `09:00`.
    pub fn clock_at(&self, at: Timestamp) -> String {
        at.shifted(self.ahead).to_timestamp().to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    fn next_of(&self, line: &cron::Schedule, after: Timestamp) -> Option<Timestamp> {
        let offset = self.zone.to_offset(after.to_timestamp()).seconds();
        let local = after.as_micros().div_euclid(MICROS_PER_SECOND) + i64::from(offset);
        // Local times in order are instants in order, so the first that lies ahead is the next. Only inside a repeated
        // hour do some lie behind.
        let start = DateTime::<Utc>::from_timestamp(local.max(0) - 1, 0)?;
        line.after(&start).map_while(|local| self.instant_of(local.timestamp())).find(|moment| *moment > after)
    }

    /// The instant of a local time, in seconds since 1970 on the local clock.
    fn instant_of(&self, local: i64) -> Option<Timestamp> {
        let civil = Offset::UTC.to_datetime(jiff::Timestamp::from_second(local).ok()?);
        let seconds = match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => local - i64::from(offset.seconds()),
            AmbiguousOffset::Fold { before, .. } => local - i64::from(before.seconds()),
            AmbiguousOffset::Gap { before, .. } => {
                let past_the_change = jiff::Timestamp::from_second(local - i64::from(before.seconds()) + 1).ok()?;
                self.zone.preceding(past_the_change).next()?.timestamp().as_second()
            }
        };
        Some(Timestamp::from_seconds(seconds))
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, &self.zone_name, self.ahead) == (&other.text, &other.zone_name, other.ahead)
    }
}

impl Eq for Schedule {}

impl fmt::Display for Schedule {
    /// `30 8 * * 1-5 (Asia/Shanghai)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.zone_name)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::core::model::Timestamp;

    fn check(line: &str, zone: &str, after: &str, expected: &[&str]) {
        let schedule = Schedule::parse(line, zone).unwrap_or_else(|bad| panic!("{line}: {bad}"));
        let mut moment: Timestamp = after.parse().unwrap();
        for expected in expected {
            moment = schedule.next_after(moment).unwrap_or_else(|| panic!("{line} after {moment}: never"));
            assert_eq!(moment, expected.parse::<Timestamp>().unwrap(), "{line} in {zone}: {moment}, not {expected}");
        }
    }

    #[test]
    fn five_fields_and_six_mean_what_crontab_means() {
        let utc = "UTC";
        check("30 9 * * 1", utc, "2026-11-21T00:00:00Z", &["2026-11-23T09:30:00Z", "2026-11-30T09:30:00Z"]);
        check("30 9 * * MON", utc, "2026-11-21T00:00:00Z", &["2026-11-23T09:30:00Z"]);
        check("0 0 * * 0", utc, "2026-11-21T00:00:00Z", &["2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"]);
        check("0 0 * * 7", utc, "2026-11-21T00:00:00Z", &["2026-11-22T00:00:00Z"]);
        check("0 0 * * fri-sun", utc, "2026-11-21T00:00:00Z", &["2026-11-22T00:00:00Z", "2026-11-27T00:00:00Z"]);
        check("0 0 * * 5-7", utc, "2026-11-21T00:00:00Z", &["2026-11-22T00:00:00Z", "2026-11-27T00:00:00Z"]);
        check("*/20 8,9 * * *", utc, "2026-11-21T08:40:00Z", &["2026-11-21T09:00:00Z", "2026-11-21T09:20:00Z"]);
        check("15 10 1 jan *", utc, "2026-11-21T00:00:00Z", &["2027-01-01T10:15:00Z"]);
        check("30 5 9 * * *", utc, "2026-11-21T09:05:29.5Z", &["2026-11-21T09:05:30Z", "2026-11-22T09:05:30Z"]);
        check("* * * * * *", utc, "2026-11-21T09:05:29.999999Z", &["2026-11-21T09:05:30Z", "2026-11-21T09:05:31Z"]);
        check("0 0 29 2 *", utc, "2026-11-21T00:00:00Z", &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
    }

    #[test]
    fn a_day_of_the_month_or_of_the_week() {
        let line = "0 12 13 * 5";
        check(
            line,
            "UTC",
            "2026-11-01T00:00:00Z",
            &["2026-11-06T12:00:00Z", "2026-11-13T12:00:00Z", "2026-11-20T12:00:00Z"],
        );
        check(line, "UTC", "2026-12-12T00:00:00Z", &["2026-12-13T12:00:00Z", "2026-12-18T12:00:00Z"]);
        // A field that begins with a star does not restrict, so both must fit.
        check("0 0 */2 * 1", "UTC", "2026-11-01T00:00:00Z", &["2026-11-09T00:00:00Z", "2026-11-23T00:00:00Z"]);
    }

    #[test]
    fn a_skipped_time_is_due_after_the_gap_and_a_repeated_one_once() {
        let new_york = "America/New_York";
        check("30 2 * * *", new_york, "2026-03-07T12:00:00Z", &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]);
        check("15,45 2 * * *", new_york, "2026-03-07T12:00:00Z", &["2026-03-08T07:00:00Z", "2026-03-09T06:15:00Z"]);
        check("30 1 * * *", new_york, "2026-10-31T12:00:00Z", &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]);
        let half_hours =
            ["2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z", "2026-11-01T07:00:00Z", "2026-11-01T07:30:00Z"];
        check("*/30 * * * *", new_york, "2026-11-01T04:30:00Z", &half_hours);
        check("30 1 * * *", new_york, "2026-11-01T06:10:00Z", &["2026-11-02T06:30:00Z"]);
        // Midnight itself can be skipped, and a change can be of half an hour.
        check("0 0 * * *", "Asia/Beirut", "2026-03-28T12:00:00Z", &["2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"]);
        check(
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00Z",
            &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
        );
        // A whole day can be skipped.
        check("0 9 * * *", "Pacific/Apia", "2011-12-29T20:00:00Z", &["2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"]);
    }

    #[test]
    fn a_zone_without_clock_changes_is_plain() {
        check(
            "30 8 * * 1-5",
            "Asia/Shanghai",
            "2026-11-21T00:00:00Z",
            &["2026-11-23T00:30:00Z", "2026-11-24T00:30:00Z"],
        );
        let schedule = Schedule::parse("30 8 * * 1-5", "Asia/Shanghai").unwrap();
        assert_eq!(schedule.to_string(), "30 8 * * 1-5 (Asia/Shanghai)");
        assert_eq!(schedule, Schedule::parse("30 8 * * 1-5", "Asia/Shanghai").unwrap());
        assert_ne!(schedule, Schedule::parse("30 8 * * 1-5", "UTC").unwrap());
    }

    #[test]
    fn the_calendar_ends_with_the_year_2100() {
        let schedule = Schedule::parse("0 0 1 1 *", "UTC").unwrap();
        assert_eq!(schedule.next_after("2100-06-01T00:00:00Z".parse().unwrap()), None);
        assert_eq!(schedule.next_after(Timestamp::FAR_FUTURE), None);
        assert_eq!(schedule.next_after(Timestamp::from_micros(i64::MIN)), Some(Timestamp::EPOCH));
    }

    #[test]
    fn what_is_not_a_crontab_line_is_refused_in_words() {
        let check = |line: &str, reason: &str| {
            let bad = Schedule::parse(line, "UTC").expect_err(line);
            assert!(bad.reason.contains(reason), "{line}: {}", bad.reason);
        };
        check("", "found 0");
        check("* * * *", "found 4");
        check("* * * * * * *", "found 7");
        check("60 * * * *", "minute \"60\": expected a number from 0 to 59");
        check("* 24 * * *", "hour \"24\"");
        check("* * 0 * *", "day-of-month \"0\"");
        check("* * * 13 *", "month \"13\": expected a number from 1 to 12");
        check("* * * janv *", "month \"janv\": expected a number from 1 to 12 or a name from jan to dec");
        check("* * * * 8", "day-of-week \"8\"");
        check("* * * * 周一", "day-of-week \"周一\"");
        check("* * L * *", "L, W, # and ? are not part of crontab");
        check("* * 15W * *", "L, W, # and ? are not part of crontab");
        check("* * * * 2#1", "L, W, # and ? are not part of crontab");
        check("* * ? * *", "L, W, # and ? are not part of crontab");
        check("*/0 * * * *", "expected a step from 1 to 59");
        check("*/90 * * * *", "expected a step from 1 to 59");
        check("5/10 * * * *", "a step follows * or a range, for example 5-59/");
        check("30-10 * * * *", "runs backwards");
        check("* * * * fri-mon", "runs backwards");
        check("1,,2 * * * *", "minute: a number is missing");
        check("-1 * * * *", "minute: a number is missing");
        check("0 0 30 2 *", "is never due");
        check("0 0 31 4,6,9,11 *", "is never due");
        check(&"1,".repeat(200), "at most 256");
        assert!(Schedule::parse("* * * * *", "Asia/Guangzhou2").unwrap_err().reason.contains("unknown time zone"));
    }
}
