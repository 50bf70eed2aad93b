//! Staffing types that several rooms share: a heartbeat, and work that waits for a person.

use serde::{Deserialize, Serialize};

use super::{TimeDelta, Timestamp};

/// A person's presence report, sent by themselves or by their connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    pub person: String,
    pub word: HeartbeatWord,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeartbeatWord {
    /// Present for so long; `None`: as long as their on-call schedule sets.
    Here { lifetime: Option<TimeDelta> },
    /// Present without a limit: a connection reports for them, and its last will ends it.
    Connected,
    /// They reported themselves away.
    Away,
    /// Their connection broke.
    Lost,
}

/// Work that no one can take yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub since: Timestamp,
    pub reason: String,
}
