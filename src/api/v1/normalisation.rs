//! What normalising found: names that break the naming standard, and the templates of free texts.

use std::sync::Arc;

use axum::extract::State;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, list};
use crate::api::state::ApiContext;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_quarantine, Permission::Read, quarantine),
        Endpoint::of(__path_templates, Permission::Read, templates),
    ]
}

/// Names that break the naming standard, those seen last first. Their events were taken like any other.
#[utoipa::path(get, path = "/api/v1/naming-violations",
    responses((status = 200, description = "All of them", body = ref("#/components/schemas/QuarantinedNamePage"))))]
async fn quarantine(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    query.end()?;
    list(shared.api.live.quarantined())
}

/// The templates of free texts, the most frequent first. Rules match on `fact.template`.
#[utoipa::path(get, path = "/api/v1/templates",
    responses((status = 200, description = "All of them", body = ref("#/components/schemas/TemplatePage"))))]
async fn templates(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    query.end()?;
    list(shared.api.live.templates())
}
