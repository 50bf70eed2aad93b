//! The terms of this process: it waits for the lease, holds it with all that belongs to that, and waits again when another
//! took it.
//!
//! Everything that can fail without the lease was tried before the first term. Of a term nothing outlives its end but the
//! doors: engine, dispatch of notices, probes and the session at a broker are the holder's alone.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backup_schedule;
use super::listeners;
use super::services::Services;
use super::start_error::StartError;
use super::workers;
use crate::app::commands::archive;
use crate::app::runtime::clock::Clock;
use crate::app::runtime::driver::{Driver, Inputs, Outputs, Stopped};
use crate::app::runtime::high_water_mark::HighWaterMark;
use crate::app::runtime::integrity;
use crate::app::runtime::lease::{Holder, LeaseKeeper};
use crate::app::runtime::queues::Queues;
use crate::app::runtime::raised;
use crate::app::runtime::recovery;
use crate::app::runtime::rule_reading::{ReadRules, RuleReading};
use crate::app::runtime::self_monitoring::SelfMonitoring;
use crate::app::runtime::snapshots::Snapshots;
use crate::app::runtime::standby::{Standby, Taken};
use crate::core::engine::{Engine, Request};
use crate::core::model::{Severity, TimeDelta};
use crate::core::rules::Rulebook;
use crate::ingest::mqtt::IntakeContext;
use crate::store::{CommitError, Lease, Readiness};

/// A wall clock further behind the journal than this needs a person's word.
const CLOCK_BEHIND_MAX: TimeDelta = TimeDelta::from_minutes(5);

/// How often a wall clock that is behind is looked at again.
const CLOCK_LOOK_EVERY: Duration = Duration::from_secs(1);

/// What outlives the terms.
pub struct Terms {
    pub doors: Services,
    pub read_rules: ReadRules,
    pub this: Holder,
    /// Of the client of a real broker.
    pub surroundings: IntakeContext,
    /// Where the holder tells what it finds out about itself.
    pub self_monitoring: SelfMonitoring,
    /// Ends the driver, once the doors are closed.
    pub stop: CancellationToken,
    /// What the holder runs beside the driver; it ends with the doors.
    pub tasks: TaskTracker,
}

/// A term that has begun: the state as it was left, and what stands before any other input.
struct Begun {
    engine: Engine,
    mark: HighWaterMark,
    first: Vec<Request>,
}

impl Terms {
    /// Until the service stops, or cannot go on.
    pub async fn serve(self, mut queues: Queues) -> Result<(), StartError> {
        let mut by_force = self.doors.config.take_over;
        loop {
            let Some(taken) = self.stand_by(&mut queues, by_force).await else { return Ok(()) };
            by_force = false;
            let ended;
            (queues, ended) = Box::pin(self.hold(taken, queues)).await;
            self.doors.metrics.ready(false);
            match ended {
                Err(StartError::Stopped(Stopped::Fenced(error))) => {
                    self.doors.store.let_go();
                    tracing::error!(%error, "this process is a standby from here on");
                }
                ended => return ended,
            }
        }
    }

    /// Waits for the lease, refusing whatever comes; `None` when the service stops.
    async fn stand_by(&self, queues: &mut Queues, by_force: bool) -> Option<Taken> {
        let Services { store, clock, live, config, .. } = &self.doors;
        let standby = Standby { store, clock, this: &self.this, by_force, patient: config.standby };
        let say = |reason: String| {
            drop(sd_notify::notify(&[NotifyState::Status(&reason)]));
            live.set_readiness(Readiness::Standby { reason });
        };
        let why = "this process is a standby; send to the one that holds the database";
        let waiting = queues.refusing(why, standby.wait(say));
        self.stop.run_until_cancelled(waiting).await
    }

