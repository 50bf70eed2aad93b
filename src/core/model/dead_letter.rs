//! A message that could not be read: kept with the reason, so that nothing vanishes silently.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// One unreadable message. Its sender was told (HTTP) or acknowledged (MQTT), so that it is never a poison loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub at: Timestamp,
    pub source: String,
    /// The MQTT topic or HTTP path that it came on.
    pub door: String,
    /// What was wrong and where.
    pub reason: String,
    /// At most [`DeadLetter::PAYLOAD_MAX_BYTES`] of it; text that is not UTF-8 is shown with replacement marks.
    pub payload: String,
    pub payload_bytes: u64,
}

impl DeadLetter {
    pub const PAYLOAD_MAX_BYTES: usize = 65_536;
}
