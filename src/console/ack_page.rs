//! Acknowledge page of a notification's link: a question, and a button. Needs no login; the token in the link allows
//! one person to acknowledge one incident until a time, and nothing else.
//!
//! Viewing must never acknowledge, because mail scanners and chat previews follow every link.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::auth::{ClientAddress, Permission, too_many};
use crate::api::commands::{CommandError, DriverRequest};
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::state::ApiContext;
use crate::core::engine::{Action, Command, CommandRefusal, IncidentAction, Outcome};
use crate::core::incidents::{ACK_TOKEN_MAX_BYTES, AckClaim, AckTokenError, Incident, TimelineKind};

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

/// How often the incident is looked at anew when it changes between the look and the command.
const TRIES: usize = 4;

/// The page behind the link of a notification: its subject, and a button. Changes nothing.
#[utoipa::path(get, path = "/ack", params(("t" = String, Query, description = "The token of the link")),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 410, description = "The link is no longer good", body = String, content_type = "text/html")))]
async fn ask(
    State(shared): State<Arc<ApiContext>>,
    ClientAddress(address): ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let token = token_of(query.as_deref().unwrap_or_default());
    let claim = match claim(&shared, &token, address) {
        Ok(claim) => claim,
        Err(refused) => return refused.answer(),
    };
    match standing(&shared, &claim).await {
        // Whoever looks again sees who took it.
        Ok(AckSubject { incident, is_used: true }) if !incident.acknowledged && incident.state.is_open() => {
            AckRefusal::Used.answer()
        }
        Ok(AckSubject { incident, .. }) => page(StatusCode::OK, &question(&incident, &claim, &token)),
        Err(refused) => refused.answer(),
    }
}

/// The button: acknowledges the incident for the recipient of the notification.
#[utoipa::path(post, path = "/ack",
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "t: the token"),
    responses((status = 200, description = "Taken", body = String, content_type = "text/html"),
        (status = 409, description = "Its state does not allow that", body = String, content_type = "text/html"),
        (status = 410, description = "The link is no longer good", body = String, content_type = "text/html")))]
async fn acknowledge(
    State(shared): State<Arc<ApiContext>>,
    ClientAddress(address): ClientAddress,
    body: Bytes,
) -> Response {
    let token = token_of(std::str::from_utf8(&body).unwrap_or_default());
    let claim = match claim(&shared, &token, address) {
        Ok(claim) => claim,
        Err(refused) => return refused.answer(),
    };
    let mut refused = AckRefusal::Busy;
    for _ in 0..TRIES {
        // The link is judged by the incident as it stands, so the command is for exactly that version of it.
        let version = match standing(&shared, &claim).await {
            Ok(AckSubject { is_used: true, .. }) => return AckRefusal::Used.answer(),
            Ok(AckSubject { incident, .. }) => incident.version,
            Err(refused) => return refused.answer(),
        };
        match shared.api.commands.send(DriverRequest::Command(command(&claim, version))).await {
            Ok(Outcome::Refused(CommandRefusal::VersionMismatch { .. })) => {}
            Ok(Outcome::Refused(refusal)) => {
                refused = AckRefusal::Refused(refusal);
                break;
            }
            Ok(
                Outcome::Incident { .. }
                | Outcome::Problem { .. }
                | Outcome::Run { .. }
                | Outcome::Staff { .. }
                | Outcome::Silence { .. }
                | Outcome::Rulebook { .. },
            ) => {
                let (id, who) = (claim.incident, escaped(&claim.who));
                return page(StatusCode::OK, &format!("<h1>已受理 · Acknowledged</h1><p>{id} · {who}</p>"));
            }
            Err(CommandError::Unknown { .. } | CommandError::BadRules { .. }) => break,
        }
    }
    refused.answer()
}

fn command(claim: &AckClaim, version: u64) -> Command {
    let action = IncidentAction::Acknowledge { note: Some("by link".to_owned()) };
    Command {
        actor: if claim.is_person { claim.who.clone() } else { format!("team {}", claim.who) },
        role: BY_LINK.to_owned(),
        idempotency_key: None,
        if_match: Some(version),
        action: Action::Incident { id: claim.incident, action },
    }
}

/// Why a link does not do what it was made for.
enum AckRefusal {
    Bad(AckTokenError),
    NoIncident,
    /// It was acknowledged since the notice went out.
    Used,
    /// It was resolved and reopened since: there is another notice.
    AnotherEpisode,
    /// Whoever got the notice is no longer here.
    PersonGone,
    TooOften(ApiError),
    Refused(CommandRefusal),
    /// The store or the service cannot say now.
    Busy,
}

