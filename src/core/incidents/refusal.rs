//! Why a command does not fit the incident's state.

use crate::core::model::IncidentId;

/// Reason for a refusal, in words for the person who sent the command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TransitionRefused {
    pub reason: String,
}

pub(super) fn refusal(verb: &str, id: IncidentId, why: &str) -> TransitionRefused {
    TransitionRefused { reason: format!("cannot {verb} {id}: {why}") }
}

pub(super) fn require_text(text: &str, verb: &str, what: &str) -> Result<(), TransitionRefused> {
    if text.trim().is_empty() {
        return Err(TransitionRefused { reason: format!("cannot {verb} without {what}") });
    }
    Ok(())
}
