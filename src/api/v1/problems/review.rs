//! What second line does with problems besides writing: take on, refuse, put together, take apart; and what it reads
//! for that.

use crate::api::http::extract::EmptyBody;
use crate::api::state::Api;
use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PAGE_MAX, WHOLE_MAX, act};
use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::{CommandMeta, Id, JsonBody, NonEmptyText};
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, json};
use crate::api::state::ApiContext;
use crate::core::calendar::{is_zone, moment_in};
use crate::core::engine::ProblemAction;
use crate::core::incidents::Incident;
use crate::core::model::{IncidentId, ProblemId, Timestamp};
use crate::core::problems::{CommonCause, Occurrence, Problem, commonest, draft_workaround, markdown};
use crate::core::rules::ProblemPolicy;
use crate::store::{IncidentFilter, PageRequest};

/// Causes in a monthly draft.
const CAUSES_MAX: usize = 10;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_monthly_digest, Permission::Read, monthly_digest),
        Endpoint::of(__path_evidence, Permission::Read, evidence),
        Endpoint::of(__path_accept, Permission::Review, accept),
        Endpoint::of(__path_reject, Permission::Review, reject),
        Endpoint::of(__path_merge, Permission::Review, merge),
        Endpoint::of(__path_split, Permission::Review, split),
        Endpoint::of(__path_review, Permission::Review, review),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProblemReasonBody {
    #[serde(alias = "reason")]
    #[schema(value_type = String)]
    note: NonEmptyText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MergeProblemBody {
    /// PRB-…: the problem that carries on
    #[schema(value_type = String)]
    into: ProblemId,
    #[serde(alias = "reason")]
    #[schema(value_type = String)]
    note: NonEmptyText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Split {
    /// INC-…: those that are another fault
    #[schema(value_type = Vec<String>)]
    incidents: Vec<IncidentId>,
    #[serde(alias = "reason")]
    #[schema(value_type = String)]
    note: NonEmptyText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReviewBody {
    #[schema(value_type = String)]
    note: NonEmptyText,
}

/// A month's digest for the manual of common faults, as a draft.
#[derive(Serialize)]
struct MonthlyDraft {
    month: String,
    zone: String,
    causes: Vec<CommonCause>,
    markdown: String,
}

/// What there is to judge a problem by.
#[derive(Serialize)]
struct ProblemEvidence {
    problem: Problem,
    /// Newest first; at most 64.
    incidents: Vec<Incident>,
    /// What was written most often when its incidents were resolved.
    draft_workaround: Option<String>,
}

/// The ten commonest causes of a month with their steps, as a draft in Markdown.
#[utoipa::path(get, path = "/api/v1/problems/monthly-digest",
    params(
        ("month" = String, Query, description = "2026-05"),
        ("zone" = Option<String>, Query, description = "Whose month: an IANA time zone, else Asia/Shanghai"),
    ),
    responses((status = 200, description = "The draft", body = ref("#/components/schemas/MonthlyDraft"))))]
async fn monthly_digest(State(shared): Api, mut query: QueryParameters) -> ApiResult {
    let month = query.text("month")?.ok_or_else(|| ApiError::bad("parameter month is missing; expected 2026-05"))?;
    let zone = query.text("zone")?.unwrap_or_else(|| ProblemPolicy::ZONE.to_owned());
    query.end()?;
    if !is_zone(&zone) {
        return Err(ApiError::bad(format!(
            "unknown time zone {zone:?}; expected an IANA name, for example Asia/Shanghai"
        )));
    }
    let (from, to) = bounds(&month, &zone)
        .ok_or_else(|| ApiError::bad(format!("{month:?} is not a month; expected for example 2026-05")))?;
    let filter = IncidentFilter { opened_after: Some(from), opened_before: Some(to), ..IncidentFilter::default() };
    let occurrences: Vec<Occurrence> =
        incidents(&shared, &filter, WHOLE_MAX * 4).await?.iter().map(occurrence).collect();
    let mut problems = BTreeMap::new();
    for id in occurrences.iter().filter_map(|one| one.problem) {
        if !problems.contains_key(&id)
            && let Some(problem) = shared.api.store.problem(id).await?
        {
            problems.insert(id, problem);
        }
    }
    let causes = commonest(&occurrences, &problems, CAUSES_MAX);
    json(&MonthlyDraft { markdown: markdown(&month, &causes), month, zone, causes })
}

/// Its incidents, and a draft of a workaround from how they were resolved.
#[utoipa::path(get, path = "/api/v1/problems/{id}/evidence",
    responses((status = 200, description = "What there is to judge it by", body = ref("#/components/schemas/ProblemEvidence"))))]
async fn evidence(State(shared): Api, Id(id): Id<ProblemId>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let problem = shared.api.store.problem(id).await?.ok_or_else(|| ApiError::unknown(id))?;
    let filter = IncidentFilter { problem: Some(id), ..IncidentFilter::default() };
    let incidents = incidents(&shared, &filter, Problem::INCIDENTS_MAX).await?;
    let occurrences: Vec<Occurrence> = incidents.iter().map(occurrence).collect();
    json(&ProblemEvidence { problem, incidents, draft_workaround: draft_workaround(&occurrences) })
}

