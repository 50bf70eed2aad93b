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

pub use assignee_selection::{Assignment, WorkRequirements, choose, responders};
pub use handover::{HandedOver, Handover, NextEscalation, handover_text};
pub use overrides::{NewOverride, OVERRIDES_MAX, Override, OverrideError, Overrides};
pub use presence::{Attendance, PEOPLE_MAX, Presence, PresenceStatus};
pub use schedule::{Gap, OnCall, OnCallShift, ShiftChange, changes, gaps, next_change, on_duty};
