//! The dispatch order of an incident, to be printed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::Id;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::ApiResult;
use crate::api::state::ApiContext;
use crate::core::calendar::HOUSE_ZONE;
use crate::core::calendar::time_zone;
use crate::core::incidents::{OrderedWith, dispatch_order};
use crate::core::model::IncidentId;

/// The zone of the times on it when nobody says another.
const ZONE: &str = HOUSE_ZONE;

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_order, Permission::Read, order)]
}

/// What an engineer takes along: one page of plain text.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/dispatch-order",
    params(("zone" = Option<String>, Query, description = "The zone of its times; Asia/Shanghai unless given")),
    responses((status = 200, description = "The order", body = String, content_type = "text/plain")))]
async fn order(State(shared): State<Arc<ApiContext>>, Id(id): Id<IncidentId>, mut query: QueryParameters) -> ApiResult {
    let zone = query.text("zone")?.unwrap_or_else(|| ZONE.to_owned());
    query.end()?;
    let zone = time_zone(&zone)
        .map_err(|_| ApiError::bad(format!("{zone:?} is not a time zone; send a name such as {ZONE}")))?;
    let incident = shared.api.store.incident(id).await?.ok_or_else(|| ApiError::unknown(id))?;
    let rulebook = shared.api.live.rulebook();
    let inventory = &rulebook.inventory;
    let root = incident.root.as_ref().and_then(|root| inventory.find(&root.entity));
    let item = root.or_else(|| inventory.concerned(&incident.labels)).map(|index| inventory.item(index));
    let with = OrderedWith { team: rulebook.teams.get(&incident.team), item };
    let text = dispatch_order(&incident, with, &zone, (shared.api.now)());
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    let no_store = HeaderValue::from_static("no-store");
    Ok(([(header::CONTENT_TYPE, plain), (header::CACHE_CONTROL, no_store)], text).into_response())
}
