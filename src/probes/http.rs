//! HTTP checks: requests a URL, and reads responses without trusting their length.

use reqwest::{Client, Response, Url};

use super::observation::Observation;
use crate::metrics::Stopwatch;

/// Maximum length read of a body, in bytes.
pub(super) const BODY_MAX_BYTES: usize = 1 << 20;

/// Maximum number of followed redirects.
const REDIRECTS_MAX: usize = 5;

/// The client of all checks: rustls with ring and the system's certificates, few redirects, no proxy.
pub(super) fn client(mut tls: rustls::ClientConfig) -> Result<Client, reqwest::Error> {
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::limited(REDIRECTS_MAX))
        .no_proxy()
        .user_agent(concat!("watchfire/", env!("CARGO_PKG_VERSION")))
        // A check on an open connection would not see that no new one can be made.
        .pool_max_idle_per_host(0)
        .build()
}

/// The expected response, and the position of the observed value in it.
#[derive(Clone, Copy)]
pub(super) struct ExpectedResponse<'a> {
    /// Default: any 2xx.
    pub status: Option<u16>,
    pub contains: Option<&'a str>,
    /// A JSON pointer.
    pub json: Option<&'a str>,
}

/// GET, and compare the response with the expected one.
pub(super) async fn check(client: &Client, url: &str, wanted: ExpectedResponse<'_>) -> Observation {
    let Ok(parsed) = Url::parse(url) else {
        return Observation::fail("the check's URL cannot be read; expected http://host/path");
    };
    let shown = shown(&parsed);
    let watch = Stopwatch::start();
    let answer = match client.get(parsed).send().await {
        Ok(answer) => answer,
        Err(error) => return Observation::fail(format!("GET {shown} failed: {}", reason(error))),
    };
    let code = answer.status().as_u16();
    let milliseconds = (watch.seconds() * 1_000.0).round();
    let told = format!("GET {shown} answered {code} in {milliseconds} ms");
    let fits = wanted.status.map_or(answer.status().is_success(), |wanted| code == wanted);
    if !fits {
        let wanted = wanted.status.map_or_else(|| "2xx".to_owned(), |wanted| wanted.to_string());
        return Observation::fail(format!("{told}, expected {wanted}"));
    }
    if wanted.contains.is_none() && wanted.json.is_none() {
        return Observation::pass(told).with_value(milliseconds);
    }
    let body = match read(answer, BODY_MAX_BYTES).await {
        Ok(body) => body,
        Err(error) => return Observation::fail(format!("{told}, but its body broke off: {}", reason(error))),
    };
    let holds = wanted.contains.filter(|contains| body.text().contains(contains));
    let told = match (wanted.contains, holds) {
        (None, _) => told,
        (Some(contains), Some(_)) => format!("{told} and holds {contains:?}"),
        (Some(contains), None) if body.cut => {
            return Observation::fail(format!("{told}, but its first {BODY_MAX_BYTES} bytes do not hold {contains:?}"));
        }
        (Some(contains), None) => return Observation::fail(format!("{told}, but does not hold {contains:?}")),
    };
    match wanted.json {
        None => Observation::pass(told).with_value(milliseconds),
        Some(pointer) => found_in(&body, pointer, &told),
    }
}

/// The value at the pointer: a text, a number (which is also the measured value), true or false.
fn found_in(body: &BodyExcerpt, pointer: &str, told: &str) -> Observation {
    let value: serde_json::Value = match serde_json::from_slice(body.bytes()) {
        Ok(value) => value,
        Err(error) => return Observation::fail(format!("{told}, but its body is not JSON: {error}")),
    };
    let found = match value.pointer(pointer) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => value.to_string(),
        Some(_) | None => {
            return Observation::fail(format!("{told}, but there is no text, number or truth at {pointer}"));
        }
    };
    let found: String = found.chars().take(super::observation::EVIDENCE_MAX_CHARS).collect();
    let seen =
        Observation { found: Some(found.clone()), ..Observation::pass(format!("{told}; {pointer} is {found:?}")) };
    match value.pointer(pointer).and_then(serde_json::Value::as_f64) {
        Some(number) => seen.with_value(number),
        None => seen,
    }
}

/// The beginning of a body.
pub(super) struct BodyExcerpt {
    bytes: Vec<u8>,
    /// There was more.
    pub cut: bool,
}

impl BodyExcerpt {
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

pub(super) async fn read(mut answer: Response, bytes_max: usize) -> Result<BodyExcerpt, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        let room = bytes_max - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok(BodyExcerpt { bytes, cut: true });
        }
    }
    Ok(BodyExcerpt { bytes, cut: false })
}

/// A URL without secrets, for evidence.
pub(super) fn name(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "an unreadable URL".to_owned(), |url| shown(&url))
}

/// The URL without possible secrets: login and query.
pub(super) fn shown(url: &Url) -> String {
    let query = if url.query().is_some() { "?…" } else { "" };
    format!("{}{}{query}", url.origin().ascii_serialization(), url.path())
}

/// The whole chain of causes, without the URL.
pub(super) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
