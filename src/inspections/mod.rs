//! Inspections: checklists on a schedule, their runs, what was found and what was missed.
//!
//! Decides what is due; never runs a check itself (probes do) and never reads a clock.

mod record;

pub use record::{ItemOutcome, ItemResult, ProbeRequest, ProbeResult, Run, RunState};
