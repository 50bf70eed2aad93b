//! What people do with an incident: fourteen commands, each its own route, since they do not stand behind one door.

use crate::api::http::extract::EmptyBody;
use crate::api::state::Api;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::{CommandMeta, Id, JsonBody, Name, NonEmptyText};
use crate::api::http::response::{ApiResult, Committed, committed, unexpected_outcome};
use crate::api::state::ApiContext;
use crate::core::engine::{Action, IncidentAction, Outcome};
use crate::core::incidents::PendingOn;
use crate::core::model::{BreachReason, CauseParty, ContactBy, IncidentId, Outage, Timestamp};

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_acknowledge, Permission::Work, acknowledge),
        Endpoint::of(__path_assign, Permission::Work, assign),
        Endpoint::of(__path_comment, Permission::Work, comment),
        Endpoint::of(__path_hold, Permission::Work, hold),
        Endpoint::of(__path_resume, Permission::Work, resume),
        Endpoint::of(__path_escalate, Permission::Work, escalate),
        Endpoint::of(__path_triage, Permission::Work, triage),
        Endpoint::of(__path_deescalate, Permission::Work, deescalate),
        Endpoint::of(__path_complete_step, Permission::Work, complete_step),
        Endpoint::of(__path_tick, Permission::Work, tick).deprecated("/api/v1/incidents/{id}/tick"),
        Endpoint::of(__path_resolve, Permission::Work, resolve),
        Endpoint::of(__path_close, Permission::Close, close),
        Endpoint::of(__path_reopen, Permission::Steer, reopen),
        Endpoint::of(__path_merge, Permission::Steer, merge),
        Endpoint::of(__path_cancel, Permission::Close, cancel),
        Endpoint::of(__path_workaround, Permission::Work, workaround),
        Endpoint::of(__path_set_parent, Permission::Work, set_parent),
        Endpoint::of(__path_contact, Permission::Work, contact),
        Endpoint::of(__path_explain_breach, Permission::Work, explain_breach),
        Endpoint::of(__path_outage, Permission::Work, outage),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoteBody {
    #[schema(value_type = Option<String>)]
    note: Option<NonEmptyText>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Assign {
    #[schema(value_type = String)]
    assignee: Name,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CommentBody {
    #[serde(alias = "text")]
    #[schema(value_type = String)]
    note: NonEmptyText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Hold {
    /// customer, vendor or change
    #[schema(value_type = String)]
    on: PendingOn,
    #[serde(alias = "reason")]
    #[schema(value_type = String)]
    note: NonEmptyText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Escalate {
    #[serde(alias = "diagnosis")]
    #[schema(value_type = String)]
    note: NonEmptyText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Triage {
    /// By field: symptom, tried, affected, …
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    fields: BTreeMap<String, NonEmptyText>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Tick {
    /// The name of a step of its playbook.
    #[schema(value_type = String)]
    step: Name,
    /// What was seen; some steps demand it.
    #[schema(value_type = Option<String>)]
    note: Option<NonEmptyText>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resolve {
    #[serde(alias = "resolution")]
    #[schema(value_type = String)]
    note: NonEmptyText,
    /// Demanded when a promise was broken; a code of the rules' `breach_reasons`
    #[schema(inline)]
    breach_reason: Option<BreachReasonBody>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BreachReasonBody {
    #[schema(value_type = String)]
    code: Name,
    #[serde(alias = "text")]
    #[schema(value_type = String)]
    note: NonEmptyText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ContactBody {
    /// phone, mail, visit or chat
    #[schema(value_type = String)]
    by: ContactBy,
    #[schema(value_type = Option<String>)]
    note: Option<NonEmptyText>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OutageBody {
    /// Which service was out
    #[schema(value_type = String)]
    service: Name,
    /// For whom; nobody in particular unless given
    #[schema(value_type = Option<String>)]
    customer: Option<Name>,
    /// Whose fault it was: provider, customer or third_party
    #[schema(value_type = String)]
    party: CauseParty,
    /// RFC 3339
    #[schema(value_type = String)]
    from: Timestamp,
    /// RFC 3339; it goes on unless given
    #[schema(value_type = Option<String>)]
    to: Option<Timestamp>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReasonBody {
    #[serde(alias = "reason")]
    #[schema(value_type = String)]
    note: NonEmptyText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MergeBody {
    /// INC-…: the incident that carries on
    #[schema(value_type = String)]
    into: IncidentId,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Workaround {
    helped: bool,
    #[schema(value_type = Option<String>)]
    note: Option<NonEmptyText>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ParentBody {
    /// INC-…: the incident of whose fault this is a piece
    #[serde(alias = "incident")]
    #[schema(value_type = String)]
    parent: IncidentId,
}

type IncidentPath = Id<IncidentId>;

/// Says whether the workaround of its problem helped; counted on the problem.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/workaround", request_body = inline(Workaround),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn workaround(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<Workaround>,
) -> ApiResult {
    let note = body.note.map(|note| note.0);
    act(&api, author, id, IncidentAction::WorkaroundHelped { helped: body.helped, note }).await
}

/// Links it as a piece of another incident's fault: it counts as no fault of its own.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/parent", request_body = inline(ParentBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn set_parent(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<ParentBody>,
) -> ApiResult {
    act(&api, author, id, IncidentAction::FoundDuring { incident: body.parent }).await
}

/// Takes it: stops the ladder from climbing.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/acknowledge", request_body = inline(NoteBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn acknowledge(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<NoteBody>,
) -> ApiResult {
    act(&api, author, id, IncidentAction::Acknowledge { note: body.note.map(|note| note.0) }).await
}

/// Gives it to a person.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/assign", request_body = inline(Assign),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn assign(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<Assign>,
) -> ApiResult {
    api.must_be_somebody(&body.assignee.0).await?;
    act(&api, author, id, IncidentAction::Assign { assignee: body.assignee.0 }).await
}

/// Writes on its timeline.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/comment", request_body = inline(CommentBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn comment(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<CommentBody>,
) -> ApiResult {
    act(&api, author, id, IncidentAction::Comment { text: body.note.0 }).await
}

/// Waits for the customer, a vendor or a change.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/hold", request_body = inline(Hold),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn hold(State(api): Api, author: CommandMeta, Id(id): IncidentPath, JsonBody(body): JsonBody<Hold>) -> ApiResult {
    act(&api, author, id, IncidentAction::Pend { on: body.on, reason: body.note.0 }).await
}

/// Goes on after waiting.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/resume", request_body = inline(EmptyBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn resume(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(EmptyBody {}): JsonBody<EmptyBody>,
) -> ApiResult {
    act(&api, author, id, IncidentAction::Resume).await
}

/// Hands it to the next tier with what is known so far.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/escalate", request_body = inline(Escalate),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn escalate(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<Escalate>,
) -> ApiResult {
    act(&api, author, id, IncidentAction::Escalate { diagnosis: body.note.0 }).await
}

/// Writes down what was found out; a step may demand it before the incident is handed on.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/triage", request_body = inline(Triage),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn triage(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<Triage>,
) -> ApiResult {
    let fields = body.fields.into_iter().map(|(name, text)| (name, text.0)).collect();
    act(&api, author, id, IncidentAction::Triage { fields }).await
}

/// Hands it back to a lower tier.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/deescalate", request_body = inline(ReasonBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn deescalate(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<ReasonBody>,
) -> ApiResult {
    act(&api, author, id, IncidentAction::HandBack { reason: body.note.0 }).await
}

/// Completes a step of its playbook.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/playbook-steps/{step}/complete", request_body = inline(NoteBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn complete_step(
    State(api): Api,
    author: CommandMeta,
    path: Result<Path<(String, String)>, PathRejection>,
    JsonBody(body): JsonBody<NoteBody>,
) -> ApiResult {
    let Path((id, step)) = path.map_err(|error| ApiError::bad(format!("the path cannot be read: {error}")))?;
    let id: IncidentId = id.parse().map_err(|error| ApiError::bad(format!("{error}")))?;
    let step = Name::try_from(step).map_err(ApiError::bad)?.0;
    let note = body.note.map(|note| note.0);
    act(&api, author, id, IncidentAction::Tick { step, note }).await
}

/// The same with the step in the body, as the release before had it.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/tick", request_body = inline(Tick),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn tick(State(api): Api, author: CommandMeta, Id(id): IncidentPath, JsonBody(body): JsonBody<Tick>) -> ApiResult {
    let note = body.note.map(|note| note.0);
    act(&api, author, id, IncidentAction::Tick { step: body.step.0, note }).await
}

/// Says what was done about it.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/resolve", request_body = inline(Resolve),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn resolve(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<Resolve>,
) -> ApiResult {
    let resolution = body.note.0;
    let action = match body.breach_reason.map(BreachReasonBody::into_reason) {
        Some(reason) => IncidentAction::ResolveBreached { resolution, reason },
        None => IncidentAction::Resolve { resolution },
    };
    act(&api, author, id, action).await
}

/// Ends it for good: first line's word.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/close", request_body = inline(NoteBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn close(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<NoteBody>,
) -> ApiResult {
    act(&api, author, id, IncidentAction::Close { note: body.note.map(|note| note.0) }).await
}

