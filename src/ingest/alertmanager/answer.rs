//! Responses of `POST /api/v2/alerts`: Alertmanager's two families of errors, and its empty 200.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{AlertFault, DecodedRequest, FaultKind, NotRead, SOURCE};
use crate::core::model::excerpt;
use crate::ingest::http;
use crate::ingest::http::{DEAD_LETTERED, HttpIntake};

/// Maximum number of faults in one response; the rest is a number.
const FAULTS_NAMED: usize = 20;

/// Code of a schema violation, returned as 422.
const CODE_FORMAT: u16 = 601;
const CODE_REQUIRED: u16 = 602;

/// A response other than 200.
enum RequestRefusal {
    /// Of the framework: an object with a code, which may be finer than the status.
    Framework { status: StatusCode, code: u16, message: String, retry_after: Option<u32> },
    /// Of the handler: a plain text, with 400.
    Handler(String),
}

#[derive(Serialize)]
struct FrameworkError {
    code: u16,
    message: String,
}

impl RequestRefusal {
    fn framework(status: StatusCode, message: String) -> RequestRefusal {
        RequestRefusal::Framework { status, code: status.as_u16(), message, retry_after: None }
    }

    fn schema(code: u16, message: String) -> RequestRefusal {
        RequestRefusal::Framework { status: StatusCode::UNPROCESSABLE_ENTITY, code, message, retry_after: None }
    }
}

impl IntoResponse for RequestRefusal {
    fn into_response(self) -> Response {
        match self {
            RequestRefusal::Handler(message) => (StatusCode::BAD_REQUEST, Json(message)).into_response(),
            RequestRefusal::Framework { status, code, message, retry_after } => {
                let mut response = (status, Json(FrameworkError { code, message })).into_response();
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                response
            }
        }
    }
}

/// Reads, decodes, submits, and responds after the commit.
pub(in crate::ingest) async fn answer(state: &HttpIntake, headers: &HeaderMap, body: Body) -> Response {
    let mut response = match take(state, headers, body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn take(state: &HttpIntake, headers: &HeaderMap, body: Body) -> Result<(), RequestRefusal> {
    let body = http::read(headers, body, state.body_max_bytes).await.map_err(|not_taken| {
        state.refused(SOURCE, not_taken.reason(), 1);
        RequestRefusal::framework(not_taken.status(), not_taken.to_string())
    })?;
    let DecodedRequest { events, places, mut faults } = decode(state, headers, &body).inspect_err(|_| {
        state.refused(SOURCE, "unreadable", 1);
    })?;
    state.refused(SOURCE, "invalid", faults.len());
    let verdicts = state.offer(SOURCE, events).await.map_err(|refused| {
        let status = http::status_of(&refused);
        let retry_after = Some(http::retry_after_seconds(&refused));
        RequestRefusal::Framework { status, code: status.as_u16(), message: refused.to_string(), retry_after }
    })?;
    faults.extend(http::dead_lettered(&verdicts, &places).map(|index| {
        let message = format!("{DEAD_LETTERED} (alert {index})");
        AlertFault { index, kind: FaultKind::Invalid, message }
    }));
    faults.iter().map(|fault| fault.kind).min().map_or(Ok(()), |worst| Err(faulty(worst, &faults)))
}

fn decode(state: &HttpIntake, headers: &HeaderMap, body: &[u8]) -> Result<DecodedRequest, RequestRefusal> {
    // An empty body is reported as such, whatever its content type.
    if !body.is_empty() {
        check_media_type(headers)?;
    }
    super::decode(body, (state.now)()).map_err(|not_read| match not_read {
        NotRead::Empty => RequestRefusal::schema(CODE_REQUIRED, "alerts in body is required".to_owned()),
        NotRead::Unreadable(unreadable) => {
            RequestRefusal::framework(StatusCode::BAD_REQUEST, format!("parsing alerts body failed: {unreadable}"))
        }
    })
}

fn check_media_type(headers: &HeaderMap) -> Result<(), RequestRefusal> {
    // Go's framework takes a missing header for a form.
    let given = headers.get(header::CONTENT_TYPE).map_or(&b"application/x-www-form-urlencoded"[..], |v| v.as_bytes());
    let given = String::from_utf8_lossy(given);
    let media_type = given.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = format!("unsupported media type {:?}, only [application/json] are allowed", excerpt(media_type));
    Err(RequestRefusal::framework(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}

/// Describes the faults of the worst kind; the others are a number.
fn faulty(worst: FaultKind, faults: &[AlertFault]) -> RequestRefusal {
    let named = faults.iter().filter(|fault| fault.kind == worst);
    let named: Vec<&str> = named.take(FAULTS_NAMED).map(|fault| fault.message.as_str()).collect();
    let mut message = named.join("; ");
    if faults.len() > named.len() {
        message.push_str(&format!("; and {} more", faults.len() - named.len()));
    }
    match worst {
        FaultKind::Malformed => RequestRefusal::framework(StatusCode::BAD_REQUEST, message),
        FaultKind::Required => RequestRefusal::schema(CODE_REQUIRED, message),
        FaultKind::Format => RequestRefusal::schema(CODE_FORMAT, message),
        FaultKind::Invalid => RequestRefusal::Handler(message),
    }
}
