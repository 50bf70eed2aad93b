//! Whether every calendar with statutory holidays knows the year that comes: looked at when the rules change and on
//! the first of December and of January, and told as an event, since a calendar that does not know is silently wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::context::DeskContext;
use crate::core::model::{Event, Labels, Severity, Status, Timestamp};

/// The source of what watchfire finds out about itself.
const SOURCE: &str = "watchfire";
const ALERT: &str = "StatutoryYearMissing";

/// What was found at the last look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::engine) struct CalendarWatch {
    /// The year that each of these calendars lacks.
    lacking: BTreeMap<String, i16>,
    next_look: Option<Timestamp>,
}

impl CalendarWatch {
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.next_look
    }
}

/// Tells of what is newly missing and of what is there again.
pub fn look(watch: &mut CalendarWatch, step: &mut DeskContext<'_>) {
    let calendars = &step.rulebook.calendars;
    let lacks = |(name, calendar): (&String, &crate::core::calendar::WorkCalendar)| {
        calendar.lacks_statutory_year(step.now).map(|year| (name.clone(), year))
    };
    let lacking: BTreeMap<String, i16> = calendars.iter().filter_map(lacks).collect();
    let next_look = calendars.values().filter_map(|calendar| calendar.next_statutory_look(step.now)).min();
    let before = std::mem::replace(watch, CalendarWatch { lacking, next_look });
    for (name, year) in before.lacking.iter().filter(|(name, year)| watch.lacking.get(*name) != Some(year)) {
        tell(name, *year, Status::Resolved, step);
    }
    for (name, year) in watch.lacking.iter().filter(|(name, year)| before.lacking.get(*name) != Some(year)) {
        tell(name, *year, Status::Firing, step);
    }
}

fn tell(calendar: &str, year: i16, status: Status, step: &mut DeskContext<'_>) {
    let (action, summary) = match status {
        Status::Firing | Status::Point => (
            "calendar.year_missing",
            format!(
                "calendar {calendar} does not know the statutory holidays of {year}: deadlines in it will be wrong"
            ),
        ),
        Status::Resolved => {
            ("calendar.year_known", format!("calendar {calendar} no longer waits for the statutory holidays of {year}"))
        }
    };
    step.audit("watchfire", "system", action, calendar, &summary, None);
    let year = year.to_string();
    let labels = Labels::from_pairs([("alertname", ALERT), ("calendar", calendar), ("year", year.as_str())]);
    step.events.push(Event {
        severity: Some(Severity::Warning),
        summary,
        occurred_at: Some(step.now),
        ..Event::new(SOURCE, status, labels)
    });
}
