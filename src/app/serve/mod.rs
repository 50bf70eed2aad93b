//! `watchfire serve`: everything wired together, started in the order in which it depends on each other.
//!
//! Store and lease, rules, state, the driver; then what carries consequences out; then the doors, last of all, so that
//! nobody is let in before there is somebody to answer. Stopping goes the other way round.

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
pub(super) mod tls_server;
pub(super) mod workers;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::listeners::Services;
use self::tls_server::BadTls;
use super::commands::archive;
use super::config::{Config, ConfigError, ServeFlags};
use super::runtime::clock::Clock;
use super::runtime::driver::{Driver, Inputs, Outputs, Stopped};
use super::runtime::high_water_mark::HighWaterMark;
use super::runtime::integrity;
use super::runtime::recovery;
use super::runtime::recovery::NotRecovered;
use super::runtime::rule_reading::{ReadRules, RuleReading};
use super::runtime::self_monitoring::{self, SelfMonitoring};
use super::runtime::service_manager::{self, Pulse};
use super::runtime::snapshots::Snapshots;
use crate::api::{CommandQueue, DriverRequest};
use crate::core::engine::{Engine, Request};
use crate::core::incidents::AckKey;
use crate::core::model::{Event, TimeDelta};
use crate::core::rules::Rulebook;
use crate::ingest::Intake;
use crate::metrics::Metrics;
use crate::store::{LiveView, Readiness, Store, StoreError};

/// A wall clock further behind the journal than this needs a person's word.
const CLOCK_BEHIND_MAX: TimeDelta = TimeDelta::from_minutes(5);

