//! A dead letter: a message that could not be read, kept with the reason, so that nothing vanishes silently.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// One unreadable message. Its sender got an error (HTTP) or an acknowledgement (MQTT), so that it is never a poison
/// loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub at: Timestamp,
    pub source: String,
    /// The MQTT topic or HTTP path of its arrival.
    pub door: String,
    /// The error and its place.
    pub reason: String,
    /// At most [`DeadLetter::PAYLOAD_MAX_BYTES`] of it; text that is not UTF-8 is shown with replacement marks.
    pub payload: String,
    pub payload_bytes: u64,
}

impl DeadLetter {
    pub const PAYLOAD_MAX_BYTES: usize = 65_536;
}
