//! Inspections: checklists on a schedule, their runs, what was found and what was missed.
//!
//! Decides what is due; never runs a check itself (probes do) and never reads a clock.

mod execution;
mod finding;
mod record;
mod register;
#[cfg(test)]
mod tests;
mod timing;

pub use finding::{Finding, Subject};
pub use record::{ItemOutcome, ItemResult, ProbeRequest, ProbeResult, Run, RunState};
pub use register::{Inspections, ItemReport, NotAllowed, RunChange, RunRefusal};
