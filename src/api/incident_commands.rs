//! What people do with an incident: fourteen commands, each its own route, since they do not stand behind one door.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::access::Door;
use super::body::{Author, Body, Id, Name, Text};
use super::endpoint::Endpoint;
use super::shown::{Answer, Done, committed, misfit};
use super::state::Shared;
use crate::engine::{Action, IncidentAction, Outcome};
use crate::incidents::PendingOn;
use crate::model::IncidentId;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_acknowledge, Door::Work, acknowledge),
        Endpoint::of(__path_assign, Door::Work, assign),
        Endpoint::of(__path_comment, Door::Work, comment),
        Endpoint::of(__path_pend, Door::Work, pend),
        Endpoint::of(__path_resume, Door::Work, resume),
        Endpoint::of(__path_escalate, Door::Work, escalate),
        Endpoint::of(__path_triage, Door::Work, triage),
        Endpoint::of(__path_hand_back, Door::Work, hand_back),
        Endpoint::of(__path_tick, Door::Work, tick),
        Endpoint::of(__path_resolve, Door::Work, resolve),
        Endpoint::of(__path_close, Door::Close, close),
        Endpoint::of(__path_reopen, Door::Steer, reopen),
        Endpoint::of(__path_merge, Door::Steer, merge),
        Endpoint::of(__path_cancel, Door::Close, cancel),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    #[schema(value_type = Option<String>)]
    note: Option<Text>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Assign {
    #[schema(value_type = String)]
    assignee: Name,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Comment {
    #[schema(value_type = String)]
    text: Text,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pend {
    /// customer, vendor or change
    #[schema(value_type = String)]
    on: PendingOn,
    #[schema(value_type = String)]
    reason: Text,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Escalate {
    #[schema(value_type = String)]
    diagnosis: Text,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Triage {
    /// By field: symptom, tried, affected, …
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    fields: BTreeMap<String, Text>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Tick {
    /// The name of a step of its playbook.
    #[schema(value_type = String)]
    step: Name,
    /// What was seen; some steps demand it.
    #[schema(value_type = Option<String>)]
    note: Option<Text>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resolve {
    #[schema(value_type = String)]
    resolution: Text,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    #[schema(value_type = String)]
    reason: Text,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Merge {
    /// INC-…: the incident that carries on
    #[schema(value_type = String)]
    into: IncidentId,
}

type Api = State<Arc<Shared>>;
type Incident = Id<IncidentId>;

/// Takes it: stops the ladder from climbing.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/acknowledge", request_body = inline(Note),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn acknowledge(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Note>) -> Answer {
    act(&api, author, id, IncidentAction::Acknowledge { note: body.note.map(|note| note.0) }).await
}

/// Gives it to a person.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/assign", request_body = inline(Assign),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn assign(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Assign>) -> Answer {
    act(&api, author, id, IncidentAction::Assign { assignee: body.assignee.0 }).await
}

/// Writes on its timeline.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/comment", request_body = inline(Comment),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn comment(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Comment>) -> Answer {
    act(&api, author, id, IncidentAction::Comment { text: body.text.0 }).await
}

/// Waits for the customer, a vendor or a change.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/pend", request_body = inline(Pend),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn pend(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Pend>) -> Answer {
    act(&api, author, id, IncidentAction::Pend { on: body.on, reason: body.reason.0 }).await
}

/// Goes on after waiting.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/resume", request_body = inline(Nothing),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn resume(State(api): Api, author: Author, Id(id): Incident, Body(Nothing {}): Body<Nothing>) -> Answer {
    act(&api, author, id, IncidentAction::Resume).await
}

/// Hands it to the next tier with what is known so far.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/escalate", request_body = inline(Escalate),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn escalate(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Escalate>) -> Answer {
    act(&api, author, id, IncidentAction::Escalate { diagnosis: body.diagnosis.0 }).await
}

/// Writes down what was found out; a step may demand it before the incident is handed on.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/triage", request_body = inline(Triage),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn triage(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Triage>) -> Answer {
    let fields = body.fields.into_iter().map(|(name, text)| (name, text.0)).collect();
    act(&api, author, id, IncidentAction::Triage { fields }).await
}

/// Hands it back to a lower tier.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/hand-back", request_body = inline(Reason),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn hand_back(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Reason>) -> Answer {
    act(&api, author, id, IncidentAction::HandBack { reason: body.reason.0 }).await
}

/// Ticks a step of its playbook.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/tick", request_body = inline(Tick),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn tick(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Tick>) -> Answer {
    let note = body.note.map(|note| note.0);
    act(&api, author, id, IncidentAction::Tick { step: body.step.0, note }).await
}

/// Says what was done about it.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/resolve", request_body = inline(Resolve),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn resolve(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Resolve>) -> Answer {
    act(&api, author, id, IncidentAction::Resolve { resolution: body.resolution.0 }).await
}

/// Ends it for good: first line's word.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/close", request_body = inline(Note),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn close(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Note>) -> Answer {
    act(&api, author, id, IncidentAction::Close { note: body.note.map(|note| note.0) }).await
}

/// Takes it up again.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/reopen", request_body = inline(Reason),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn reopen(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Reason>) -> Answer {
    act(&api, author, id, IncidentAction::Reopen { reason: body.reason.0 }).await
}

/// Folds it into another.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/merge", request_body = inline(Merge),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn merge(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Merge>) -> Answer {
    act(&api, author, id, IncidentAction::Merge { into: body.into }).await
}

/// Says that it never was one.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/cancel", request_body = inline(Reason),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Incident"))))]
async fn cancel(State(api): Api, author: Author, Id(id): Incident, Body(body): Body<Reason>) -> Answer {
    act(&api, author, id, IncidentAction::Cancel { reason: body.reason.0 }).await
}

async fn act(api: &Arc<Shared>, author: Author, id: IncidentId, action: IncidentAction) -> Answer {
    match api.command(author, Action::Incident { id, action }).await? {
        Outcome::Incident { id, version } => {
            let read = api.api.store.incident(id).await;
            committed(read, |incident| incident.version, Done { id: id.to_string(), version })
        }
        outcome @ (Outcome::Problem { .. }
        | Outcome::Run { .. }
        | Outcome::Silence { .. }
        | Outcome::Rulebook { .. }
        | Outcome::Refused(_)) => Err(misfit(&outcome)),
    }
}
