//! All doors together: every endpoint behind its guard, ingest's routes behind theirs, and around everything the
//! limits, the counting, and the net under a panic.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;

use super::alertmanager;
use super::auth::{cors, ingest_door};
use super::http::endpoint::{Endpoint, mount};
use super::http::error::ApiError;
use super::http::old_paths::with_old_paths;
use super::http::openapi;
use super::state::{ApiContext, ApiState};
use super::v1::incidents::{commands as incident_commands, dispatch_order};
use super::v1::inspections::runs;
use super::v1::on_call::commands as on_call_commands;
use super::v1::problems::review;
use super::v1::{
    alerts, audit, dead_letters, escalation_policies, explain, health, incidents, inspections, normalisation, on_call,
    problems, reports, rules, silences, sla, sources, stream,
};
use crate::ingest;
use crate::metrics::{Metrics, Stopwatch};

/// The largest body of a command, in bytes. Pushed events have ingest's own limit.
const BODY_MAX_BYTES: usize = 64 * 1024;

/// Everything that HTTP serves: the API and the `pages` of the console. Must be served with
/// `into_make_service_with_connect_info::<SocketAddr>()`, because rates are kept by address.
pub fn router(state: ApiState, pages: Vec<Endpoint>) -> Router {
    let mut endpoints = endpoints();
    endpoints.extend(pages);
    let endpoints = with_old_paths(endpoints);
    let document = openapi::document(&endpoints).to_json().unwrap_or_else(|error| {
        tracing::error!(%error, "the OpenAPI document cannot be written");
        "{}".to_owned()
    });
    let shared = Arc::new(ApiContext::new(state, document));
    let elsewhere = openapi::INGEST.map(|(path, _, _)| (path, Method::POST));
    let pushed = ingest::http::routes(shared.api.intake.clone());
    let pushed = pushed.route_layer(from_fn_with_state(Arc::clone(&shared), ingest_door));
    mount(endpoints, &elsewhere, &shared)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .with_state(Arc::clone(&shared))
        .merge(pushed)
        .fallback(not_found)
        .layer(from_fn_with_state(Arc::clone(&shared), alertmanager::wire))
        .layer(from_fn_with_state(Arc::clone(&shared), cors))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&shared.api.metrics), count))
}

/// Every endpoint of this room.
pub fn endpoints() -> Vec<Endpoint> {
    [
        health::endpoints(),
        alertmanager::endpoints(),
        incidents::endpoints(),
        incident_commands::endpoints(),
        dispatch_order::endpoints(),
        alerts::endpoints(),
        explain::endpoints(),
        problems::endpoints(),
        review::endpoints(),
        inspections::endpoints(),
        runs::endpoints(),
        escalation_policies::endpoints(),
        on_call::endpoints(),
        on_call_commands::endpoints(),
        sla::endpoints(),
        reports::endpoints(),
        rules::endpoints(),
        sources::endpoints(),
        silences::endpoints(),
        audit::endpoints(),
        dead_letters::endpoints(),
        normalisation::endpoints(),
        stream::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

async fn not_found(request: Request) -> Response {
    let path = request.uri().path();
    let shown: String = path.chars().take(200).collect();
    ApiError::new(StatusCode::NOT_FOUND, format!("path {shown} was not found")).answer(path)
}

/// The panic is already in the log (the panic hook writes it); the caller learns that it was not their fault.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "a fault of watchfire; its log says more").answer("/api/v1/")
}

async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    metrics.http_answered(route, method.as_str(), response.status().as_u16(), watch.seconds());
    response
}
