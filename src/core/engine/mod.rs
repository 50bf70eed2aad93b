//! The engine: composes the pure rooms into correlators (partitions 0–63) and the desk (64).
//!
//! `handle(now, request)` in, journal entries and effects out. Must never read a clock, do I/O, wait, draw lots, or
//! depend on the order of a hash: the same journal gives the same effects, byte for byte.

mod command;
mod correlator_adapter;
mod decision;
mod desk;
mod effect;
mod explain;
mod input;
mod partitions;
mod snapshot;
mod staff;
#[cfg(test)]
mod tests;

pub use crate::core::correlation::{Firing, FiringEdge};
pub use command::{Action, Command, IncidentAction, Outcome, ProblemAction, Refusal, RunAction};
pub use decision::{Decision, Evidence, Joins, Link, LinkKind, Member, Raised, Verdict};
pub use desk::{Attendance, AttendedBy, DeskIncident, WaitingKind};
pub use effect::{
    AlertRecord, AuditEntry, Bound, Breach, Counted, Effect, Normalised, Notice, NoticeKind, Suppressor, TargetOutcome,
};
pub use explain::{Explained, Question};
pub use input::{
    Control, CorrelatorInput, DeliveryOutcome, DeliveryResult, DeskInput, Entry, Input, Once, ReloadedBy, Request,
    Resend, SilenceChange, SilenceCommand, SilenceDraft, SilenceOnce,
};
pub use partitions::{Engine, NotTaken, Work};
pub use snapshot::{BadEncoding, BadSnapshot, Frozen, Saved};
pub use staff::{StaffAction, StaffChange};

/// The version of the engine's behaviour: raised whenever the same journal would give other effects.
pub const ENGINE_VERSION: u32 = 4;
