//! Points in time and durations, as numbers. Their source (the clock) is outside this room.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// An instant in UTC, in microseconds since 1970-01-01. Range: the years −9999 to 9999, as jiff's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const EPOCH: Timestamp = Timestamp(0);
    /// Later than every time that can be written; the deadline of things that never end.
    pub const FAR_FUTURE: Timestamp = Timestamp(253_402_207_200_000_000);

    pub const fn from_micros(micros: i64) -> Self {
        Timestamp(micros)
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Timestamp(seconds * MICROS_PER_SECOND)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Seconds since 1970, with the fraction.
    pub fn as_seconds_f64(self) -> f64 {
        self.0 as f64 / MICROS_PER_SECOND as f64
    }

    /// The time from `earlier` to this one; zero if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> TimeDelta {
        TimeDelta((self.0.saturating_sub(earlier.0)).max(0))
    }

    /// That many microseconds later, or earlier when they are below 0.
    pub fn shifted(self, micros: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(micros))
    }

    pub fn from_timestamp(timestamp: jiff::Timestamp) -> Self {
        Timestamp(timestamp.as_microsecond())
    }

    pub fn to_timestamp(self) -> jiff::Timestamp {
        let lowest = jiff::Timestamp::MIN.as_microsecond();
        let highest = jiff::Timestamp::MAX.as_microsecond();
        // The clamp makes the conversion total; nothing outside the range can be shown anyway.
        jiff::Timestamp::from_microsecond(self.0.clamp(lowest, highest)).unwrap_or_default()
    }

    /// RFC 3339 in UTC with milliseconds, as Alertmanager prints it: `2026-11-21T17:59:48.345Z`.
    pub fn to_rfc3339(self) -> String {
        format!("{self:.3}")
    }
}

impl Add<TimeDelta> for Timestamp {
    type Output = Timestamp;
    fn add(self, span: TimeDelta) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }
}

impl Sub<TimeDelta> for Timestamp {
    type Output = Timestamp;
    fn sub(self, span: TimeDelta) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = self.to_timestamp();
        match f.precision() {
            Some(digits) => write!(f, "{timestamp:.digits$}"),
            None => write!(f, "{timestamp}"),
        }
    }
}

/// Reason why a text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time; expected RFC 3339, for example 2026-02-13T17:00:00+08:00")]
pub struct ParseTimestampError {
    pub text: String,
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;
    fn from_str(text: &str) -> Result<Self, ParseTimestampError> {
        text.parse::<Stamp>().map(|stamp| stamp.at)
    }
}

impl Serialize for Timestamp {
    /// Text for people's formats, the number for the journal's.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&format_args!("{self:.3}"))
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Timestamp)
        }
    }
}

/// A time as a producer wrote it: with its own offset from UTC, which API answers keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    pub at: Timestamp,
    /// Minutes east of UTC.
    pub offset_minutes: i16,
}

impl Stamp {
    pub const fn utc(at: Timestamp) -> Self {
        Stamp { at, offset_minutes: 0 }
    }

    /// That many microseconds later; what never ends still never does.
    pub fn shifted(self, micros: i64) -> Stamp {
        if self.at >= Timestamp::FAR_FUTURE { self } else { Stamp { at: self.at.shifted(micros), ..self } }
    }
}

impl fmt::Display for Stamp {
    /// RFC 3339 with milliseconds in the producer's offset.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.offset_minutes == 0 {
            return write!(f, "{:.3}", self.at);
        }
        let seconds = i32::from(self.offset_minutes) * 60;
        match jiff::tz::Offset::from_seconds(seconds) {
            Ok(offset) => write!(f, "{:.3}", self.at.to_timestamp().display_with_offset(offset)),
            Err(_) => write!(f, "{:.3}", self.at),
        }
    }
}

impl FromStr for Stamp {
    type Err = ParseTimestampError;
    /// RFC 3339, or the same without a zone (then UTC), as Alertmanager accepts it.
    fn from_str(text: &str) -> Result<Self, ParseTimestampError> {
        let bad = || ParseTimestampError { text: text.chars().take(64).collect() };
        if !text.contains(['T', 't', ' ']) {
            return Err(bad());
        }
        let pieces = jiff::fmt::temporal::DateTimeParser::new().parse_pieces(text).map_err(|_| bad())?;
        let time = pieces.time().ok_or_else(bad)?;
        let offset = pieces.to_numeric_offset().unwrap_or(jiff::tz::Offset::UTC);
        let timestamp = offset.to_timestamp(pieces.date().to_datetime(time)).map_err(|_| bad())?;
        Ok(Stamp { at: Timestamp::from_timestamp(timestamp), offset_minutes: (offset.seconds() / 60) as i16 })
    }
}

