//! Inspection runs: what was found, item by item, and who signed it.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::Door;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::Failure;
use crate::api::http::extract::{Author, Body, Id, Name, Text};
use crate::api::http::query::Parameters;
use crate::api::http::response::{Answer, Done, committed, misfit, page, versioned};
use crate::api::state::Shared;
use crate::core::engine::{Action, Outcome, RunAction};
use crate::core::inspections::{ItemOutcome, RunState};
use crate::core::model::RunId;
use crate::store::RunFilter;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_runs, Door::Read, runs),
        Endpoint::of(__path_run, Door::Read, run),
        Endpoint::of(__path_start, Door::Inspect, start),
        Endpoint::of(__path_record, Door::Inspect, record),
        Endpoint::of(__path_sign_off, Door::SignOff, sign_off),
        Endpoint::of(__path_reject, Door::SignOff, reject),
        Endpoint::of(__path_skip, Door::SignOff, skip),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Record {
    /// pass, warn, fail, n/a or not_done
    #[schema(value_type = String)]
    outcome: ItemOutcome,
    /// What was seen: words or a link; some items demand it
    #[schema(value_type = Option<String>)]
    evidence: Option<Text>,
    value: Option<f64>,
    /// What stands there, to be compared with the inventory; some items demand it
    #[schema(value_type = Option<String>)]
    found: Option<Text>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    #[schema(value_type = Option<String>)]
    note: Option<Text>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    #[schema(value_type = String)]
    reason: Text,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

type Api = State<Arc<Shared>>;

/// Runs, newest first.
#[utoipa::path(get, path = "/api/v1/inspections/runs",
    params(
        ("state" = Option<String>, Query, description = "Any of scheduled, due, in_progress, overdue, awaiting_signoff, completed, missed, skipped"),
        ("plan" = Option<String>, Query),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500, else 100"),
    ),
    responses((status = 200, description = "A page", body = ref("#/components/schemas/RunPage"))))]
async fn runs(State(shared): Api, mut query: Parameters) -> Answer {
    let states = query.words("state", &RunState::ALL, RunState::as_str)?;
    let filter = RunFilter { states, plan: query.text("plan")? };
    page(&shared.api.store.runs(&filter, &query.page()?).await?)
}

/// One run; its ETag is the version for If-Match.
#[utoipa::path(get, path = "/api/v1/inspections/runs/{id}",
    responses((status = 200, description = "The run", body = ref("#/components/schemas/Run"))))]
async fn run(State(shared): Api, Id(id): Id<RunId>, query: Parameters) -> Answer {
    query.end()?;
    let run = shared.api.store.run(id).await?.ok_or_else(|| Failure::unknown(id))?;
    versioned(&run, run.version)
}

/// Starts a run now, outside the plan's schedule.
#[utoipa::path(post, path = "/api/v1/inspections/{plan}/start", request_body = inline(Nothing),
    responses((status = 201, description = "Started", body = ref("#/components/schemas/Run"))))]
async fn start(State(api): Api, author: Author, Id(plan): Id<String>, Body(Nothing {}): Body<Nothing>) -> Answer {
    let (id, version) = run_of(api.command(author, Action::StartRun { plan }).await?)?;
    let mut response = (StatusCode::CREATED, shown(&api, id, version).await?).into_response();
    let place = HeaderValue::from_str(&format!("/api/v1/inspections/runs/{id}"));
    response.headers_mut().extend(place.ok().map(|place| (header::LOCATION, place)));
    Ok(response)
}

/// Records what one item's check said.
#[utoipa::path(post, path = "/api/v1/inspections/runs/{id}/items/{item}",
    request_body = inline(Record),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Run"))))]
async fn record(
    State(api): Api,
    author: Author,
    path: Result<Path<(String, String)>, PathRejection>,
    Body(body): Body<Record>,
) -> Answer {
    let Path((id, item)) = path.map_err(|error| Failure::bad(format!("the path cannot be read: {error}")))?;
    let id: RunId = id.parse().map_err(|error| Failure::bad(format!("{error}")))?;
    let evidence = body.evidence.map(|text| text.0).unwrap_or_default();
    let item = Name::try_from(item).map_err(Failure::bad)?.0;
    let (outcome, value, found) = (body.outcome, body.value, body.found.map(|found| found.0));
    act(&api, author, id, RunAction::RecordItem { item, outcome, evidence, value, found }).await
}

/// Signs the finished run.
#[utoipa::path(post, path = "/api/v1/inspections/runs/{id}/sign-off",
    request_body = inline(Note),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Run"))))]
async fn sign_off(State(api): Api, author: Author, Id(id): Id<RunId>, Body(body): Body<Note>) -> Answer {
    act(&api, author, id, RunAction::SignOff { note: body.note.map(|note| note.0) }).await
}

/// Sends the finished run back.
#[utoipa::path(post, path = "/api/v1/inspections/runs/{id}/reject",
    request_body = inline(Reason),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Run"))))]
async fn reject(State(api): Api, author: Author, Id(id): Id<RunId>, Body(body): Body<Reason>) -> Answer {
    act(&api, author, id, RunAction::Reject { reason: body.reason.0 }).await
}

/// Leaves the run out, with the reason.
#[utoipa::path(post, path = "/api/v1/inspections/runs/{id}/skip",
    request_body = inline(Reason),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Run"))))]
async fn skip(State(api): Api, author: Author, Id(id): Id<RunId>, Body(body): Body<Reason>) -> Answer {
    act(&api, author, id, RunAction::Skip { reason: body.reason.0 }).await
}

async fn act(api: &Arc<Shared>, author: Author, id: RunId, action: RunAction) -> Answer {
    let (id, version) = run_of(api.command(author, Action::Run { id, action }).await?)?;
    shown(api, id, version).await
}

fn run_of(outcome: Outcome) -> Result<(RunId, u64), Failure> {
    match outcome {
        Outcome::Run { id, version } => Ok((id, version)),
        outcome @ (Outcome::Incident { .. }
        | Outcome::Problem { .. }
        | Outcome::Silence { .. }
        | Outcome::Rulebook { .. }
        | Outcome::Staff { .. }
        | Outcome::Refused(_)) => Err(misfit(&outcome)),
    }
}

async fn shown(api: &Shared, id: RunId, version: u64) -> Answer {
    committed(api.api.store.run(id).await, |run| run.version, Done { id: id.to_string(), version })
}
