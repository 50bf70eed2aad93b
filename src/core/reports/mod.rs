//! Service reports: the figures of a period, counted from records, and the same once more from the log alone.
//!
//! Must never decide anything, and never count anything without a record or a log entry.

mod billing;
mod from_timeline;
mod incident_facts;
mod incident_report;
mod inspection_report;
mod period;
mod statistics;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use billing::{BillingRow, billing};
pub use from_timeline::ProblemMove;
pub use incident_facts::{Ending, IncidentFacts, cases_of_log};
pub use incident_report::{Band, Containment, IncidentFigures, OverdueReason, TierShare};
pub use inspection_report::{EndedRun, InspectionFigures};
pub use period::ReportPeriod;
pub use statistics::{DurationStatistics, share};

use crate::core::calendar::WorkCalendar;
use crate::core::incidents::Incident;
use crate::core::inspections::Run;
use crate::core::model::{CauseParty, Timestamp};
use crate::core::problems::Problem;
use crate::core::sla::downtime;

const MICROS_PER_MINUTE: u64 = 60_000_000;

/// The service report of a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    #[serde(flatten)]
    pub period: ReportPeriod,
    /// The calendar of working time.
    pub calendar: String,
    pub incidents: IncidentFigures,
    pub problems: ProblemFigures,
    pub inspections: InspectionFigures,
    /// Time with at least one service out by the provider's fault.
    pub outage_minutes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemFigures {
    pub opened: u64,
    pub closed: u64,
}

impl ProblemFigures {
    pub fn of<'a>(problems: impl IntoIterator<Item = &'a Problem>, period: ReportPeriod) -> ProblemFigures {
        let mut figures = ProblemFigures::default();
        for problem in problems {
            figures.opened += u64::from(period.holds(problem.opened_at));
            figures.closed += u64::from(problem.closed_at.is_some_and(|at| period.holds(at)));
        }
        figures
    }
}

impl Figures {
    /// From records; those outside the period do not count. An ongoing outage lasts until `now`.
    pub fn of_records<'a>(
        incidents: impl IntoIterator<Item = &'a Incident>,
        problems: impl IntoIterator<Item = &'a Problem>,
        runs: impl IntoIterator<Item = &'a Run>,
        period: ReportPeriod,
        calendar: &WorkCalendar,
        now: Timestamp,
    ) -> Figures {
        let cases: Vec<IncidentFacts> = incidents.into_iter().map(IncidentFacts::of_record).collect();
        let ended: Vec<EndedRun> = runs.into_iter().filter_map(EndedRun::of_record).collect();
        Figures {
            period,
            calendar: calendar.name.clone(),
            incidents: IncidentFigures::of(&cases, period, calendar),
            problems: ProblemFigures::of(problems, period),
            inspections: InspectionFigures::of(&ended, period),
            outage_minutes: outage_minutes(&cases, period, now),
        }
    }
}

/// Begun minutes do not count.
fn outage_minutes(cases: &[IncidentFacts], period: ReportPeriod, now: Timestamp) -> u64 {
    let outages = cases.iter().flat_map(|case| &case.outages);
    let ours = outages.filter(|outage| outage.party == CauseParty::Provider);
    downtime(ours, period.from, period.to, now).as_micros().max(0).cast_unsigned() / MICROS_PER_MINUTE
}
