//! Notification channels as a rulebook stores them: secrets only by name, never by value.

use serde::{Deserialize, Serialize};

/// A channel to notify a team or a person. Addresses may contain `{secret:NAME}`, which is looked up only when a
/// notification is sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Channel {
    /// POST of the notification as JSON.
    Webhook { url: String },
    /// A message on that topic; `{id}` becomes the incident's id.
    Mqtt { topic: String },
    /// A mail to one address.
    Email { to: String },
    /// A group robot of WeCom 企业微信.
    Wecom { url: String },
    /// A group robot of DingTalk 钉钉; `secret`: the name of the secret that signs.
    Dingtalk { url: String, secret: Option<String> },
    /// A group robot of Feishu 飞书; `secret`: the name of the secret that signs.
    Feishu { url: String, secret: Option<String> },
    /// An incoming webhook of Slack, or of a compatible service.
    Slack { url: String },
    /// Any HTTP request, made from templates.
    Template(Box<RequestTemplate>),
    /// POST of the incident's alerts as an Alertmanager's webhook.
    Alertmanager(Box<AlertmanagerWebhook>),
}

/// A receiver that reads an Alertmanager's webhook.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertmanagerWebhook {
    pub url: String,
    /// How many alerts a body holds; 0 is all.
    pub max_alerts: u32,
    /// Whether it is told the end.
    pub send_resolved: bool,
}

/// A request whose address, headers and body have placeholders (`placeholders.rs`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestTemplate {
    pub method: RequestMethod,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Text that a good response must contain; without it any 2xx is good.
    pub answer_has: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RequestMethod {
    Post,
    Put,
    Get,
}

impl RequestMethod {
    pub const ALL: [RequestMethod; 3] = [RequestMethod::Post, RequestMethod::Put, RequestMethod::Get];

    pub const fn as_str(self) -> &'static str {
        match self {
            RequestMethod::Post => "POST",
            RequestMethod::Put => "PUT",
            RequestMethod::Get => "GET",
        }
    }
}

impl std::str::FromStr for RequestMethod {
    type Err = crate::core::model::ParseWordError;

    fn from_str(word: &str) -> Result<RequestMethod, crate::core::model::ParseWordError> {
        RequestMethod::ALL.into_iter().find(|method| method.as_str() == word).ok_or_else(|| {
            crate::core::model::ParseWordError { what: "method", word: word.to_owned(), expected: "POST, PUT or GET" }
        })
    }
}

impl RequestTemplate {
    /// As what the receiver reads the body: by its content type, else by how it begins.
    pub fn body_format(&self) -> BodyFormat {
        let kind = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let Some((_, kind)) = kind else {
            let is_json = self.body.trim_start().starts_with(['{', '[']);
            return if is_json { BodyFormat::Json } else { BodyFormat::Plain };
        };
        let kind = kind.to_ascii_lowercase();
        if kind.contains("json") {
            BodyFormat::Json
        } else if kind.contains("x-www-form-urlencoded") {
            BodyFormat::Form
        } else if kind.contains("xml") || kind.contains("html") {
            BodyFormat::Xml
        } else {
            BodyFormat::Plain
        }
    }
}

/// How values must be written into the body of a request, so that they stay values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// HTML too.
    Xml,
    Plain,
}

/// Every kind of channel, as metrics and answers name it.
pub const CHANNEL_KINDS: [&str; 8] = ["webhook", "mqtt", "email", "wecom", "dingtalk", "feishu", "slack", "template"];

impl Channel {
    /// One of [`CHANNEL_KINDS`].
    pub const fn kind(&self) -> &'static str {
        match self {
            Channel::Webhook { .. } | Channel::Alertmanager(_) => "webhook",
            Channel::Mqtt { .. } => "mqtt",
            Channel::Email { .. } => "email",
            Channel::Wecom { .. } => "wecom",
            Channel::Dingtalk { .. } => "dingtalk",
            Channel::Feishu { .. } => "feishu",
            Channel::Slack { .. } => "slack",
            Channel::Template(_) => "template",
        }
    }

    /// Its destination without secrets: of a URL only scheme, host and port, since user parts, paths and queries carry
    /// keys.
    pub fn shown(&self) -> String {
        match self {
            Channel::Mqtt { topic } => topic.clone(),
            Channel::Email { to } => to.clone(),
            Channel::Webhook { url }
            | Channel::Wecom { url }
            | Channel::Dingtalk { url, .. }
            | Channel::Feishu { url, .. }
            | Channel::Slack { url } => origin(url),
            Channel::Template(template) => origin(&template.url),
            Channel::Alertmanager(webhook) => origin(&webhook.url),
        }
    }

    /// True if it tells of alerts alone: no problems, inspections or digests.
    pub const fn tells_alerts_alone(&self) -> bool {
        matches!(self, Channel::Alertmanager(_))
    }

    /// True if it is told when an incident is over.
    pub fn is_told_the_end(&self) -> bool {
        match self {
            Channel::Alertmanager(webhook) => webhook.send_resolved,
            Channel::Webhook { .. }
            | Channel::Mqtt { .. }
            | Channel::Email { .. }
            | Channel::Wecom { .. }
            | Channel::Dingtalk { .. }
            | Channel::Feishu { .. }
            | Channel::Slack { .. }
            | Channel::Template(_) => true,
        }
    }

    /// True if people read each message, so that a flood of them helps no one.
    pub const fn is_read_by_people(&self) -> bool {
        match self {
            Channel::Webhook { .. } | Channel::Mqtt { .. } | Channel::Template(_) | Channel::Alertmanager(_) => false,
            Channel::Email { .. }
            | Channel::Wecom { .. }
            | Channel::Dingtalk { .. }
            | Channel::Feishu { .. }
            | Channel::Slack { .. } => true,
        }
    }
}

/// `https://host:port/…`, or only `…` of a text that is no URL.
fn origin(url: &str) -> String {
    let Some((scheme, rest)) =
        url.split_once("://").filter(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphabetic()))
    else {
        return "…".to_owned();
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.is_empty() || host.contains('{') {
        return "…".to_owned();
    }
    format!("{scheme}://{host}/…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_their_secrets() {
        let check = |url: &str, expected: &str| {
            assert_eq!(Channel::Webhook { url: url.to_owned() }.shown(), expected);
            assert_eq!(Channel::Slack { url: url.to_owned() }.shown(), expected);
        };
        check("https://noc:hunter2@hooks.example:8443/services/T0/B1?token=abc", "https://hooks.example:8443/…");
        check("http://127.0.0.1:9/", "http://127.0.0.1:9/…");
        check("https://oapi.dingtalk.example/robot/send?access_token={secret:noc}", "https://oapi.dingtalk.example/…");
        check("https://host?key=SECRET", "https://host/…");
        check("https://{secret:noc}/x", "…");
        check("not a url with hunter2", "…");
        check("SECRET", "…");
        assert_eq!(Channel::Mqtt { topic: "事件/{id}".to_owned() }.shown(), "事件/{id}");
        assert_eq!(Channel::Email { to: "noc@example.org".to_owned() }.shown(), "noc@example.org");
    }
}
