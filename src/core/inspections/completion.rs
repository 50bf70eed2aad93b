//! Completion of due inspections.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ItemOutcome, Run, RunState};
use crate::core::model::Timestamp;

/// The runs of one plan that were scheduled in a period.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Completion {
    pub plan: String,
    /// Runs whose time has come.
    pub due: u32,
    pub completed: u32,
    /// Completed runs that had been overdue.
    pub late: u32,
    pub missed: u32,
    /// Skipped with a reason: they do not count against the rate.
    pub skipped: u32,
    /// Due, and neither completed nor missed yet.
    pub open: u32,
    /// Items of all runs but the skipped ones, and the checked ones among them.
    pub items: u32,
    pub items_done: u32,
    /// Completed share of the due runs that were not skipped, 0 to 1; `None` without any.
    pub rate: Option<f64>,
}

/// By plan; a run counts if its scheduled time is in `[from, to)`. One that is not due yet does not count.
pub fn completion<'a>(runs: impl IntoIterator<Item = &'a Run>, from: Timestamp, to: Timestamp) -> Vec<Completion> {
    let mut plans: BTreeMap<&str, Completion> = BTreeMap::new();
    for run in runs {
        if !(from..to).contains(&run.scheduled_at) || run.state == RunState::Scheduled {
            continue;
        }
        let of =
            plans.entry(&run.plan).or_insert_with(|| Completion { plan: run.plan.clone(), ..Completion::default() });
        of.due += 1;
        match run.state {
            RunState::Completed => {
                of.completed += 1;
                of.late += u32::from(run.overdue_since.is_some());
            }
            RunState::Missed => of.missed += 1,
            RunState::Skipped => {
                of.skipped += 1;
                continue;
            }
            RunState::Due | RunState::InProgress | RunState::Overdue | RunState::AwaitingSignoff => of.open += 1,
            RunState::Scheduled => {}
        }
        of.items += u32::try_from(run.items.len()).unwrap_or(u32::MAX);
        let done = run.items.iter().filter(|item| item.at.is_some() && item.outcome != ItemOutcome::NotDone);
        of.items_done += u32::try_from(done.count()).unwrap_or(u32::MAX);
    }
    let with_rate = plans.into_values().map(|of| {
        let counted = of.due - of.skipped;
        Completion { rate: (counted > 0).then(|| f64::from(of.completed) / f64::from(counted)), ..of }
    });
    with_rate.collect()
}
