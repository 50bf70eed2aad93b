//! Mail by SMTP: plain text in UTF-8, one mail per address, the same `Message-ID` in every attempt.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use reqwest::Url;

use super::http_attempt::{AttemptOutcome, chain};
use super::payload::NoticeLinks;
use super::wording::{Wording, cut};
use crate::core::engine::Notification;
use crate::core::rules::{BadPlaceholder, TemplatePart, pieces};

/// Maximum length of a mail's text, in bytes.
const TEXT_MAX_BYTES: usize = 64 * 1024;
/// Maximum length of a subject, in bytes.
const SUBJECT_MAX_BYTES: usize = 400;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// The mail server, and the sender's address.
pub struct MailServer {
    /// `smtp://…` or `smtps://…`, with placeholders for secrets.
    pub(super) url: String,
    from: Mailbox,
    /// The transport of the last address, with its certificates loaded.
    transport: Mutex<Option<(String, Transport)>>,
}

/// Reason why a mail configuration is invalid.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailServerError {
    #[error("{from:?} is not a sender; expected \"noc@example.com\" or \"值班 <noc@example.com>\"")]
    From { from: String },
    #[error(
        "the URL of the mail server cannot be read; expected smtp://user:{{secret:NAME}}@host:587?tls=required or smtps://…"
    )]
    Url,
    #[error("the password of the mail server stands in clear; write {{secret:NAME}} in its place")]
    PasswordInClear,
    #[error("a password would go over the wire in clear; write smtps:// or add ?tls=required")]
    NotEncrypted,
    #[error("{0}")]
    Place(#[from] BadPlaceholder),
}

impl MailServer {
    /// Checks the settings as far as possible without a connection.
    pub fn new(url: &str, from: &str) -> Result<MailServer, MailServerError> {
        let from: Mailbox = from.parse().map_err(|_| MailServerError::From { from: from.to_owned() })?;
        let only_secrets = |piece: &TemplatePart<'_>| match piece {
            TemplatePart::Plain(_) | TemplatePart::Secret(_) => true,
            TemplatePart::Field(_) | TemplatePart::Label(_) => false,
        };
        if !pieces(url)?.iter().all(only_secrets) {
            return Err(MailServerError::Url);
        }
        let parsed = Url::parse(url).map_err(|_| MailServerError::Url)?;
        let tls = parsed.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
        let is_encrypted = match (parsed.scheme(), tls.as_deref()) {
            ("smtps", None) | ("smtp", Some("required")) => true,
            ("smtp", None | Some("opportunistic")) => false,
            _ => return Err(MailServerError::Url),
        };
        if parsed.host_str().is_none_or(str::is_empty) {
            return Err(MailServerError::Url);
        }
        if parsed.password().is_some() {
            if !url.contains(":{secret:") {
                return Err(MailServerError::PasswordInClear);
            }
            if !is_encrypted {
                return Err(MailServerError::NotEncrypted);
            }
        }
        Ok(MailServer { url: url.to_owned(), from, transport: Mutex::default() })
    }

    /// Hands the mail to the server at that address (the URL with its secrets); ends once the server has accepted it.
    pub(super) async fn send(
        &self,
        url: &str,
        notice: &Notification,
        links: &NoticeLinks,
        to: &str,
        wording: &Wording,
    ) -> AttemptOutcome {
        let message = match self.message(notice, links, to, wording) {
            Ok(message) => message,
            Err(error) => return AttemptOutcome::Refused { error },
        };
        let transport = match self.transport(url) {
            Ok(transport) => transport,
            Err(error) => {
                return AttemptOutcome::Refused { error: format!("the mail server cannot be used: {}", chain(&error)) };
            }
        };
        match transport.send(message).await {
            Ok(_) => AttemptOutcome::Taken,
            Err(error) => sorted(&error),
        }
    }

    fn message(
        &self,
        notice: &Notification,
        links: &NoticeLinks,
        to: &str,
        wording: &Wording,
    ) -> Result<Message, String> {
        let to: Mailbox = to.parse().map_err(|_| format!("{to:?} is not a mail address"))?;
        let domain = self.from.email.domain().to_owned();
        let subject: String = wording.heading.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // The same in every attempt, so that a mail that came twice is seen as one.
        let message_id = format!("<{}.watchfire@{domain}>", links.key);
        let thread = format!("<{}.watchfire@{domain}>", links.thread);
        let date = SystemTime::from(notice.at.to_timestamp());
        let raw =
            |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .date(date)
            .message_id(Some(message_id))
            .references(thread)
            .raw_header(raw("Auto-Submitted", "auto-generated"))
            .raw_header(raw("Idempotency-Key", &links.key))
            .subject(cut(&subject, SUBJECT_MAX_BYTES))
            .header(ContentType::TEXT_PLAIN)
            .body(wording.within(TEXT_MAX_BYTES))
            .map_err(|error| format!("the mail cannot be written: {error}"))
    }

    fn transport(&self, url: &str) -> Result<Transport, smtp::Error> {
        let mut kept = self.transport.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, transport)) = kept.as_ref().filter(|(of, _)| of == url) {
            return Ok(transport.clone());
        }
        let transport: Transport = Transport::from_url(url)?.build();
        *kept = Some((url.to_owned(), transport.clone()));
        Ok(transport)
    }
}

/// 5yz is final, every other error may be temporary: 4yz, a lost connection, a certificate.
fn sorted(error: &smtp::Error) -> AttemptOutcome {
    let text = match error.status() {
        Some(code) => format!("the mail server answered {code}: {}", chain(error)),
        None => chain(error),
    };
    if error.is_permanent() {
        AttemptOutcome::Refused { error: text }
    } else {
        AttemptOutcome::Again { error: text, after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_named_and_goes_encrypted() {
        let check = |url: &str, expected: Option<MailServerError>| {
            assert_eq!(MailServer::new(url, "值班 <noc@example.com>").err(), expected, "{url}");
        };
        check("smtp://mail.example.com", None);
        check("smtps://noc:{secret:smtp}@mail.example.com", None);
        check("smtp://noc:{secret:smtp}@mail.example.com:587?tls=required", None);
        check("smtp://noc:{secret:smtp}@mail.example.com", Some(MailServerError::NotEncrypted));
        check("smtp://noc:{secret:smtp}@mail.example.com?tls=opportunistic", Some(MailServerError::NotEncrypted));
        check("smtps://noc:hunter2@mail.example.com", Some(MailServerError::PasswordInClear));
        check("http://mail.example.com", Some(MailServerError::Url));
        check("mail.example.com", Some(MailServerError::Url));
        check("smtp://mail.example.com?tls=yes", Some(MailServerError::Url));
        check("smtp://{title}@mail.example.com", Some(MailServerError::Url));
        let bad = MailServer::new("smtp://mail.example.com", "nobody").err();
        assert_eq!(bad, Some(MailServerError::From { from: "nobody".to_owned() }));
    }
}
