//! Events and pauses of an escalation.

use crate::core::model::{Tier, TimeDelta, Timestamp};
use crate::core::rules::Recipient;

/// Events of an escalation over time. The desk turns each into notifications and timeline entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EscalationEvent {
    /// The step's first page, after the settle delay.
    Page,
    /// A repeated page: it is unacknowledged, or the resolve-by is near.
    PageAgain { reason: String },
    /// Unacknowledged at respond-by.
    RespondByMissed { tier: Tier },
    /// Unresolved at resolve-by.
    ResolveByMissed { tier: Tier },
    /// A step was skipped at once because its team cannot act, with the reason.
    Skipped { tier: Tier, team: String, reason: String },
    /// The next step got it, and is paged; `demands`: the fields that the step before still owes.
    Climbed { from: Tier, to: Tier, demands: Vec<String> },
    /// A lower step got it back, and is paged.
    HandedBack { from: Tier, to: Tier },
    /// A manager is notified, for the `time`-th of `of` times; the incident stays with its team.
    Tell { told: Recipient, after: TimeDelta, time: u32, of: u32 },
}

/// Duration of a pause.
#[derive(Clone, Copy)]
pub(super) struct Pause {
    pub since: Timestamp,
    pub until: Timestamp,
}
