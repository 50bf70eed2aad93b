//! Why a text is no matcher.

/// Reason why a matcher is invalid. `at` is the byte position of the error, if known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ParseMatcherError {
    pub reason: String,
    pub at: Option<usize>,
}
