//! One attempt to deliver one notice: what the receiver said, sorted by what follows from it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};

use crate::rules::Channel;

/// How much of a refusing answer is kept, in bytes.
const ANSWER_MAX_BYTES: usize = 200;

/// Publishes a payload on a topic, at least once; the error is ready to be read.
pub type Publish =
    Arc<dyn Fn(String, Vec<u8>) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// What came of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    /// Trying again may help; `after`: as long as the receiver asks for.
    Again {
        error: String,
        after: Option<Duration>,
    },
    /// Trying again cannot help.
    Refused {
        error: String,
    },
}

/// The client of all webhooks: TLS by rustls with ring and the system's certificates, no redirects, no proxy.
///
/// A system without certificates gives a client that trusts nobody: plain HTTP still works, and HTTPS fails with the
/// reason. The error is of the client's own making (threads, sockets), not of a configuration.
pub fn webhook_client() -> Result<Client, reqwest::Error> {
    let mut roots = rustls::RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if roots.is_empty() {
        tracing::warn!(errors = ?system.errors, "no certificates found on this system; webhooks by https will fail");
    }
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .expect("ring has cipher suites of every version")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("watchfire/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The address without what may be secret: userinfo, path and query.
pub(super) fn shown(channel: &Channel) -> String {
    match channel {
        Channel::Webhook { url } => match Url::parse(url) {
            Ok(url) => format!("{}/…", url.origin().ascii_serialization()),
            Err(_) => "an unreadable URL".to_owned(),
        },
        Channel::Mqtt { topic } => format!("MQTT topic {topic}"),
    }
}

/// POSTs the payload; ends when the status is known (or, of a refusal, the beginning of the answer).
pub(super) async fn post(client: &Client, url: &str, idempotency_key: &str, payload: Vec<u8>) -> Answer {
    let Ok(url) = Url::parse(url) else {
        return Answer::Refused {
            error: "the webhook's URL cannot be read; correct it in the team's channels".to_owned(),
        };
    };
    let request = client.post(url).header(CONTENT_TYPE, "application/json").header("Idempotency-Key", idempotency_key);
    match request.body(payload).send().await {
        Ok(response) => sorted(response).await,
        Err(error) if error.is_builder() => Answer::Refused { error: chain(&error.without_url()) },
        Err(error) => Answer::Again { error: chain(&error.without_url()), after: None },
    }
}

/// Publishes the payload; without a broker nobody can ever get it.
pub(super) async fn publish(publisher: Option<&Publish>, topic: &str, subject: &str, payload: Vec<u8>) -> Answer {
    let Some(publisher) = publisher else {
        return Answer::Refused { error: "no MQTT broker is configured (--mqtt-url)".to_owned() };
    };
    match publisher(topic.replace("{id}", subject), payload).await {
        Ok(()) => Answer::Taken,
        Err(error) => Answer::Again { error, after: None },
    }
}

async fn sorted(response: Response) -> Answer {
    let status = response.status();
    if status.is_success() {
        return Answer::Taken;
    }
    let after = retry_after(response.headers());
    let again =
        !status.is_client_error() || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    let error = match beginning(response).await {
        said if said.is_empty() => format!("the receiver answered {}", status.as_u16()),
        said => format!("the receiver answered {}: {said}", status.as_u16()),
    };
    if again { Answer::Again { error, after } } else { Answer::Refused { error } }
}

/// The first bytes of the answer as text; what cannot be read any more is left out.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_MAX_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        bytes.extend_from_slice(&chunk[..chunk.len().min(ANSWER_MAX_BYTES - bytes.len())]);
    }
    // A cut inside a character is no damage of the answer.
    let whole = match std::str::from_utf8(&bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        Ok(_) | Err(_) => &bytes[..],
    };
    String::from_utf8_lossy(whole).trim().to_owned()
}

/// Seconds, or a date: then counted from the answer's own date, since the receiver's clock is not ours.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let until = moment(text)?.duration_since(moment(headers.get(DATE)?.to_str().ok()?)?);
    Duration::try_from(until).ok()
}

/// The error with its causes, which reqwest's own text leaves out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_their_secrets() {
        let check = |url: &str, expected: &str| {
            assert_eq!(shown(&Channel::Webhook { url: url.to_owned() }), expected);
        };
        check("https://noc:hunter2@hooks.example:8443/services/T0/B1?token=abc", "https://hooks.example:8443/…");
        check("http://127.0.0.1:9/", "http://127.0.0.1:9/…");
        check("not a url with hunter2", "an unreadable URL");
        assert_eq!(shown(&Channel::Mqtt { topic: "事件/{id}".to_owned() }), "MQTT topic 事件/{id}");
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let check = |retry_after_text: &str, date: Option<&str>, expected: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, retry_after_text.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            assert_eq!(retry_after(&headers), expected.map(Duration::from_secs), "{retry_after_text} {date:?}");
        };
        let date = Some("Fri, 13 Feb 2026 09:00:00 GMT");
        check("7", None, Some(7));
        check("Fri, 13 Feb 2026 09:01:30 GMT", date, Some(90));
        check("Fri, 13 Feb 2026 08:00:00 GMT", date, None);
        check("Fri, 13 Feb 2026 09:01:30 GMT", None, None);
        check("soon", date, None);
        check("-1", date, None);
    }
}
