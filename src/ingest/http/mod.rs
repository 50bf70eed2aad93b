//! The HTTP intake of events: Alertmanager's alerts, native events, and every tool with a source file.
//!
//! A response of 200 is sent only after the commit. A layer around these routes decides on access.

mod body;
mod expansion;
mod refusal;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;

use super::decode;
use super::decode::DecodeContext;
use super::decoded::{Decoded, Rejected};
use super::native;
use super::problem_json::ProblemDetails;
use super::{DecodeError, EventVerdict, Intake, Submission, SubmitError, alertmanager};
use crate::core::model::{Event, ID_MAX_BYTES, Timestamp, excerpt};
use crate::core::rules::Rulebook;
use crate::metrics::Metrics;
pub(super) use body::read;
pub(super) use refusal::{retry_after_seconds, status_of};

/// Default limit of a body, in bytes.
pub const BODY_MAX_BYTES: usize = 16 << 20;

/// Size in bytes above which a tool's payload is decoded outside the threads that serve requests.
const DECODE_APART_BYTES: usize = 64 << 10;

/// Services that the HTTP intake needs.
#[derive(Clone)]
pub struct HttpIntake {
    pub intake: Intake,
    pub metrics: Arc<Metrics>,
    /// The rulebook in force.
    pub rulebook: Arc<dyn Fn() -> Arc<Rulebook> + Send + Sync>,
    /// The engine's time, used for unset times of v2 alerts.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Maximum body, in bytes.
    pub body_max_bytes: usize,
}

/// All HTTP routes for events.
pub fn routes(state: HttpIntake) -> Router {
    Router::new()
        .route("/api/v2/alerts", post(post_alerts))
        .route("/api/v2/alerts/", post(post_alerts))
        .route("/api/v1/events", post(post_events))
        .route("/api/v1/sources/{name}", post(post_source))
        .with_state(state)
}

/// Result of a request's items.
#[derive(Debug, Serialize)]
struct Receipt {
    accepted: usize,
    duplicates: usize,
    #[serde(skip_serializing_if = "is_zero")]
    skipped: usize,
    rejected: Vec<Rejected>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

async fn post_alerts(State(state): State<HttpIntake>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    alertmanager::answer(&state, &parts.headers, body).await
}

async fn post_events(State(state): State<HttpIntake>, request: Request<Body>) -> Result<Json<Receipt>, ProblemDetails> {
    let (parts, body) = request.into_parts();
    let key = idempotency_key(&parts.headers)?;
    let body = state.body(native::SOURCE, &parts.headers, body).await?;
    let decoded = native::decode(&body).map_err(|unreadable| state.unreadable(native::SOURCE, &unreadable))?;
    state.take(native::SOURCE, decoded, key).await
}

async fn post_source(
    State(state): State<HttpIntake>,
    name: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Result<Json<Receipt>, ProblemDetails> {
    let Path(name) = name.map_err(|why| ProblemDetails::new(StatusCode::BAD_REQUEST, why.body_text()))?;
    let (parts, body) = request.into_parts();
    let rulebook = (state.rulebook)();
    if rulebook.source(&name).is_none() {
        return Err(state.unknown_source(&name, &rulebook));
    }
    let key = idempotency_key(&parts.headers)?;
    let body = state.body(&name, &parts.headers, body).await?;
    let context = decode::http_context(&parts.headers, &parts.uri);
    let decoded = decode_source(rulebook, name.clone(), context, body).await;
    let decoded = decoded.map_err(|unreadable| state.unreadable(&name, &unreadable))?;
    state.take(&name, decoded, key).await
}

/// Large payloads are decoded separately, because mapping one may delay other requests.
async fn decode_source(
    rulebook: Arc<Rulebook>,
    name: String,
    context: DecodeContext,
    body: Bytes,
) -> Result<Decoded, DecodeError> {
    let large = body.len() > DECODE_APART_BYTES;
    let decode = move || match rulebook.source(&name) {
        Some(source) => decode::decode(source, &body, &context),
        None => Err(DecodeError::whole("the source is gone")),
    };
    if !large {
        return decode();
    }
    let apart = tokio::task::spawn_blocking(decode).await;
    apart.unwrap_or_else(|_| Err(DecodeError::whole("the payload could not be decoded: the decoder failed on it")))
}

/// Text for an event that the queue accepted and the store refused.
pub(super) const DEAD_LETTERED: &str = "the store does not take its content; it is kept as a dead letter";

/// The indexes of those events.
pub(super) fn dead_lettered(verdicts: &[EventVerdict], places: &[usize]) -> impl Iterator<Item = usize> {
    let judged = verdicts.iter().zip(places);
    judged.filter(|(verdict, _)| **verdict == EventVerdict::DeadLettered).map(|(_, place)| *place)
}

/// How many items a refusal of all of them names.
const TOLD_MAX: usize = 10;

fn nothing_taken(rejected: &[Rejected]) -> ProblemDetails {
    let told = rejected.iter().take(TOLD_MAX).map(|one| format!("item {}: {}", one.index, one.error));
    let more = rejected.len().checked_sub(TOLD_MAX).filter(|more| *more > 0);
    let more = more.map(|more| format!("and {more} more"));
    let reasons: Vec<String> = told.chain(more).collect();
    ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, format!("nothing of it was taken: {}", reasons.join("; ")))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ProblemDetails> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= ID_MAX_BYTES / 2);
    let expected = || {
        let detail = format!("Idempotency-Key must be 1 to {} visible ASCII characters", ID_MAX_BYTES / 2);
        ProblemDetails::new(StatusCode::BAD_REQUEST, detail)
    };
    key.map(Some).ok_or_else(expected)
}

