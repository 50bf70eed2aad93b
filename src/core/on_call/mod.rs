//! Rosters: who is on duty at a moment and why, who is there, and who of them takes the next piece of work.
//!
//! Arithmetic on rule files, overrides and heartbeats that are handed in. Must never read a clock, and never give
//! anybody more than their limit.

mod assignee_selection;
mod handover;
mod local_time;
mod overrides;
mod presence;
mod schedule;
#[cfg(test)]
mod tests;

pub use assignee_selection::{Choice, Wanted, choose, responders};
pub use handover::{Clock, HandedOver, Handover, handover_text};
pub use overrides::{BadOverride, NewOverride, OVERRIDES_MAX, Override, Overrides};
pub use presence::{Attendance, PEOPLE_MAX, Presence, Standing};
pub use schedule::{Change, Duty, Gap, OnDuty, changes, gaps, next_change, on_duty};
