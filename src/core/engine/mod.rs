//! The engine: composes the pure rooms into correlators (partitions 0–63) and the desk (64).
//!
//! `handle(now, request)` in, journal entries and effects out. Must never read a clock, do I/O, wait, draw lots, or
//! depend on the order of a hash: the same journal gives the same effects, byte for byte.

mod command;
mod command_hash;
mod correlator_adapter;
mod decision;
mod delivery;
mod desk;
mod effect;
mod explain;
mod input;
mod notification;
mod partitions;
mod position;
mod queries;
mod snapshot;
mod staff;
#[cfg(test)]
mod tests;

pub use crate::core::correlation::{Firing, FiringEdge};
pub use command::{Action, Command, CommandRefusal, IncidentAction, Outcome, ProblemAction, RunAction};
pub use decision::{AlertLink, CountedEvent, Decision, GroupingDecision, LinkKind, Member, Raised, Verdict};
pub use delivery::{DeliveryOutcome, DeliveryResult, Unreached};
pub use desk::{AttentionAudit, AttentionSource, DeskIncident, WaitingKind};
pub use effect::{
    AlertRecord, AuditEntry, AuditFact, Breach, Effect, LimitHit, LiveChange, Metric, Normalised, RecordChange,
    Suppressor, TargetOutcome, Task,
};
pub use explain::{ExplainRequest, ExplainResponse};
pub use input::{
    Control, CorrelatorInput, DeskInput, IdempotencyKey, IdempotentSilence, Input, JournalEntry, ReloadedBy, Request,
    Resend, SilenceChange, SilenceCommand, SilenceDraft,
};
pub use notification::{Notification, NotificationKind};
pub use partitions::{BatchOutput, Engine, EngineError};
pub use snapshot::{EncodingError, ParseSnapshotError, Snapshot, SnapshotView};
pub use staff::{StaffAction, StaffChange};

/// The version of the engine's behaviour: raised whenever the same journal would give other effects.
pub const ENGINE_VERSION: u32 = 5;
