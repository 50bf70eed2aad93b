//! The doors: HTTP for people and tools, the built-in MQTT intake, the client of a real broker.

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

use super::StartError;
use super::certificate_watch::CertificateWatch;
use super::http_server::{HttpLimits, HttpServer};
use super::tls_server::{TlsFiles, TlsServer};
use super::{condition_watch, flood_watch, gauges, mqtt_listener, open_files};
use crate::api;
use crate::api::{ApiError, ApiSettings, ApiState, CommandQueue, Now, TokenCache};
use crate::app::config::{Config, MqttListen};
use crate::app::runtime::clock::Clock;
use crate::console;
use crate::core::incidents::AckKey;
use crate::core::rules::Rulebook;
use crate::ingest::Intake;
use crate::ingest::http::{BODY_MAX_BYTES, HttpIntake};
use crate::ingest::mqtt;
use crate::ingest::mqtt::{
    AuthError, Binding, ClientSettings, IntakeContext, MqttClient, PublishPermission, TopicFilters,
};
use crate::metrics::{Listener, Metrics};
use crate::mqtt::BrokerAddress;
use crate::store::{LiveView, Readiness, Store, TokenRole};

/// How soon a reload's new topics are subscribed.
const FILTERS_EVERY: Duration = Duration::from_secs(1);

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// What the doors are made of.
#[derive(Clone)]
pub struct Services {
    pub config: Config,
    pub store: Store,
    pub live: Arc<LiveView>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    pub intake: Intake,
    pub commands: CommandQueue,
    /// What signs the links of notices.
    pub ack_key: AckKey,
    /// What tells this installation's notices from another's.
    pub installation: String,
    pub stop: CancellationToken,
}

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

impl Services {
    /// The real broker, if one is configured.
    pub fn broker(&self) -> Result<Option<BrokerAddress>, String> {
        let url = self.config.mqtt_url.as_deref();
        url.map(|url| url.parse::<BrokerAddress>().map_err(|bad| format!("mqtt_url: {bad}"))).transpose()
    }

    /// What the wall clock shows, as far as its steps count.
    pub fn now(&self) -> Now {
        let clock = self.clock.clone();
        Arc::new(move || clock.civil())
    }

    /// The monotonic clock.
    pub fn steady(&self) -> Now {
        let clock = self.clock.clone();
        Arc::new(move || clock.steady())
    }

    fn rulebook(&self) -> Arc<dyn Fn() -> Arc<Rulebook> + Send + Sync> {
        let live = Arc::clone(&self.live);
        Arc::new(move || live.rulebook())
    }
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

/// Keeps the certificate of a listener fresh.
pub(super) fn watch_certificate(
    doors: &Services,
    listener: Listener,
    server: Arc<TlsServer>,
    reload: &Arc<Notify>,
) -> JoinHandle<()> {
    let watch = CertificateWatch {
        listener,
        server,
        intake: doors.intake.clone(),
        metrics: Arc::clone(&doors.metrics),
        now: doors.now(),
        reload: Arc::clone(reload),
    };
    tokio::spawn(watch.run(doors.stop.clone()))
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

/// A tool's token publishes on the topics of its own source, as they stand in the rulebook in force.
pub(super) fn permit(name: String, role: TokenRole, live: Arc<LiveView>) -> Result<PublishPermission, AuthError> {
    match role {
        TokenRole::Admin => Ok(PublishPermission::everything(&name)),
        TokenRole::Ingest { source } | TokenRole::Monitoring { source } if source == "*" => {
            Ok(PublishPermission::everything(&name))
        }
        TokenRole::Ingest { source } | TokenRole::Monitoring { source } => {
            let may_publish =
                move |topic: &str| live.rulebook().source(&source).is_some_and(|source| source.takes_topic(topic));
            Ok(PublishPermission { name, may_publish: Arc::new(may_publish) })
        }
        // People publish that they are there, and nothing else.
        TokenRole::FirstLine
        | TokenRole::SecondLine
        | TokenRole::ThirdLine
        | TokenRole::IncidentManager
        | TokenRole::ProblemManager
        | TokenRole::ChangeManager
        | TokenRole::ConfigurationManager
        | TokenRole::ProcessManager => {
            let own = mqtt::presence_topic(&name);
            Ok(PublishPermission { name, may_publish: Arc::new(move |topic: &str| topic == own) })
        }
        TokenRole::Viewer => Err(AuthError::NotAuthorised),
    }
}