/// Takes it up again.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/reopen", request_body = inline(ReasonBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn reopen(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<ReasonBody>,
) -> ApiResult {
    act(&api, author, id, IncidentAction::Reopen { reason: body.note.0 }).await
}

/// Folds it into another, which takes over its promises; one that was late says why before (breach-reason).
#[utoipa::path(post, path = "/api/v1/incidents/{id}/merge", request_body = inline(MergeBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn merge(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<MergeBody>,
) -> ApiResult {
    act(&api, author, id, IncidentAction::Merge { into: body.into }).await
}

/// Says that it never was one; if it was late, only after why was said (breach-reason).
#[utoipa::path(post, path = "/api/v1/incidents/{id}/cancel", request_body = inline(ReasonBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn cancel(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<ReasonBody>,
) -> ApiResult {
    act(&api, author, id, IncidentAction::Cancel { reason: body.note.0 }).await
}

/// Logs a contact with the user; the first one stops the time to own.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/contact", request_body = inline(ContactBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn contact(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<ContactBody>,
) -> ApiResult {
    let note = body.note.map(|note| note.0).unwrap_or_default();
    act(&api, author, id, IncidentAction::Contact { by: body.by, note }).await
}

/// Says why a promise was broken.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/breach-reason", request_body = inline(BreachReasonBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn explain_breach(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<BreachReasonBody>,
) -> ApiResult {
    act(&api, author, id, IncidentAction::ExplainBreach { reason: body.into_reason() }).await
}

