//! Calendars: when things are due, in the zone of the people who do them.
//!
//! Arithmetic on moments that are handed in. Must never read a clock.

mod crontab;
mod local;
mod schedule;
mod work;

pub use local::{is_zone, moment_in, week_second};
pub use schedule::{BadSchedule, Schedule};
pub use work::WorkCalendar;
