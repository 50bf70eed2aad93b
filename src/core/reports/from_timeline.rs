//! The service report once more, from the log alone: the incidents' timelines and the audit log.

use std::collections::BTreeMap;

use super::{
    EndedRun, Figures, IncidentFigures, InspectionFigures, ProblemFigures, ReportPeriod, cases_of_log, outage_minutes,
};
use crate::core::calendar::WorkCalendar;
use crate::core::incidents::TimelineEntry;
use crate::core::inspections::RunState;
use crate::core::model::Timestamp;
use crate::core::problems::ProblemState;

/// The report's data from one accepted entry of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditLine<'a> {
    pub at: Timestamp,
    pub action: &'a str,
    pub subject: &'a str,
    pub detail: &'a str,
}

impl Figures {
    /// Entries in the order of writing. An ongoing outage lasts until `now`.
    pub fn of_log<'a>(
        timeline: impl IntoIterator<Item = &'a TimelineEntry>,
        audit: &[AuditLine<'_>],
        period: ReportPeriod,
        calendar: &WorkCalendar,
        now: Timestamp,
    ) -> Figures {
        let cases = cases_of_log(timeline);
        let ended: Vec<EndedRun> = audit.iter().filter_map(ended_run).collect();
        Figures {
            period,
            calendar: calendar.name.clone(),
            incidents: IncidentFigures::of(&cases, period, calendar),
            problems: problems(audit, period),
            inspections: InspectionFigures::of(&ended, period),
            outage_minutes: outage_minutes(&cases, period, now),
        }
    }
}

fn ended_run(line: &AuditLine<'_>) -> Option<EndedRun> {
    let ended = [RunState::Completed, RunState::Missed, RunState::Skipped];
    let state = ended.into_iter().find(|state| state.as_str() == line.detail)?;
    (line.action == "run.end").then_some(EndedRun { ended_at: line.at, state })
}

fn problems(audit: &[AuditLine<'_>], period: ReportPeriod) -> ProblemFigures {
    let mut opened = BTreeMap::new();
    let mut closed = BTreeMap::new();
    for line in audit {
        match line.action {
            "problem.open" => {
                opened.insert(line.subject, line.at);
            }
            // The detail is `to STATE: reason`.
            "problem.move" if line.detail.split([' ', ':']).nth(1) == Some(ProblemState::Closed.as_str()) => {
                closed.insert(line.subject, line.at);
            }
            "problem.reject" => {
                closed.insert(line.subject, line.at);
            }
            "problem.move" | "problem.reopen" => {
                closed.remove(line.subject);
            }
            _other_actions => {}
        }
    }
    let count = |of: &BTreeMap<&str, Timestamp>| of.values().filter(|at| period.holds(**at)).count() as u64;
    ProblemFigures { opened: count(&opened), closed: count(&closed) }
}
