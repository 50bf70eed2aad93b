//! What stands before every handler: header limits, host and origin, who it is, whether they may, how often.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::credentials;
use super::credentials::Credentials;
use super::held_body::HeldBody;
use super::{AuthOutcome, Permission, Place, Principal};
use crate::api::http::error::ApiError;
use crate::api::state::{ApiContext, CallerKey};
use crate::core::model::TimeDelta;
use crate::metrics::HttpRefusal;

/// How many headers, and how many bytes of them, a request may carry.
const HEADERS_MAX: usize = 64;
const HEADERS_MAX_BYTES: usize = 16 * 1024;
/// Its answers last for hours.
const STREAM_PATH: &str = "/api/v1/stream";

/// One route's guard.
#[derive(Clone)]
pub struct AuthLayer {
    pub shared: Arc<ApiContext>,
    pub door: Permission,
}

/// Lets the request through with its [`super::Principal`], or answers it in the words of its family of paths.
pub async fn guard(State(guard): State<AuthLayer>, request: Request, next: Next) -> Response {
    pass(&guard.shared, guard.door, request, next).await
}

/// The guard of the routes that take events.
pub async fn ingest_door(State(shared): State<Arc<ApiContext>>, request: Request, next: Next) -> Response {
    pass(&shared, Permission::Ingest, request, next).await
}

async fn pass(shared: &ApiContext, door: Permission, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let source = source_of(&mut parts).await;
    match check(shared, door, source.as_deref(), &parts).await {
        Ok(Passed::Anybody) => next.run(Request::from_parts(parts, body)).await,
        Ok(Passed::Caller(caller, place)) => {
            parts.extensions.insert(caller);
            let response = next.run(Request::from_parts(parts, body)).await;
            match place {
                Some(place) => response.map(|body| Body::new(HeldBody::new(body, place))),
                None => response,
            }
        }
        Err(failure) => failure.answer(parts.uri.path()),
    }
}

/// Who was let through.
enum Passed {
    Anybody,
    /// With a place among this caller's requests, where these are bounded.
    Caller(Principal, Option<Place<CallerKey>>),
}

async fn check(
    shared: &ApiContext,
    door: Permission,
    source: Option<&str>,
    request: &Parts,
) -> Result<Passed, ApiError> {
    check_headers(&request.headers)?;
    match door {
        // A link's token is its authority, wherever the page was opened; load balancers know no name of ours.
        Permission::Link | Permission::Health => return Ok(Passed::Anybody),
        Permission::Metrics
        | Permission::Read
        | Permission::Audit
        | Permission::Ingest
        | Permission::Work
        | Permission::Silence
        | Permission::Close
        | Permission::Steer
        | Permission::Review
        | Permission::Conclude
        | Permission::Inspect
        | Permission::SignOff
        | Permission::Reload => {}
    }
    let is_write = is_write(&request.method);
    if let Some(reason) = shared.hosts.refuse_host(&request.headers, &request.uri) {
        return Err(shared.refused(HttpRefusal::Host, ApiError::new(StatusCode::MISDIRECTED_REQUEST, reason)));
    }
    if is_write && let Some(reason) = shared.hosts.refuse_origin(&request.headers, &request.uri) {
        return Err(shared.refused(HttpRefusal::Origin, ApiError::new(StatusCode::FORBIDDEN, reason)));
    }
    let address = shared.api.settings.proxies.client_of(&request.extensions, &request.headers);
    let caller = authenticate(shared, &request.headers, address).await?;
    if !door.admits(&caller.role, source) {
        let failure = ApiError::new(StatusCode::FORBIDDEN, forbidden(door, &caller));
        return Err(shared.refused(HttpRefusal::Permission, failure));
    }
    // Pushed events are bounded by the intake queue instead: a flood of them is this service's daily work. Only the
    // large ones are counted.
    if door == Permission::Ingest {
        let place = may_be_large(&request.headers).then(|| {
            let key = CallerKey { address, name: caller.name.clone(), is_write };
            shared.large_bodies.take(key).map_err(|_full| {
                let failure =
                    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too many large bodies at once; send again later");
                shared.refused(HttpRefusal::Concurrency, failure.retry_after(TimeDelta::from_seconds(1)))
            })
        });
        return Ok(Passed::Caller(caller, place.transpose()?));
    }
    // What people command has bounds of its own: no reading, however much, holds an acknowledgement up.
    let key = CallerKey { address, name: caller.name.clone(), is_write };
    let now = (shared.api.steady)();
    shared.requests.take(&key, now).map_err(|wait| shared.refused(HttpRefusal::Rate, too_many(wait)))?;
    // A stream is a place among streams.
    let is_stream = request.extensions.get::<MatchedPath>().is_some_and(|path| path.as_str() == STREAM_PATH);
    let place = (!is_stream).then(|| shared.under_way.take(key)).transpose().map_err(|_full| {
        let detail = "too many requests of this caller are under way; wait for their answers, and read them";
        let failure = ApiError::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(TimeDelta::from_seconds(1));
        shared.refused(HttpRefusal::Concurrency, failure)
    })?;
    Ok(Passed::Caller(caller, place))
}

