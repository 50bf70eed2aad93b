//! Dead letters: messages that could not be read, with the reason.

use std::sync::Arc;

use axum::extract::State;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, page};
use crate::api::state::ApiContext;

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_dead_letters, Permission::Read, dead_letters)]
}

/// What could not be read, newest first.
#[utoipa::path(get, path = "/api/v1/dead-letters",
    params(
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500, else 100"),
    ),
    responses((status = 200, description = "A page", body = ref("#/components/schemas/DeadLetterPage"))))]
async fn dead_letters(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    page(&shared.api.store.dead_letters(&query.page()?).await?)
}
