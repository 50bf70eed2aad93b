//! `/api/v2/silences` and `/api/v2/silence/{id}`: lists from the live view, changes as commands.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::V2Refusal;
use super::query::V2Query;
use super::silence_body;
use super::silence_body::PostedSilence;
use crate::api::auth::{Permission, Principal};
use crate::api::commands::DriverRequest;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::extract::whole;
use crate::api::http::response::unexpected_outcome;
use crate::api::state::ApiContext;
use crate::core::engine::{Outcome, SilenceChange, SilenceDraft};
use crate::core::model::{Labels, Matcher, Silence, SilenceId, Timestamp};
use crate::store::LiveView;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_silences, Permission::Read, silences),
        Endpoint::of(__path_post_silence, Permission::Silence, post_silence),
        Endpoint::of(__path_silence, Permission::Read, silence),
        Endpoint::of(__path_delete_silence, Permission::Silence, delete_silence),
    ]
}

/// A silence in Alertmanager's words.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SilenceView {
    pub id: String,
    #[schema(value_type = Object)]
    pub status: SilenceStatus,
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
    pub comment: String,
    pub created_by: String,
    pub ends_at: String,
    #[schema(value_type = Vec<Object>)]
    pub matchers: Vec<MatcherView>,
    pub starts_at: String,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    #[schema(value_type = Object)]
    pub annotations: Labels,
}

#[derive(Serialize)]
pub struct SilenceStatus {
    pub state: SilenceState,
}

/// In the order in which they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SilenceState {
    Active,
    Pending,
    Expired,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatcherView {
    pub is_equal: bool,
    pub is_regex: bool,
    pub name: String,
    pub value: String,
}

#[derive(Serialize, ToSchema)]
struct Created {
    #[serde(rename = "silenceID")]
    silence_id: String,
}

impl SilenceState {
    fn of(silence: &Silence, now: Timestamp) -> SilenceState {
        if silence.is_expired(now) {
            SilenceState::Expired
        } else if silence.is_pending(now) {
            SilenceState::Pending
        } else {
            SilenceState::Active
        }
    }
}

impl SilenceView {
    pub fn of(silence: &Silence, now: Timestamp) -> SilenceView {
        SilenceView {
            id: silence.id.to_string(),
            status: SilenceStatus { state: SilenceState::of(silence, now) },
            updated_at: silence.updated_at,
            comment: silence.comment.clone(),
            created_by: silence.created_by.clone(),
            ends_at: silence.ends_at.to_string(),
            matchers: silence.matchers.iter().map(MatcherView::of).collect(),
            starts_at: silence.starts_at.to_string(),
            annotations: silence.annotations.clone(),
        }
    }
}

impl MatcherView {
    fn of(matcher: &Matcher) -> MatcherView {
        MatcherView {
            is_equal: matcher.op().is_positive(),
            is_regex: matcher.op().is_regex(),
            name: matcher.name().to_owned(),
            value: matcher.value().to_owned(),
        }
    }
}

/// Active ones by soonest end, pending ones by soonest start, expired ones by latest end.
pub fn sorted(live: &LiveView, now: Timestamp) -> Vec<Arc<Silence>> {
    let mut silences = live.silences();
    silences.sort_by_key(|silence| {
        let state = SilenceState::of(silence, now);
        let (soonest, latest) = match state {
            SilenceState::Active => (silence.ends_at.at, Reverse(Timestamp::EPOCH)),
            SilenceState::Pending => (silence.starts_at.at, Reverse(Timestamp::EPOCH)),
            SilenceState::Expired => (Timestamp::EPOCH, Reverse(silence.ends_at.at)),
        };
        (state, soonest, latest, silence.id)
    });
    silences
}

/// Every silence that is still kept.
#[utoipa::path(get, path = "/api/v2/silences",
    params(("filter" = Option<Vec<String>>, Query, description = "Matchers that the silence itself must hold")),
    responses((status = 200, description = "All of them", body = inline(Vec<SilenceView>))))]
async fn silences(State(shared): State<Arc<ApiContext>>, query: V2Query) -> Result<Json<Vec<SilenceView>>, V2Refusal> {
    let (filters, now) = (query.filters()?, (shared.api.now)());
    let silences = sorted(&shared.api.live, now);
    let wanted = silences.iter().filter(|silence| filters.stand_in(&silence.matchers));
    Ok(Json(wanted.map(|silence| SilenceView::of(silence, now)).collect()))
}

