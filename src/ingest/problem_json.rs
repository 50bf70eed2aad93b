//! Errors of our own APIs as RFC 9457 problem+json. Alertmanager's API has its own shapes.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

/// The error of one request, for its sender: returned as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemDetails {
    pub status: StatusCode,
    /// One sentence, the same for all errors of this kind.
    pub title: &'static str,
    /// The error, its place, and the remedy.
    pub detail: String,
    /// Seconds after which the same request may be sent again.
    pub retry_after: Option<u32>,
    /// Further members of the answer (RFC 9457, section 3.2).
    pub members: Map<String, Value>,
}

#[derive(Serialize)]
struct ProblemBody<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl ProblemDetails {
    /// An error with the status's own phrase as its title.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> ProblemDetails {
        let title = status.canonical_reason().unwrap_or("Error");
        ProblemDetails { status, title, detail: detail.into(), retry_after: None, members: Map::new() }
    }

    /// The same, to be tried again after that many seconds.
    pub fn retry_after(self, seconds: u32) -> ProblemDetails {
        ProblemDetails { retry_after: Some(seconds), ..self }
    }

    /// The same, with the members of what else there is to say. What is no object adds nothing.
    pub fn with_members(self, said: &impl Serialize) -> ProblemDetails {
        match serde_json::to_value(said) {
            Ok(Value::Object(members)) => ProblemDetails { members, ..self },
            Ok(_) | Err(_) => self,
        }
    }
}

impl IntoResponse for ProblemDetails {
    fn into_response(self) -> Response {
        // The type is the status itself, because no page explains more than the detail does.
        let body = ProblemBody {
            r#type: "about:blank",
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            members: &self.members,
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
