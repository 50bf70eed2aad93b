//! Inspections: checklists on a schedule, their runs, what was found and what was missed.
//!
//! Decides what is due; never runs a check itself (probes do) and never reads a clock.

mod completion;
mod execution;
mod finding;
mod findings;
mod judge;
mod record;
mod register;
#[cfg(test)]
mod tests;
mod timing;
mod trend;

pub use completion::{Completion, completion};
pub use finding::{Finding, Subject, SubjectKind};
pub use record::{ItemOutcome, ItemResult, ProbeRequest, ProbeResult, Run, RunState};
pub use register::{Inspections, ItemReport, NotAllowed, RunChange, RunRefusal, Signing};
