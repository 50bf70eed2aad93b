//! Times in the reader's local time.

use jiff::tz::TimeZone;

use crate::core::calendar::time_zone;
use crate::core::model::Timestamp;

/// `2026-02-13 17:02:30` in the machine's zone (`TZ`, else the system's).
pub fn local(moment: Timestamp) -> String {
    in_zone(moment, TimeZone::system())
}

/// The same in a named zone; in UTC if the name is unknown.
pub fn local_in(moment: Timestamp, zone: &str) -> String {
    in_zone(moment, time_zone(zone).unwrap_or(TimeZone::UTC))
}

/// With the offset, once for a whole page: `+08:00`.
pub fn zone_note(moment: Timestamp) -> String {
    let zone = TimeZone::system();
    let name = zone.iana_name().map(str::to_owned);
    let offset = moment.to_timestamp().to_zoned(zone).strftime("%:z").to_string();
    match name {
        Some(name) => format!("times in {name} ({offset})"),
        None => format!("times at {offset}"),
    }
}

fn in_zone(moment: Timestamp, zone: TimeZone) -> String {
    moment.to_timestamp().to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_show_the_readers_wall_clock() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        assert_eq!(in_zone(Timestamp::from_seconds(1_770_940_800), zone), "2026-02-13 08:00:00");
    }
}
