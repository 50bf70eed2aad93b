//! One request and what its answer means.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::message::Message;

/// How much of an answer is read, in bytes.
const ANSWER_MAX_BYTES: u64 = 64 << 10;
/// How much of a reason is shown, in characters.
const REASON_MAX_CHARS: usize = 500;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Committed, or known already.
    Taken,
    /// Committed but for some of its items; sent again it would change nothing.
    Partly(String),
    /// It will never be taken as it is.
    Refused(String),
    /// Nobody answered, or later may be better.
    Away(String),
}

/// Where messages go.
pub struct Post {
    agent: Agent,
    base: String,
    token: Option<String>,
}

impl Post {
    pub fn new(url: &str, token: Option<String>, timeout: Duration) -> Result<Post, String> {
        let base = url.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(format!("{url:?} is no address; expected http://HOST:PORT or https://HOST:PORT"));
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(timeout))
            .user_agent(concat!("watchfire-send/", env!("CARGO_PKG_VERSION")));
        // Reading the system's certificates takes longer than all the rest: only where they are needed.
        if base.starts_with("https://") {
            config = config.tls_config(tls()?);
        }
        Ok(Post { agent: config.build().new_agent(), base, token })
    }

    /// Posts one message and waits for its commit.
    pub fn send(&self, message: &Message) -> Answer {
        let path = match &message.head.source {
            Some(source) => format!("{}/api/v1/sources/{source}", self.base),
            None => format!("{}/api/v1/events", self.base),
        };
        let mut request = self
            .agent
            .post(&path)
            .header("content-type", &message.head.content_type)
            .header("idempotency-key", &message.head.key);
        if !message.head.sent_from.is_empty() {
            request = request.header("x-sent-from", &message.head.sent_from);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut response = match request.send(&message.body[..]) {
            Ok(response) => response,
            Err(error) => return Answer::Away(shortened(&error.to_string())),
        };
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(ANSWER_MAX_BYTES).read_to_string().unwrap_or_default();
        answer(status, &text)
    }
}

fn tls() -> Result<TlsConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let roots: Vec<Certificate<'static>> =
        found.certs.iter().map(|certificate| Certificate::from_der(certificate.as_ref()).to_owned()).collect();
    if roots.is_empty() {
        return Err("the system has no certificates to check the service's by; name them with SSL_CERT_FILE".to_owned());
    }
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

fn answer(status: u16, text: &str) -> Answer {
    let body: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    match status {
        200..=299 => match body["rejected"].as_array().map(Vec::as_slice) {
            Some([first, ..]) => {
                let error = first["error"].as_str().unwrap_or_default();
                let count = body["rejected"].as_array().map_or(1, Vec::len);
                Answer::Partly(shortened(&format!("{count} items were refused, the first because {error}")))
            }
            Some([]) | None => Answer::Taken,
        },
        408 | 425 | 429 | 500..=599 => Answer::Away(shortened(&told(status, &body, text))),
        _ => Answer::Refused(shortened(&told(status, &body, text))),
    }
}

fn told(status: u16, body: &serde_json::Value, text: &str) -> String {
    format!("{status} {}", body["detail"].as_str().unwrap_or(text.trim()))
}

fn shortened(text: &str) -> String {
    text.chars().take(REASON_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_say_whether_to_try_again() {
        let check = |status: u16, text: &str, expected: Answer| assert_eq!(answer(status, text), expected, "{status}");
        check(200, r#"{"accepted": 1, "duplicates": 0, "rejected": []}"#, Answer::Taken);
        check(200, "", Answer::Taken);
        let partly = "1 items were refused, the first because no label".to_owned();
        check(200, r#"{"accepted": 1, "rejected": [{"index": 1, "error": "no label"}]}"#, Answer::Partly(partly));
        check(
            422,
            r#"{"detail": "nothing of it was taken"}"#,
            Answer::Refused("422 nothing of it was taken".to_owned()),
        );
        check(404, "no such page", Answer::Refused("404 no such page".to_owned()));
        check(429, "later", Answer::Away("429 later".to_owned()));
        check(503, "", Answer::Away("503 ".to_owned()));
    }
}
