//! Standard crontab lines in a time zone.

use crate::model::Moment;

/// A crontab line in a zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    zone: jiff::tz::TimeZone,
}

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BadSchedule {
    pub reason: String,
}

impl Schedule {
    /// Compiles a crontab line (5 fields, or 6 with seconds first) for that IANA zone.
    pub fn parse(text: &str, zone: &str) -> Result<Schedule, BadSchedule> {
        let zone = jiff::tz::TimeZone::get(zone).map_err(|error| BadSchedule { reason: error.to_string() })?;
        Ok(Schedule { text: text.to_owned(), zone })
    }

    /// The first due moment strictly after `after`; `None` when there is none within four years… of it.
    pub fn next_after(&self, after: Moment) -> Option<Moment> {
        let _ = (&self.text, &self.zone, after);
        todo!("calendar helper")
    }
}
