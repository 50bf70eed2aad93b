//! Times as tools write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::core::model::Timestamp;

/// Above these, a number of seconds would be far in the future: it counts something smaller.
const FIRST_MILLIS: f64 = 1e11;
const FIRST_MICROS: f64 = 1e14;
const FIRST_NANOS: f64 = 1e17;

/// Reads a time: by the format if one is given, as a number since 1970, or as RFC 3339.
pub(super) fn moment(text: &str, format: Option<&str>, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(formatted) = format.and_then(|format| by_format(text, format, zone)) {
        return Some(formatted);
    }
    match text.parse::<f64>() {
        Ok(number) => since_1970(number),
        Err(_) => text.parse().ok(),
    }
}

fn by_format(text: &str, format: &str, zone: &TimeZone) -> Option<Timestamp> {
    let broken_down = jiff::fmt::strtime::parse(format, text).ok()?;
    let timestamp = match broken_down.to_timestamp() {
        Ok(timestamp) => timestamp,
        // Without an offset in the text it is in the time zone of the source.
        Err(_) => {
            broken_down.to_datetime().ok().and_then(|local: DateTime| local.to_zoned(zone.clone()).ok())?.timestamp()
        }
    };
    Some(Timestamp::from_timestamp(timestamp))
}

fn since_1970(number: f64) -> Option<Timestamp> {
    let micros = match number {
        nanos if nanos >= FIRST_NANOS => nanos / 1e3,
        micros if micros >= FIRST_MICROS => micros,
        millis if millis >= FIRST_MILLIS => millis * 1e3,
        seconds => seconds * 1e6,
    };
    let is_sensible = micros > 0.0 && micros < Timestamp::FAR_FUTURE.as_micros() as f64;
    is_sensible.then_some(Timestamp::from_micros(micros.round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_spellings_of_tools() {
        let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
        let check = |text: &str, format: Option<&str>, expected: Option<&str>| {
            let found = moment(text, format, &shanghai).map(Timestamp::to_rfc3339);
            assert_eq!(found.as_deref(), expected, "{text} {format:?}");
        };
        check("2026-02-13T17:00:00+08:00", None, Some("2026-02-13T09:00:00.000Z"));
        check("1795284733", None, Some("2026-11-21T18:12:13.000Z"));
        check("1795284616.013932", None, Some("2026-11-21T18:10:16.013Z"));
        check("1795284733250", None, Some("2026-11-21T18:12:13.250Z"));
        check("1795284733250000", None, Some("2026-11-21T18:12:13.250Z"));
        check("1795284733250000000", None, Some("2026-11-21T18:12:13.250Z"));
        check("2026.11.21 18:01:02", Some("%Y.%m.%d %H:%M:%S"), Some("2026-11-21T10:01:02.000Z"));
        check("2026-11-21 18:10:42 +0000", Some("%Y-%m-%d %H:%M:%S %z"), Some("2026-11-21T18:10:42.000Z"));
        check("0", None, None);
        check("yesterday", None, None);
        check("NaN", None, None);
    }
}
