//! The doors: HTTP for people and tools, the built-in MQTT intake, the client of a real broker.

use super::certificate_watch::watch_certificate;
use super::services::Services;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::net::TcpSocket;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::http_server::{HttpLimits, HttpServer};
use super::start_error::StartError;
use super::tls_server::{TlsFiles, TlsServer};
use super::{condition_watch, flood_watch, gauges, mqtt_listener, open_files};
use crate::api;
use crate::api::{ApiError, ApiSettings, ApiState, TokenCache};
use crate::app::config::MqttListen;
use crate::console;
use crate::core::rules::Rulebook;
use crate::ingest::http::{BODY_MAX_BYTES, HttpIntake};
use crate::ingest::mqtt;
use crate::ingest::mqtt::{Binding, ClientSettings, IntakeContext, MqttClient, TopicFilters};
use crate::metrics::Listener;
use crate::store::{LiveView, Readiness};

/// How soon a reload's new topics are subscribed.
const FILTERS_EVERY: Duration = Duration::from_secs(1);

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// Open doors, and where they are.
pub struct Listeners {
    pub http: SocketAddr,
    pub mqtt: Option<SocketAddr>,
    pub tasks: Vec<JoinHandle<()>>,
    /// Told when certificates are to be read again at once.
    pub reload: Arc<Notify>,
    /// For the client of a real broker, which is the lease holder's.
    pub surroundings: IntakeContext,
}

/// The port and the certificate of the HTTP doors, not yet open.
struct BoundSocket {
    socket: TcpSocket,
    tls: Option<Arc<TlsServer>>,
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> StartError {
    StartError::Listen { address: address.to_string(), reason: error.to_string() }
}

/// Opens all of them; nobody is answered before this process holds the lease. They end with `stop`.
pub async fn open(doors: &Services) -> Result<Listeners, StartError> {
    // Both ports are had before any task begins.
    let bound = reserve(doors.config.listen, doors.config.web.tls.clone())?;
    let keyring =
        Arc::new(TokenCache::new(doors.store.clone(), doors.steady(), doors.config.listen.ip().is_loopback()));
    let (filters, surroundings) = surroundings(doors)?;
    let mut tasks = vec![
        tokio::spawn(follow_rulebook(Arc::clone(&doors.live), filters, doors.stop.clone())),
        tokio::spawn(gauges::keep(
            Arc::clone(&doors.live),
            Arc::clone(&doors.metrics),
            doors.intake.clone(),
            doors.stop.clone(),
        )),
    ];
    let (live, metrics, intake) = (Arc::clone(&doors.live), Arc::clone(&doors.metrics), doors.intake.clone());
    tasks.push(tokio::spawn(condition_watch::keep(live, metrics, intake, doors.now(), doors.stop.clone())));
    let (metrics, intake) = (Arc::clone(&doors.metrics), doors.intake.clone());
    tasks.push(tokio::spawn(flood_watch::keep(metrics, intake, doors.now(), doors.stop.clone())));
    let mqtt = match doors.config.mqtt_listen {
        MqttListen::Off => None,
        MqttListen::Default(address) => Some(Binding::Preferred(address)),
        MqttListen::Fixed(address) => Some(Binding::Exactly(address)),
    };
    let reload = Arc::new(Notify::new());
    let mqtt = match mqtt {
        None => None,
        Some(binding) => {
            let keyring = Arc::clone(&keyring);
            Some(mqtt_listener::open(doors, keyring, binding, surroundings.clone(), &reload, &mut tasks).await?)
        }
    };
    let reload = Arc::new(Notify::new());
    if let Some(server) = bound.tls.clone() {
        tasks.push(watch_certificate(doors, Listener::Http, server, &reload));
    }
    let (http, task) = open_http(doors, keyring, bound)?;
    tasks.push(task);
    Ok(Listeners { http, mqtt, tasks, reload, surroundings })
}

/// Takes the port and reads the certificate.
fn reserve(address: SocketAddr, tls: Option<TlsFiles>) -> Result<BoundSocket, StartError> {
    let tls = tls.map(TlsServer::load).transpose()?.map(Arc::new);
    let socket = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Connections of an earlier run may still be closing.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    };
    let socket = socket().map_err(|error| cannot_listen(address, &error))?;
    Ok(BoundSocket { socket, tls })
}

/// Subscribes at the real broker, if one is configured. Two of one service would take the session from each other, so
/// only the holder of the lease does; it ends with `stop`.
pub async fn listen_to_broker(
    doors: &Services,
    surroundings: IntakeContext,
    tasks: &TaskTracker,
) -> Result<(), StartError> {
    let part = |reason: String| StartError::Part { what: "MQTT client", reason };
    if let Some(address) = doors.broker().map_err(part)? {
        let mut settings = ClientSettings::new(address);
        settings.facts = doors.store.session_facts(&settings.session()).await?;
        settings.taken = doors.store.taken_messages(&settings.session()).await?;
        let client = MqttClient::new(settings, surroundings).map_err(|error| part(error.to_string()))?;
        tasks.spawn(client.run(doors.stop.clone()));
    }
    Ok(())
}

