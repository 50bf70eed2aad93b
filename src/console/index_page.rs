//! HTML index page; unauthenticated, so it reveals nothing about the estate or this installation.

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;

const PAGE: &str = "\
watchfire: alerts, incidents, problems, rosters and inspections of an operations centre (运维值班中心)

  /api/v1/                  everything, as JSON: /api/v1/openapi.json describes it, /api/v1/incidents is a beginning
  /api/v2/                  what Alertmanager's own tools speak
  /metrics                  for Prometheus
  /-/live, /-/ready         whether it lives, and whether it can take work

README.md beside the program says how to go on, rules/README.md how rules are written.
Where tokens exist, send yours: Authorization: Bearer <token>
";

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_front, Permission::Health, front)]
}

/// A list of the addresses.
#[utoipa::path(get, path = "/",
    responses((status = 200, description = "A few lines", body = String, content_type = "text/plain")))]
async fn front() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], PAGE)
}
