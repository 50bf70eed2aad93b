//! Replay periods, in the words of a person at a terminal.

use jiff::tz::TimeZone;

use crate::app::runtime::clock::Clock;
use crate::app::terminal::local_time::local;
use crate::core::model::{TimeDelta, Timestamp};

/// The examined part of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayPeriod {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

impl ReplayPeriod {
    pub fn parse(from: Option<&str>, to: Option<&str>) -> Result<ReplayPeriod, String> {
        let now = Clock::system().now();
        let read = |flag: &str, text: Option<&str>| {
            text.map(|text| moment(text, now, TimeZone::system()).map_err(|error| format!("{flag}: {error}")))
                .transpose()
        };
        let period = ReplayPeriod { from: read("--from", from)?, to: read("--to", to)? };
        match period {
            ReplayPeriod { from: Some(from), to: Some(to) } if to <= from => {
                Err(format!("--to {} is not after --from {}", local(to), local(from)))
            }
            ReplayPeriod { .. } => Ok(period),
        }
    }
}

/// `7d` (ago), a time with its offset, or a time or date in that zone.
fn moment(text: &str, now: Timestamp, zone: TimeZone) -> Result<Timestamp, String> {
    if let Ok(ago) = text.parse::<TimeDelta>() {
        return Ok(now - ago);
    }
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_timestamp(timestamp));
    }
    let civil = text.parse::<jiff::civil::DateTime>().or_else(|_| text.parse::<jiff::civil::Date>().map(Into::into));
    let zoned = civil.ok().and_then(|civil| civil.to_zoned(zone).ok());
    zoned.map(|zoned| Timestamp::from_timestamp(zoned.timestamp())).ok_or_else(|| {
        format!(
            "{text:?} is not a time; expected 2026-02-13T17:00, 2026-02-13T17:00:00+08:00, or 7d for seven days ago"
        )
    })
}

/// Error for a start that the journal and its warm-up do not reach.
pub fn too_early(from: Timestamp, begin: Timestamp, earliest: Timestamp) -> String {
    let warm = from.since(begin);
    format!(
        "the journal begins at {}, and the windows of these rules need {warm} before they stand as they did; the \
         earliest --from is {} (--from {:.0})",
        local(earliest),
        local(earliest + warm),
        earliest + warm + TimeDelta::from_seconds(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_taken_as_people_write_them() {
        let now = Timestamp::from_seconds(1_770_940_800);
        let check = |text: &str, seconds: i64| {
            let zone = TimeZone::get("Asia/Shanghai").unwrap();
            assert_eq!(moment(text, now, zone), Ok(Timestamp::from_seconds(seconds)), "{text}");
        };
        check("1d", 1_770_940_800 - 86_400);
        check("2026-02-13T08:00", 1_770_940_800);
        check("2026-02-13 08:00:00", 1_770_940_800);
        check("2026-02-13", 1_770_940_800 - 8 * 3_600);
        check("2026-02-13T00:00:00Z", 1_770_940_800);
        assert!(moment("昨天", now, TimeZone::UTC).is_err());
        assert!(ReplayPeriod::parse(Some("2026-02-13"), Some("2026-02-12")).is_err());
    }
}
