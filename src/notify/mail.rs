//! Mail by SMTP: plain text in UTF-8, one mail per address, the same `Message-ID` in every attempt.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, PoolConfig};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use reqwest::Url;

use super::attempt_outcome::AttemptOutcome;
use super::http_attempt::chain;
use super::payload::NoticeLinks;
use super::wording::{Wording, cut};
use crate::core::engine::Notification;
use crate::core::model::one_line;
use crate::core::rules::{BadPlaceholder, TemplatePart, pieces};

/// Maximum length of a mail's text, in bytes.
const TEXT_MAX_BYTES: usize = 64 * 1024;
/// Maximum length of a subject, in bytes.
const SUBJECT_MAX_BYTES: usize = 400;
/// Connections to the mail server at once; one that has nothing to do is closed after a minute.
const CONNECTIONS_MAX: u32 = 4;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// The mail server, and the sender's address.
pub struct MailServer {
    /// `smtp://…` or `smtps://…`, with placeholders for secrets.
    pub(super) url: String,
    from: Mailbox,
    /// How we call ourselves in EHLO.
    hello_name: ClientId,
    /// What stands behind the `@` of a `Message-ID`.
    message_id_domain: String,
    /// Who vouches for the server, in place of the system's certificates.
    trusted: Vec<Certificate>,
    encryption: Encryption,
    /// The transport of the last address, with its certificates loaded.
    transport: Mutex<Option<(String, Transport)>>,
}

/// When the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    FromTheFirstByte,
    /// Not at all if the server has no STARTTLS.
    StartTls {
        required: bool,
    },
    Never,
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
    #[error("{name:?} is no name of a host or domain; expected mail.example.com, or an address like 192.0.2.7")]
    Name { name: String },
    #[error("{reason}; expected certificates in PEM of who vouches for the mail server")]
    Certificate { reason: String },
    #[error("{0}")]
    Place(#[from] BadPlaceholder),
}

impl MailServer {
    /// Checks the settings as far as possible without a connection.
    pub fn new(url: &str, from: &str) -> Result<MailServer, MailServerError> {
        let from = mailbox(from).ok_or_else(|| MailServerError::From { from: from.to_owned() })?;
        let only_secrets = |piece: &TemplatePart<'_>| match piece {
            TemplatePart::Plain(_) | TemplatePart::Secret(_) => true,
            TemplatePart::Field(_) | TemplatePart::Label(_) => false,
        };
        if !pieces(url)?.iter().all(only_secrets) {
            return Err(MailServerError::Url);
        }
        let parsed = Url::parse(url).map_err(|_| MailServerError::Url)?;
        let tls = parsed.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
        let encryption = match (parsed.scheme(), tls.as_deref()) {
            ("smtps", None) => Encryption::FromTheFirstByte,
            ("smtp", Some("required")) => Encryption::StartTls { required: true },
            ("smtp", Some("opportunistic")) => Encryption::StartTls { required: false },
            ("smtp", None) => Encryption::Never,
            _ => return Err(MailServerError::Url),
        };
        let is_encrypted = match encryption {
            Encryption::FromTheFirstByte | Encryption::StartTls { required: true } => true,
            Encryption::StartTls { required: false } | Encryption::Never => false,
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
        let domain = from.email.domain().to_owned();
        Ok(MailServer {
            url: url.to_owned(),
            from,
            hello_name: ClientId::Domain(domain.clone()),
            message_id_domain: domain,
            trusted: Vec::new(),
            encryption,
            transport: Mutex::default(),
        })
    }

    /// How we call ourselves in EHLO: the name of a host, or its address. Else it is the sender's domain.
    pub fn with_hello_name(mut self, name: &str) -> Result<MailServer, MailServerError> {
        self.hello_name = match name.parse() {
            Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
            Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
            Err(_) => ClientId::Domain(domain_name(name)?),
        };
        Ok(self)
    }

    /// What stands behind the `@` of a `Message-ID`. Else it is the sender's domain.
    pub fn with_message_id_domain(mut self, domain: &str) -> Result<MailServer, MailServerError> {
        self.message_id_domain = domain_name(domain)?;
        Ok(self)
    }

    /// Believes these certificates (PEM) and no others: a private authority, or the server's own if it is not marked
    /// as one of an authority.
    pub fn with_trusted(mut self, pem: &[u8]) -> Result<MailServer, MailServerError> {
        let bad = |reason: String| MailServerError::Certificate { reason };
        let trusted = Certificate::from_pem(pem).map_err(|error| bad(chain(&error)))?;
        let host = self.host().to_owned();
        self.trusted = vec![trusted];
        self.tls(host).map_err(|error| bad(chain(&error)))?;
        let holds_any = String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----");
        if holds_any { Ok(self) } else { Err(bad("there is no certificate in it".to_owned())) }
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
        let is_ascii = message.envelope().to().iter().all(|to| AsRef::<str>::as_ref(to).is_ascii());
        let transport = match self.transport(url) {
            Ok(transport) => transport,
            Err(error) => {
                return AttemptOutcome::Refused { error: format!("the mail server cannot be used: {}", chain(&error)) };
            }
        };
        match transport.send(message).await {
            Ok(_) => AttemptOutcome::Taken,
            Err(error) => sorted(&error, is_ascii),
        }
    }

