//! A refusal, said in the words of the path's family: problem+json for our own API, `{"code","message"}` for
//! Alertmanager's, plain text for the pages that machines probe.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::commands::CommandError;
use crate::core::engine::CommandRefusal;
use crate::core::model::TimeDelta;
use crate::ingest::problem_json::ProblemDetails;
use crate::store::StoreError;

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> ApiError {
        ApiError { status, detail: detail.into(), headers: Vec::new() }
    }

    pub fn bad(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, detail)
    }

    pub fn unknown(what: impl std::fmt::Display) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, format!("{what} is not known here"))
    }

    /// 503; the same request may work in a moment.
    pub fn unavailable(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(TimeDelta::from_seconds(1))
    }

    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> ApiError {
        self.headers.push((name, value));
        self
    }

    /// Says when to come again, in whole seconds, at least one.
    pub fn retry_after(self, wait: TimeDelta) -> ApiError {
        let seconds = (wait.as_seconds_f64().ceil() as u64).max(1);
        self.with(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The refusal as the family of that path words it.
    pub fn answer(self, path: &str) -> Response {
        let mut response = if path == "/api/v2" || path.starts_with("/api/v2/") {
            let body = serde_json::json!({ "code": self.status.as_u16(), "message": self.detail });
            (self.status, Json(body)).into_response()
        } else if path.starts_with("/-/") || path == "/metrics" {
            (self.status, format!("{}\n", self.detail)).into_response()
        } else {
            ProblemDetails::new(self.status, self.detail).into_response()
        };
        response.headers_mut().extend(self.headers);
        response
    }
}

impl IntoResponse for ApiError {
    /// In the words of our own API.
    fn into_response(self) -> Response {
        self.answer("/api/v1/")
    }
}

impl From<StoreError> for ApiError {
    /// A bad cursor is the caller's; everything else is logged here, at the edge, and is not.
    fn from(error: StoreError) -> ApiError {
        if let StoreError::BadCursor { .. } = error {
            return ApiError::bad(error.to_string());
        }
        tracing::error!(%error, "a read from the store failed");
        ApiError::unavailable("the database cannot be read now; send again later")
    }
}

impl From<CommandRefusal> for ApiError {
    fn from(refusal: CommandRefusal) -> ApiError {
        let status = match &refusal {
            CommandRefusal::NotFound { .. } => StatusCode::NOT_FOUND,
            CommandRefusal::NotAllowed { .. } => StatusCode::CONFLICT,
            CommandRefusal::Forbidden { .. } => StatusCode::FORBIDDEN,
            CommandRefusal::VersionMismatch { .. } => StatusCode::PRECONDITION_FAILED,
            CommandRefusal::Invalid { .. } => StatusCode::BAD_REQUEST,
        };
        ApiError::new(status, refusal.to_string())
    }
}

impl From<CommandError> for ApiError {
    fn from(unanswered: CommandError) -> ApiError {
        match &unanswered {
            CommandError::Unknown { .. } => ApiError::unavailable(unanswered.to_string()),
            CommandError::BadRules { .. } => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, unanswered.to_string()),
        }
    }
}
