//! `watchfire explain`: why there is an incident, why an alert is suppressed, what a rule needs from an event.

mod render;

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::database::open_existing;
use crate::api::{
    AlertExplanation, EventExplanation, EventExplanations, IncidentExplanation, Oracle, alert_explanation, dry_run,
    event_explanation, incident_explanation, journal_place, read_events,
};
use crate::app::commands::archive;
use crate::app::config::ServeFlags;
use crate::app::runtime::recovery;
use crate::app::serve;
use crate::app::serve::services::DOMAIN_SETTING;
use crate::core::engine::Engine;
use crate::core::model::{Fingerprint, IncidentId, Offset, Partition};
use crate::store::Store;

/// Default address of the service.
const URL_DEFAULT: &str = "http://127.0.0.1:7247";
/// Maximum size of an event file, in bytes.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// Explains the chain behind an incident, the suppression of an alert, or how far each rule came with an event.
#[derive(Args, Debug)]
pub struct ExplainCommand {
    /// INC-12; an alert's fingerprint; an event's position in the journal as in the evidence (0-1234); or a file of
    /// events that did not come ("-" for standard input), to see their effect
    #[arg(value_name = "INCIDENT|ALERT|EVENT|FILE")]
    what: String,
    /// Show this rule even if others are nearer
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// FILE is a payload of this source of the rule files, not native events
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The running service to query [default: http://127.0.0.1:7247]
    #[arg(long, value_name = "URL", env = "WATCHFIRE_URL")]
    url: Option<String>,
    /// A token of role viewer or higher, if the service has tokens
    #[arg(long, value_name = "TOKEN", env = "WATCHFIRE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Read this data directory instead of querying a service
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data_dir: Option<PathBuf>,
    /// Read this PostgreSQL database instead of querying a service
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    database_url: Option<String>,
    /// Ask no service, but look the incident up in this archive
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "data_dir", "database_url"])]
    archive: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Subject of the explanation.
enum ExplainSubject {
    Incident(IncidentId),
    Alert(Fingerprint),
    Recorded(Partition, Offset),
    Events(Vec<u8>),
}

/// Its explanation.
enum Explained {
    Incident(Box<IncidentExplanation>),
    Alert(Box<AlertExplanation>),
    Event(Box<EventExplanation>),
    Events(EventExplanations),
}

pub async fn run(command: ExplainCommand) -> Result<ExitCode, String> {
    let subject = subject(&command.what)?;
    let explained = if let Some(file) = &command.archive {
        match subject {
            ExplainSubject::Incident(id) => Explained::Incident(Box::new(archive::find_incident(file, id)?)),
            ExplainSubject::Alert(_) | ExplainSubject::Recorded(..) | ExplainSubject::Events(_) => {
                return Err("an archive explains incidents: INC-12".to_owned());
            }
        }
    } else if command.data_dir.is_some() || command.database_url.is_some() {
        offline(&command, subject).await?
    } else {
        handle_command(&command, subject).await?
    };
    match &explained {
        Explained::Incident(one) => put(command.json, one.as_ref(), render::incident),
        Explained::Alert(one) => put(command.json, one.as_ref(), render::alert),
        Explained::Event(one) => put(command.json, one.as_ref(), render::event),
        Explained::Events(all) => put(command.json, all, render::events),
    }
    Ok(ExitCode::SUCCESS)
}

fn put<T: Serialize>(json: bool, what: &T, text: impl Fn(&T) -> String) {
    if json {
        println!("{}", serde_json::to_string(what).unwrap_or_default());
    } else {
        print!("{}", text(what));
    }
}

fn subject(what: &str) -> Result<ExplainSubject, String> {
    if what.starts_with("INC-") {
        return what
            .parse()
            .map(ExplainSubject::Incident)
            .map_err(|bad: crate::core::model::ParseIdError| bad.to_string());
    }
    if what == "-" {
        return read(std::io::stdin()).map(ExplainSubject::Events);
    }
    // A file may have any name, even that of a fingerprint.
    let path = std::path::Path::new(what);
    if path.is_file() {
        let file = std::fs::File::open(path).map_err(|error| format!("{what}: {error}"))?;
        return read(file).map(ExplainSubject::Events);
    }
    if let Ok(fingerprint) = what.parse() {
        return Ok(ExplainSubject::Alert(fingerprint));
    }
    if let Some((partition, offset)) = journal_place(what) {
        return Ok(ExplainSubject::Recorded(partition, offset));
    }
    Err(format!(
        "{what:?} is neither an incident (INC-12), nor an alert (16 hex digits), nor an event (0-1234), nor a file"
    ))
}

