//! The service report once more, from the log alone: the incidents' timelines and the audit log. It reads facts and
//! kinds, never a text, because a text may be reworded at any time.

use std::collections::BTreeMap;

use super::{
    EndedRun, Figures, IncidentFigures, InspectionFigures, ProblemFigures, ReportPeriod, cases_of_log, outage_minutes,
};
use crate::core::calendar::WorkCalendar;
use crate::core::incidents::TimelineEntry;
use crate::core::model::{ProblemId, Timestamp};
use crate::core::problems::ProblemState;

/// A problem came into a state, from an accepted entry of the audit log; `new` means that it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemMove {
    pub at: Timestamp,
    pub problem: ProblemId,
    pub to: ProblemState,
}

impl Figures {
    /// Everything in the order of writing. An ongoing outage lasts until `now`.
    pub fn of_log<'a>(
        timeline: impl IntoIterator<Item = &'a TimelineEntry>,
        ended_runs: &[EndedRun],
        problem_moves: &[ProblemMove],
        period: ReportPeriod,
        calendar: &WorkCalendar,
        now: Timestamp,
    ) -> Figures {
        let cases = cases_of_log(timeline);
        Figures {
            period,
            calendar: calendar.name.clone(),
            incidents: IncidentFigures::of(&cases, period, calendar),
            problems: problems(problem_moves, period),
            inspections: InspectionFigures::of(ended_runs, period),
            outage_minutes: outage_minutes(&cases, period, now),
        }
    }
}

fn problems(moves: &[ProblemMove], period: ReportPeriod) -> ProblemFigures {
    let mut opened = BTreeMap::new();
    let mut closed = BTreeMap::new();
    for one in moves {
        match one.to {
            ProblemState::New => {
                opened.entry(one.problem).or_insert(one.at);
            }
            ProblemState::Closed => {
                closed.insert(one.problem, one.at);
            }
            ProblemState::Investigating
            | ProblemState::KnownError
            | ProblemState::FixInProgress
            | ProblemState::Observing
            | ProblemState::AcceptedRisk
            | ProblemState::Duplicate => {
                closed.remove(&one.problem);
            }
        }
    }
    let count = |of: &BTreeMap<ProblemId, Timestamp>| of.values().filter(|at| period.holds(**at)).count() as u64;
    ProblemFigures { opened: count(&opened), closed: count(&closed) }
}
