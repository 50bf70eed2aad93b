//! `watchfire serve`: everything wired together, started in the order in which it depends on each other.
//!
//! First all that can fail: store and schema, rules, doors; they answer that the service is not ready. Then the lease is
//! waited for, and with it come state, driver and what carries consequences out (`term.rs`). Stopping goes the other way
//! round.

pub(super) mod backup_schedule;
pub(super) mod certificate_watch;
pub(super) mod condition_watch;
pub(super) mod connections;
pub(super) mod flood_watch;
pub(super) mod gauges;
pub(super) mod heartbeat;
pub(super) mod http_server;
pub(super) mod http_socket;
pub(super) mod listeners;
pub(super) mod logging;
pub(super) mod mqtt_listener;
pub(super) mod mqtt_state;
pub(super) mod notify_config;
pub(super) mod open_files;
pub(super) mod rule_files;
pub(super) mod services;
pub(super) mod start_error;
pub(super) mod term;
pub(super) mod tls_server;
pub(super) mod workers;

use services::DOMAIN_SETTING;
use start_error::StartError;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::{Config, ServeFlags};
use super::runtime::clock::Clock;
use super::runtime::integrity;
use super::runtime::lease::Holder;
use super::runtime::queues::Queues;
use super::runtime::rule_reading::ReadRules;
use super::runtime::self_monitoring::{self, SelfMonitoring};
use super::runtime::service_manager::{self, Pulse};
use super::time_zones;
use crate::api::{CommandQueue, DriverRequest};
use crate::core::incidents::AckKey;
use crate::core::model::Event;
use crate::core::rules::Rulebook;
use crate::ingest::Intake;
use crate::metrics::Metrics;
use crate::store::{LiveView, Readiness, Store};
use services::Services;
use term::Terms;

/// How long open requests may take to end when the service stops.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// How often somebody who waits for the service looks whether it is ready.
const READY_LOOK_EVERY: Duration = Duration::from_millis(50);

/// A started service.
pub struct RunningService {
    pub http: SocketAddr,
    /// The built-in MQTT intake, if it is on.
    pub mqtt: Option<SocketAddr>,
    commands: CommandQueue,
    /// Has certificates read again.
    reload: Arc<Notify>,
    live: Arc<LiveView>,
    /// Ends the doors and the courier.
    doors: CancellationToken,
    /// Ends the driver, once the doors are closed.
    driver: CancellationToken,
    serving: JoinHandle<Result<(), StartError>>,
    door_tasks: Vec<JoinHandle<()>>,
    /// What the holder runs beside the driver.
    tasks: TaskTracker,
}

