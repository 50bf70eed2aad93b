//! Reading a request's body within its limit, and mapping refusals to HTTP.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;

use super::expansion::Encoding;
use crate::ingest::SubmitError;

/// Seconds until a sender should retry: a queue drains at once, a store takes longer to return.
const RETRY_OVERLOADED_SECONDS: u32 = 1;
const RETRY_UNAVAILABLE_SECONDS: u32 = 5;

/// Multiple of the limit that is read and discarded before the connection is cut, because a sender that is cut off
/// while it writes never sees the reason.
const DISCARD_FACTOR: usize = 8;

/// Maximum time of a body: 16 MiB at 2 Mbit/s. A slower one trickles.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// The whole body, at most `limit` bytes, compressed or not.
pub(in crate::ingest) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, NotTaken> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|encoding| String::from_utf8_lossy(encoding.as_bytes()));
    let encoding = Encoding::of(encoding.as_deref().unwrap_or_default())?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) && headers.contains_key(header::EXPECT) {
        return Err(NotTaken::TooLarge { limit });
    }
    let collected = tokio::time::timeout(PATIENCE, collect(body, limit, length.unwrap_or_default())).await;
    let bytes = collected.unwrap_or(Err(NotTaken::Slow))?;
    match encoding {
        Some(encoding) => encoding.expand(bytes, limit).await,
        None => Ok(bytes),
    }
}

/// `announced`: the declared length, in bytes.
async fn collect(body: Body, limit: usize, announced: usize) -> Result<Bytes, NotTaken> {
    let mut taken = Vec::with_capacity(announced.min(limit));
    let mut seen = 0_usize;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| NotTaken::BrokenOff(error.to_string()))?;
        seen = seen.saturating_add(chunk.len());
        if seen <= limit {
            taken.extend_from_slice(&chunk);
        } else if seen > limit.saturating_mul(DISCARD_FACTOR) {
            break;
        } else {
            taken = Vec::new();
        }
    }
    if seen > limit { Err(NotTaken::TooLarge { limit }) } else { Ok(taken.into()) }
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