    /// One term: the lease is kept while it lasts, and given back when it ends well.
    async fn hold(&self, taken: Taken, queues: Queues) -> (Queues, Result<(), StartError>) {
        let Services { store, clock, live, metrics, .. } = &self.doors;
        let fenced = CancellationToken::new();
        let (term, renewing) = (self.doors.stop.child_token(), CancellationToken::new());
        let lease = taken.lease.clone();
        let keeper = LeaseKeeper {
            store: store.clone(),
            lease: lease.clone(),
            clock: clock.clone(),
            live: Arc::clone(live),
            fenced: fenced.clone(),
        };
        keeper.begin();
        let keeper = tokio::spawn(keeper.renew(renewing.clone()));
        metrics.leads(taken.reason);
        live.set_readiness(Readiness::NotReady { reason: "starting: the state is being put back".to_owned() });
        drop(sd_notify::notify(&[NotifyState::Status("holds the database")]));
        let (queues, ended) = Box::pin(self.lead(&taken, queues, &fenced, &term)).await;
        term.cancel();
        renewing.cancel();
        drop(keeper.await);
        let is_fenced = matches!(ended, Err(StartError::Stopped(Stopped::Fenced(_))));
        metrics.stopped_leading(is_fenced);
        // A database that cannot be written takes nothing back, and a stop does not wait for it.
        if !is_fenced && !matches!(ended, Err(StartError::Stopped(Stopped::Unwritten { .. }))) {
            self.let_go(&lease, ended.is_ok()).await;
        }
        (queues, ended)
    }

    /// The database is free for the next holder. `whole`: all that was taken is committed.
    async fn let_go(&self, lease: &Lease, whole: bool) {
        let store = &self.doors.store;
        if whole && let Err(error) = store.set_in_use(false).await {
            tracing::warn!(%error, "the database still says that it is in use; copy it with its -wal, or back it up");
        }
        if let Err(error) = store.give_lease_back(lease).await {
            tracing::warn!(%error, "the lease is not given back; the next start waits until it is silent");
        }
    }

    async fn lead(
        &self,
        taken: &Taken,
        mut queues: Queues,
        fenced: &CancellationToken,
        term: &CancellationToken,
    ) -> (Queues, Result<(), StartError>) {
        let Services { store, clock, live, metrics, config, .. } = &self.doors;
        let begun = tokio::select! {
            begun = self.begin(taken, &mut queues) => begun,
            () = fenced.cancelled() => Err(Stopped::Fenced(CommitError::Fenced { ours: taken.lease.epoch }).into()),
            () = self.stop.cancelled() => return (queues, Ok(())),
        };
        let Begun { engine, mark, first } = match begun {
            Ok(begun) => begun,
            Err(error) => return (queues, Err(error)),
        };
        let (probe_requests, probe_queue) = mpsc::unbounded_channel();
        let (probe_results, probes) = mpsc::channel(256);
        let (reports, deliveries) = mpsc::channel(256);
        let notices = Arc::new(Notify::new());
        let pulse = queues.pulse.clone();
        let mut driver = Driver {
            engine,
            store: store.clone(),
            lease: taken.lease.clone(),
            clock: clock.clone(),
            inputs: Inputs { doors: queues, probes, deliveries },
            outputs: Outputs {
                live: Arc::clone(live),
                metrics: Arc::clone(metrics),
                probes: probe_requests,
                notices: Arc::clone(&notices),
                self_monitoring: self.self_monitoring.clone(),
                pulse,
            },
            mark,
            snapshots: Snapshots::new(config.journal_keep, config.journal_max_bytes, Arc::clone(metrics)),
            rule_reading: RuleReading::new(Arc::clone(&self.read_rules)),
            domain_label: config.domain_label.clone(),
            last_round: None,
            fenced: fenced.clone(),
            cancel: self.stop.clone(),
        };
        let leading = async {
            driver.prepare(first).await?;
            driver.ready();
            let of_term = Services { stop: term.clone(), ..self.doors.clone() };
            workers::start(
                &of_term,
                &self.tasks,
                workers::WorkerQueues { reports, notices, probe_queue, probe_results },
            )
            .map_err(|reason| StartError::Part { what: "delivery of notices", reason })?;
            archive::start(&of_term, &self.tasks);
            backup_schedule::start(&of_term, self.self_monitoring.clone(), &self.tasks);
            listeners::listen_to_broker(&of_term, self.surroundings.clone(), &self.tasks).await?;
            Ok(driver.run().await?)
        };
        let ended = leading.await;
        (driver.inputs.doors, ended)
    }

