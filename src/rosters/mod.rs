//! Rosters: who is on duty at a moment and why, who is there, and who of them takes the next piece of work.
//!
//! Arithmetic on rule files, overrides and heartbeats that are handed in. Must never read a clock, and never give
//! anybody more than their limit.

mod choice;
mod duty;
mod handover;
mod local;
mod overrides;
mod presence;
#[cfg(test)]
mod tests;

pub use choice::{Choice, Wanted, choose, responders};
pub use duty::{Change, Duty, Gap, OnDuty, changes, gaps, next_change, on_duty};
pub use handover::{Clock, HandedOver, Handover, handover_text};
pub use overrides::{BadOverride, NewOverride, OVERRIDES_MAX, Override, Overrides};
pub use presence::{Attendance, PEOPLE_MAX, Presence, Standing};
