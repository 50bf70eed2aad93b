//! `POST /api/v1/alerts`: the API that Alertmanager removed with 0.27, answered as it answers since then.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_removed, Permission::Ingest, removed)]
}

/// Old senders of alerts learn that they must use `/api/v2/alerts`.
#[utoipa::path(post, path = "/api/v1/alerts", responses((status = 410, description = "Use /api/v2/alerts")))]
async fn removed() -> Response {
    let error = "the Alertmanager API v1 was removed; send alerts to /api/v2/alerts, native events to /api/v1/events";
    (StatusCode::GONE, Json(serde_json::json!({ "status": "deprecated", "error": error }))).into_response()
}
