//! One attempt to deliver one notification, with the response sorted by its consequence.

use super::attempt_outcome::AttemptOutcome;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};

use super::chat::{RobotKind, RobotRequest};

/// Maximum length kept of a refusing response, in bytes.
const ANSWER_MAX_BYTES: usize = 200;

/// Publishes a payload on a topic, at least once; the error is a text for people.
pub type Publish =
    Arc<dyn Fn(String, Vec<u8>) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// The client of all webhooks: TLS by rustls with ring and the system's certificates, no redirects, no proxy.
///
/// A system without certificates gives a client that trusts no server: plain HTTP still works, and HTTPS fails with the
/// reason. The error concerns the client's own resources (threads, sockets), not the configuration.
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

/// Maximum length read of a response whose body contains the verdict.
const VERDICT_MAX_BYTES: usize = 16 * 1024;

/// POSTs the payload; ends once the status is known (or, for a refusal, the beginning of the response).
pub(super) async fn post(client: &Client, url: &str, idempotency_key: &str, payload: Vec<u8>) -> AttemptOutcome {
    let Ok(url) = Url::parse(url) else { return unreadable() };
    let request = client.post(url).header(CONTENT_TYPE, "application/json").header("Idempotency-Key", idempotency_key);
    match request.body(payload).send().await {
        Ok(response) if response.status().is_success() => AttemptOutcome::Taken,
        Ok(response) => refused(response).await,
        Err(error) => not_sent(error),
    }
}

/// Calls a chat robot and reads the verdict from its response.
pub(super) async fn call(client: &Client, tool: RobotKind, call: RobotRequest) -> AttemptOutcome {
    let Ok(url) = Url::parse(&call.url) else { return unreadable() };
    let request = client.post(url).header(CONTENT_TYPE, "application/json; charset=utf-8").body(call.body);
    let answer = match said(request).await {
        Ok(said) => tool.verdict(&said),
        Err(answer) => answer,
    };
    match answer {
        AttemptOutcome::Again { error, after: Some(after) } => AttemptOutcome::TooMany { error, rest: after },
        answer => answer,
    }
}

/// A request of the generic kind; without `answer_has` any 2xx is good.
pub(super) async fn request(
    client: &Client,
    method: Method,
    url: &str,
    headers: &[(String, String)],
    body: String,
    answer_has: Option<&str>,
) -> AttemptOutcome {
    let Ok(url) = Url::parse(url) else { return unreadable() };
    let mut request = client.request(method, url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = if body.is_empty() { request } else { request.body(body) };
    match (said(request).await, answer_has) {
        (Err(answer), _) => answer,
        (Ok(_), None) => AttemptOutcome::Taken,
        (Ok(said), Some(wanted)) if said.contains(wanted) => AttemptOutcome::Taken,
        (Ok(said), Some(wanted)) => {
            let said = super::wording::cut(said.trim(), ANSWER_MAX_BYTES);
            AttemptOutcome::Again { error: format!("the answer does not contain {wanted:?}: {said}"), after: None }
        }
    }
}

/// The body of a response with a good status.
async fn said(request: RequestBuilder) -> Result<String, AttemptOutcome> {
    let mut response = request.send().await.map_err(not_sent)?;
    if !response.status().is_success() {
        return Err(refused(response).await);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(not_sent)? {
        bytes.extend_from_slice(&chunk[..chunk.len().min(VERDICT_MAX_BYTES - bytes.len())]);
        if bytes.len() >= VERDICT_MAX_BYTES {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unreadable() -> AttemptOutcome {
    AttemptOutcome::Refused {
        error: "the URL cannot be read; correct it in the channels of the team or person".to_owned(),
    }
}

fn not_sent(error: reqwest::Error) -> AttemptOutcome {
    if error.is_builder() {
        return AttemptOutcome::Refused { error: chain(&error.without_url()) };
    }
    AttemptOutcome::Again { error: chain(&error.without_url()), after: None }
}

/// Publishes the payload; refused for good without a broker.
pub(super) async fn publish(
    publisher: Option<&Publish>,
    topic: &str,
    subject: &str,
    payload: Vec<u8>,
) -> AttemptOutcome {
    let Some(publisher) = publisher else {
        return AttemptOutcome::Refused { error: "no MQTT broker is configured (--mqtt-url)".to_owned() };
    };
    match publisher(topic.replace("{id}", subject), payload).await {
        Ok(()) => AttemptOutcome::Taken,
        Err(error) => AttemptOutcome::Again { error, after: None },
    }
}

async fn refused(response: Response) -> AttemptOutcome {
    let status = response.status();
    let after = retry_after(response.headers());
    let again =
        !status.is_client_error() || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    let error = match beginning(response).await {
        said if said.is_empty() => format!("the receiver answered {}", status.as_u16()),
        said => format!("the receiver answered {}: {said}", status.as_u16()),
    };
    if again { AttemptOutcome::Again { error, after } } else { AttemptOutcome::Refused { error } }
}

/// The first bytes of the response as text; an unreadable rest is dropped.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_MAX_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        bytes.extend_from_slice(&chunk[..chunk.len().min(ANSWER_MAX_BYTES - bytes.len())]);
    }
    // A cut inside a character does not damage the text before it.
    let whole = match std::str::from_utf8(&bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        Ok(_) | Err(_) => &bytes[..],
    };
    String::from_utf8_lossy(whole).trim().to_owned()
}

/// Seconds, or a date: then counted from the response's own date, because the receiver's clock is not ours.
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
pub(super) fn chain(error: &dyn std::error::Error) -> String {
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
