//! A time as a person writes it: with an offset, or as a local time in a zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::crontab::ParseScheduleError;
use super::zones::time_zone;
use crate::core::model::Timestamp;

/// The default time zone, for times whose schedule, calendar or plan sets none.
pub const HOUSE_ZONE: &str = "Asia/Shanghai";

/// The local time to the second, with its offset: `2026-02-13 17:02:30 +08:00`.
pub fn on_the_wall(at: Timestamp, zone: &TimeZone) -> String {
    at.to_timestamp().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// The same in the zone of that name; in UTC if the name is unknown.
pub fn on_the_wall_in(at: Timestamp, zone: &str) -> String {
    on_the_wall(at, &time_zone(zone).unwrap_or(TimeZone::UTC))
}

/// Reads `2026-02-13T01:00:00+08:00`, or with a zone `2026-02-13T01:00` (a time that a clock change skips is the first
/// after it, one that occurs twice the first of both). An offset in the text wins over the zone.
pub fn moment_in(text: &str, zone: Option<&str>) -> Result<Timestamp, ParseScheduleError> {
    // Stricter than for messages, where a text without an offset is UTC.
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_timestamp(timestamp));
    }
    let reason =
        || format!("{text:?} is not a moment; expected 2026-02-13T01:00:00+08:00, or without offset and a zone");
    let local: DateTime = text.parse().map_err(|_| ParseScheduleError { reason: reason() })?;
    let Some(zone) = zone else { return Err(ParseScheduleError { reason: reason() }) };
    let bad_zone = || ParseScheduleError {
        reason: format!("unknown time zone {zone:?}; expected an IANA name, for example Asia/Shanghai"),
    };
    let zone = time_zone(zone).map_err(|_| bad_zone())?;
    let zoned = zone.to_ambiguous_timestamp(local).compatible().map_err(|_| ParseScheduleError { reason: reason() })?;
    Ok(Timestamp::from_timestamp(zoned))
}

/// True for an IANA name of a time zone.
pub fn is_zone(name: &str) -> bool {
    time_zone(name).is_ok()
}

/// Seconds of the local week, from Monday 00:00 on the clock of that zone: 0 to 604,800. An unknown zone counts as UTC.
pub fn week_second(at: Timestamp, zone: &str) -> f64 {
    let zone = time_zone(zone).unwrap_or(TimeZone::UTC);
    let local = at.to_timestamp().to_zoned(zone).datetime();
    let days = f64::from(local.weekday().to_monday_zero_offset());
    let of_day = f64::from(local.hour()) * 3_600.0 + f64::from(local.minute()) * 60.0 + f64::from(local.second());
    days * 86_400.0 + of_day + f64::from(local.subsec_nanosecond()) / 1e9
}

#[cfg(test)]
mod tests {
    use super::{HOUSE_ZONE, moment_in, on_the_wall_in, week_second};
    use crate::core::model::Timestamp;

    fn check(text: &str, zone: Option<&str>, expected: Option<&str>) {
        let found = moment_in(text, zone).ok();
        assert_eq!(found, expected.map(|expected| expected.parse::<Timestamp>().unwrap()), "{text} in {zone:?}");
    }

    #[test]
    fn offsets_and_zones_are_understood() {
        check("2026-02-13T01:00:00+08:00", None, Some("2026-02-12T17:00:00Z"));
        check("2026-02-13T01:00:00+08:00", Some("UTC"), Some("2026-02-12T17:00:00Z"));
        check("2026-02-13T01:00", Some("Asia/Shanghai"), Some("2026-02-12T17:00:00Z"));
        check("2026-02-13 01:00:30", Some("Asia/Shanghai"), Some("2026-02-12T17:00:30Z"));
        // A clock change in New York: 02:30 does not exist, 01:30 exists twice.
        check("2026-03-08T02:30", Some("America/New_York"), Some("2026-03-08T07:30:00Z"));
        check("2026-11-01T01:30", Some("America/New_York"), Some("2026-11-01T05:30:00Z"));
        check("2026-02-13T01:00", None, None);
        check("明天", Some("Asia/Shanghai"), None);
        check("2026-02-13T01:00", Some("Asia/Guangzhou2"), None);
    }

    #[test]
    fn the_clock_on_the_wall_shows_whole_seconds_and_its_offset() {
        let check = |zone: &str, expected: &str| {
            let at: Timestamp = "2026-02-13T09:00:00.735381Z".parse().unwrap();
            assert_eq!(on_the_wall_in(at, zone), expected, "{zone}");
        };
        check(HOUSE_ZONE, "2026-02-13 17:00:00 +08:00");
        check("America/New_York", "2026-02-13 04:00:00 -05:00");
        check("nowhere", "2026-02-13 09:00:00 +00:00");
    }

    #[test]
    fn the_week_begins_on_monday_by_the_clock_of_the_zone() {
        let check = |text: &str, zone: &str, hours: f64| {
            let seconds = week_second(moment_in(text, Some("Asia/Shanghai")).unwrap(), zone);
            assert!((seconds - hours * 3_600.0).abs() < 1e-6, "{text} in {zone}: {seconds}");
        };
        check("2026-02-16T00:00", "Asia/Shanghai", 0.0);
        check("2026-02-16T00:00", "UTC", 6.0 * 24.0 + 16.0);
        check("2026-02-16T00:00", "nowhere", 6.0 * 24.0 + 16.0);
        check("2026-02-22T23:30", "Asia/Shanghai", 167.5);
    }
}
