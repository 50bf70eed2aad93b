//! Calendars: due times and working time, in the time zone of the people concerned.
//!
//! Arithmetic on times given as arguments. Must never read a clock.

mod business_hours;
mod crontab;
mod local_time;
mod public_holidays;
mod schedule;
mod time_interval;
#[cfg(test)]
mod work_tests;
mod working_time;
mod zones;

pub use business_hours::{CivilHours, DayHours, ParsedHours, WEEKDAYS, weekdays};
pub use crontab::ParseScheduleError;
pub use local_time::{HOUSE_ZONE, is_zone, moment_in, on_the_wall, on_the_wall_in, week_second};
pub use public_holidays::Statutory;
pub use schedule::Schedule;
pub use time_interval::{TimeInterval, days_of_month, month_range, times_of_day, weekday_range, year_range};
pub use working_time::{Calendars, WorkCalendar};
pub use zones::{time_zone, use_time_zones};
