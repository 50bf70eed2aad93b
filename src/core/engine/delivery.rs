//! The outcome of a notification's delivery, as it returns to the engine.

use super::notification::NotificationKind;
use crate::core::model::Cause;
use crate::core::rules::Channel;
use serde::{Deserialize, Serialize};

/// What became of one attempt to deliver a notice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryResult {
    /// The notice's idempotency key.
    pub notice: Cause,
    /// What it was about: `INC-…`, `PRB-…` or `RUN-…`.
    pub subject: String,
    pub attempt: u32,
    pub outcome: DeliveryOutcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DeliveryOutcome {
    Delivered,
    /// Will be tried again.
    Failed {
        error: String,
    },
    /// Tried for the last time.
    DeadLettered {
        error: String,
    },
    /// The same of a notice on an incident: it may have to be told by another way.
    Unreached(Box<Unreached>),
}

/// Whom a notice on an incident did not reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unreached {
    pub error: String,
    pub kind: NotificationKind,
    pub channel: Channel,
    pub person: Option<String>,
}
