//! The database of time zones in force: the bundled one, unless the program found a newer one when it began.

use std::sync::OnceLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

static IN_FORCE: OnceLock<TimeZoneDatabase> = OnceLock::new();

/// Puts that database in force for the whole process; false when a zone was looked up before.
pub fn use_time_zones(database: TimeZoneDatabase) -> bool {
    IN_FORCE.set(database).is_ok()
}

/// The zone of that IANA name.
pub fn time_zone(name: &str) -> Result<TimeZone, jiff::Error> {
    IN_FORCE.get_or_init(TimeZoneDatabase::bundled).get(name)
}
