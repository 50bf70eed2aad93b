//! Local minutes and instants: a time that the clock skips is the first instant after it; if a time occurs twice, a
//! shift begins with the first and ends with the last.

use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::core::model::Timestamp;

pub(super) const DAY_MINUTES: i64 = 24 * 60;

const MICROS_PER_MINUTE: i64 = 60_000_000;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// Selects one of the two instants of a local time that occurs twice.
#[derive(Clone, Copy)]
pub(super) enum Edge {
    First,
    Last,
}

/// The local clock in whole minutes since 1970-01-01T00:00 local.
pub(super) fn local_minutes(zone: &TimeZone, at: Timestamp) -> i64 {
    let offset = i64::from(zone.to_offset(at.to_timestamp()).seconds());
    (at.as_micros() + offset * MICROS_PER_SECOND).div_euclid(MICROS_PER_MINUTE)
}

/// The instant of that local time.
pub(super) fn instant(zone: &TimeZone, local: i64, edge: Edge) -> Timestamp {
    let seconds = local.saturating_mul(60);
    // No zone has a clock beyond the years that can be written. It continues as in UTC, because the search for the next
    // boundary must pass every time, or it would never end.
    let Ok(shown) = jiff::Timestamp::from_second(seconds) else {
        return Timestamp::from_micros(seconds.saturating_mul(MICROS_PER_SECOND));
    };
    let civil = Offset::UTC.to_datetime(shown);
    let by = |offset: Offset| seconds - i64::from(offset.seconds());
    let instant = match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => by(offset),
        AmbiguousOffset::Fold { before, after } => by(match edge {
            Edge::First => before,
            // Where the clock goes back to exactly this time, every minute before it is over at its first.
            Edge::Last if is_repeated(zone, local - 1) => after,
            Edge::Last => before,
        }),
        AmbiguousOffset::Gap { before, .. } => {
            let past_the_change = jiff::Timestamp::from_second(by(before) + 1).unwrap_or(shown);
            zone.preceding(past_the_change).next().map_or(by(before), |change| change.timestamp().as_second())
        }
    };
    Timestamp::from_seconds(instant)
}

/// True if the local clock shows that minute twice.
fn is_repeated(zone: &TimeZone, local: i64) -> bool {
    jiff::Timestamp::from_second(local.saturating_mul(60)).is_ok_and(|shown| {
        let civil = Offset::UTC.to_datetime(shown);
        matches!(zone.to_ambiguous_timestamp(civil).offset(), AmbiguousOffset::Fold { .. })
    })
}

/// Monday is 0.
pub(super) fn weekday(day: i64) -> usize {
    // 1970-01-01 was a Thursday.
    (day + 3).rem_euclid(7) as usize
}
