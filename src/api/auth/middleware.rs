//! What stands before every handler: header limits, host and origin, who it is, whether they may, how often.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::credentials;
use super::credentials::Credentials;
use super::{AuthOutcome, Permission, Principal};
use crate::api::http::error::ApiError;
use crate::api::state::ApiContext;
use crate::core::model::TimeDelta;

/// How many headers, and how many bytes of them, a request may carry.
const HEADERS_MAX: usize = 64;
const HEADERS_MAX_BYTES: usize = 16 * 1024;

/// One route's guard.
#[derive(Clone)]
pub struct AuthLayer {
    pub shared: Arc<ApiContext>,
    pub door: Permission,
}

/// Lets the request through with its [`Caller`], or answers it in the words of its family of paths.
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
        Ok(caller) => {
            caller.into_iter().for_each(|caller| drop(parts.extensions.insert(caller)));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(failure) => failure.answer(parts.uri.path()),
    }
}

async fn check(
    shared: &ApiContext,
    door: Permission,
    source: Option<&str>,
    request: &Parts,
) -> Result<Option<Principal>, ApiError> {
    check_headers(&request.headers)?;
    if door == Permission::Link {
        // Its token is the authority, wherever the page was opened; phones send no Origin worth the name.
        return shared
            .links
            .take(&address_of(&request.extensions), (shared.api.steady)())
            .map_err(too_many)
            .map(|()| None);
    }
    if is_write(&request.method)
        && let Some(reason) = shared.hosts.refuse(&request.headers, &request.uri)
    {
        return Err(ApiError::new(StatusCode::FORBIDDEN, reason));
    }
    if door == Permission::Health {
        return Ok(None);
    }
    let address = address_of(&request.extensions);
    let caller = authenticate(shared, &request.headers, address).await?;
    if !door.admits(&caller.role, source) {
        return Err(ApiError::new(StatusCode::FORBIDDEN, forbidden(door, &caller)));
    }
    // Pushed events are bounded by the intake queue instead: a flood of them is this service's daily work.
    if door != Permission::Ingest {
        let now = (shared.api.steady)();
        shared.requests.take(&(address, caller.name.clone()), now).map_err(too_many)?;
    }
    Ok(Some(caller))
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
                shared.failures.take(&address, (shared.api.steady)()).map_err(too_many)?;
            }
            let detail = if shown { "this token is not known here" } else { "a token is needed here" };
            let challenge = HeaderValue::from_static(r#"Bearer realm="watchfire", Basic realm="watchfire""#);
            Err(ApiError::new(StatusCode::UNAUTHORIZED, detail).with(header::WWW_AUTHENTICATE, challenge))
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

fn too_many(wait: TimeDelta) -> ApiError {
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

/// The peer; one shared bucket for a server that does not say. An IPv6 peer is its /64: one customer holds all of it.
fn address_of(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    match peer {
        Some(IpAddr::V6(address)) => IpAddr::from((address.to_bits() & (u128::MAX << 64)).to_be_bytes()),
        Some(address @ IpAddr::V4(_)) => address,
        None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
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