/// A duration, in microseconds, never negative. Written as in Prometheus: `30s`, `5m`, `1h30m`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TimeDelta(i64);

const UNITS: [(&str, i64); 6] = [
    ("w", 7 * 86_400 * MICROS_PER_SECOND),
    ("d", 86_400 * MICROS_PER_SECOND),
    ("h", 3_600 * MICROS_PER_SECOND),
    ("m", 60 * MICROS_PER_SECOND),
    ("s", MICROS_PER_SECOND),
    ("ms", 1_000),
];

impl TimeDelta {
    pub const ZERO: TimeDelta = TimeDelta(0);

    pub const fn from_micros(micros: i64) -> Self {
        TimeDelta(if micros < 0 { 0 } else { micros })
    }

    pub const fn from_millis(millis: i64) -> Self {
        TimeDelta::from_micros(millis * 1_000)
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        TimeDelta::from_micros(seconds * MICROS_PER_SECOND)
    }

    pub const fn from_minutes(minutes: i64) -> Self {
        TimeDelta::from_seconds(minutes * 60)
    }

    pub const fn from_hours(hours: i64) -> Self {
        TimeDelta::from_minutes(hours * 60)
    }

    pub const fn from_days(days: i64) -> Self {
        TimeDelta::from_hours(days * 24)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    pub fn as_seconds_f64(self) -> f64 {
        self.0 as f64 / MICROS_PER_SECOND as f64
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Half of it, rounded down.
    pub const fn half(self) -> TimeDelta {
        TimeDelta(self.0 / 2)
    }

    pub fn saturating_sub(self, other: TimeDelta) -> TimeDelta {
        TimeDelta((self.0 - other.0).max(0))
    }

    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(self.0.unsigned_abs())
    }
}

impl Add for TimeDelta {
    type Output = TimeDelta;
    fn add(self, other: TimeDelta) -> TimeDelta {
        TimeDelta(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for TimeDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1_000 {
            return write!(f, "{}s", self.as_seconds_f64());
        }
        let mut left = self.0;
        for (unit, micros) in UNITS {
            // A week reads worse than its days everywhere but in "1w", so days are the largest unit shown.
            if unit != "w" && left >= micros {
                write!(f, "{}{unit}", left / micros)?;
                left %= micros;
            }
        }
        Ok(())
    }
}

/// Reason why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a length of time; expected a number with a unit, for example 30s, 5m, 1h30m or 7d")]
pub struct ParseTimeDeltaError {
    pub text: String,
}

impl FromStr for TimeDelta {
    type Err = ParseTimeDeltaError;
    fn from_str(text: &str) -> Result<Self, ParseTimeDeltaError> {
        let bad = || ParseTimeDeltaError { text: text.chars().take(64).collect() };
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(TimeDelta::ZERO);
        }
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
            let number: i64 = rest[..digits].parse().map_err(|_| bad())?;
            rest = &rest[digits..];
            let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let (_, micros) = UNITS.into_iter().find(|(unit, _)| *unit == &rest[..letters]).ok_or_else(bad)?;
            total = number.checked_mul(micros).and_then(|part| total.checked_add(part)).ok_or_else(bad)?;
            rest = &rest[letters..];
        }
        if text.trim().is_empty() { Err(bad()) } else { Ok(TimeDelta(total)) }
    }
}

impl Serialize for TimeDelta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
    }
}

impl<'de> Deserialize<'de> for TimeDelta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(TimeDelta::from_micros)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print_in_the_same_words() {
        for text in ["30s", "5m", "1h30m", "7d", "250ms", "1d2h3m4s"] {
            assert_eq!(text.parse::<TimeDelta>().unwrap().to_string(), text);
        }
        assert_eq!("1w".parse::<TimeDelta>().unwrap(), TimeDelta::from_days(7));
        for text in ["", "5", "m5", "5 m", "-5m", "5x", "99999999999999w"] {
            assert!(text.parse::<TimeDelta>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn stamps_keep_the_offset_they_came_with() {
        let check = |input: &str, output: &str| {
            assert_eq!(input.parse::<Stamp>().unwrap().to_string(), output, "{input}");
        };
        check("2026-11-21T17:59:48.345678Z", "2026-11-21T17:59:48.345Z");
        check("2026-11-21T17:59:48+08:00", "2026-11-21T17:59:48.000+08:00");
        check("2026-11-21T10:00:00", "2026-11-21T10:00:00.000Z");
        check("0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z");
        for text in ["2026-11-21", "", "now", "17:00:00"] {
            assert!(text.parse::<Stamp>().is_err(), "{text:?}");
        }
    }
}