    fn message(
        &self,
        notice: &Notification,
        links: &NoticeLinks,
        to: &str,
        wording: &Wording,
    ) -> Result<Message, String> {
        let to = mailbox(to).ok_or_else(|| format!("{to:?} is not a mail address"))?;
        let domain = &self.message_id_domain;
        let subject = one_line(&wording.heading);
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
        let mut builder = Transport::from_url(url)?
            .hello_name(self.hello_name.clone())
            .pool_config(PoolConfig::new().max_size(CONNECTIONS_MAX));
        if !self.trusted.is_empty() {
            builder = builder.tls(self.tls(self.host().to_owned())?);
        }
        let transport: Transport = builder.build();
        *kept = Some((url.to_owned(), transport.clone()));
        Ok(transport)
    }

    /// With the certificates that are trusted here.
    fn tls(&self, host: String) -> Result<Tls, smtp::Error> {
        let parameters = TlsParameters::builder(host).certificate_store(CertificateStore::None);
        let parameters = self.trusted.iter().cloned().fold(parameters, |all, one| all.add_root_certificate(one));
        let parameters = parameters.build_rustls()?;
        Ok(match self.encryption {
            Encryption::FromTheFirstByte => Tls::Wrapper(parameters),
            Encryption::StartTls { required: true } => Tls::Required(parameters),
            Encryption::StartTls { required: false } => Tls::Opportunistic(parameters),
            Encryption::Never => Tls::None,
        })
    }

    /// The server's name. A secret stands before it at most, never in it.
    fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        match host.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
            Some((v6, _)) => v6,
            None => host.split(':').next().unwrap_or_default(),
        }
    }
}

/// An address with its domain as mail servers know it: `xn--…` for an international one.
fn mailbox(text: &str) -> Option<Mailbox> {
    let mailbox: Mailbox = text.parse().ok()?;
    let domain = idna::domain_to_ascii(mailbox.email.domain()).ok()?;
    let email = Address::new(mailbox.email.user(), domain).ok()?;
    Some(Mailbox::new(mailbox.name, email))
}

fn domain_name(name: &str) -> Result<String, MailServerError> {
    let bad = || MailServerError::Name { name: name.to_owned() };
    let ascii = idna::domain_to_ascii(name).map_err(|_| bad())?;
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if ascii.len() <= 253 && ascii.split('.').all(is_label) { Ok(ascii) } else { Err(bad()) }
}

/// 5yz is final, and so is an address that this server cannot take; every other error may be temporary: 4yz
/// (greylisting), a lost connection, a certificate.
fn sorted(error: &smtp::Error, is_ascii: bool) -> AttemptOutcome {
    let text = match error.status() {
        Some(code) => format!("the mail server answered {code}: {}", chain(error)),
        None => chain(error),
    };
    if error.is_permanent() || (error.is_client() && !is_ascii) {
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
        for (url, host) in [
            ("smtps://noc:{secret:smtp}@mail.example.com:465", "mail.example.com"),
            ("smtp://[::1]:25?tls=required", "::1"),
            ("smtp://192.0.2.7", "192.0.2.7"),
        ] {
            assert_eq!(MailServer::new(url, "noc@example.com").unwrap().host(), host);
        }
        let bad = MailServer::new("smtp://mail.example.com", "nobody").err();
        assert_eq!(bad, Some(MailServerError::From { from: "nobody".to_owned() }));
    }

    #[test]
    fn international_domains_are_written_as_mail_servers_know_them() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(mailbox(text).map(|one| one.email.to_string()).as_deref(), expected, "{text}");
        };
        check("值班 <noc@例子.中国>", Some("noc@xn--fsqu00a.xn--fiqs8s"));
        check("ops@Bücher.example", Some("ops@xn--bcher-kva.example"));
        check("noc@example.com", Some("noc@example.com"));
        check("noc@", None);
        check("no one@example.com", None);
        check("a@b\r\nRCPT TO:<x@y>", None);
    }

    #[test]
    fn names_and_certificates_are_checked_before_the_first_mail() {
        let server = || MailServer::new("smtps://mail.example.com", "noc@例子.中国").unwrap();
        assert_eq!(server().hello_name, ClientId::Domain("xn--fsqu00a.xn--fiqs8s".to_owned()));
        for (name, expected) in [
            ("watch.example.com", Some("watch.example.com")),
            ("监控.example", Some("xn--izun04b.example")),
            ("192.0.2.7", Some("[192.0.2.7]")),
            ("2001:db8::1", Some("[IPv6:2001:db8::1]")),
            ("", None),
            ("a b", None),
            ("a\r\nMAIL", None),
        ] {
            let shown = server().with_hello_name(name).map(|server| server.hello_name.to_string());
            assert_eq!(shown.ok().as_deref(), expected, "{name:?}");
        }
        assert!(server().with_message_id_domain("a>b").is_err());
        assert_eq!(server().with_message_id_domain("例子.中国").unwrap().message_id_domain, "xn--fsqu00a.xn--fiqs8s");
        assert!(matches!(server().with_trusted(b"no certificate").err(), Some(MailServerError::Certificate { .. })));
    }
}