/// Takes a new one on: it is investigated, by whoever accepts it unless it has an owner.
#[utoipa::path(post, path = "/api/v1/problems/{id}/accept", operation_id = "accept", request_body = inline(EmptyBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Problem"))))]
async fn accept(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<ProblemId>,
    JsonBody(_): JsonBody<EmptyBody>,
) -> ApiResult {
    act(&api, author, id, ProblemAction::Accept).await
}

/// Says that it is no problem: closed at once, repeats count anew.
#[utoipa::path(post, path = "/api/v1/problems/{id}/reject", operation_id = "reject_problem", request_body = inline(ProblemReasonBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Problem"))))]
async fn reject(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<ProblemId>,
    JsonBody(body): JsonBody<ProblemReasonBody>,
) -> ApiResult {
    act(&api, author, id, ProblemAction::Reject { reason: body.note.0 }).await
}

/// It is the same fault as another, which takes its incidents and causes over.
#[utoipa::path(post, path = "/api/v1/problems/{id}/merge", operation_id = "merge_problem", request_body = inline(MergeProblemBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Problem"))))]
async fn merge(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<ProblemId>,
    JsonBody(body): JsonBody<MergeProblemBody>,
) -> ApiResult {
    act(&api, author, id, ProblemAction::Merge { into: body.into, reason: body.note.0 }).await
}

/// Some of its incidents are another fault: they leave for a new problem.
#[utoipa::path(post, path = "/api/v1/problems/{id}/split", operation_id = "split", request_body = inline(Split),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Problem"))))]
async fn split(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<ProblemId>,
    JsonBody(body): JsonBody<Split>,
) -> ApiResult {
    if body.incidents.len() > Problem::INCIDENTS_MAX {
        return Err(ApiError::bad(format!("at most {} incidents can leave at once", Problem::INCIDENTS_MAX)));
    }
    act(&api, author, id, ProblemAction::Split { incidents: body.incidents, reason: body.note.0 }).await
}

/// Notes that it was looked at; the next review is due its policy's `review_after` later.
#[utoipa::path(post, path = "/api/v1/problems/{id}/review", operation_id = "review", request_body = inline(ReviewBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Problem"))))]
async fn review(
    State(api): Api,
    author: CommandMeta,
    Id(id): Id<ProblemId>,
    JsonBody(body): JsonBody<ReviewBody>,
) -> ApiResult {
    act(&api, author, id, ProblemAction::Review { note: body.note.0 }).await
}

/// The newest incidents that fit.
async fn incidents(shared: &ApiContext, filter: &IncidentFilter, most: usize) -> Result<Vec<Incident>, ApiError> {
    let mut all = Vec::new();
    let mut request = PageRequest { limit: PAGE_MAX, ..PageRequest::default() };
    while all.len() < most {
        let page = shared.api.store.incidents(filter, &request).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => break,
        }
    }
    all.truncate(most);
    Ok(all)
}

fn occurrence(incident: &Incident) -> Occurrence {
    Occurrence {
        incident: incident.id,
        title: incident.title.clone(),
        rule: incident.rule.clone(),
        problem: incident.problem,
        found_during: incident.found_during.or(incident.merged_into),
        opened_at: incident.opened_at,
        resolved_at: incident.resolved_at,
        diagnosis: incident.diagnosis.clone(),
        resolution: incident.resolved_how().map(str::to_owned),
        runbook: incident.runbook.clone(),
    }
}

/// From the first moment of a month to that of the next, in a zone.
fn bounds(month: &str, zone: &str) -> Option<(Timestamp, Timestamp)> {
    let (year, number) = month.split_once('-')?;
    let (year, number): (i32, u32) = (year.parse().ok()?, number.parse().ok()?);
    if !(1970..=9998).contains(&year) || !(1..=12).contains(&number) {
        return None;
    }
    let (next_year, next) = if number == 12 { (year + 1, 1) } else { (year, number + 1) };
    let first = |year: i32, month: u32| moment_in(&format!("{year:04}-{month:02}-01T00:00"), Some(zone)).ok();
    Some((first(year, number)?, first(next_year, next)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_bounded_by_the_clock_of_its_zone() {
        let check = |month: &str, zone: &str, expected: Option<(&str, &str)>| {
            let expected = expected.map(|(from, to)| (from.parse().unwrap(), to.parse().unwrap()));
            assert_eq!(bounds(month, zone), expected, "{month} in {zone}");
        };
        check("2026-05", "Asia/Shanghai", Some(("2026-04-30T16:00:00Z", "2026-05-31T16:00:00Z")));
        check("2026-12", "UTC", Some(("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")));
        check("2026-13", "UTC", None);
        check("五月", "UTC", None);
    }
}