impl AckRefusal {
    fn answer(self) -> Response {
        let said = |status: StatusCode, words: &str| page(status, &format!("<h1>{words}</h1>"));
        match self {
            AckRefusal::Bad(AckTokenError::Expired) => said(StatusCode::GONE, "链接已过期 · This link has expired"),
            AckRefusal::Bad(AckTokenError::Forged) => {
                said(StatusCode::BAD_REQUEST, "链接无效 · This link is not valid")
            }
            AckRefusal::NoIncident => said(StatusCode::NOT_FOUND, "没有这个故障 · No such incident"),
            AckRefusal::Used => {
                said(StatusCode::GONE, "已有人受理，链接已失效 · Acknowledged already: this link is used up")
            }
            AckRefusal::AnotherEpisode => {
                said(StatusCode::GONE, "故障已恢复后又发生，请用新通知 · It came back since: use the newest notice")
            }
            AckRefusal::PersonGone => {
                said(StatusCode::GONE, "此人已不在值班名单 · Whoever got this link is no longer here")
            }
            AckRefusal::TooOften(failure) => failure.into_response(),
            AckRefusal::Refused(refusal) => {
                let status = match refusal {
                    CommandRefusal::NotFound { .. } => StatusCode::NOT_FOUND,
                    CommandRefusal::Forbidden { .. } => StatusCode::FORBIDDEN,
                    CommandRefusal::NotAllowed { .. }
                    | CommandRefusal::VersionMismatch { .. }
                    | CommandRefusal::Invalid { .. } => StatusCode::CONFLICT,
                };
                let why = escaped(&refusal.to_string());
                page(status, &format!("<h1>未受理 · Not acknowledged</h1><p>{why}</p>"))
            }
            AckRefusal::Busy => said(StatusCode::SERVICE_UNAVAILABLE, "请稍后再试 · Try again in a moment"),
        }
    }
}

/// `t=…` of a query or a form. Tokens contain no character that needs escaping.
fn token_of(pairs: &str) -> String {
    let value = pairs.split('&').find_map(|pair| pair.strip_prefix("t=")).unwrap_or_default();
    value.get(..ACK_TOKEN_MAX_BYTES).unwrap_or(value).to_owned()
}

/// What the token says, if it is ours. Bad ones are counted by address, good ones by what they are for: a guesser behind
/// the same gateway slows nobody else down.
fn claim(shared: &ApiContext, token: &str, address: IpAddr) -> Result<AckClaim, AckRefusal> {
    let (now, steady) = ((shared.api.now)(), (shared.api.steady)());
    let key = shared.api.settings.ack_key.as_ref().ok_or(AckRefusal::Bad(AckTokenError::Forged))?;
    let too_often = |wait| AckRefusal::TooOften(too_many(wait));
    match AckClaim::read(token, key, now) {
        Ok(claim) => {
            shared.links.take(&(claim.incident, claim.who.clone()), steady).map_err(too_often)?;
            Ok(claim)
        }
        Err(bad) => {
            shared.bad_links.take(&address, steady).map_err(too_often)?;
            Err(AckRefusal::Bad(bad))
        }
    }
}

/// The incident that a link is for.
struct AckSubject {
    incident: Incident,
    /// Whether it was acknowledged since the notice went out, by this link or otherwise.
    is_used: bool,
}

/// The incident that a link is for, if the link is still good for looking at it.
async fn standing(shared: &ApiContext, claim: &AckClaim) -> Result<AckSubject, AckRefusal> {
    let busy = |error| {
        tracing::error!(%error, "a read from the store failed");
        AckRefusal::Busy
    };
    let incident = shared.api.store.incident(claim.incident).await.map_err(busy)?.ok_or(AckRefusal::NoIncident)?;
    let is_gone = if claim.is_person {
        shared.has_gone(&claim.who).await
    } else {
        !shared.api.live.rulebook().teams.contains_key(&claim.who)
    };
    if is_gone {
        return Err(AckRefusal::PersonGone);
    }
    let timeline = shared.api.store.timeline(claim.incident).await.map_err(busy)?;
    let mut since = timeline.iter().filter(|entry| entry.at >= claim.issued);
    // The notice of a reopened incident is of the same moment as its reopening.
    if since.clone().any(|entry| entry.kind == TimelineKind::Reopened && entry.at > claim.issued) {
        return Err(AckRefusal::AnotherEpisode);
    }
    let is_used = since.any(|entry| entry.kind == TimelineKind::Acknowledged);
    Ok(AckSubject { incident, is_used })
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