fn read(from: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    from.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        return Err(format!("more than {FILE_MAX_BYTES} bytes; explain looks at a few events, replay at many"));
    }
    Ok(bytes)
}

/// Queries the running service.
async fn handle_command(command: &ExplainCommand, subject: ExplainSubject) -> Result<Explained, String> {
    let service = Service::at(command.url.as_deref(), command.token.as_deref());
    Ok(match subject {
        ExplainSubject::Incident(id) => {
            Explained::Incident(service.get(&format!("incidents/{id}/explain"), &[]).await?)
        }
        ExplainSubject::Alert(alert) => {
            let rule = [("rule", command.rule.as_deref())];
            Explained::Alert(service.get(&format!("alerts/{alert}/explain"), &rule).await?)
        }
        ExplainSubject::Recorded(partition, offset) => {
            let rule = [("rule", command.rule.as_deref())];
            Explained::Event(service.get(&format!("events/{partition}-{offset}/explain"), &rule).await?)
        }
        ExplainSubject::Events(body) => {
            let query = [("rule", command.rule.as_deref()), ("source", command.source.as_deref())];
            let request = service.client.post(service.address("events/explain", &query)?);
            let request = request.header("content-type", "application/json").body(body);
            Explained::Events(service.answer(request).await?)
        }
    })
}

/// A running service, queried over REST.
pub(in crate::app) struct Service<'a> {
    client: reqwest::Client,
    base: String,
    token: Option<&'a str>,
}

impl Service<'_> {
    /// At that address, or at the default one.
    pub(in crate::app) fn at<'a>(url: Option<&str>, token: Option<&'a str>) -> Service<'a> {
        serve::install_crypto();
        let base = url.unwrap_or(URL_DEFAULT).trim_end_matches('/').to_owned();
        Service { client: reqwest::Client::new(), base, token }
    }

    fn address(&self, path: &str, query: &[(&str, Option<&str>)]) -> Result<reqwest::Url, String> {
        let url = format!("{}/api/v1/{path}", self.base);
        let mut url = url.parse::<reqwest::Url>().map_err(|error| format!("{url}: {error}"))?;
        let given: Vec<(&str, &str)> = query.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        if !given.is_empty() {
            url.query_pairs_mut().extend_pairs(given);
        }
        Ok(url)
    }

    pub(in crate::app) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<&str>)],
    ) -> Result<T, String> {
        self.answer(self.client.get(self.address(path, query)?)).await
    }

    /// Sends a command; the response comes after its commit.
    pub(in crate::app) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, String> {
        self.answer(self.client.post(self.address(path, &[])?).json(body)).await
    }

    pub(in crate::app) async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, String> {
        self.answer(self.client.patch(self.address(path, &[])?).json(body)).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, String> {
        let request = match self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let base = &self.base;
        let unreachable = |error: reqwest::Error| {
            format!("{base} does not answer ({error}); is the service running? --data-dir reads its data without it")
        };
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

/// Restores the state from the store and queries it.
async fn offline(command: &ExplainCommand, subject: ExplainSubject) -> Result<Explained, String> {
    let (data_dir, database_url) = (command.data_dir.clone(), command.database_url.clone());
    let store = open_existing(ServeFlags { data_dir, database_url, ..ServeFlags::default() }).await?;
    let engine = recovered(&store).await?;
    let rulebook = engine.rulebook();
    let oracle = Oracle::Engine { engine: &engine, now: engine.last_now() };
    let rule = command.rule.clone();
    let explained = match subject {
        ExplainSubject::Incident(id) => {
            incident_explanation(&store, rulebook, &oracle, id).await.map(|one| Explained::Incident(Box::new(one)))
        }
        ExplainSubject::Alert(alert) => {
            alert_explanation(&store, &oracle, alert, rule).await.map(|one| Explained::Alert(Box::new(one)))
        }
        ExplainSubject::Recorded(partition, offset) => {
            let place = (partition, offset);
            event_explanation(&store, &oracle, place, rule).await.map(|one| Explained::Event(Box::new(one)))
        }
        ExplainSubject::Events(body) => {
            let decoded = read_events(rulebook, &body, command.source.as_deref())?;
            dry_run(&oracle, decoded, rule.as_deref()).await.map(Explained::Events)
        }
    };
    explained.map_err(|error| error.to_string())
}

async fn recovered(store: &Store) -> Result<Engine, String> {
    let domain = store.setting(DOMAIN_SETTING).await.map_err(|error| error.to_string())?;
    let recovered = recovery::recover(store, domain.filter(|label| !label.is_empty())).await;
    recovered.map(|recovered| recovered.engine).map_err(|error| error.to_string())
}
