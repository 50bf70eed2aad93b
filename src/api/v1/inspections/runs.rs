//! Inspection runs: what was found, item by item, and who signed it.

use crate::api::http::extract::EmptyBody;
use crate::api::state::Api;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::{CommandMeta, Id, JsonBody, Name, NonEmptyText};
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, Committed, committed, page, unexpected_outcome, versioned};
use crate::api::state::ApiContext;
use crate::core::engine::{Action, Outcome, RunAction};
use crate::core::inspections::{ItemOutcome, RunState};
use crate::core::model::RunId;
use crate::store::RunFilter;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_runs, Permission::Read, runs),
        Endpoint::of(__path_run, Permission::Read, run),
        Endpoint::of(__path_start, Permission::Inspect, start),
        Endpoint::of(__path_record, Permission::Inspect, record),
        Endpoint::of(__path_sign_off, Permission::SignOff, sign_off),
        Endpoint::of(__path_reject, Permission::SignOff, reject),
        Endpoint::of(__path_skip, Permission::SignOff, skip),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResultBody {
    /// pass, warn, fail, n/a or not_done
    #[schema(value_type = String)]
    outcome: ItemOutcome,
    /// What was seen: words or a link; some items demand it
    #[schema(value_type = Option<String>)]
    evidence: Option<NonEmptyText>,
    value: Option<f64>,
    /// What stands there, to be compared with the inventory; some items demand it
    #[schema(value_type = Option<String>)]
    found: Option<NonEmptyText>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RunNoteBody {
    #[schema(value_type = Option<String>)]
    note: Option<NonEmptyText>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RunReasonBody {
    #[serde(alias = "reason")]
    #[schema(value_type = String)]
    note: NonEmptyText,
}

/// Runs, newest first.
#[utoipa::path(get, path = "/api/v1/inspections/runs",
    params(
        ("state" = Option<String>, Query, description = "Any of scheduled, due, in_progress, overdue, awaiting_signoff, completed, missed, skipped"),
        ("plan" = Option<String>, Query),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500, else 100"),
    ),
    responses((status = 200, description = "A page", body = ref("#/components/schemas/RunPage"))))]
async fn runs(State(shared): Api, mut query: QueryParameters) -> ApiResult {
    let states = query.words("state", &RunState::ALL, RunState::as_str)?;
    let filter = RunFilter { states, plan: query.text("plan")? };
    page(&shared.api.store.runs(&filter, &query.page()?).await?)
}

/// One run; its ETag is the version for If-Match.
#[utoipa::path(get, path = "/api/v1/inspections/runs/{id}",
    responses((status = 200, description = "The run", body = ref("#/components/schemas/Run"))))]
async fn run(State(shared): Api, Id(id): Id<RunId>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let run = shared.api.store.run(id).await?.ok_or_else(|| ApiError::unknown(id))?;
    versioned(&run, run.version)
}

/// Starts a run now, outside the plan's schedule.
#[utoipa::path(post, path = "/api/v1/inspections/{plan}/start", request_body = inline(EmptyBody),
    responses((status = 201, description = "Started", body = ref("#/components/schemas/Run"))))]
async fn start(
    State(api): Api,
    author: CommandMeta,
    Id(plan): Id<String>,
    JsonBody(EmptyBody {}): JsonBody<EmptyBody>,
) -> ApiResult {
    let (id, version) = run_of(api.command(author, Action::StartRun { plan }).await?)?;
    let mut response = (StatusCode::CREATED, shown(&api, id, version).await?).into_response();
    let place = HeaderValue::from_str(&format!("/api/v1/inspections/runs/{id}"));
    response.headers_mut().extend(place.ok().map(|place| (header::LOCATION, place)));
    Ok(response)
}

/// Records what one item's check said.
#[utoipa::path(post, path = "/api/v1/inspections/runs/{id}/items/{item}",
    request_body = inline(ResultBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Run"))))]
async fn record(
    State(api): Api,
    author: CommandMeta,
    path: Result<Path<(String, String)>, PathRejection>,
    JsonBody(body): JsonBody<ResultBody>,
) -> ApiResult {
    let Path((id, item)) = path.map_err(|error| ApiError::bad(format!("the path cannot be read: {error}")))?;
    let id: RunId = id.parse().map_err(|error| ApiError::bad(format!("{error}")))?;
    let evidence = body.evidence.map(|text| text.0).unwrap_or_default();
    let item = Name::try_from(item).map_err(ApiError::bad)?.0;
    let (outcome, value, found) = (body.outcome, body.value, body.found.map(|found| found.0));
    act(&api, author, id, RunAction::RecordItem { item, outcome, evidence, value, found }).await
}

/// Signs the finished run.
#[utoipa::path(post, path = "/api/v1/inspections/runs/{id}/sign-off",
    request_body = inline(RunNoteBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Run"))))]
async fn sign_off(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<RunId>,
    JsonBody(body): JsonBody<RunNoteBody>,
) -> ApiResult {
    act(&api, author, id, RunAction::SignOff { note: body.note.map(|note| note.0) }).await
}

/// Sends the finished run back.
#[utoipa::path(post, path = "/api/v1/inspections/runs/{id}/reject",
    request_body = inline(RunReasonBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Run"))))]
async fn reject(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<RunId>,
    JsonBody(body): JsonBody<RunReasonBody>,
) -> ApiResult {
    act(&api, author, id, RunAction::Reject { reason: body.note.0 }).await
}

/// Leaves the run out, with the reason.
#[utoipa::path(post, path = "/api/v1/inspections/runs/{id}/skip",
    request_body = inline(RunReasonBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Run"))))]
async fn skip(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<RunId>,
    JsonBody(body): JsonBody<RunReasonBody>,
) -> ApiResult {
    act(&api, author, id, RunAction::Skip { reason: body.note.0 }).await
}

async fn act(api: &Arc<ApiContext>, author: CommandMeta, id: RunId, action: RunAction) -> ApiResult {
    let (id, version) = run_of(api.command(author, Action::Run { id, action }).await?)?;
    shown(api, id, version).await
}

fn run_of(outcome: Outcome) -> Result<(RunId, u64), ApiError> {
    match outcome {
        Outcome::Run { id, version } => Ok((id, version)),
        outcome @ (Outcome::Incident { .. }
        | Outcome::Problem { .. }
        | Outcome::Silence { .. }
        | Outcome::Rulebook { .. }
        | Outcome::Staff { .. }
        | Outcome::Refused(_)) => Err(unexpected_outcome(&outcome)),
    }
}

async fn shown(api: &ApiContext, id: RunId, version: u64) -> ApiResult {
    committed(api.api.store.run(id).await, |run| run.version, Committed { id: id.to_string(), version })
}
