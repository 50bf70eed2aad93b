//! The delivery log: what was sent to whom, without the secrets that an address may hold.

use serde::{Deserialize, Serialize};

use crate::engine::{DeliveryOutcome, NoticeKind};
use crate::model::{Moment, Tier};
use crate::rules::Channel;
use crate::store::DeliveryRow;

/// One notice and what became of it.
#[derive(Serialize)]
pub struct DeliveryView {
    /// The idempotency key that its receiver saw.
    pub id: String,
    pub kind: NoticeKind,
    pub at: Moment,
    pub title: String,
    pub team: String,
    pub tier: Option<Tier>,
    pub channel: &'static str,
    /// The receiver, cut where a secret may begin.
    pub to: String,
    pub attempts: u32,
    pub state: DeliveryState,
    pub error: Option<String>,
    pub delivered_at: Option<Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Waiting,
    Delivered,
    /// Will be tried again.
    Failed,
    DeadLettered,
}

impl From<DeliveryRow> for DeliveryView {
    fn from(row: DeliveryRow) -> DeliveryView {
        let (state, error) = match row.outcome {
            None => (DeliveryState::Waiting, None),
            Some(DeliveryOutcome::Delivered) => (DeliveryState::Delivered, None),
            Some(DeliveryOutcome::Failed { error }) => (DeliveryState::Failed, Some(error)),
            Some(DeliveryOutcome::DeadLettered { error }) => (DeliveryState::DeadLettered, Some(error)),
        };
        let (channel, to) = named(&row.notice.channel);
        DeliveryView {
            id: row.notice.cause.to_string(),
            kind: row.notice.kind,
            at: row.notice.at,
            title: row.notice.title,
            team: row.notice.team,
            tier: row.notice.tier,
            channel,
            to,
            attempts: row.attempts,
            state,
            error,
            delivered_at: row.delivered_at,
        }
    }
}

/// A channel's kind and where it goes: of a URL only scheme and host, since paths, queries and user parts carry keys.
pub fn named(channel: &Channel) -> (&'static str, String) {
    match channel {
        Channel::Mqtt { topic } => ("mqtt", topic.clone()),
        Channel::Webhook { url } => {
            let parsed: Option<axum::http::Uri> = url.parse().ok();
            let place = parsed.as_ref().and_then(|uri| {
                let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
                Some(format!("{}://{}{port}/…", uri.scheme_str()?, uri.host()?))
            });
            ("webhook", place.unwrap_or_else(|| "…".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_webhook_is_shown() {
        let check = |url: &str, shown: &str| {
            assert_eq!(named(&Channel::Webhook { url: url.to_owned() }).1, shown);
        };
        check("https://user:pass@chat.example.org:8443/hook/SECRET?key=SECRET", "https://chat.example.org:8443/…");
        check("http://127.0.0.1/x", "http://127.0.0.1/…");
        check("SECRET", "…");
        assert_eq!(named(&Channel::Mqtt { topic: "值班/{id}".to_owned() }), ("mqtt", "值班/{id}".to_owned()));
    }
}
