//! Calendars: when things are due, in the zone of the people who do them.
//!
//! Arithmetic on moments that are handed in. Must never read a clock.

mod crontab;
mod hours;
mod local;
mod schedule;
mod statutory;
mod work;
#[cfg(test)]
mod work_tests;

pub use hours::{CivilHours, DayHours, ParsedHours, WEEKDAYS, weekdays};
pub use local::{HOUSE_ZONE, is_zone, moment_in, on_the_wall, on_the_wall_in, week_second};
pub use schedule::{BadSchedule, Schedule};
pub use statutory::Statutory;
pub use work::WorkCalendar;