/// Creates a silence, or updates the one whose id it carries; the answer names the id that holds now.
#[utoipa::path(post, path = "/api/v2/silences", request_body = inline(PostedSilence),
    responses((status = 200, description = "Committed", body = inline(Created))))]
async fn post_silence(
    State(shared): State<Arc<ApiContext>>,
    caller: Principal,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Created>, V2Refusal> {
    let body = whole(request, &()).await.map_err(|(status, message)| V2Refusal::framework(status, message))?;
    let (id, mut draft) = silence_body::read(&headers, &body)?;
    sign(&mut draft, &caller);
    let (bounds, now) = (&shared.api.settings.silences, (shared.api.now)());
    bounds.check(&caller, &draft, now, &shared.api.live).map_err(V2Refusal::Failed)?;
    let outcome = change(&shared, caller, SilenceChange::Put { id, draft }).await?;
    Ok(Json(Created { silence_id: outcome.to_string() }))
}

/// One silence.
#[utoipa::path(get, path = "/api/v2/silence/{id}",
    responses((status = 200, description = "The silence", body = inline(SilenceView)),
        (status = 404, description = "No body")))]
async fn silence(State(shared): State<Arc<ApiContext>>, id: RawId) -> Result<Json<SilenceView>, V2Refusal> {
    let (id, now) = (parse_id(id)?, (shared.api.now)());
    let silences = shared.api.live.silences();
    let silence = silences.iter().find(|silence| silence.id == id).ok_or(V2Refusal::Gone)?;
    Ok(Json(SilenceView::of(silence, now)))
}

/// Ends a silence now.
#[utoipa::path(delete, path = "/api/v2/silence/{id}",
    responses((status = 200, description = "Ended"), (status = 404, description = "No body")))]
async fn delete_silence(
    State(shared): State<Arc<ApiContext>>,
    caller: Principal,
    id: RawId,
) -> Result<Response, V2Refusal> {
    let change = change(&shared, caller, SilenceChange::Expire(parse_id(id)?)).await;
    match change {
        Ok(_id) => Ok(StatusCode::OK.into_response()),
        Err(V2Refusal::Words { status: StatusCode::NOT_FOUND, .. }) => Err(V2Refusal::Gone),
        Err(refusal) => Err(refusal),
    }
}

async fn change(shared: &ApiContext, caller: Principal, change: SilenceChange) -> Result<SilenceId, V2Refusal> {
    let wish = DriverRequest::Silence { actor: caller.name, role: caller.role.as_str().to_owned(), change, once: None };
    match shared.api.commands.send(wish).await? {
        Outcome::Silence { id } => Ok(id),
        Outcome::Refused(refusal) => Err(refusal.into()),
        outcome @ (Outcome::Incident { .. }
        | Outcome::Problem { .. }
        | Outcome::Run { .. }
        | Outcome::Rulebook { .. }
        | Outcome::Staff { .. }) => Err(V2Refusal::Failed(unexpected_outcome(&outcome))),
    }
}

/// Where the name stands that a client wrote as `createdBy`.
const CLAIMED: &str = "createdBy";

/// The token is who made it; what its client calls the person stands beside it, as an annotation. Without tokens there
/// is nothing but the client's word.
fn sign(draft: &mut SilenceDraft, caller: &Principal) {
    if caller.is_anonymous() || draft.created_by == caller.name {
        return;
    }
    let claimed = std::mem::replace(&mut draft.created_by, caller.name.clone());
    let kept = draft.annotations.iter().filter(|(name, _)| *name != CLAIMED);
    let kept: Vec<(String, String)> = kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    draft.annotations = Labels::from_pairs(kept.into_iter().chain([(CLAIMED.to_owned(), claimed)]));
}

/// Whatever stands in the path, readable or not.
type RawId = Result<Path<String>, PathRejection>;

fn parse_id(id: RawId) -> Result<SilenceId, V2Refusal> {
    let text = id.map(|Path(text)| text).unwrap_or_default();
    let shown: String = text.chars().take(128).collect();
    text.parse().map_err(|_| V2Refusal::schema(601, format!("silenceID in path must be of type uuid: {shown:?}")))
}