/// Enters an outage into the ledger, or corrects the one of that time.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/outage", request_body = inline(OutageBody),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn outage(
    State(api): Api,
    author: CommandMeta,
    Id(id): IncidentPath,
    JsonBody(body): JsonBody<OutageBody>,
) -> ApiResult {
    let outage = Outage {
        customer: body.customer.map(|customer| customer.0).unwrap_or_default(),
        service: body.service.0,
        party: body.party,
        from: body.from,
        to: body.to,
    };
    act(&api, author, id, IncidentAction::Outage { outage }).await
}

impl BreachReasonBody {
    fn into_reason(self) -> BreachReason {
        BreachReason { code: self.code.0, text: self.note.0 }
    }
}

async fn act(api: &Arc<ApiContext>, author: CommandMeta, id: IncidentId, action: IncidentAction) -> ApiResult {
    match api.command(author, Action::Incident { id, action }).await? {
        Outcome::Incident { id, version } => {
            let read = api.api.store.incident(id).await;
            committed(read, |incident| incident.version, Committed { id: id.to_string(), version })
        }
        outcome @ (Outcome::Problem { .. }
        | Outcome::Run { .. }
        | Outcome::Silence { .. }
        | Outcome::Rulebook { .. }
        | Outcome::Staff { .. }
        | Outcome::Refused(_)) => Err(unexpected_outcome(&outcome)),
    }
}
