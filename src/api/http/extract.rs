//! What a request carries beside its query: ids in the path, a JSON body, the conditions of a command.

use std::str::FromStr;
use std::time::Duration;
use utoipa::ToSchema;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::error::ApiError;
use crate::api::auth::Principal;

/// The longest text that a person may write at once, in bytes.
const TEXT_MAX_BYTES: usize = 8 * 1024;
const NAME_MAX_BYTES: usize = 200;
const KEY_MAX_BYTES: usize = 200;

/// The one id in the path.
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr<Err: std::fmt::Display>> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id<T>, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| ApiError::bad(format!("the path cannot be read: {error}")))?;
        if text.contains('\0') {
            return Err(ApiError::bad("the path holds a NUL character"));
        }
        text.parse().map(Id).map_err(|error: T::Err| ApiError::bad(error.to_string()))
    }
}

/// How long a command's body may take.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// The body of a command that needs no words: absent, or `{}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyBody {}

/// A JSON body; an absent one is `{}`, for commands that need no words.
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<JsonBody<T>, ApiError> {
        let json = is_json(request.headers());
        let bytes = whole(request, state).await.map_err(|(status, detail)| ApiError::new(status, detail))?;
        if bytes.is_empty() {
            return read(b"{}").map(JsonBody);
        }
        if !json {
            let detail = "the body must be JSON; send it with Content-Type: application/json";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        read(&bytes).map(JsonBody)
    }
}

/// The bytes of a command's body, within its limits of size and time; else the status and the reason.
pub async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, (StatusCode, String)> {
    match tokio::time::timeout(BODY_PATIENCE, Bytes::from_request(request, state)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err((error.status(), error.body_text())),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not end in time".to_owned())),
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| ApiError::bad(format!("the body cannot be used: {error}")))
}

/// A form from a foreign page cannot carry this type, so it is also a guard.
fn is_json(headers: &HeaderMap) -> bool {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = text.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// A person's words: not empty, at most 8 KiB, no NUL (which PostgreSQL cannot keep).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonEmptyText(pub String);

impl<'de> Deserialize<'de> for NonEmptyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NonEmptyText, D::Error> {
        bounded(deserializer, TEXT_MAX_BYTES).map(NonEmptyText)
    }
}

/// A name of a person or an item: not empty, at most 200 bytes, one line without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        Name::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<String> for Name {
    type Error = String;
    fn try_from(text: String) -> Result<Name, String> {
        let text = check(text, NAME_MAX_BYTES)?;
        if text.contains(char::is_control) {
            return Err("a name is one line without control characters".to_owned());
        }
        Ok(Name(text))
    }
}

fn bounded<'de, D: Deserializer<'de>>(deserializer: D, max_bytes: usize) -> Result<String, D::Error> {
    check(String::deserialize(deserializer)?, max_bytes).map_err(serde::de::Error::custom)
}

fn check(text: String, max_bytes: usize) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("a text is empty; write something".to_owned());
    }
    if text.len() > max_bytes {
        return Err(format!("a text of {} bytes; at most {max_bytes} are kept", text.len()));
    }
    if text.contains('\0') {
        return Err("a text holds a NUL character; leave it out".to_owned());
    }
    Ok(text)
}

/// Who commands, and under which conditions.
pub struct CommandMeta {
    pub caller: Principal,
    /// From `If-Match`: the version that the person saw.
    pub if_match: Option<u64>,
    pub idempotency_key: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for CommandMeta {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<CommandMeta, ApiError> {
        Ok(CommandMeta {
            caller: Principal::from_request_parts(parts, state).await?,
            if_match: if_match(&parts.headers)?,
            idempotency_key: idempotency_key(&parts.headers)?,
        })
    }
}

/// `"7"`, `W/"7"` or `7`; `*` asks only that it exists, which every command does.
fn if_match(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = one(headers, "if-match")? else { return Ok(None) };
    let text = value.trim();
    if text == "*" {
        return Ok(None);
    }
    let number = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    let bad = || ApiError::bad(format!("If-Match {text:?} is not a version; send the ETag that you were shown"));
    number.parse().map(Some).map_err(|_| bad())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(key) = one(headers, "idempotency-key")? else { return Ok(None) };
    if key.is_empty() || key.len() > KEY_MAX_BYTES {
        let detail = format!("Idempotency-Key of {} bytes; expected 1 to {KEY_MAX_BYTES}", key.len());
        return Err(ApiError::bad(detail));
    }
    Ok(Some(key.to_owned()))
}

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(ApiError::bad(format!("header {name} stands more than once"))),
        (Some(value), None) => {
            value.to_str().map(Some).map_err(|_| ApiError::bad(format!("header {name} is not plain ASCII")))
        }
    }
}
