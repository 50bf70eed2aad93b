//! Our session at a broker: what was taken from it, and what is kept of it with a commit.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One taken message: enough to recognise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenMessage {
    /// Its number in the session, in order of arrival.
    pub number: u64,
    pub packet_id: u16,
    /// Half a SHA-256 over topic and payload.
    pub digest: u128,
}

/// The progress of a broker's session with one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionProgress {
    pub session: Arc<str>,
    /// Every message before this number is known to be acknowledged, and can be forgotten.
    pub settled_before: u64,
    pub taken: Option<TakenMessage>,
    /// What is newly known of the session.
    pub facts: Option<SessionFacts>,
}

/// What outlives a restart of the service; present once the broker accepted a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFacts {
    /// The broker's count of dropped messages when it was last read.
    pub dropped: Option<u64>,
}
