//! Incidents: the list, one of them, and everything that is kept beneath it.

pub(in crate::api) mod commands;
pub(in crate::api) mod deliveries;
pub(in crate::api) mod dispatch_order;

use std::sync::Arc;

use axum::extract::State;

use super::alerts::AlertBody;
use super::incidents::deliveries::DeliveryView;
use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::Id;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, list, page, versioned};
use crate::api::state::ApiContext;
use crate::core::incidents::{Incident, IncidentState};
use crate::core::model::{IncidentId, Priority, Tier};
use crate::store::IncidentFilter;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_incidents, Permission::Read, incidents),
        Endpoint::of(__path_incident, Permission::Read, incident),
        Endpoint::of(__path_timeline, Permission::Read, timeline),
        Endpoint::of(__path_members, Permission::Read, members),
        Endpoint::of(__path_evidence, Permission::Read, evidence),
        Endpoint::of(__path_similar, Permission::Read, similar),
        Endpoint::of(__path_deliveries, Permission::Read, deliveries),
    ]
}

/// Incidents, newest first.
#[utoipa::path(get, path = "/api/v1/incidents",
    params(
        ("state" = Option<String>, Query, description = "Any of new, assigned, in_progress, pending, resolved, closed, merged, cancelled; `open` means the first four"),
        ("tier" = Option<String>, Query, description = "Any of 1, 2, 3"),
        ("priority" = Option<String>, Query, description = "Any of P1, P2, P3, P4"),
        ("team" = Option<String>, Query), ("assignee" = Option<String>, Query), ("rule" = Option<String>, Query),
        ("problem" = Option<String>, Query, description = "PRB-…"),
        ("alert" = Option<String>, Query, description = "The fingerprint of an alert under it"),
        ("q" = Option<String>, Query, description = "A piece of the title or the labels"),
        ("opened_after" = Option<String>, Query, description = "RFC 3339"),
        ("opened_before" = Option<String>, Query, description = "RFC 3339"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500, else 100"),
    ),
    responses((status = 200, description = "A page", body = ref("#/components/schemas/IncidentPage"))))]
async fn incidents(State(shared): State<Arc<ApiContext>>, mut query: QueryParameters) -> ApiResult {
    let filter = filter(&mut query)?;
    page(&shared.api.store.incidents(&filter, &query.page()?).await?)
}

fn filter(query: &mut QueryParameters) -> Result<IncidentFilter, ApiError> {
    Ok(IncidentFilter {
        states: states(query)?,
        tiers: query.words("tier", &Tier::ALL, Tier::as_str)?,
        priorities: query.words("priority", &Priority::ALL, Priority::as_str)?,
        team: query.text("team")?,
        assignee: query.text("assignee")?,
        rule: query.text("rule")?,
        problem: query.value("problem")?,
        alert: query.value("alert")?,
        text: query.text("q")?,
        opened_after: query.value("opened_after")?,
        opened_before: query.value("opened_before")?,
    })
}

/// The states asked for, `open` standing for all that need somebody.
fn states(query: &mut QueryParameters) -> Result<Vec<IncidentState>, ApiError> {
    let mut words: Vec<Option<IncidentState>> = IncidentState::ALL.into_iter().map(Some).collect();
    words.push(None);
    let asked = query.words("state", &words, |state| state.map_or("open", IncidentState::as_str))?;
    let open = IncidentState::ALL.into_iter().filter(|state| state.is_open() && asked.contains(&None));
    Ok(asked.iter().copied().flatten().chain(open).collect())
}

/// One incident; its ETag is the version for If-Match.
#[utoipa::path(get, path = "/api/v1/incidents/{id}",
    responses((status = 200, description = "The incident", body = ref("#/components/schemas/Incident"))))]
async fn incident(State(shared): State<Arc<ApiContext>>, Id(id): Id<IncidentId>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let incident = known(&shared, id).await?;
    versioned(&incident, incident.version)
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/timeline",
    responses((status = 200, description = "The whole timeline", body = ref("#/components/schemas/TimelinePage"))))]
async fn timeline(State(shared): State<Arc<ApiContext>>, Id(id): Id<IncidentId>, query: QueryParameters) -> ApiResult {
    query.end()?;
    known(&shared, id).await?;
    list(shared.api.store.timeline(id).await?)
}

/// The alerts under it, as they stand; `linked` ones belong to another incident.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/alerts",
    responses((status = 200, description = "Its alerts", body = ref("#/components/schemas/AlertPage"))))]
async fn members(State(shared): State<Arc<ApiContext>>, Id(id): Id<IncidentId>, query: QueryParameters) -> ApiResult {
    query.end()?;
    known(&shared, id).await?;
    let members = shared.api.store.members(id).await?;
    let linked = members.iter().map(|(_, linked)| *linked).collect::<Vec<_>>();
    let mut views = AlertBody::of_records(&shared.api.live, members.into_iter().map(|(alert, _)| alert).collect());
    for (view, linked) in views.iter_mut().zip(linked) {
        view.linked = Some(linked);
    }
    list(views)
}

/// The events that counted when it opened.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/evidence",
    responses((status = 200, description = "Up to 20 events", body = ref("#/components/schemas/EvidencePage"))))]
async fn evidence(State(shared): State<Arc<ApiContext>>, Id(id): Id<IncidentId>, query: QueryParameters) -> ApiResult {
    query.end()?;
    known(&shared, id).await?;
    list(shared.api.store.evidence(id).await?)
}

/// Earlier incidents that it looks like, the most alike first, as they stand: with how they were resolved.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/similar",
    responses((status = 200, description = "At most five", body = ref("#/components/schemas/IncidentPage"))))]
async fn similar(State(shared): State<Arc<ApiContext>>, Id(id): Id<IncidentId>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let mut earlier = Vec::new();
    for alike in known(&shared, id).await?.similar {
        earlier.extend(shared.api.store.incident(alike.incident).await?);
    }
    list(earlier)
}

/// Its notices, the digests in which it was told, and what became of each.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/notifications",
    responses((status = 200, description = "The delivery log", body = ref("#/components/schemas/DeliveryPage"))))]
async fn deliveries(
    State(shared): State<Arc<ApiContext>>,
    Id(id): Id<IncidentId>,
    query: QueryParameters,
) -> ApiResult {
    query.end()?;
    let incident = known(&shared, id).await?;
    let mut rows = shared.api.store.deliveries(&id.to_string()).await?;
    for digest in &incident.digests {
        rows.extend(shared.api.store.deliveries(digest).await?);
    }
    rows.sort_by_key(|row| row.notice.cause);
    list(rows.into_iter().map(DeliveryView::from).collect())
}

/// The incident as committed, or 404.
async fn known(shared: &ApiContext, id: IncidentId) -> Result<Incident, ApiError> {
    shared.api.store.incident(id).await?.ok_or_else(|| ApiError::unknown(id))
}
