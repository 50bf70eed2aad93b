//! Delivery by kind of channel: the configuration it needs, and one attempt with it.

use std::sync::Arc;

use jiff::tz::TimeZone;
use reqwest::{Client, Method};

use super::alertmanager;
use super::attempt_outcome::AttemptOutcome;
use super::chat::RobotKind;
use super::http_attempt::{Publish, call, post, publish, request};
use super::links::Links;
use super::mail::MailServer;
use super::payload;
use super::payload::NoticeLinks;
use super::secrets::Secrets;
use super::template::{Filler, Into, TemplateError};
use super::wording::Wording;
use crate::core::engine::{AlertRecord, Notification};
use crate::core::model::{IncidentId, Timestamp};
use crate::core::rules::{AlertmanagerWebhook, BodyFormat, Channel, RequestMethod, RequestTemplate};
use crate::store::Store;

/// The service's clock, injected: signatures and links carry the time.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Whether this process holds the lease.
pub type MayTell = Arc<dyn Fn() -> bool + Send + Sync>;

/// The configuration for reaching people.
pub struct ChannelConfig {
    /// Without it MQTT notifications cannot be sent.
    pub publisher: Option<Publish>,
    /// Without it mails cannot be sent.
    pub mail: Option<MailServer>,
    pub secrets: Secrets,
    /// Without them notifications carry no links.
    pub links: Option<Links>,
    pub now: Now,
    /// Time zone of times in texts.
    pub zone: TimeZone,
    /// What tells this installation's notices from another's; empty: nothing does.
    pub installation: String,
    /// By how many microseconds the wall clock is ahead of the service's time: people read it.
    pub ahead: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Whether this process may still speak for the service, asked before each attempt.
    pub may_tell: MayTell,
}

impl ChannelConfig {
    /// HTTP alone, without secrets.
    pub fn plain(now: Now) -> ChannelConfig {
        let secrets = Secrets::new(|_| None, None);
        ChannelConfig {
            publisher: None,
            mail: None,
            secrets,
            links: None,
            now,
            zone: TimeZone::UTC,
            installation: String::new(),
            ahead: Arc::new(|| 0),
            may_tell: Arc::new(|| true),
        }
    }

    /// A name of this installation's alone.
    fn named(&self, name: &str) -> String {
        if self.installation.is_empty() { name.to_owned() } else { format!("{name}.{}", self.installation) }
    }
}

/// Sends one notification by its channel.
pub(super) async fn attempt_once(
    client: &Client,
    reach: &ChannelConfig,
    store: &Store,
    notice: &Notification,
) -> AttemptOutcome {
    let notice = &Notification { at: notice.at.shifted((reach.ahead)()), ..notice.clone() };
    let now = (reach.now)();
    let links = NoticeLinks {
        key: reach.named(&notice.cause.to_string()),
        thread: reach.named(&notice.subject),
        record: reach.links.as_ref().map(|links| links.record(notice)),
        acknowledge: reach.links.as_ref().and_then(|links| links.acknowledge(notice, now)),
    };
    let wording = Wording::of(notice, &links, &reach.zone);
    let text = wording.within(usize::from(u16::MAX));
    let mut filler = Filler::new(notice, &links, &text, &reach.secrets);
    let sending = Attempt { client, reach, store, notice, links: &links, wording: &wording, now };
    let answer = sending.send(&mut filler).await.unwrap_or_else(not_filled);
    match answer {
        AttemptOutcome::Taken => AttemptOutcome::Taken,
        AttemptOutcome::Again { error, after } => AttemptOutcome::Again { error: filler.hide(error), after },
        AttemptOutcome::TooMany { error, rest } => AttemptOutcome::TooMany { error: filler.hide(error), rest },
        AttemptOutcome::Refused { error } => AttemptOutcome::Refused { error: filler.hide(error) },
    }
}

/// A missing secret may be added later; an unknown placeholder stays unknown.
fn not_filled(error: TemplateError) -> AttemptOutcome {
    match error {
        TemplateError::NoSecret(error) => AttemptOutcome::Again { error: error.to_string(), after: None },
        TemplateError::BadPlace(_) => AttemptOutcome::Refused { error: error.to_string() },
    }
}

struct Attempt<'s> {
    client: &'s Client,
    store: &'s Store,
    reach: &'s ChannelConfig,
    notice: &'s Notification,
    links: &'s NoticeLinks,
    wording: &'s Wording,
    now: Timestamp,
}