fn check_headers(headers: &HeaderMap) -> Result<(), ApiError> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > HEADERS_MAX || bytes > HEADERS_MAX_BYTES {
        let detail = format!(
            "{} headers of {bytes} bytes; at most {HEADERS_MAX} headers of {HEADERS_MAX_BYTES} bytes are read",
            headers.len()
        );
        return Err(ApiError::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail));
    }
    Ok(())
}

/// Longer than most, or of unknown length.
fn may_be_large(headers: &HeaderMap) -> bool {
    const LARGE_BYTES: u64 = 256 * 1024;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    length.is_none_or(|length| length > LARGE_BYTES)
}

/// Reads change nothing; everything else counts as a write.
fn is_write(method: &Method) -> bool {
    method != Method::GET && method != Method::HEAD && method != Method::OPTIONS
}

async fn authenticate(shared: &ApiContext, headers: &HeaderMap, address: IpAddr) -> Result<Principal, ApiError> {
    let (admission, shown) = match credentials::of(headers) {
        Credentials::None => (shared.api.keyring.admit(None).await, false),
        Credentials::Secret(secret) => (shared.api.keyring.admit(Some(&secret)).await, true),
        Credentials::Unreadable => (shared.api.keyring.admit(None).await, true),
    };
    match admission {
        AuthOutcome::Granted(caller) => Ok(caller),
        AuthOutcome::Unavailable => Err(ApiError::unavailable("the tokens cannot be read now")),
        AuthOutcome::Refused => {
            // Only a wrong secret counts as a guess; one that is absent is a mistake. A good one always passes, also
            // beside a guesser behind the same proxy.
            if shown {
                let slowed = shared.failures.take(&address, (shared.api.steady)());
                slowed.map_err(|wait| shared.refused(HttpRefusal::Guessing, too_many(wait)))?;
            }
            let detail = if shown { "this token is not known here" } else { "a token is needed here" };
            let challenge = HeaderValue::from_static(r#"Bearer realm="watchfire", Basic realm="watchfire""#);
            let failure = ApiError::new(StatusCode::UNAUTHORIZED, detail).with(header::WWW_AUTHENTICATE, challenge);
            Err(shared.refused(HttpRefusal::Credentials, failure))
        }
    }
}

impl Principal {
    /// Asks again behind the guard, where only the body says which door it is.
    pub fn must_pass(&self, door: Permission) -> Result<(), ApiError> {
        if door.admits(&self.role, None) {
            return Ok(());
        }
        Err(ApiError::new(StatusCode::FORBIDDEN, forbidden(door, self)))
    }
}

fn forbidden(door: Permission, caller: &Principal) -> String {
    let needed = door.roles().iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
    let own = if door == Permission::Ingest { ", and an ingest token its own source" } else { "" };
    format!("the role {} may not do this; it needs one of {needed}{own}", caller.role.as_str())
}

/// 429, with when to come again.
pub fn too_many(wait: TimeDelta) -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too many requests; slow down").retry_after(wait)
}

/// What is pushed on that path: the source that an ingest token must be for. Read as the handler behind will read it.
async fn source_of(parts: &mut Parts) -> Option<String> {
    match parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str) {
        Some("/api/v2/alerts") => Some("v2".to_owned()),
        Some("/api/v1/events") => Some("native".to_owned()),
        Some("/api/v1/sources/{name}") => {
            Path::<String>::from_request_parts(parts, &()).await.ok().map(|Path(name)| name)
        }
        Some(_) | None => None,
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    /// Only behind a guard that asks who it is; anything else is a mistake in the routes.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Principal, ApiError> {
        let missing = || ApiError::new(StatusCode::UNAUTHORIZED, "nobody is known on this route");
        parts.extensions.get::<Principal>().cloned().ok_or_else(missing)
    }
}