/// How long open requests may take to end when the service stops.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// Where the setting that fixes the correlation domain is kept.
pub const DOMAIN_SETTING: &str = "domain_label";

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the rules have mistakes, and there is no earlier rulebook to go on with:\n{report}")]
    Rules { report: String },
    #[error("the state cannot be put back: {0}")]
    NotRecovered(#[from] NotRecovered),
    #[error(transparent)]
    NotWhole(#[from] integrity::NotWhole),
    #[error("the wall clock is {behind} behind the journal; set the clock, or start with --accept-clock")]
    ClockBehind { behind: TimeDelta },
    #[error("this database was begun with the domain label {stored:?}, not {wanted:?}; it is fixed at the first start")]
    DomainChanged { stored: String, wanted: String },
    #[error(
        "{listen} is reachable from other machines, and nobody has a token: make one with `watchfire token create NAME --role admin`, or listen on 127.0.0.1"
    )]
    OpenToTheWorld { listen: SocketAddr },
    #[error("cannot listen on {address}: {reason}")]
    Listen { address: String, reason: String },
    #[error("TLS of the HTTP listener: {0}")]
    Tls(#[from] BadTls),
    #[error("{what}: {reason}")]
    Part { what: &'static str, reason: String },
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// A started service.
pub struct RunningService {
    pub http: SocketAddr,
    /// The built-in MQTT intake, if it is on.
    pub mqtt: Option<SocketAddr>,
    store: Store,
    commands: CommandQueue,
    /// Has certificates read again.
    reload: Arc<Notify>,
    /// Ends the doors and the courier.
    doors: CancellationToken,
    /// Ends the driver, once the doors are closed.
    driver: CancellationToken,
    driver_task: JoinHandle<Result<(), Stopped>>,
    door_tasks: Vec<JoinHandle<()>>,
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
        ended = &mut running.driver_task => Some(ended),
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
        Some(Err(panic)) => Err(format!("the driver failed: {panic}")),
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
    let store = open_store(&config).await?;
    let mut mark = integrity::open_mark(&store, &config).await?;
    // Before the lease: a second start by mistake must not end the service that runs.
    let reserved = listeners::reserve(config.listen, config.web.tls.clone())?;
    let lease = store.take_lease(&holder()).await?;
    let metrics = Arc::new(Metrics::new());
    let (self_monitoring, findings) = SelfMonitoring::new();
    let mut engine = put_back(&store, &config, &mut mark, &metrics, &self_monitoring).await?;
    let first = first_requests(&mut engine, &read_rules, &clock, &metrics, config.accept_clock)?;

    let (intake, events) = Intake::new(config.intake_events);
    let (commands, wishes) = CommandQueue::new();
    let (probe_requests, probe_queue) = mpsc::unbounded_channel();
    let (probe_results, probes) = mpsc::channel(256);
    let (reports, deliveries) = mpsc::channel(256);
    let notices = Arc::new(Notify::new());
    let live = Arc::new(LiveView::new(Arc::clone(engine.rulebook())));
    live.set_readiness(Readiness::NotReady { reason: "starting".to_owned() });
    let (driver_cancel, stop, pulse) = (CancellationToken::new(), cancel.child_token(), Pulse::default());
    let mut driver = Driver {
        engine,
        store: store.clone(),
        lease: lease.clone(),
        clock: clock.clone(),
        inputs: Inputs { events, commands: wishes, probes, deliveries },
        outputs: Outputs {
            live: Arc::clone(&live),
            metrics: Arc::clone(&metrics),
            probes: probe_requests,
            notices: Arc::clone(&notices),
            self_monitoring: self_monitoring.clone(),
            pulse: pulse.clone(),
        },
        mark,
        snapshots: Snapshots::new(config.journal_keep, config.journal_max_bytes, Arc::clone(&metrics)),
        rule_reading: RuleReading::new(read_rules),
        domain_label: config.domain_label.clone(),
        cancel: driver_cancel.clone(),
    };
    driver.prepare(first).await?;
    driver.ready();
    let driver_task = tokio::spawn(driver.run());
    let ack_key = ack_key(&store, &config).await?;
    let (commands_of_all, stop_of_all) = (commands.clone(), stop.clone());
    let doors =
        Services { config, store, live, metrics, clock, intake, commands: commands_of_all, ack_key, stop: stop_of_all };
    let mut door_tasks = workers::start(&doors, reports, notices, probe_queue, probe_results)
        .map_err(|reason| StartError::Part { what: "delivery of notices", reason })?;
    let opened = listeners::open(&doors, reserved).await?;
    door_tasks.extend(look_after_itself(&doors, self_monitoring, findings, pulse).into_iter().chain(opened.tasks));
    service_manager::ready();
    Ok(RunningService {
        http: opened.http,
        mqtt: opened.mqtt,
        store: doors.store,
        commands,
        reload: opened.reload,
        doors: stop,
        driver: driver_cancel,
        driver_task,
        door_tasks,
    })
}

/// The database, if it is one that may be served here.
async fn open_store(config: &Config) -> Result<Store, StartError> {
    let store = Store::open(&config.database_url).await?;
    fix_domain(&store, config.domain_label.as_deref()).await?;
    refuse_open_world(&store, config.listen).await?;
    Ok(store)
}

/// The state as it was left; what could not be used of it is told.
async fn put_back(
    store: &Store,
    config: &Config,
    mark: &mut HighWaterMark,
    metrics: &Metrics,
    self_monitoring: &SelfMonitoring,
) -> Result<Engine, StartError> {
    store.set_in_use(true).await?;
    let recovered = recovery::recover(store, config.domain_label.clone()).await?;
    tracing::info!(replayed = recovered.replayed, snapshots = recovered.from_snapshots, "state put back");
    integrity::tell_passed_over(&recovered.passed_over, metrics, self_monitoring);
    integrity::tell_losses(&mark.losses(recovered.engine.heads()), metrics, self_monitoring);
    mark.reset(recovered.engine.heads());
    Ok(recovered.engine)
}

async fn ack_key(store: &Store, config: &Config) -> Result<AckKey, StartError> {
    let key = notify_config::ack_key(store, config.secrets_dir.clone()).await;
    key.map_err(|reason| StartError::Part { what: "key of acknowledging links", reason })
}

/// The sign of life for systemd, what the service finds out about itself, the backups that it makes, the records that it
/// archives.
fn look_after_itself(
    doors: &Services,
    self_monitoring: SelfMonitoring,
    findings: mpsc::Receiver<Event>,
    pulse: Pulse,
) -> Vec<JoinHandle<()>> {
    let watching = tokio::spawn(service_manager::feed_watchdog(pulse, doors.stop.clone()));
    let telling = tokio::spawn(self_monitoring::deliver(findings, doors.intake.clone(), doors.stop.clone()));
    let keeping = [archive::start(doors), backup_schedule::start(doors, self_monitoring)];
    [watching, telling].into_iter().chain(keeping.into_iter().flatten()).collect()
}

impl RunningService {
    /// Closes the doors, commits what was let in, writes a snapshot, and ends.
    pub async fn stop(self) -> Result<(), Stopped> {
        self.doors.cancel();
        let closing = async {
            for task in self.door_tasks {
                // A door that failed has logged why.
                drop(task.await);
            }
        };
        if tokio::time::timeout(STOP_GRACE, closing).await.is_err() {
            tracing::warn!("some requests did not end in time and were cut off");
        }
        self.driver.cancel();
        let ended = match self.driver_task.await {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        if ended.is_ok()
            && let Err(error) = self.store.set_in_use(false).await
        {
            tracing::warn!(%error, "the database still says that it is in use; copy it with its -wal, or back it up");
        }
        ended
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

/// The inputs that stand before any other: the gap since the last one, and the rulebook if it is another.
fn first_requests(
    engine: &mut Engine,
    read_rules: &ReadRules,
    clock: &Clock,
    metrics: &Metrics,
    accept_clock: bool,
) -> Result<Vec<Request>, StartError> {
    let mut first = Vec::new();
    let last = engine.last_now();
    let behind = last.since(clock.now());
    if behind > CLOCK_BEHIND_MAX && !accept_clock {
        return Err(StartError::ClockBehind { behind });
    }
    clock.not_before(last);
    if let Some(gap) = engine.gap(clock.now()) {
        first.push(Request::Resumed { gap });
    }
    match read_rules() {
        Ok(rulebook) => {
            metrics.rulebook_loaded(true, rulebook.rules.len());
            if rulebook.hash != engine.rulebook().hash {
                first.push(Request::Rulebook(rulebook.hash));
                engine.register_rulebook(Arc::new(rulebook));
            }
        }
        Err(report) if engine.rulebook().hash != Rulebook::empty().hash => {
            tracing::error!(report, "the rule files have mistakes; going on with the rules that were in force");
            metrics.rulebook_loaded(false, engine.rulebook().rules.len());
        }
        Err(report) => return Err(StartError::Rules { report }),
    }
    Ok(first)
}

async fn fix_domain(store: &Store, wanted: Option<&str>) -> Result<(), StartError> {
    let wanted = wanted.unwrap_or_default();
    match store.setting(DOMAIN_SETTING).await? {
        None => Ok(store.put_setting(DOMAIN_SETTING, wanted).await?),
        Some(stored) if stored == wanted => Ok(()),
        Some(stored) => Err(StartError::DomainChanged { stored, wanted: wanted.to_owned() }),
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

/// Who holds the lease, for whoever finds the database taken over.
fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", host.trim(), std::process::id())
}
