//! Alertmanager's two families of errors: its framework's `{"code","message"}`, its handlers' bare JSON string; and
//! the empty body of a silence that is not there.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::api::commands::CommandError;
use crate::api::http::error::ApiError;
use crate::core::engine::CommandRefusal;

/// Why a v2 request is not answered with what it asked for.
#[derive(Debug)]
pub enum V2Refusal {
    /// The shape of the request is wrong; `code` is the status, or 601 (format), 602 (required), 612 (too few).
    Framework { status: StatusCode, code: u16, message: String },
    /// The handler's word.
    Words { status: StatusCode, message: String },
    /// 404 without a word.
    Gone,
    /// Anything that is not of this API: logged where it arose.
    Failed(ApiError),
}

impl V2Refusal {
    /// 400 in the handler's words.
    pub fn words(message: impl Into<String>) -> V2Refusal {
        V2Refusal::Words { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    /// 404 in the handler's words.
    pub fn silence_not_found() -> V2Refusal {
        V2Refusal::Words { status: StatusCode::NOT_FOUND, message: "silence not found".to_owned() }
    }

    /// 422 with that inner code.
    pub fn schema(code: u16, message: impl Into<String>) -> V2Refusal {
        V2Refusal::Framework { status: StatusCode::UNPROCESSABLE_ENTITY, code, message: message.into() }
    }

    /// A status that is its own code.
    pub fn framework(status: StatusCode, message: impl Into<String>) -> V2Refusal {
        V2Refusal::Framework { status, code: status.as_u16(), message: message.into() }
    }
}

impl IntoResponse for V2Refusal {
    fn into_response(self) -> Response {
        match self {
            V2Refusal::Framework { status, code, message } => {
                (status, Json(serde_json::json!({ "code": code, "message": message }))).into_response()
            }
            V2Refusal::Words { status, message } => (status, Json(message)).into_response(),
            V2Refusal::Gone => StatusCode::NOT_FOUND.into_response(),
            V2Refusal::Failed(failure) => failure.answer("/api/v2/"),
        }
    }
}

impl From<CommandError> for V2Refusal {
    fn from(unanswered: CommandError) -> V2Refusal {
        V2Refusal::Failed(unanswered.into())
    }
}

impl From<CommandRefusal> for V2Refusal {
    /// What the state refused of a silence: the engine's reasons are Alertmanager's words already.
    fn from(refusal: CommandRefusal) -> V2Refusal {
        match refusal {
            CommandRefusal::NotFound { .. } => V2Refusal::silence_not_found(),
            CommandRefusal::Invalid { reason } | CommandRefusal::NotAllowed { reason } => V2Refusal::words(reason),
            CommandRefusal::VersionMismatch { .. } | CommandRefusal::Forbidden { .. } => {
                V2Refusal::Failed(refusal.into())
            }
        }
    }
}
