//! Reading a request's body within its limit, and mapping refusals to HTTP.

use super::refusal::NotTaken;
use super::refusal::PATIENCE;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;

use super::expansion::Encoding;

/// Multiple of the limit that is read and discarded before the connection is cut, because a sender that is cut off
/// while it writes never sees the reason.
const DISCARD_FACTOR: usize = 8;

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
