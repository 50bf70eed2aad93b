//! On-call: who is on duty at a time and why, who is present, and the selection of an assignee.
//!
//! Arithmetic on rule files, overrides and heartbeats given as arguments. Must never read a clock, and never assign
//! beyond a person's limit.

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
