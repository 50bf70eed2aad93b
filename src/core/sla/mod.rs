//! Targets: the clocks that run against promises, the ledger of outages, and how well both were kept.
//!
//! Elapsed time is always the working time in a log of intervals, never a counter. Must never read a clock, tell anybody
//! (the desk does), or know where it is stored.

mod attainment;
mod clock;
mod incident_clocks;
mod outage_ledger;
#[cfg(test)]
mod tests;

pub use attainment::{Attainment, Figure, IncidentOutcome, attainment, ranked_reasons};
pub use clock::{Calendars, ClockDirective, ClockTerms, RunningInterval, SlaClock};
pub use incident_clocks::{ClockStage, Clocks, Situation, Turn, WaitingOn};
pub use outage_ledger::{BudgetAlert, BudgetUse, OutageLedger, downtime, year_of};
