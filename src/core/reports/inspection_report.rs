//! Inspection figures: completion of the ended checklists.

use serde::{Deserialize, Serialize};

use super::ReportPeriod;
use super::statistics::share;
use crate::core::inspections::{Run, RunState};
use crate::core::model::Timestamp;

/// One run that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedRun {
    pub ended_at: Timestamp,
    pub state: RunState,
}

impl EndedRun {
    /// `None` while it can still be done.
    pub fn of_record(run: &Run) -> Option<EndedRun> {
        match run.state {
            RunState::Completed | RunState::Missed | RunState::Skipped => {
                Some(EndedRun { ended_at: run.updated_at, state: run.state })
            }
            RunState::Scheduled
            | RunState::Due
            | RunState::InProgress
            | RunState::Overdue
            | RunState::AwaitingSignoff => None,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InspectionFigures {
    pub completed: u64,
    pub missed: u64,
    /// With a reason; they do not lower the rate.
    pub skipped: u64,
    /// Completed, of those completed or missed.
    pub completion_rate: Option<f64>,
}

impl InspectionFigures {
    pub fn of(runs: &[EndedRun], period: ReportPeriod) -> InspectionFigures {
        let count = |state| runs.iter().filter(|run| run.state == state && period.holds(run.ended_at)).count() as u64;
        let (completed, missed) = (count(RunState::Completed), count(RunState::Missed));
        InspectionFigures {
            completed,
            missed,
            skipped: count(RunState::Skipped),
            completion_rate: share(completed, completed + missed),
        }
    }
}
