//! Why a body was not taken, and the answer's status.

use crate::ingest::SubmitError;
use axum::http::StatusCode;
use std::time::Duration;

/// Seconds until a sender should retry: a queue drains at once, a store takes longer to return.
const RETRY_OVERLOADED_SECONDS: u32 = 1;

const RETRY_UNAVAILABLE_SECONDS: u32 = 5;

/// Reason why a body was not accepted.
#[derive(Debug, thiserror::Error)]
pub(in crate::ingest) enum NotTaken {
    #[error("the body is larger than {limit} bytes; send fewer events at once")]
    TooLarge { limit: usize },
    #[error("Content-Encoding {0:?} is not taken; send the body as it is, or as gzip, zstd or deflate")]
    Encoded(String),
    #[error("the body cannot be expanded: {0}")]
    Broken(String),
    #[error("the body broke off: {0}")]
    BrokenOff(String),
    #[error("the body did not end within {} seconds; send fewer events at once", PATIENCE.as_secs())]
    Slow,
}

impl NotTaken {
    pub fn status(&self) -> StatusCode {
        match self {
            NotTaken::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            NotTaken::Encoded(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            NotTaken::Broken(_) | NotTaken::BrokenOff(_) => StatusCode::BAD_REQUEST,
            NotTaken::Slow => StatusCode::REQUEST_TIMEOUT,
        }
    }

    /// Its word in the metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            NotTaken::TooLarge { .. } => "too_large",
            NotTaken::Encoded(_) | NotTaken::Broken(_) => "encoded",
            NotTaken::BrokenOff(_) => "broken_off",
            NotTaken::Slow => "slow",
        }
    }
}

pub(in crate::ingest) fn status_of(refused: &SubmitError) -> StatusCode {
    match refused {
        SubmitError::Overloaded => StatusCode::TOO_MANY_REQUESTS,
        SubmitError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
    }
}

pub(in crate::ingest) fn retry_after_seconds(refused: &SubmitError) -> u32 {
    match refused {
        SubmitError::Overloaded => RETRY_OVERLOADED_SECONDS,
        SubmitError::Unavailable { .. } => RETRY_UNAVAILABLE_SECONDS,
    }
}

/// Maximum time of a body: 16 MiB at 2 Mbit/s. A slower one trickles.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
