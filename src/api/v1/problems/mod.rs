//! Problems: what second line reviews, and what may be done to them.

pub(in crate::api) mod review;
pub(in crate::api) mod schema;

use crate::api::state::Api;
use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::{CommandMeta, Id, JsonBody, Name, NonEmptyText};
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, Committed, committed, list, page, unexpected_outcome, versioned};
use crate::api::state::ApiContext;
use crate::core::engine::{Action, Outcome, ProblemAction};
use crate::core::model::{IncidentId, ProblemId, Timestamp};
use crate::core::problems::{Problem, ProblemState};
use crate::store::{PageRequest, ProblemFilter};

/// One page of the store, and how much of it one answer holds.
pub(in crate::api) const PAGE_MAX: u32 = 500;
pub(in crate::api) const WHOLE_MAX: usize = 5_000;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_problems, Permission::Read, problems),
        Endpoint::of(__path_problem, Permission::Read, problem),
        Endpoint::of(__path_comment, Permission::Work, comment),
        Endpoint::of(__path_assign, Permission::Review, assign),
        Endpoint::of(__path_transition, Permission::Review, transition),
        Endpoint::of(__path_describe, Permission::Review, describe),
        Endpoint::of(__path_describe_by_post, Permission::Review, describe_by_post)
            .deprecated("/api/v1/problems/{id}/describe"),
        Endpoint::of(__path_link, Permission::Review, link),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProblemCommentBody {
    #[serde(alias = "text")]
    #[schema(value_type = String)]
    note: NonEmptyText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AssignProblem {
    #[serde(alias = "owner")]
    #[schema(value_type = String)]
    assignee: Name,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// investigating, known_error, fix_in_progress, observing, closed, accepted_risk or duplicate
    #[schema(value_type = String)]
    to: ProblemState,
    #[serde(alias = "reason")]
    #[schema(value_type = Option<String>)]
    note: Option<NonEmptyText>,
}

/// Only what is given changes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Describe {
    #[schema(value_type = Option<String>)]
    root_cause: Option<NonEmptyText>,
    /// Once published (state known_error) it shows on the next matching incident
    #[schema(value_type = Option<String>)]
    workaround: Option<NonEmptyText>,
    #[schema(value_type = Option<String>)]
    fix: Option<NonEmptyText>,
    /// The number of the change that brings the fix
    #[schema(value_type = Option<String>)]
    change: Option<NonEmptyText>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    /// INC-…
    #[schema(value_type = String)]
    incident: IncidentId,
}

/// Problems, newest first; or the review queue: all open ones, whose review is due first.
#[utoipa::path(get, path = "/api/v1/problems",
    params(
        ("state" = Option<String>, Query, description = "Any of new, investigating, known_error, fix_in_progress, observing, closed, accepted_risk, duplicate"),
        ("team" = Option<String>, Query),
        ("q" = Option<String>, Query, description = "A piece of its texts"),
        ("queue" = Option<String>, Query, description = "`review`: the open ones in the order of review_by, whole, without cursor"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500, else 100"),
    ),
    responses((status = 200, description = "A page", body = ref("#/components/schemas/ProblemPage"))))]
async fn problems(State(shared): Api, mut query: QueryParameters) -> ApiResult {
    let mut filter = ProblemFilter {
        states: query.words("state", &ProblemState::ALL, ProblemState::as_str)?,
        team: query.text("team")?,
        text: query.text("q")?,
    };
    if !query.words("queue", &[()], |()| "review")?.is_empty() {
        query.end()?;
        if filter.states.is_empty() {
            filter.states = ProblemState::ALL.into_iter().filter(|state| state.is_open()).collect();
        }
        let mut queue = whole(&shared, &filter).await?;
        queue.sort_by_key(|problem| (problem.review_by.unwrap_or(Timestamp::FAR_FUTURE), problem.id));
        return list(queue);
    }
    page(&shared.api.store.problems(&filter, &query.page()?).await?)
}

/// One problem; its ETag is the version for If-Match.
#[utoipa::path(get, path = "/api/v1/problems/{id}",
    responses((status = 200, description = "The problem", body = ref("#/components/schemas/Problem"))))]
