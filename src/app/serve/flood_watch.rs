//! Says that HTTP or the built-in MQTT intake is flooded: as an event, for as long as bounds had to hold against it.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::api::Now;
use crate::app::own_events::OwnTrouble;
use crate::core::model::{Severity, TimeDelta};
use crate::ingest::Intake;
use crate::metrics::{ConnectionCut, HttpRefusal, Metrics};

/// How often the counters are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How long it must be quiet until it is over.
const QUIET: TimeDelta = TimeDelta::from_minutes(2);

/// What a flood is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flood {
    Connections,
    Guessing,
    Streams,
    MqttConnections,
    MqttGuessing,
}

impl Flood {
    const ALL: [Flood; 5] =
        [Flood::Connections, Flood::Guessing, Flood::Streams, Flood::MqttConnections, Flood::MqttGuessing];

    const fn alertname(self) -> &'static str {
        match self {
            Flood::Connections | Flood::Guessing | Flood::Streams => "HttpFlooded",
            Flood::MqttConnections | Flood::MqttGuessing => "MqttFlooded",
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Flood::Connections | Flood::MqttConnections => "connections",
            Flood::Guessing | Flood::MqttGuessing => "guessing",
            Flood::Streams => "streams",
        }
    }

    /// What is wrong, and what to do.
    const fn summary(self) -> &'static str {
        match self {
            Flood::Connections => {
                "more HTTP connections than there are places: the ones that let us wait longest are closed; watchfire_http_connections_cut_total says how many, `ss -tn` on this machine from where; keep that sender out, or raise http.connections"
            }
            Flood::Guessing => {
                "somebody tries wrong tokens over HTTP: they are slowed down by address; watchfire_http_refused_total says how many; look for a tool with an old token, else keep the sender out"
            }
            Flood::Streams => {
                "more streams are asked for than there are places: others get none; watchfire_http_streams says how many are open; close what is not looked at, or raise http.streams"
            }
            Flood::MqttConnections => {
                "more MQTT connections than one address or the intake may have: the newest are turned away; watchfire_mqtt_refused_total says why, `ss -tn` on this machine from where; keep that sender out, or raise mqtt_intake.connections_per_address for a gateway"
            }
            Flood::MqttGuessing => {
                "somebody tries wrong passwords over MQTT: the logins of that address wait; watchfire_mqtt_refused_total says how many; look for a device with an old token, else keep the sender out"
            }
        }
    }

    /// How often its bound has bitten so far.
    fn bites(self, metrics: &Metrics) -> u64 {
        match self {
            Flood::Connections => {
                metrics.http_connections_cut(ConnectionCut::MadeRoom)
                    + metrics.http_connections_cut(ConnectionCut::Full)
            }
            Flood::Guessing => metrics.http_refusals(HttpRefusal::Guessing),
            Flood::MqttConnections => ["too_many_connections", "address_connections", "address_handshakes"]
                .into_iter()
                .map(|reason| metrics.mqtt_refusals(reason))
                .sum(),
            Flood::MqttGuessing => metrics.mqtt_refusals("login_delayed"),
            Flood::Streams => metrics.http_refusals(HttpRefusal::Streams),
        }
    }
}

/// Looks at all of them until `stop`.
pub async fn keep(metrics: Arc<Metrics>, intake: Intake, now: Now, stop: CancellationToken) {
    let watched = Flood::ALL.map(|flood| watch(flood, &metrics, &intake, &now));
    drop(stop.run_until_cancelled(futures_util::future::join_all(watched)).await);
}

async fn watch(flood: Flood, metrics: &Metrics, intake: &Intake, now: &Now) {
    let mut seen = 0;
    let mut last_bite = None;
    let mut is_told = false;
    loop {
        let bites = flood.bites(metrics);
        if bites > seen {
            last_bite = Some(now());
        }
        seen = bites;
        let is_on = last_bite.is_some_and(|at| now().since(at) < QUIET);
        if is_on != is_told {
            let severity = is_on.then_some(Severity::Major);
            let labels = vec![("flood", flood.as_str().to_owned())];
            let summary = if is_on { flood.summary().to_owned() } else { "it is over".to_owned() };
            let trouble = OwnTrouble { name: flood.alertname(), labels, severity, summary };
            if is_on {
                tracing::warn!(flood = flood.as_str(), "{}", trouble.summary);
            }
            if trouble.tell(intake, now()).await {
                is_told = is_on;
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
