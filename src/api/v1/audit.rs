//! The audit: who did what, when, and what came of it.

use std::sync::Arc;

use axum::extract::State;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, page};
use crate::api::state::ApiContext;
use crate::store::AuditFilter;

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_audit, Permission::Audit, audit)]
}

/// What people did and what was refused to them, newest first.
#[utoipa::path(get, path = "/api/v1/audit",
    params(
        ("actor" = Option<String>, Query), ("action" = Option<String>, Query, description = "incident.acknowledge, …"),
        ("subject" = Option<String>, Query, description = "INC-…, PRB-…, RUN-…, a silence's id"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500, else 100"),
    ),
    responses((status = 200, description = "A page", body = ref("#/components/schemas/AuditPage"))))]
async fn audit(State(shared): State<Arc<ApiContext>>, mut query: QueryParameters) -> ApiResult {
    let filter =
        AuditFilter { actor: query.text("actor")?, subject: query.text("subject")?, action: query.text("action")? };
    page(&shared.api.store.audit(&filter, &query.page()?).await?)
}
