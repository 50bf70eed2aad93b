//! Large answers: put together beside the threads that serve requests, so that nobody's event waits for a list.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::V2Refusal;
use crate::api::http::error::ApiError;

/// What `make` makes, as JSON.
pub async fn apart<T: Serialize>(make: impl FnOnce() -> T + Send + 'static) -> Result<Response, V2Refusal> {
    let failed = |detail: &str| V2Refusal::Failed(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, detail));
    let written = tokio::task::spawn_blocking(move || serde_json::to_vec(&make())).await;
    let body = written.map_err(|_| failed("the answer could not be put together"))?;
    let body = body.map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        failed("the answer cannot be written as JSON")
    })?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
}
