//! How answers look: JSON that no cache keeps, versions as ETags, lists as `{"items", "next"}`; and how a command's
//! outcome is shown as the record that it changed.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::ApiError;
use super::extract::CommandMeta;
use crate::api::commands::DriverRequest;
use crate::api::state::ApiContext;
use crate::core::engine::{Action, Command, Outcome};
use crate::store::{Page, StoreError};

/// What a handler answers.
pub type ApiResult = Result<Response, ApiError>;

const NO_STORE: (header::HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
const JSON: (header::HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

/// A value as JSON.
pub fn json(value: &impl Serialize) -> ApiResult {
    let body = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written as JSON")
    })?;
    Ok(([NO_STORE, JSON], body).into_response())
}

/// A record with its version as ETag.
pub fn versioned(record: &impl Serialize, version: u64) -> ApiResult {
    let mut response = json(record)?;
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// A page of a list.
pub fn page<T: Serialize>(page: &Page<T>) -> ApiResult {
    json(page)
}

/// A list that is always whole.
pub fn list<T: Serialize>(items: Vec<T>) -> ApiResult {
    json(&Page { items, next: None })
}

impl ApiContext {
    /// Sends one command and waits for its commit.
    pub async fn command(self: &Arc<ApiContext>, author: CommandMeta, action: Action) -> Result<Outcome, ApiError> {
        let command = Command {
            actor: author.caller.name,
            role: author.caller.role.as_str().to_owned(),
            idempotency_key: author.idempotency_key,
            if_match: author.if_match,
            action,
        };
        match self.api.commands.send(DriverRequest::Command(command)).await? {
            Outcome::Refused(refusal) => Err(refusal.into()),
            outcome @ (Outcome::Incident { .. }
            | Outcome::Problem { .. }
            | Outcome::Run { .. }
            | Outcome::Silence { .. }
            | Outcome::Rulebook { .. }
            | Outcome::Staff { .. }) => Ok(outcome),
        }
    }
}

/// What is known to have happened, when the record cannot be read back just now.
#[derive(Serialize)]
pub struct Committed {
    pub id: String,
    pub version: u64,
}

/// The record that a committed command changed. It happened, whatever the reading back says.
pub fn committed<T: Serialize>(
    read: Result<Option<T>, StoreError>,
    version_of: impl Fn(&T) -> u64,
    done: Committed,
) -> ApiResult {
    match read {
        Ok(Some(record)) => versioned(&record, version_of(&record)),
        Ok(None) => json(&done),
        Err(error) => {
            tracing::error!(%error, id = done.id, "a committed record cannot be read back");
            json(&done)
        }
    }
}

/// The answer to an outcome that does not fit its command: a fault of ours, said as one.
pub fn unexpected_outcome(outcome: &Outcome) -> ApiError {
    tracing::error!(?outcome, "a command was answered with another kind of outcome");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "the command was answered with another kind of outcome")
}
