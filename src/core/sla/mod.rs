//! SLA: clocks against targets, the ledger of outages, and the attainment of both.
//!
//! Elapsed time is always the working time in a log of intervals, never a counter. Must never read a clock, notify
//! anyone (the desk does), or know its storage.

mod attainment;
mod clock;
mod incident_clocks;
mod outage_ledger;
#[cfg(test)]
mod tests;

pub use attainment::{Attainment, Figure, IncidentOutcome, attainment, ranked_reasons};
pub use clock::{ClockDirective, ClockTerms, RunningInterval, SlaClock};
pub use incident_clocks::{ClockStage, Clocks, Situation, Turn, WaitingOn};
pub use outage_ledger::{BudgetAlert, BudgetUse, OutageLedger, downtime, year_of};
