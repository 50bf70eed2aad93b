//! What people say of who is at work, and what the live view is told of it.

use serde::{Deserialize, Serialize};

use crate::core::model::Heartbeat;
use crate::core::on_call::{NewOverride, Override, Presence};
use crate::core::rules::RulebookHash;

/// A word on who is at work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StaffAction {
    Presence(Heartbeat),
    PutOverride {
        roster: String,
        asked: NewOverride,
    },
    DeleteOverride {
        roster: String,
        id: u64,
    },
    /// Rules that no longer name these people are about to take force: refused while any of them holds open work.
    Remove {
        people: Vec<String>,
        rules: RulebookHash,
    },
}

/// What changed; the live view only, no row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StaffChange {
    Presence(Presence),
    Override(Override),
    OverrideGone { id: u64 },
}
