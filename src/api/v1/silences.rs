//! Silences as one of our own lists, and the ones that Alertmanager has no word for: until what they hold has resolved.
//! All others are made, and all are ended, at Alertmanager's doors (`/api/v2/silences`).

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::alertmanager;
use crate::api::auth::Permission;
use crate::api::commands::DriverRequest;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::{CommandMeta, JsonBody, NonEmptyText};
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, json, list, unexpected_outcome};
use crate::api::state::ApiContext;
use crate::core::engine::{IdempotencyKey, Outcome, SilenceChange, SilenceDraft};
use crate::core::model::{Labels, Matchers, Stamp};

/// As many as at the other door: every alert is compared with them.
const MATCHERS_MAX: usize = 64;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_silences, Permission::Read, silences),
        Endpoint::of(__path_put_silence, Permission::Silence, put_silence),
    ]
}

/// A silence as people ask for it here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PutSilence {
    /// As a rule file writes them: `alertname="LinkDown", site=~"GZ.*"`
    matchers: String,
    /// RFC 3339; now when absent.
    starts_at: Option<String>,
    /// RFC 3339; with `until_resolved` the latest end.
    ends_at: String,
    /// It ends for each alert that resolves under it, and as a whole when all that it held have.
    #[serde(default)]
    until_resolved: bool,
    #[schema(value_type = String)]
    comment: NonEmptyText,
}

#[derive(Serialize, ToSchema)]
struct CreatedSilence {
    id: String,
}

/// Every silence that is still kept, in Alertmanager's order and words.
#[utoipa::path(get, path = "/api/v1/silences",
    responses((status = 200, description = "All of them", body = ref("#/components/schemas/SilencePage"))))]
async fn silences(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let now = (shared.api.now)();
    list(
        alertmanager::sorted_silences(&shared.api.live, now)
            .iter()
            .map(|silence| alertmanager::SilenceView::of(silence, now))
            .collect(),
    )
}

/// Creates a silence; the answer names its id.
#[utoipa::path(post, path = "/api/v1/silences", request_body = inline(PutSilence),
    responses((status = 200, description = "Committed", body = inline(CreatedSilence))))]
async fn put_silence(
    State(shared): State<Arc<ApiContext>>,
    author: CommandMeta,
    JsonBody(asked): JsonBody<PutSilence>,
) -> ApiResult {
    let PutSilence { matchers, starts_at, ends_at, until_resolved, comment } = &asked;
    let words = (matchers, starts_at, ends_at, until_resolved, &comment.0);
    let once = author.idempotency_key.map(|key| IdempotencyKey::of(key, &words));
    let matchers = Matchers::parse(&asked.matchers).map_err(|bad| ApiError::bad(format!("matchers: {bad}")))?;
    if matchers.0.len() > MATCHERS_MAX {
        return Err(ApiError::bad(format!("{} matchers; at most {MATCHERS_MAX} are kept", matchers.0.len())));
    }
    let moment = |text: &str| text.parse::<Stamp>().map_err(|bad| ApiError::bad(bad.to_string()));
    let starts_at = asked.starts_at.as_deref().map(moment).transpose()?;
    let draft = SilenceDraft {
        matchers,
        starts_at: starts_at.unwrap_or(Stamp::utc((shared.api.now)())),
        ends_at: moment(&asked.ends_at)?,
        created_by: author.caller.name.clone(),
        comment: asked.comment.0,
        annotations: Labels::empty(),
        until_resolved: asked.until_resolved,
    };
    let (bounds, now) = (&shared.api.settings.silences, (shared.api.now)());
    bounds.check(&author.caller, &draft, now, &shared.api.live)?;
    let change = SilenceChange::Put { id: None, draft };
    let wish = DriverRequest::Silence {
        actor: author.caller.name,
        role: author.caller.role.as_str().to_owned(),
        change,
        once,
    };
    match shared.api.commands.send(wish).await? {
        Outcome::Silence { id } => json(&CreatedSilence { id: id.to_string() }),
        Outcome::Refused(refusal) => Err(refusal.into()),
        outcome @ (Outcome::Incident { .. }
        | Outcome::Problem { .. }
        | Outcome::Run { .. }
        | Outcome::Rulebook { .. }
        | Outcome::Staff { .. }) => Err(unexpected_outcome(&outcome)),
    }
}
