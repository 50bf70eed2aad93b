//! Words about people at work that several rooms share: a heartbeat, and work that waits for somebody.

use serde::{Deserialize, Serialize};

use super::{TimeDelta, Timestamp};

/// Somebody says, or somebody's connection says for them, whether they are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    pub person: String,
    pub word: HeartbeatWord,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeartbeatWord {
    /// For so long; `None`: as long as their roster says.
    Here { lifetime: Option<TimeDelta> },
    /// Until told otherwise: a connection stands for them, and its last will ends it.
    Connected,
    /// They went away themselves.
    Away,
    /// Their connection broke.
    Lost,
}

/// Work that nobody can take yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub since: Timestamp,
    pub reason: String,
}
