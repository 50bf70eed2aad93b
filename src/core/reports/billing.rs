//! Billing by the hour: the part of each incident outside working time.

use serde::{Deserialize, Serialize};

use super::ReportPeriod;
use crate::core::calendar::WorkCalendar;
use crate::core::incidents::Incident;
use crate::core::model::{IncidentId, TimeDelta, Timestamp};

/// One incident that was resolved in the period, in whole minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingRow {
    pub incident: IncidentId,
    pub title: String,
    pub opened_at: Timestamp,
    pub resolved_at: Timestamp,
    pub minutes: u64,
    /// Inside the calendar's hours.
    pub working_minutes: u64,
    /// Outside them: nights, weekends, statutory holidays.
    pub off_hours_minutes: u64,
}

/// The incidents resolved in the period, in the order given; merged and cancelled ones are excluded, because they are
/// no separate work.
pub fn billing<'a>(
    incidents: impl IntoIterator<Item = &'a Incident>,
    period: ReportPeriod,
    calendar: &WorkCalendar,
) -> Vec<BillingRow> {
    let row = |incident: &Incident| {
        let resolved_at = incident.resolved_at.filter(|at| period.holds(*at))?;
        let (opened_at, whole) = (incident.opened_at, minutes(resolved_at.since(incident.opened_at)));
        let off_hours = minutes(calendar.outside(opened_at, resolved_at)).min(whole);
        Some(BillingRow {
            incident: incident.id,
            title: incident.title.clone(),
            opened_at,
            resolved_at,
            minutes: whole,
            working_minutes: whole - off_hours,
            off_hours_minutes: off_hours,
        })
    };
    incidents.into_iter().filter_map(row).collect()
}

/// Begun minutes do not count.
fn minutes(span: TimeDelta) -> u64 {
    span.as_micros().max(0).cast_unsigned() / 60_000_000
}
