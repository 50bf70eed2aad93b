//! `watchfire demo`: the service on the embedded default, and a simulated province that breaks before your eyes.
//!
//! The province is an outside system: it only publishes over real MQTT and HTTP, and breaks a real HTTP server. It must
//! never touch the store or the engine.

mod portal;
mod province;
mod story;
mod summary;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use rumqttc::{AsyncClient, MqttOptions, QoS};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::app::config::{Config, MqttListen, ServeFlags};
use crate::app::runtime::lease;
use crate::app::serve;
use crate::app::serve::rule_files;
use crate::app::serve::{RunningService, Signals};
use crate::core::rules::RuleText;
use crate::core::simulation::provincial_estate::BRANCHES;
use portal::Portal;
use story::Happening;

/// The demo's own rules; `{portal}` is a placeholder for the address of its portal.
const RULES: &str = include_str!("rules.yaml");

/// Delay of the summary after the last happening: time for the last incidents to settle and escalate.
const SETTLE: Duration = Duration::from_secs(5);

/// Runs watchfire with a simulated province of 17 branches, breaks things for a minute, and shows the result.
#[derive(Args, Clone, Debug)]
pub struct DemoCommand {
    /// Stop after the summary instead of running until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Address of the HTTP listener; a taken port falls back to a free one
    #[arg(long, default_value = "127.0.0.1:7247", value_name = "ADDR:PORT")]
    listen: String,
    /// Directory of the demo's database; emptied at every start
    #[arg(long, default_value = "watchfire-data/demo", value_name = "DIR")]
    data_dir: PathBuf,
}

pub async fn run(command: DemoCommand) -> Result<ExitCode, String> {
    let mut interrupts = Signals::listen().map_err(|error| format!("signals cannot be listened for: {error}"))?;
    let cancel = CancellationToken::new();
    let portal = Portal::start(cancel.child_token()).await.map_err(|error| format!("the demo's portal: {error}"))?;
    let texts = rules(&portal);
    let read_rules: crate::app::runtime::rule_reading::ReadRules =
        std::sync::Arc::new(move || rule_files::compile_logged(texts.clone()));
    let config = config(&command).await?;
    let mut running = serve::start(config, read_rules, cancel.clone()).await.map_err(|error| error.to_string())?;
    running.ready().await.map_err(|error| error.to_string())?;
    let done = tokio::select! {
        done = show(&command, &running, &portal, &cancel) => done,
        () = interrupts.received() => Ok(()),
    };
    running.stop().await.map_err(|error| error.to_string())?;
    done.map(|()| ExitCode::SUCCESS)
}

/// Shows the story and the summary; then, unless `--exit` is given, waits for an interrupt.
async fn show(
    command: &DemoCommand,
    running: &RunningService,
    portal: &Portal,
    cancel: &CancellationToken,
) -> Result<(), String> {
    let base = format!("http://{}", running.http);
    let mqtt = running.mqtt.ok_or("the built-in MQTT intake is off, and the demo publishes to it")?;
    println!("watchfire is up: {base} (HTTP), mqtt://{mqtt} (MQTT). Nothing leaves this machine.\n");
    tell(&base, mqtt, portal, cancel).await?;
    summary::print(&base).await?;
    if !command.exit {
        println!("\nIt goes on running; look around with curl, stop it with Ctrl-C.");
        std::future::pending::<()>().await;
    }
    Ok(())
}

pub(super) async fn config(command: &DemoCommand) -> Result<Config, String> {
    // Only a directory that a demo created is emptied.
    let database = command.data_dir.join("watchfire.db");
    let made_by_demo = command.data_dir.join("this-is-a-demo");
    if database.exists() && !made_by_demo.exists() {
        let shown = command.data_dir.display();
        return Err(format!("{shown} holds data that no demo made; choose another --data-dir"));
    }
    if database.exists()
        && let Some(holder) = lease::living_holder(&format!("sqlite:{}", database.display())).await?
    {
        let shown = command.data_dir.display();
        return Err(format!("{shown} is in use by {holder}; stop that demo, or choose another --data-dir"));
    }
    if made_by_demo.exists() {
        std::fs::remove_dir_all(&command.data_dir).map_err(|error| error.to_string())?;
    }
    std::fs::create_dir_all(&command.data_dir).map_err(|error| error.to_string())?;
    std::fs::write(&made_by_demo, "emptied at every start of the demo\n").map_err(|error| error.to_string())?;
    let flags = ServeFlags {
        listen: Some(free_port_if_taken(&command.listen)),
        data_dir: Some(command.data_dir.clone()),
        ..ServeFlags::default()
    };
    let mut config = Config::resolve(flags).map_err(|error| error.to_string())?;
    if let MqttListen::Off = config.mqtt_listen {
        config.mqtt_listen =
            MqttListen::Default(crate::app::config::MQTT_LISTEN_DEFAULT.parse().map_err(|_| "bad default".to_owned())?);
    }
    Ok(config)
}

