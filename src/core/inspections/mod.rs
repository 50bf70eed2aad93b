//! Inspections: checklists on a schedule, their runs, findings and missed runs.
//!
//! Decides when runs are due; never runs a check itself (probes do) and never reads a clock.

mod change;
mod completion;
mod finding;
mod findings;
mod record;
mod registry;
mod run;
mod schedule;
mod task;
#[cfg(test)]
mod tests;
mod trend;
mod verdict;

pub use change::{ItemReport, RunChange, RunRefusal, RunRefused, SignOffPolicy};
pub use completion::{Completion, completion};
pub use finding::{Finding, FindingSubject, SubjectKind};
pub use record::{ItemOutcome, ItemResult, ProbeRequest, ProbeResult, Run, RunState};
pub use registry::Inspections;
