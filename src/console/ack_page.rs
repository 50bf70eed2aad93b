//! Acknowledge page of a notification's link: a question, and a button. Needs no login; the token in the link allows
//! one person to acknowledge one incident until a time, and nothing else.
//!
//! Viewing must never acknowledge, because mail scanners and chat previews follow every link.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::auth::Permission;
use crate::api::commands::{CommandError, DriverRequest};
use crate::api::http::endpoint::Endpoint;
use crate::api::state::ApiContext;
use crate::core::engine::{Action, Command, CommandRefusal, IncidentAction, Outcome};
use crate::core::incidents::{ACK_TOKEN_MAX_BYTES, AckClaim, AckTokenError, Incident};

/// The role in the audit.
const BY_LINK: &str = "link";

/// The page loads nothing from elsewhere, is not cached, and is not shown inside another page.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
];

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_ask, Permission::Link, ask),
        Endpoint::of(__path_acknowledge, Permission::Link, acknowledge),
    ]
}

/// The page behind the link of a notification: its subject, and a button. Changes nothing.
#[utoipa::path(get, path = "/ack", params(("t" = String, Query, description = "The token of the link")),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 410, description = "The link has expired", body = String, content_type = "text/html")))]
async fn ask(State(shared): State<Arc<ApiContext>>, RawQuery(query): RawQuery) -> Response {
    let token = token_of(query.as_deref().unwrap_or_default());
    let claim = match claim(&shared, &token) {
        Ok(claim) => claim,
        Err(bad) => return refused(bad),
    };
    match shared.api.store.incident(claim.incident).await {
        Ok(Some(incident)) => page(StatusCode::OK, &question(&incident, &claim, &token)),
        Ok(None) => page(StatusCode::NOT_FOUND, "<h1>没有这个故障 · No such incident</h1>"),
        Err(error) => {
            tracing::error!(%error, "a read from the store failed");
            page(StatusCode::SERVICE_UNAVAILABLE, "<h1>请稍后再试 · Try again in a moment</h1>")
        }
    }
}

/// The button: acknowledges the incident for the recipient of the notification.
#[utoipa::path(post, path = "/ack",
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "t: the token"),
    responses((status = 200, description = "Taken", body = String, content_type = "text/html"),
        (status = 409, description = "Its state does not allow that", body = String, content_type = "text/html"),
        (status = 410, description = "The link has expired", body = String, content_type = "text/html")))]
async fn acknowledge(State(shared): State<Arc<ApiContext>>, body: Bytes) -> Response {
    let token = token_of(std::str::from_utf8(&body).unwrap_or_default());
    let claim = match claim(&shared, &token) {
        Ok(claim) => claim,
        Err(bad) => return refused(bad),
    };
    let action = IncidentAction::Acknowledge { note: Some("by link".to_owned()) };
    let command = Command {
        actor: if claim.is_person { claim.who.clone() } else { format!("team {}", claim.who) },
        role: BY_LINK.to_owned(),
        idempotency_key: None,
        if_match: None,
        action: Action::Incident { id: claim.incident, action },
    };
    let id = claim.incident;
    match shared.api.commands.send(DriverRequest::Command(command)).await {
        Ok(Outcome::Refused(refusal)) => {
            let status = match refusal {
                CommandRefusal::NotFound { .. } => StatusCode::NOT_FOUND,
                CommandRefusal::Forbidden { .. } => StatusCode::FORBIDDEN,
                CommandRefusal::NotAllowed { .. }
                | CommandRefusal::VersionMismatch { .. }
                | CommandRefusal::Invalid { .. } => StatusCode::CONFLICT,
            };
            page(status, &format!("<h1>未受理 · Not acknowledged</h1><p>{}</p>", escaped(&refusal.to_string())))
        }
        Ok(
            Outcome::Incident { .. }
            | Outcome::Problem { .. }
            | Outcome::Run { .. }
            | Outcome::Staff { .. }
            | Outcome::Silence { .. }
            | Outcome::Rulebook { .. },
        ) => page(StatusCode::OK, &format!("<h1>已受理 · Acknowledged</h1><p>{id} · {}</p>", escaped(&claim.who))),
        Err(CommandError::Unknown { .. } | CommandError::BadRules { .. }) => {
            page(StatusCode::SERVICE_UNAVAILABLE, "<h1>请稍后再试 · Try again in a moment</h1>")
        }
    }
}

/// `t=…` of a query or a form. Tokens contain no character that needs escaping.
fn token_of(pairs: &str) -> String {
    let value = pairs.split('&').find_map(|pair| pair.strip_prefix("t=")).unwrap_or_default();
    value.get(..ACK_TOKEN_MAX_BYTES).unwrap_or(value).to_owned()
}

fn claim(shared: &ApiContext, token: &str) -> Result<AckClaim, AckTokenError> {
    let key = shared.api.settings.ack_key.as_ref().ok_or(AckTokenError::Forged)?;
    AckClaim::read(token, key, (shared.api.now)())
}

fn refused(bad: AckTokenError) -> Response {
    match bad {
        AckTokenError::Expired => page(StatusCode::GONE, "<h1>链接已过期 · This link has expired</h1>"),
        AckTokenError::Forged => page(StatusCode::BAD_REQUEST, "<h1>链接无效 · This link is not valid</h1>"),
    }
}

fn question(incident: &Incident, claim: &AckClaim, token: &str) -> String {
    let Incident { id, priority, severity, state, tier, .. } = incident;
    let about = format!(
        "<h1>{id} {}</h1><p>{priority} · {severity} · tier {tier} · {}</p><p>{} · {}</p>",
        escaped(&incident.title),
        state.as_str(),
        escaped(&incident.team),
        escaped(&claim.who),
    );
    if !state.is_open() || incident.acknowledged {
        let taken = incident.assignee.as_deref().unwrap_or_default();
        return format!("{about}<p><strong>无需受理 · Nothing to acknowledge any more</strong> {}</p>", escaped(taken));
    }
    format!(
        "{about}<form method=\"post\" action=\"ack\"><input type=\"hidden\" name=\"t\" value=\"{}\">\
         <button>受理 · Acknowledge</button></form>",
        escaped(token)
    )
}

fn page(status: StatusCode, content: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"zh\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>watchfire</title><style>body{{font:1.1rem/1.5 sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem}}\
         h1{{font-size:1.3rem}}button{{font-size:1.2rem;padding:.8rem 1.6rem}}</style><body>{content}</body></html>"
    );
    (status, HEADERS, html).into_response()
}

/// Escapes text for use between tags and inside quoted attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_cannot_become_markup_and_tokens_are_found() {
        assert_eq!(escaped("<b a=\"1\">&'链路"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;链路");
        assert_eq!(token_of("a=1&t=7.x&b"), "7.x");
        assert_eq!(token_of("tt=7"), "");
        assert_eq!(token_of(""), "");
    }
}