impl Attempt<'_> {
    async fn send(&self, filler: &mut Filler<'_>) -> Result<AttemptOutcome, TemplateError> {
        match &self.notice.channel {
            Channel::Webhook { url } => {
                let url = filler.fill(url, Into::Url).await?;
                Ok(match self.json() {
                    Ok(payload) => post(self.client, &url, &self.links.key, payload).await,
                    Err(refused) => refused,
                })
            }
            Channel::Mqtt { topic } => Ok(match self.json() {
                Ok(payload) => publish(self.reach.publisher.as_ref(), topic, &self.notice.subject, payload).await,
                Err(refused) => refused,
            }),
            Channel::Email { to } => self.mail(filler, to).await,
            Channel::Wecom { url } => self.robot(filler, RobotKind::Wecom, url, None).await,
            Channel::Dingtalk { url, secret } => self.robot(filler, RobotKind::Dingtalk, url, secret.as_deref()).await,
            Channel::Feishu { url, secret } => self.robot(filler, RobotKind::Feishu, url, secret.as_deref()).await,
            Channel::Slack { url } => self.robot(filler, RobotKind::Slack, url, None).await,
            Channel::Template(template) => self.template(filler, template).await,
            Channel::Alertmanager(webhook) => self.alertmanager(filler, webhook).await,
        }
    }

    fn json(&self) -> Result<Vec<u8>, AttemptOutcome> {
        payload::json(self.notice, self.links)
            .map_err(|error| AttemptOutcome::Refused { error: format!("the notice's record is not JSON: {error}") })
    }

    async fn alertmanager(
        &self,
        filler: &mut Filler<'_>,
        webhook: &AlertmanagerWebhook,
    ) -> Result<AttemptOutcome, TemplateError> {
        let url = filler.fill(&webhook.url, Into::Url).await?;
        let Ok(id) = self.notice.subject.parse::<IncidentId>() else {
            let error = format!("an Alertmanager's webhook cannot tell of {}", self.notice.subject);
            return Ok(AttemptOutcome::Refused { error });
        };
        let members = match self.store.members(id).await {
            Ok(members) => members,
            Err(error) => return Ok(AttemptOutcome::Again { error: error.to_string(), after: None }),
        };
        let own: Vec<AlertRecord> =
            members.into_iter().filter(|(_, link_only)| !link_only).map(|(alert, _)| alert).collect();
        let external_url = self.reach.links.as_ref().map_or("", |links| links.base.as_str());
        Ok(match alertmanager::body(self.notice, &own, webhook.max_alerts, external_url) {
            Ok(payload) => post(self.client, &url, &self.links.key, payload).await,
            Err(error) => AttemptOutcome::Refused { error: format!("the notice's record is not JSON: {error}") },
        })
    }

    async fn mail(&self, filler: &mut Filler<'_>, to: &str) -> Result<AttemptOutcome, TemplateError> {
        let Some(mail) = &self.reach.mail else {
            let error = "no mail server is configured (smtp: in watchfire.yaml, or --smtp-url)".to_owned();
            return Ok(AttemptOutcome::Refused { error });
        };
        let url = filler.fill(&mail.url, Into::Credentials).await?;
        Ok(mail.send(&url, self.notice, self.links, to, self.wording).await)
    }

    async fn robot(
        &self,
        filler: &mut Filler<'_>,
        tool: RobotKind,
        url: &str,
        secret: Option<&str>,
    ) -> Result<AttemptOutcome, TemplateError> {
        let url = filler.fill(url, Into::Url).await?;
        let secret = match secret {
            Some(name) => Some(filler.secret(name).await?),
            None => None,
        };
        Ok(call(self.client, tool, tool.call(url, self.wording, secret.as_deref(), self.now)).await)
    }

    async fn template(
        &self,
        filler: &mut Filler<'_>,
        template: &RequestTemplate,
    ) -> Result<AttemptOutcome, TemplateError> {
        let url = filler.fill(&template.url, Into::Url).await?;
        let format = template.body_format();
        let body = filler.fill(&template.body, Into::Body(format)).await?;
        let mut headers = Vec::with_capacity(template.headers.len() + 2);
        for (name, value) in &template.headers {
            headers.push((name.clone(), filler.fill(value, Into::Header).await?));
        }
        let has = |wanted: &str| template.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        if format == BodyFormat::Json && !has("content-type") {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        if !has("idempotency-key") {
            headers.push(("Idempotency-Key".to_owned(), self.links.key.clone()));
        }
        let method = match template.method {
            RequestMethod::Post => Method::POST,
            RequestMethod::Put => Method::PUT,
            RequestMethod::Get => Method::GET,
        };
        Ok(request(self.client, method, &url, &headers, body, template.answer_has.as_deref()).await)
    }
}
