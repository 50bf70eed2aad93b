//! What machines ask about the service itself: health, readiness, metrics, reload, and the description of all routes.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::auth::{Permission, Principal};
use crate::api::commands::DriverRequest;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::state::ApiContext;
use crate::core::engine::Outcome;
use crate::store::Readiness;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_healthy, Permission::Health, healthy),
        Endpoint::of(__path_live, Permission::Health, live),
        Endpoint::of(__path_ready, Permission::Health, ready),
        Endpoint::of(__path_reload, Permission::Reload, reload),
        Endpoint::of(__path_metrics, Permission::Metrics, metrics),
        Endpoint::of(__path_openapi, Permission::Read, openapi),
    ]
}

/// Whether the process lives.
#[utoipa::path(get, path = "/-/healthy",
    responses((status = 200, description = "OK", body = String, content_type = "text/plain")))]
async fn healthy() -> &'static str {
    "OK"
}

/// Whether the process lives, under the name that orchestrators ask for.
#[utoipa::path(get, path = "/-/live",
    responses((status = 200, description = "OK", body = String, content_type = "text/plain")))]
async fn live() -> &'static str {
    "OK"
}

/// Whether it can take work.
#[utoipa::path(get, path = "/-/ready",
    responses((status = 200, description = "OK", body = String, content_type = "text/plain"),
        (status = 503, description = "Why not", body = String, content_type = "text/plain")))]
async fn ready(State(shared): State<Arc<ApiContext>>) -> Response {
    match shared.api.live.readiness_at((shared.api.steady)()) {
        Readiness::Ready => "OK".into_response(),
        Readiness::NotReady { reason } | Readiness::Standby { reason } => {
            ApiError::unavailable(reason).answer("/-/ready")
        }
    }
}

/// Reads the rule files again; a bad file changes nothing and is answered with its mistakes.
#[utoipa::path(post, path = "/-/reload",
    responses((status = 200, description = "In force"),
        (status = 500, description = "The mistakes", body = String, content_type = "text/plain")))]
async fn reload(State(shared): State<Arc<ApiContext>>, caller: Principal) -> Response {
    match shared.api.commands.send(DriverRequest::reload_by(caller)).await {
        Ok(Outcome::Refused(refusal)) => ApiError::from(refusal).answer("/-/reload"),
        Ok(
            Outcome::Rulebook { .. }
            | Outcome::Staff { .. }
            | Outcome::Incident { .. }
            | Outcome::Problem { .. }
            | Outcome::Run { .. }
            | Outcome::Silence { .. },
        ) => StatusCode::OK.into_response(),
        Err(unanswered) => ApiError::from(unanswered).answer("/-/reload"),
    }
}

/// All metrics, as Prometheus reads them.
#[utoipa::path(get, path = "/metrics",
    responses((status = 200, description = "Text exposition", body = String, content_type = "text/plain")))]
async fn metrics(State(shared): State<Arc<ApiContext>>) -> impl IntoResponse {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    // A process that was stopped may have lost its lease without having noticed yet.
    shared.api.metrics.ready(shared.api.live.readiness_at((shared.api.steady)()) == Readiness::Ready);
    ([(header::CONTENT_TYPE, kind)], shared.api.metrics.render())
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
async fn openapi(State(shared): State<Arc<ApiContext>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], shared.openapi.clone())
}