    /// The state put back, the clock going on, and the inputs that stand before any other.
    async fn begin(&self, taken: &Taken, queues: &mut Queues) -> Result<Begun, StartError> {
        let clock = &self.doors.clock;
        let (mut engine, mark) = self.put_back(queues).await?;
        let waited = self.await_clock(&engine, queues).await;
        let mut first = first_requests(&mut engine, &self.read_rules, clock, &self.doors)?;
        first.extend(taken.reason.map(|reason| {
            let before = taken.before.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string);
            let summary = format!("took over from {before}: {}", reason.as_str());
            tracing::warn!("{summary}");
            raised::happening("WatchfireTakeover", Severity::Warning, summary, clock.now())
        }));
        first.extend(
            waited.map(|reason| raised::happening("WatchfireClockBehind", Severity::Major, reason, clock.now())),
        );
        Ok(Begun { engine, mark, first })
    }

    /// The state as it was left; raises what could not be used of it.
    async fn put_back(&self, queues: &mut Queues) -> Result<(Engine, HighWaterMark), StartError> {
        let Services { store, config, metrics, .. } = &self.doors;
        let recovering = async {
            let mark = integrity::open_mark(store, config).await?;
            store.set_in_use(true).await?;
            Ok::<_, StartError>((mark, recovery::recover(store, config.domain_label.clone()).await?))
        };
        let (mut mark, recovered) = queues.refusing("the state is being put back", recovering).await?;
        tracing::info!(replayed = recovered.replayed, snapshots = recovered.from_snapshots, "state put back");
        integrity::tell_passed_over(&recovered.passed_over, metrics, &self.self_monitoring);
        integrity::tell_losses(&mark.losses(recovered.engine.heads()), metrics, &self.self_monitoring);
        mark.reset(recovered.engine.heads());
        Ok((recovered.engine, mark))
    }

    /// Waits while the wall clock is far behind the journal; a text when it had to.
    async fn await_clock(&self, engine: &Engine, queues: &mut Queues) -> Option<String> {
        let Services { clock, live, config, .. } = &self.doors;
        let mut waited = None;
        loop {
            let behind = clock.behind(engine.last_now(), engine.ahead());
            if behind <= CLOCK_BEHIND_MAX {
                return waited;
            }
            let reason =
                format!("the wall clock is {behind} behind the journal; set the clock, or start with --accept-clock");
            if config.accept_clock {
                return Some(format!("the wall clock is {behind} behind the journal; accepted by --accept-clock"));
            }
            if waited.is_none() {
                tracing::error!("{reason}");
            }
            live.set_readiness(Readiness::NotReady { reason: reason.clone() });
            waited = Some(reason);
            queues.refusing("the wall clock is behind the journal", tokio::time::sleep(CLOCK_LOOK_EVERY)).await;
        }
    }
}

/// The inputs that stand before any other: the gap since the last one, and the rulebook if it is another.
fn first_requests(
    engine: &mut Engine,
    read_rules: &ReadRules,
    clock: &Clock,
    doors: &Services,
) -> Result<Vec<Request>, StartError> {
    let mut first = Vec::new();
    clock.go_on_from(engine.last_now(), engine.ahead());
    doors.metrics.clock_offset(clock.ahead());
    if let Some(gap) = engine.gap(clock.now()) {
        first.push(Request::Resumed { gap });
    }
    match read_rules() {
        Ok(rulebook) => {
            doors.metrics.rulebook_loaded(true, rulebook.rules.len());
            if rulebook.hash != engine.rulebook().hash {
                first.push(Request::Rulebook(rulebook.hash));
                engine.register_rulebook(Arc::new(rulebook));
            }
        }
        Err(report) if engine.rulebook().hash != Rulebook::empty().hash => {
            tracing::error!(report, "the rule files have mistakes; going on with the rules that were in force");
            doors.metrics.rulebook_loaded(false, engine.rulebook().rules.len());
        }
        Err(report) => return Err(StartError::Rules { report }),
    }
    Ok(first)
}
