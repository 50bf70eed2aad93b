//! What surrounds every v2 answer: `Accept`, no caching, a bound on reads at once.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::V2Refusal;
use crate::api::state::ApiContext;

/// Wraps every request below `/api/v2`; others pass untouched.
pub async fn wire(State(shared): State<Arc<ApiContext>>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/api/v2/") {
        return next.run(request).await;
    }
    let mut response = inner(&shared, request, next).await;
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn inner(shared: &ApiContext, request: Request, next: Next) -> Response {
    if !accepts_json(request.headers()) {
        let message = "unsupported media type requested, only [application/json] are available";
        return V2Refusal::framework(StatusCode::NOT_ACCEPTABLE, message).into_response();
    }
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    match shared.v2_reads.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], "too many reads at once; try again\n")
                .into_response()
        }
    }
}

/// No `Accept`, or one that has room for JSON.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    values.peek().is_none()
        || values.flat_map(|value| value.to_str().unwrap_or_default().split(',')).any(|range| {
            let kind = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            matches!(kind.as_str(), "" | "*/*" | "application/*" | "application/json")
        })
}
