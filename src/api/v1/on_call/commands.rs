//! What people say of who is at work: heartbeats and overrides.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Named, PresenceView};
use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::{CommandMeta, Id, JsonBody, Name, NonEmptyText};
use crate::api::http::response::{ApiResult, json, unexpected_outcome};
use crate::api::state::ApiContext;
use crate::core::engine::{Action, Outcome, StaffAction};
use crate::core::model::{Heartbeat, HeartbeatWord, TimeDelta, Timestamp};
use crate::core::on_call::NewOverride;
use crate::store::TokenRole;

/// How long a heartbeat may hold.
const LIFETIME_MIN: TimeDelta = TimeDelta::from_seconds(5);
const LIFETIME_MAX: TimeDelta = TimeDelta::from_days(1);

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_beat, Permission::Work, beat),
        Endpoint::of(__path_put_override, Permission::Work, put_override),
        Endpoint::of(__path_delete_override, Permission::Work, delete_override),
    ]
}

/// A heartbeat.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Beat {
    /// Yourself unless given; for others it takes an admin or a process manager.
    #[schema(value_type = Option<String>)]
    person: Option<Name>,
    /// present (the default) or away
    #[serde(default)]
    #[schema(inline)]
    status: PresenceWord,
    /// How long it holds, such as 5m; as the roster says unless given.
    lifetime: Option<String>,
}

#[derive(Deserialize, ToSchema, Default)]
#[serde(rename_all = "snake_case")]
enum PresenceWord {
    #[default]
    Present,
    Away,
}

/// Somebody stands in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PutOverride {
    /// Who is on duty instead.
    #[schema(value_type = String)]
    person: Name,
    /// Whose place it is; everybody's unless given.
    #[schema(value_type = Option<String>)]
    instead_of: Option<Name>,
    /// RFC 3339; now unless given.
    from: Option<String>,
    /// RFC 3339.
    until: String,
    #[serde(alias = "reason")]
    #[schema(value_type = String)]
    note: NonEmptyText,
}

#[derive(Serialize, ToSchema)]
struct Overridden {
    id: u64,
}

/// Says that somebody is there, or went away.
#[utoipa::path(post, path = "/api/v1/on-call/presence", request_body = inline(Beat),
    responses((status = 200, description = "Committed", body = ref("#/components/schemas/Presence"))))]
async fn beat(State(shared): State<Arc<ApiContext>>, author: CommandMeta, JsonBody(body): JsonBody<Beat>) -> ApiResult {
    let person = match body.person {
        Some(Name(person)) if person != author.caller.name && !speaks_for_others(&author.caller.role) => {
            let status = axum::http::StatusCode::FORBIDDEN;
            return Err(ApiError::new(status, format!("only {person}, an admin or a process manager may say that")));
        }
        Some(Name(person)) => person,
        None => author.caller.name.clone(),
    };
    let lifetime = body.lifetime.as_deref().map(lifetime).transpose()?;
    let word = match body.status {
        PresenceWord::Present => HeartbeatWord::Here { lifetime },
        PresenceWord::Away => HeartbeatWord::Away,
    };
    let action = StaffAction::Presence(Heartbeat { person: person.clone(), word });
    staffed(shared.command(author, Action::Staff(action)).await?)?;
    let attendance = shared.api.live.staff().attendance;
    let presence = attendance.of(&person).ok_or_else(|| ApiError::unknown(format!("person {person}")))?;
    json(&PresenceView::of(presence))
}

/// Puts somebody in another's place (替班); the answer names its number.
#[utoipa::path(post, path = "/api/v1/on-call/schedules/{name}/overrides", request_body = inline(PutOverride),
    responses((status = 200, description = "Committed", body = inline(Overridden))))]
async fn put_override(
    State(shared): State<Arc<ApiContext>>,
    author: CommandMeta,
    Id(name): Id<Named>,
    JsonBody(body): JsonBody<PutOverride>,
) -> ApiResult {
    let moment =
        |name: &str, text: &str| Timestamp::from_str(text).map_err(|bad| ApiError::bad(format!("{name}: {bad}")));
    let asked = NewOverride {
        person: body.person.0,
        instead_of: body.instead_of.map(|name| name.0),
        from: body.from.map_or_else(|| Ok((shared.api.now)()), |text| moment("from", &text))?,
        until: moment("until", &body.until)?,
        reason: body.note.0,
    };
    let action = StaffAction::PutOverride { roster: name.0.0, asked };
    let id = staffed(shared.command(author, Action::Staff(action)).await?)?;
    json(&Overridden { id: id.unwrap_or_default() })
}

/// Ends an override.
#[utoipa::path(delete, path = "/api/v1/on-call/schedules/{name}/overrides/{id}",
    responses((status = 200, description = "Committed", body = inline(Overridden))))]
async fn delete_override(
    State(shared): State<Arc<ApiContext>>,
    author: CommandMeta,
    path: Result<Path<(String, String)>, PathRejection>,
) -> ApiResult {
    let Path((roster, id)) = path.map_err(|error| ApiError::bad(format!("the path cannot be read: {error}")))?;
    let id: u64 = id.parse().map_err(|_| ApiError::bad(format!("{id:?} is not the number of an override")))?;
    let Named(Name(roster)) = roster.parse().map_err(ApiError::bad)?;
    let action = StaffAction::DeleteOverride { roster, id };
    staffed(shared.command(author, Action::Staff(action)).await?)?;
    json(&Overridden { id })
}

fn speaks_for_others(role: &TokenRole) -> bool {
    match role {
        TokenRole::Admin | TokenRole::ProcessManager => true,
        TokenRole::Ingest { .. }
        | TokenRole::Monitoring { .. }
        | TokenRole::Viewer
        | TokenRole::FirstLine
        | TokenRole::SecondLine
        | TokenRole::ThirdLine
        | TokenRole::IncidentManager
        | TokenRole::ProblemManager
        | TokenRole::ChangeManager
        | TokenRole::ConfigurationManager => false,
    }
}

fn lifetime(text: &str) -> Result<TimeDelta, ApiError> {
    let bad = |why: String| ApiError::bad(format!("lifetime: {why}"));
    let span: TimeDelta =
        text.parse().map_err(|error: crate::core::model::ParseTimeDeltaError| bad(error.to_string()))?;
    if (LIFETIME_MIN..=LIFETIME_MAX).contains(&span) {
        return Ok(span);
    }
    Err(bad(format!("{span} is out of bounds; expected {LIFETIME_MIN} to {LIFETIME_MAX}")))
}

fn staffed(outcome: Outcome) -> Result<Option<u64>, ApiError> {
    match outcome {
        Outcome::Staff { id } => Ok(id),
        Outcome::Incident { .. }
        | Outcome::Problem { .. }
        | Outcome::Run { .. }
        | Outcome::Silence { .. }
        | Outcome::Rulebook { .. }
        | Outcome::Refused(_) => Err(unexpected_outcome(&outcome)),
    }
}
