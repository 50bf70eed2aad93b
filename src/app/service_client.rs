//! Asking a running service over its REST interface, for the commands that talk to one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::serve;

/// Where a service is asked when nobody says otherwise.
const URL_DEFAULT: &str = "http://127.0.0.1:7247";

/// A running service.
pub struct Service<'a> {
    pub client: reqwest::Client,
    base: String,
    token: Option<&'a str>,
    /// What to try when it does not answer.
    hint: &'a str,
}

impl<'a> Service<'a> {
    pub fn new(url: Option<&str>, token: Option<&'a str>, hint: &'a str) -> Service<'a> {
        serve::install_crypto();
        let base = url.unwrap_or(URL_DEFAULT).trim_end_matches('/').to_owned();
        Service { client: reqwest::Client::new(), base, token, hint }
    }

    /// The address of a path below `/api/v1/`.
    pub fn address(&self, path: &str, query: &[(&str, Option<&str>)]) -> Result<reqwest::Url, String> {
        let url = format!("{}/api/v1/{path}", self.base);
        let mut url = url.parse::<reqwest::Url>().map_err(|error| format!("{url}: {error}"))?;
        let given: Vec<(&str, &str)> = query.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        if !given.is_empty() {
            url.query_pairs_mut().extend_pairs(given);
        }
        Ok(url)
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, Option<&str>)]) -> Result<T, String> {
        self.answer(self.client.get(self.address(path, query)?)).await
    }

    /// Sends a command; its answer comes after the commit.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, String> {
        self.answer(self.client.post(self.address(path, &[])?).json(body)).await
    }

    /// The answer, or why there is none, in the service's own words.
    pub async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, String> {
        let request = match self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let (base, hint) = (&self.base, self.hint);
        let unreachable = |error: reqwest::Error| format!("{base} does not answer ({error}); {hint}");
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let text = answer.text().await.map_err(unreachable)?;
        if !status.is_success() {
            let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            return Err(format!("{base}: {status}: {}", problem["detail"].as_str().unwrap_or(&text)));
        }
        serde_json::from_str(&text).map_err(|error| format!("{base} answers in another shape ({error})"))
    }
}