async fn problem(State(shared): Api, Id(id): Id<ProblemId>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let problem = shared.api.store.problem(id).await?.ok_or_else(|| ApiError::unknown(id))?;
    versioned(&problem, problem.version)
}

/// Notes what was found out.
#[utoipa::path(post, path = "/api/v1/problems/{id}/comment", request_body = inline(ProblemCommentBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Problem"))))]
async fn comment(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<ProblemId>,
    JsonBody(body): JsonBody<ProblemCommentBody>,
) -> ApiResult {
    act(&api, author, id, ProblemAction::Comment { text: body.note.0 }).await
}

/// Gives it an owner.
#[utoipa::path(post, path = "/api/v1/problems/{id}/assign", request_body = inline(AssignProblem),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Problem"))))]
async fn assign(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<ProblemId>,
    JsonBody(body): JsonBody<AssignProblem>,
) -> ApiResult {
    api.must_be_somebody(&body.assignee.0).await?;
    act(&api, author, id, ProblemAction::Own { owner: body.assignee.0 }).await
}

/// Moves it to another state.
#[utoipa::path(post, path = "/api/v1/problems/{id}/transition", operation_id = "transition",
    request_body = inline(Move),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Problem"))))]
async fn transition(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<ProblemId>,
    JsonBody(body): JsonBody<Move>,
) -> ApiResult {
    if matches!(body.to, ProblemState::Closed | ProblemState::AcceptedRisk) {
        author.caller.must_pass(Permission::Conclude)?;
    }
    let reason = body.note.map(|note| note.0);
    act(&api, author, id, ProblemAction::Move { to: body.to, reason }).await
}

/// Writes down cause, workaround or fix.
#[utoipa::path(patch, path = "/api/v1/problems/{id}", operation_id = "update", request_body = inline(Describe),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Problem"))))]
async fn describe(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<ProblemId>,
    JsonBody(body): JsonBody<Describe>,
) -> ApiResult {
    let action = ProblemAction::Describe {
        root_cause: body.root_cause.map(|text| text.0),
        workaround: body.workaround.map(|text| text.0),
        fix: body.fix.map(|text| text.0),
        change: body.change.map(|text| text.0),
    };
    act(&api, author, id, action).await
}

/// The same by POST, as the release before had it.
#[utoipa::path(post, path = "/api/v1/problems/{id}/describe", request_body = inline(Describe),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Problem"))))]
async fn describe_by_post(api: Api, author: CommandMeta, id: Id<ProblemId>, body: JsonBody<Describe>) -> ApiResult {
    describe(api, author, id, body).await
}

/// Links one more incident with it.
#[utoipa::path(post, path = "/api/v1/problems/{id}/link", request_body = inline(LinkBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Problem"))))]
async fn link(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<ProblemId>,
    JsonBody(body): JsonBody<LinkBody>,
) -> ApiResult {
    act(&api, author, id, ProblemAction::LinkIncident { incident: body.incident }).await
}

/// Every problem that fits, up to what one answer holds.
pub(in crate::api) async fn whole(shared: &ApiContext, filter: &ProblemFilter) -> Result<Vec<Problem>, ApiError> {
    let mut all = Vec::new();
    let mut request = PageRequest { limit: PAGE_MAX, ..PageRequest::default() };
    while all.len() < WHOLE_MAX {
        let page = shared.api.store.problems(filter, &request).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => break,
        }
    }
    Ok(all)
}

pub(in crate::api) async fn act(
    api: &Arc<ApiContext>,
    author: CommandMeta,
    id: ProblemId,
    action: ProblemAction,
) -> ApiResult {
    match api.command(author, Action::Problem { id, action }).await? {
        Outcome::Problem { id, version } => shown(api, id, version).await,
        outcome @ (Outcome::Incident { .. }
        | Outcome::Run { .. }
        | Outcome::Silence { .. }
        | Outcome::Rulebook { .. }
        | Outcome::Staff { .. }
        | Outcome::Refused(_)) => Err(unexpected_outcome(&outcome)),
    }
}

async fn shown(api: &ApiContext, id: ProblemId, version: u64) -> ApiResult {
    committed(api.api.store.problem(id).await, |problem| problem.version, Committed { id: id.to_string(), version })
}