impl HttpIntake {
    /// Submits the events and waits for the commit.
    pub(super) async fn offer(&self, source: &str, events: Vec<Event>) -> Result<Vec<EventVerdict>, SubmitError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let count = events.len();
        self.intake.offer(Submission::Events(events)).await.inspect_err(|refused| {
            let reason = match refused {
                SubmitError::Overloaded => "overloaded",
                SubmitError::Unavailable { .. } => "unavailable",
            };
            self.refused(source, reason, count);
        })
    }

    /// Counts refused events.
    pub(super) fn refused(&self, source: &str, reason: &str, count: usize) {
        self.metrics.events_refused("http", source, reason, count);
    }

    async fn body(&self, source: &str, headers: &HeaderMap, body: Body) -> Result<Bytes, ProblemDetails> {
        read(headers, body, self.body_max_bytes).await.map_err(|not_taken| {
            self.refused(source, not_taken.reason(), 1);
            ProblemDetails::new(not_taken.status(), not_taken.to_string())
        })
    }

    /// Fails (422) when there was something in the request and all of it was refused.
    async fn take(
        &self,
        source: &str,
        mut decoded: Decoded,
        key: Option<&str>,
    ) -> Result<Json<Receipt>, ProblemDetails> {
        if let Some(key) = key {
            decoded.identify(key);
        }
        let Decoded { events, places, mut rejected, skipped } = decoded;
        self.refused(source, "invalid", rejected.len());
        self.refused(source, "skipped", skipped);
        let verdicts = self.offer(source, events).await.map_err(|refused| {
            let trouble = ProblemDetails::new(status_of(&refused), refused.to_string());
            trouble.retry_after(retry_after_seconds(&refused))
        })?;
        let error = DEAD_LETTERED.to_owned();
        rejected.extend(dead_lettered(&verdicts, &places).map(|index| Rejected { index, error: error.clone() }));
        rejected.sort_by_key(|rejected| rejected.index);
        let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
        let (accepted, duplicates) = (count(EventVerdict::Accepted), count(EventVerdict::Duplicate));
        let receipt = Receipt { accepted, duplicates, skipped, rejected };
        if accepted + duplicates + skipped == 0 && !receipt.rejected.is_empty() {
            return Err(nothing_taken(&receipt.rejected).with_members(&receipt));
        }
        Ok(Json(receipt))
    }

    fn unreadable(&self, source: &str, unreadable: &DecodeError) -> ProblemDetails {
        self.refused(source, "unreadable", 1);
        tracing::warn!(source, reason = %unreadable, "a payload could not be read");
        ProblemDetails::new(StatusCode::BAD_REQUEST, unreadable.to_string())
    }

    fn unknown_source(&self, name: &str, rulebook: &Rulebook) -> ProblemDetails {
        self.refused("unknown", "unknown_source", 1);
        let known: Vec<&str> = rulebook.sources.iter().map(|source| source.name.as_str()).collect();
        let detail = format!("no source {:?}; known are {}", excerpt(name), known.join(", "));
        ProblemDetails::new(StatusCode::NOT_FOUND, detail)
    }
}