fn open_http(
    doors: &Services,
    keyring: Arc<TokenCache>,
    BoundSocket { socket, tls }: BoundSocket,
) -> Result<(SocketAddr, JoinHandle<()>), StartError> {
    let intake = HttpIntake {
        intake: doors.intake.clone(),
        metrics: Arc::clone(&doors.metrics),
        rulebook: doors.rulebook(),
        now: doors.now(),
        body_max_bytes: BODY_MAX_BYTES,
    };
    let web = &doors.config.web;
    let settings = ApiSettings {
        external_url: doors.config.external_url.clone(),
        ack_key: Some(doors.ack_key.clone()),
        allowed_hosts: web.allowed_hosts.clone(),
        allowed_origins: web.allowed_origins.clone(),
        listen: Some(doors.config.listen.ip()),
        proxies: web.proxies.clone(),
        requests: web.requests,
        silences: web.silences.clone(),
        ..ApiSettings::new(doors.clock.civil())
    };
    let state = ApiState {
        store: doors.store.clone(),
        live: Arc::clone(&doors.live),
        commands: doors.commands.clone(),
        metrics: Arc::clone(&doors.metrics),
        intake,
        keyring,
        now: doors.now(),
        steady: doors.steady(),
        stop: doors.stop.clone(),
        settings,
    };
    let failed = |error: std::io::Error| cannot_listen(doors.config.listen, &error);
    let listener = socket.listen(BACKLOG).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    tracing::info!(address = %bound, tls = tls.is_some(), "HTTP doors open");
    let router =
        api::router(state, console::endpoints()).layer(from_fn_with_state(Arc::clone(&doors.live), only_about_itself));
    let server = HttpServer {
        listener,
        router,
        tls,
        limits: affordable(web.limits.clone()),
        proxies: web.proxies.clone(),
        metrics: Arc::clone(&doors.metrics),
    };
    Ok((bound, tokio::spawn(server.serve(doors.stop.clone()))))
}

/// At most half of the files that may be open are connections: the database and everything that goes out need some, too.
fn affordable(mut limits: HttpLimits) -> HttpLimits {
    let Some(open_files) = open_files::limit() else { return limits };
    let most = (open_files / 2).max(1);
    if limits.connections.total > most {
        tracing::warn!(
            connections = most,
            "fewer HTTP connections than http.connections: only {open_files} files may be open; raise LimitNOFILE (ulimit -n)"
        );
        limits.connections.total = most;
        limits.connections.per_address = limits.connections.per_address.min(most);
    }
    limits
}

/// A standby knows nothing of what is live: it answers only what is asked about itself.
async fn only_about_itself(State(live): State<Arc<LiveView>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    match live.readiness() {
        Readiness::Standby { reason } if !path.starts_with("/-/") && path != "/metrics" => {
            ApiError::unavailable(reason).answer(path)
        }
        Readiness::Ready | Readiness::NotReady { .. } | Readiness::Standby { .. } => next.run(request).await,
    }
}

fn surroundings(doors: &Services) -> Result<(watch::Sender<Arc<TopicFilters>>, IntakeContext), StartError> {
    let filters = filters_of(&doors.live.rulebook())
        .map_err(|reason| StartError::Part { what: "MQTT topics of the sources", reason })?;
    let (sender, receiver) = watch::channel(Arc::new(filters));
    let surroundings = IntakeContext {
        decode: mqtt::decoder(doors.rulebook()),
        intake: doors.intake.clone(),
        metrics: Arc::clone(&doors.metrics),
        now: doors.now(),
        filters: receiver,
    };
    Ok((sender, surroundings))
}

fn filters_of(rulebook: &Rulebook) -> Result<TopicFilters, String> {
    TopicFilters::parse(mqtt::filters(rulebook)).map_err(|bad| bad.to_string())
}

/// Keeps the subscriptions on the rulebook in force.
async fn follow_rulebook(live: Arc<LiveView>, filters: watch::Sender<Arc<TopicFilters>>, stop: CancellationToken) {
    let mut seen = live.rulebook().hash;
    while stop.run_until_cancelled(tokio::time::sleep(FILTERS_EVERY)).await.is_some() {
        let rulebook = live.rulebook();
        if rulebook.hash == seen {
            continue;
        }
        seen = rulebook.hash;
        match filters_of(&rulebook) {
            Ok(new) => drop(filters.send_replace(Arc::new(new))),
            Err(reason) => tracing::error!(reason, "the topics of the new rules cannot be used; the old ones stay"),
        }
    }
}