/// Runs until SIGINT or SIGTERM; SIGHUP reloads the rules and the certificates.
pub async fn run(flags: ServeFlags) -> Result<ExitCode, String> {
    let config = Config::resolve(flags).map_err(|error| error.to_string())?;
    logging::start(config.log_json);
    let rules = config.rules.clone();
    let read_rules: ReadRules = Arc::new(move || rule_files::load_logged(rules.as_deref()));
    let signals = |error: std::io::Error| format!("signals cannot be listened for: {error}");
    let mut interrupts = Signals::listen().map_err(signals)?;
    let hangup = signal(SignalKind::hangup()).map_err(signals)?;
    let mut running = start(config, read_rules, CancellationToken::new()).await.map_err(|error| error.to_string())?;
    let hangups = tokio::spawn(reload_on_hangup(hangup, running.commands.clone(), Arc::clone(&running.reload)));
    let ended = tokio::select! {
        () = interrupts.received() => None,
        ended = &mut running.serving => Some(ended),
    };
    hangups.abort();
    service_manager::stopping();
    match ended {
        None => {
            tracing::info!("stopping: closing the doors, committing what is under way");
            running.stop().await.map_err(|error| error.to_string())?;
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
        Some(Ok(Ok(()))) => Ok(ExitCode::SUCCESS),
        Some(Ok(Err(stopped))) => Err(stopped.to_string()),
        Some(Err(panic)) => Err(format!("the service failed: {panic}")),
    }
}

/// Starts everything. `cancel` ends it from outside, as a signal does.
pub async fn start(
    config: Config,
    read_rules: ReadRules,
    cancel: CancellationToken,
) -> Result<RunningService, StartError> {
    install_crypto();
    let clock = Clock::system();
    tracing::info!("{}", time_zones::in_force());
    let store = open_store(&config, &read_rules).await?;
    let ack_key = ack_key(&store, &config).await?;
    let installation = integrity::database_id(&store).await?;
    let (intake, events) = Intake::new(config.intake_events);
    let (commands, wishes) = CommandQueue::new();
    let stop = cancel.child_token();
    let live = Arc::new(LiveView::new(Arc::new(Rulebook::empty())));
    let doors = Services {
        live: Arc::clone(&live),
        metrics: Arc::new(Metrics::new()),
        config,
        store,
        clock,
        intake,
        commands: commands.clone(),
        ack_key,
        installation,
        stop: stop.clone(),
    };
    // Everything that can fail comes before the lease: a start by mistake must not end the service that runs.
    workers::rehearse(&doors).map_err(|reason| StartError::Part { what: "delivery of notices", reason })?;
    let opened = listeners::open(&doors).await?;
    let (self_monitoring, findings) = SelfMonitoring::new();
    let mut door_tasks = opened.tasks;
    let pulse = Pulse::default();
    door_tasks.extend(look_after_itself(&doors, findings, pulse.clone()));
    let (driver, tasks) = (CancellationToken::new(), TaskTracker::new());
    let terms = Terms {
        doors,
        read_rules,
        this: Holder::this(opened.http.to_string()),
        surroundings: opened.surroundings,
        self_monitoring,
        stop: driver.clone(),
        tasks: tasks.clone(),
    };
    let serving = tokio::spawn(terms.serve(Queues { events, commands: wishes, pulse }));
    service_manager::ready();
    Ok(RunningService {
        http: opened.http,
        mqtt: opened.mqtt,
        commands,
        reload: opened.reload,
        live,
        doors: stop,
        driver,
        serving,
        door_tasks,
        tasks,
    })
}

/// The database, if it is one that may be served here.
async fn open_store(config: &Config, read_rules: &ReadRules) -> Result<Store, StartError> {
    let store = Store::open(&config.database_url).await?;
    fix_domain(&store, config.domain_label.as_deref()).await?;
    refuse_open_world(&store, config.listen).await?;
    refuse_bad_rules(&store, read_rules).await?;
    // Each term opens its own; here only so that a database that is not whole is refused at once.
    integrity::open_mark(&store, config).await?;
    Ok(store)
}

async fn ack_key(store: &Store, config: &Config) -> Result<AckKey, StartError> {
    let key = notify_config::ack_key(store, config.secrets_dir.clone()).await;
    key.map_err(|reason| StartError::Part { what: "key of acknowledging links", reason })
}

/// The sign of life for systemd, and what the service finds out about itself.
fn look_after_itself(doors: &Services, findings: mpsc::Receiver<Event>, pulse: Pulse) -> [JoinHandle<()>; 2] {
    [
        tokio::spawn(service_manager::feed_watchdog(pulse, doors.stop.clone())),
        tokio::spawn(self_monitoring::deliver(findings, doors.intake.clone(), doors.stop.clone())),
    ]
}

impl RunningService {
    /// Returns when this process holds the lease and takes work; the error when it cannot.
    pub async fn ready(&mut self) -> Result<(), StartError> {
        let live = Arc::clone(&self.live);
        let looking = async {
            while live.readiness() != Readiness::Ready {
                tokio::time::sleep(READY_LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = looking => Ok(()),
            ended = &mut self.serving => ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())),
        }
    }

    /// Closes the doors, commits what was let in, writes a snapshot, and ends.
    pub async fn stop(self) -> Result<(), StartError> {
        self.doors.cancel();
        self.tasks.close();
        let closing = async {
            for task in self.door_tasks {
                // A door that failed has logged why.
                drop(task.await);
            }
            self.tasks.wait().await;
        };
        if tokio::time::timeout(STOP_GRACE, closing).await.is_err() {
            tracing::warn!("some requests did not end in time and were cut off");
        }
        self.driver.cancel();
        match self.serving.await {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

/// SIGINT and SIGTERM, listened for from its making: a signal that comes while the service starts is not lost.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub fn listen() -> std::io::Result<Signals> {
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Returns at the first of them, also one that came before this was asked.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

async fn reload_on_hangup(mut hangup: Signal, commands: CommandQueue, certificates: Arc<Notify>) {
    while hangup.recv().await.is_some() {
        service_manager::reloading();
        certificates.notify_waiters();
        // The driver logs what came of it.
        drop(commands.send(DriverRequest::Reload { by: None }).await);
        service_manager::ready();
    }
}

/// The one provider of TLS in this process; a second call changes nothing.
pub fn install_crypto() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

async fn fix_domain(store: &Store, wanted: Option<&str>) -> Result<(), StartError> {
    let wanted = wanted.unwrap_or_default();
    match store.setting(DOMAIN_SETTING).await? {
        None => Ok(store.put_setting(DOMAIN_SETTING, wanted).await?),
        Some(stored) if stored == wanted => Ok(()),
        Some(stored) => Err(StartError::DomainChanged { stored, wanted: wanted.to_owned() }),
    }
}

/// Bad rules are a reason not to start only while no earlier ones are stored.
async fn refuse_bad_rules(store: &Store, read_rules: &ReadRules) -> Result<(), StartError> {
    match read_rules() {
        Err(report) if store.partitions().await?.is_empty() => Err(StartError::Rules { report }),
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn refuse_open_world(store: &Store, listen: SocketAddr) -> Result<(), StartError> {
    let tokens = store.tokens().await?;
    if tokens.iter().any(|token| token.revoked_at.is_none()) {
        return Ok(());
    }
    if !listen.ip().is_loopback() {
        return Err(StartError::OpenToTheWorld { listen });
    }
    if tokens.is_empty() {
        tracing::warn!("no tokens exist: everybody on this machine may do everything (watchfire token create)");
    } else {
        tracing::warn!("every token is revoked: nobody may do anything (watchfire token create)");
    }
    Ok(())
}
