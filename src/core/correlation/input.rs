//! Inputs of a correlator other than events: compact re-sends, and changes of silences.

use serde::{Deserialize, Serialize};

use super::alerts::dedup::EventId;
use crate::core::model::{Fingerprint, Silence, SilenceId, Stamp, Timestamp};

/// A repeated message of a known alert with equal labels, annotations and severity: only times and value may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resend {
    pub fingerprint: Fingerprint,
    pub starts_at: Option<Stamp>,
    pub ends_at: Option<Stamp>,
    pub occurred_at: Option<Timestamp>,
    pub value_bits: Option<u64>,
    /// The message's identity, if its producer gave it an id.
    pub id: Option<EventId>,
}

/// A person's command on a silence.
#[derive(Clone, Debug, PartialEq)]
pub enum SilenceInput {
    /// Create, or update the one with that id; by Alertmanager's rules an update may end the old
    /// and make a new one.
    Put {
        id: Option<SilenceId>,
        /// The requested silence, with the id that a new silence gets.
        silence: Silence,
    },
    Expire(SilenceId),
}
