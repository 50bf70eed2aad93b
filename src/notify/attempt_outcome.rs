//! The outcome of one attempt to deliver.

use std::time::Duration;

/// Outcome of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AttemptOutcome {
    Taken,
    /// A retry may help; `after`: the delay that the receiver asks for.
    Again {
        error: String,
        after: Option<Duration>,
    },
    /// The receiver must not be called for that long.
    TooMany {
        error: String,
        rest: Duration,
    },
    /// A retry cannot help.
    Refused {
        error: String,
    },
}
