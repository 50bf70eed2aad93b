//! What `POST /api/v2/alerts` answers: Alertmanager's two families of errors, and its empty 200.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::alertmanager::{self, Decoded, Fault, FaultKind, NotRead};
use super::http::HttpIntake;
use super::http_body;
use crate::model::excerpt;

/// How many faults one answer names; the rest is a number.
const FAULTS_NAMED: usize = 20;

/// Codes that mean "the schema says otherwise", told as 422.
const CODE_FORMAT: u16 = 601;
const CODE_REQUIRED: u16 = 602;

/// Alertmanager's framework errors. Its handlers' own errors are a bare text.
#[derive(Serialize)]
struct FrameworkError {
    code: u16,
    message: String,
}

/// Reads, decodes, hands in, and answers after the commit.
pub(super) async fn answer(state: &HttpIntake, headers: &HeaderMap, body: Body) -> Response {
    let mut response = match take(state, headers, body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusal,
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn take(state: &HttpIntake, headers: &HeaderMap, body: Body) -> Result<(), Response> {
    let body = http_body::read(headers, body, state.body_max_bytes).await.map_err(|not_taken| {
        state.refused(alertmanager::SOURCE, not_taken.reason());
        framework(not_taken.status(), not_taken.status().as_u16(), not_taken.to_string())
    })?;
    let unreadable = |response| {
        state.refused(alertmanager::SOURCE, "unreadable");
        response
    };
    if !body.is_empty() {
        check_media_type(headers).map_err(unreadable)?;
    }
    let decoded = alertmanager::decode(&body, (state.now)()).map_err(not_read).map_err(unreadable)?;
    let Decoded { events, faults } = decoded;
    faults.iter().for_each(|_| state.refused(alertmanager::SOURCE, "invalid"));
    state.offer(alertmanager::SOURCE, events).await.map_err(|refused| {
        let status = http_body::status_of(&refused);
        let mut response = framework(status, status.as_u16(), refused.to_string());
        let seconds = HeaderValue::from(http_body::retry_after_seconds(&refused));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
        response
    })?;
    faults.iter().map(|fault| fault.kind).min().map_or(Ok(()), |worst| Err(faulty(worst, &faults)))
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Response> {
    // Go's framework takes a missing header for a form.
    let given = headers.get(header::CONTENT_TYPE).map_or(&b"application/x-www-form-urlencoded"[..], |v| v.as_bytes());
    let given = String::from_utf8_lossy(given);
    let media_type = given.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = format!("unsupported media type {:?}, only [application/json] are allowed", excerpt(media_type));
    Err(framework(StatusCode::UNSUPPORTED_MEDIA_TYPE, 415, message))
}

fn not_read(not_read: NotRead) -> Response {
    match not_read {
        NotRead::Empty => {
            framework(StatusCode::UNPROCESSABLE_ENTITY, CODE_REQUIRED, "alerts in body is required".to_owned())
        }
        NotRead::Unreadable(unreadable) => {
            framework(StatusCode::BAD_REQUEST, 400, format!("parsing alerts body failed: {unreadable}"))
        }
    }
}

fn faulty(worst: FaultKind, faults: &[Fault]) -> Response {
    let named = faults.iter().filter(|fault| fault.kind == worst);
    let named: Vec<&str> = named.take(FAULTS_NAMED).map(|fault| fault.message.as_str()).collect();
    let mut message = named.join("; ");
    if faults.len() > named.len() {
        message.push_str(&format!("; and {} more", faults.len() - named.len()));
    }
    match worst {
        FaultKind::Malformed => framework(StatusCode::BAD_REQUEST, 400, message),
        FaultKind::Required => framework(StatusCode::UNPROCESSABLE_ENTITY, CODE_REQUIRED, message),
        FaultKind::Format => framework(StatusCode::UNPROCESSABLE_ENTITY, CODE_FORMAT, message),
        FaultKind::Invalid => (StatusCode::BAD_REQUEST, Json(message)).into_response(),
    }
}

fn framework(status: StatusCode, code: u16, message: String) -> Response {
    (status, Json(FrameworkError { code, message })).into_response()
}