/// The demo must start on a machine that already runs a watchfire.
fn free_port_if_taken(listen: &str) -> String {
    match std::net::TcpListener::bind(listen) {
        Ok(_) => listen.to_owned(),
        Err(_) => "127.0.0.1:0".to_owned(),
    }
}

fn rules(portal: &Portal) -> Vec<RuleText> {
    let mut texts: Vec<RuleText> =
        crate::core::rules::builtin().into_iter().filter(|text| text.path.starts_with("sources/")).collect();
    let text = RULES.replace("{portal}", &portal.address.to_string());
    texts.push(RuleText { path: "demo.yaml".to_owned(), text });
    texts
}

/// Sends the story, second by second.
async fn tell(
    base: &str,
    mqtt: std::net::SocketAddr,
    portal: &Portal,
    cancel: &CancellationToken,
) -> Result<(), String> {
    let publisher = Publisher::connect(mqtt, cancel.child_token());
    let http = reqwest::Client::new();
    let mut second = 0;
    for (at, happening) in story::happenings() {
        if at > second {
            tokio::time::sleep(Duration::from_secs(at - second)).await;
            second = at;
        }
        match happening {
            Happening::Chapter(text) => println!("{at:>3} s  {text}"),
            Happening::Mqtt { site, event } => publisher.publish(site, &event).await?,
            Happening::Alert { labels, annotations, firing } => {
                let mut alert = json!({ "labels": labels, "annotations": annotations });
                if !firing {
                    alert["endsAt"] = json!("1970-01-01T00:00:01Z");
                }
                post(&http, &format!("{base}/api/v2/alerts"), &json!([alert])).await?;
            }
            Happening::PortalBreaks => portal.set(false),
            Happening::PortalWorks => portal.set(true),
            Happening::Acknowledge { rule } => acknowledge(&http, base, rule).await?,
        }
    }
    tokio::time::sleep(SETTLE).await;
    Ok(())
}

async fn acknowledge(http: &reqwest::Client, base: &str, rule: &str) -> Result<(), String> {
    let listing = summary::get(http, &format!("{base}/api/v1/incidents?rule={rule}")).await?;
    let Some(id) = listing["items"][0]["id"].as_str() else { return Ok(()) };
    println!("       first line acknowledges {id}; it will stay at tier 1");
    post(http, &format!("{base}/api/v1/incidents/{id}/acknowledge"), &json!({ "note": "正在检查光纤接头" })).await
}

pub(super) async fn post(http: &reqwest::Client, url: &str, body: &Value) -> Result<(), String> {
    let answer = http.post(url).json(body).send().await.map_err(|error| error.to_string())?;
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    Err(format!("POST {url} answered {status}: {text}"))
}

/// The province's one MQTT client.
struct Publisher {
    client: AsyncClient,
}

impl Publisher {
    fn connect(mqtt: std::net::SocketAddr, cancel: CancellationToken) -> Publisher {
        let options = MqttOptions::new("province", mqtt.ip().to_string(), mqtt.port());
        let (client, mut events) = AsyncClient::new(options, 1_000);
        tokio::spawn(async move {
            loop {
                let polled = tokio::select! {
                    polled = events.poll() => polled,
                    () = cancel.cancelled() => return,
                };
                if let Err(error) = polled {
                    tracing::warn!(%error, "the province lost its MQTT connection");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        });
        Publisher { client }
    }

    async fn publish(&self, site: usize, event: &Value) -> Result<(), String> {
        let topic = format!("watchfire/events/{}", BRANCHES[site % BRANCHES.len()].0);
        self.client
            .publish(topic, QoS::AtLeastOnce, false, event.to_string())
            .await
            .map_err(|error| format!("MQTT publish: {error}"))
    }
}
