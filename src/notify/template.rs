//! Texts with placeholders, filled for one notification: its fields, labels of its incident, secrets of the
//! configuration.

use serde_json::Value;

use super::payload::{NoticeLinks, json_escaped, percent_encoded, without_mentions, xml_escaped};
use super::secrets::{SecretError, Secrets};
use crate::core::engine::Notification;
use crate::core::rules::{BadPlaceholder, BodyFormat, NoticeField, TemplatePart, pieces};

/// The escaping of a value in the text around it.
#[derive(Clone, Copy)]
pub(super) enum Into {
    /// Percent-encoded.
    Url,
    /// As the receiver of the body reads values.
    Body(BodyFormat),
    /// Without line breaks and other control characters.
    Header,
    /// Like `Url`, secrets included, because they are in the place of user and password.
    Credentials,
}

/// Reason why a text cannot be filled.
#[derive(Debug, thiserror::Error)]
pub(super) enum TemplateError {
    #[error(transparent)]
    NoSecret(#[from] SecretError),
    #[error("{0}; correct it in the channels of the team or person")]
    BadPlace(#[from] BadPlaceholder),
}

/// Fills texts for one notification, and remembers the used secrets, so that no error shows them.
pub(super) struct Filler<'n> {
    notice: &'n Notification,
    links: &'n NoticeLinks,
    /// The notification in words.
    text: &'n str,
    record: Value,
    secrets: &'n Secrets,
    used: Vec<String>,
}

impl<'n> Filler<'n> {
    pub fn new(notice: &'n Notification, links: &'n NoticeLinks, text: &'n str, secrets: &'n Secrets) -> Filler<'n> {
        let record = serde_json::from_str(&notice.body).unwrap_or(Value::Null);
        Filler { notice, links, text, record, secrets, used: Vec::new() }
    }

    pub async fn fill(&mut self, template: &str, into: Into) -> Result<String, TemplateError> {
        let mut filled = String::with_capacity(template.len());
        for piece in pieces(template)? {
            match piece {
                TemplatePart::Plain(text) => filled.push_str(text),
                TemplatePart::Field(field) => filled.push_str(&written(&self.value(field), into)),
                TemplatePart::Label(name) => {
                    let labels = self.record.get("labels");
                    let value = labels.and_then(|labels| labels.get(name)).and_then(Value::as_str).unwrap_or_default();
                    filled.push_str(&written(value, into));
                }
                TemplatePart::Secret(name) => {
                    let secret = self.secret(name).await?;
                    // In a URL a secret is inserted unchanged, because it may be a path.
                    filled.push_str(&match into {
                        Into::Url | Into::Body(BodyFormat::Plain) => secret,
                        Into::Body(BodyFormat::Json) => json_escaped(&secret),
                        Into::Body(BodyFormat::Form | BodyFormat::Xml) | Into::Header | Into::Credentials => {
                            written(&secret, into)
                        }
                    });
                }
            }
        }
        Ok(filled)
    }

    pub async fn secret(&mut self, name: &str) -> Result<String, SecretError> {
        let secret = self.secrets.get(name).await?;
        self.used.push(secret.clone());
        Ok(secret)
    }

    /// An error or a response without the secrets of its request.
    pub fn hide(&self, text: String) -> String {
        let written = self
            .used
            .iter()
            .flat_map(|secret| [secret.clone(), percent_encoded(secret), json_escaped(secret), xml_escaped(secret)]);
        written.filter(|secret| !secret.is_empty()).fold(text, |text, secret| text.replace(&secret, "…"))
    }

    fn value(&self, field: NoticeField) -> String {
        let of_record = |key: &str| match self.record.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => String::new(),
        };
        let notice = self.notice;
        match field {
            NoticeField::Id => notice.subject.clone(),
            NoticeField::Notice => self.links.key.clone(),
            NoticeField::Kind => notice.kind.as_str().to_owned(),
            NoticeField::Title => notice.title.clone(),
            NoticeField::Text => self.text.to_owned(),
            NoticeField::Tier => notice.tier.map(|tier| tier.to_string()).unwrap_or_default(),
            NoticeField::Team => notice.team.clone(),
            NoticeField::Person => notice.person.clone().unwrap_or_default(),
            NoticeField::At => notice.at.to_rfc3339(),
            NoticeField::Link => self.links.record.clone().unwrap_or_default(),
            NoticeField::Acknowledge => self.links.acknowledge.clone().unwrap_or_default(),
            NoticeField::Severity
            | NoticeField::Priority
            | NoticeField::State
            | NoticeField::Rule
            | NoticeField::Reason => of_record(field.as_str()),
        }
    }
}

fn written(value: &str, into: Into) -> String {
    match into {
        Into::Url | Into::Credentials | Into::Body(BodyFormat::Form) => percent_encoded(value),
        // Behind a JSON or plain body may stand a chat that reads mentions in texts.
        Into::Body(BodyFormat::Json) => json_escaped(&without_mentions(value)),
        Into::Body(BodyFormat::Xml) => xml_escaped(value),
        Into::Header => value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        Into::Body(BodyFormat::Plain) => without_mentions(value).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::payload::tests::notice;
    use super::*;

    #[tokio::test]
    async fn values_are_escaped_for_where_they_stand_and_secrets_are_hidden_again() {
        let secrets = Secrets::new(|name| (name == "WATCHFIRE_SECRET_NOC").then(|| "s3 cret/键".to_owned()), None);
        let mut notice = notice(r#"{"severity":"critical","labels":{"站点":"广州\"01"}}"#);
        notice.title = "链路 \"sw3\"\n中断".to_owned();
        let links = NoticeLinks::default();
        let mut filler = Filler::new(&notice, &links, "words", &secrets);
        let json = filler
            .fill(r#"{"t":"{title}","s":"{label:站点}","x":"{label:none}"}"#, Into::Body(BodyFormat::Json))
            .await
            .unwrap();
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["t"], "链路 \"sw3\"\n中断");
        assert_eq!(json["s"], "广州\"01");
        assert_eq!(json["x"], "");
        let url = filler.fill("http://h/{severity}?t={title}&k={secret:noc}", Into::Url).await.unwrap();
        assert_eq!(url, "http://h/critical?t=%E9%93%BE%E8%B7%AF%20%22sw3%22%0A%E4%B8%AD%E6%96%AD&k=s3 cret/键");
        assert_eq!(filler.fill("{title}", Into::Header).await.unwrap(), "链路 \"sw3\" 中断");
        assert_eq!(
            filler.fill("{id} {kind} {team} {tier} {text}", Into::Body(BodyFormat::Plain)).await.unwrap(),
            "INC-7 page_again noc 2 words"
        );
        assert_eq!(filler.hide("no robot s3 cret/键, s3%20cret%2F%E9%94%AE".to_owned()), "no robot …, …");
        assert!(filler.fill("{secret:other}", Into::Url).await.unwrap_err().to_string().contains("SECRET_OTHER"));
    }
}
