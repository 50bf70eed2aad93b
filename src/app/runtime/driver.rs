//! The one loop that writes: inputs in, one transaction a block, answers out after the commit.
//!
//! At most one handled block is uncommitted. Nothing is published, answered or delivered before its commit; when a
//! commit fails or its answer is lost, the head of the store decides, and an engine that is ahead of it is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::block::{Block, refuse_delivery};
use super::clock::Clock;
use super::queues::Queues;
use super::recovery;
use super::snapshots::Snapshots;
use crate::api::{CommandError, DriverRequest, QueuedRequest};
use crate::app::runtime::high_water_mark::HighWaterMark;
use crate::app::runtime::rule_reading::{Reload, RuleReading};
use crate::app::runtime::self_monitoring::SelfMonitoring;
use crate::app::runtime::service_manager::Pulse;
use crate::core::engine::{
    Action, Command, CommandRefusal, DeskInput, Effect, Engine, EngineError, Outcome, RecordChange, ReloadedBy,
    Request, StaffAction, Task,
};
use crate::core::inspections::{ProbeRequest, ProbeResult};
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::problems::ProblemState;
use crate::core::rules::Rulebook;
use crate::ingest::QueuedSubmission;
use crate::metrics::{Metrics, Stopwatch};
use crate::notify::DeliveryReport;
use crate::store::{Batch, CommitError, Lease, LiveView, Readiness, StaffView, Store};

/// How long the loop sleeps at most, so that a stepped wall clock is noticed.
const NAP_MAX: TimeDelta = TimeDelta::from_seconds(1);

/// A loop that did not come round for that long was away: longer than a commit may take.
const GAP_MIN: TimeDelta = TimeDelta::from_seconds(15);

/// How long nothing must come until rows that are late are written.
const QUIET: TimeDelta = TimeDelta::from_millis(50);

/// Where inputs come from.
pub struct Inputs {
    pub doors: Queues,
    pub probes: mpsc::Receiver<ProbeResult>,
    pub deliveries: mpsc::Receiver<DeliveryReport>,
}

/// Where consequences go, after the commit.
#[derive(Clone)]
pub struct Outputs {
    pub live: Arc<LiveView>,
    pub metrics: Arc<Metrics>,
    pub probes: mpsc::UnboundedSender<ProbeRequest>,
    /// Wakes the courier.
    pub notices: Arc<Notify>,
    pub self_monitoring: SelfMonitoring,
    /// Beats with each round.
    pub pulse: Pulse,
}

/// Why the driver had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    #[error(transparent)]
    Fenced(CommitError),
    /// Told to stop while the store was away: the next start puts the state back from what was committed.
    #[error("stopped while the database could not be written ({reason}); everything acknowledged is in it")]
    Unwritten { reason: String },
    #[error("the state cannot be put back: {0}")]
    NotRecovered(#[from] recovery::NotRecovered),
    #[error("the engine refused an input of its own: {0}; this is a defect, please report it")]
    Defect(#[from] EngineError),
}

/// The loop's state.
pub struct Driver {
    pub engine: Engine,
    pub store: Store,
    pub lease: Lease,
    pub clock: Clock,
    pub inputs: Inputs,
    pub outputs: Outputs,
    pub snapshots: Snapshots,
    /// How far inputs were acknowledged.
    pub mark: HighWaterMark,
    pub rule_reading: RuleReading,
    pub domain_label: Option<String>,
    /// When the loop last came round.
    pub last_round: Option<Timestamp>,
    /// Cancelled when the lease is another's.
    pub fenced: CancellationToken,
    pub cancel: CancellationToken,
}

/// What woke the loop.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
enum Woken {
    Events(QueuedSubmission),
    Command(QueuedRequest),
    Probe(ProbeResult),
    Delivered(DeliveryReport),
    RulesRead(Reload, Result<Rulebook, String>),
    Time,
    Stop,
    Fenced,
}

impl Driver {
    /// Runs until cancelled; then takes what is already in the queues, commits it, and writes a snapshot at the head.
    pub async fn run(&mut self) -> Result<(), Stopped> {
        loop {
            let woken = self.wait().await;
            if let Woken::Fenced = woken {
                return Err(Stopped::Fenced(CommitError::Fenced { ours: self.lease.epoch }));
            }
            let stop = matches!(woken, Woken::Stop);
            let quiet = matches!(woken, Woken::Time);
            let mut block = Block::default();
            self.take(woken, &mut block).await?;
            self.fill(&mut block).await?;
            self.commit(block).await?;
            self.tell_of_files();
            self.outputs.pulse.beat();
            self.store.flush_if_due(self.clock.now(), quiet);
            if stop && self.is_drained() {
                if let Err(error) = self.store.flush().await {
                    tracing::error!(%error, "the last rows are written at the next start");
                }
                self.snapshots.at_the_end(&self.engine, &self.store, &self.lease).await;
                return Ok(());
            }
            self.snapshots.when_due(&self.engine, &self.store, &self.lease, self.clock.now());
        }
    }

    /// Commits what must stand before any door opens: the gap, and the rulebook.
    pub async fn prepare(&mut self, requests: Vec<Request>) -> Result<(), Stopped> {
        let mut block = Block::default();
        for request in requests {
            if matches!(request, Request::Resumed { .. } | Request::ClockStepped { .. }) {
                self.engine.handle(self.clock.now(), request, &mut block.work)?;
            } else {
                block.take(&mut self.engine, &|| self.clock.now(), request)?;
            }
        }
        self.commit(block).await?;
        self.publish_everything();
        Ok(())
    }

    async fn wait(&mut self) -> Woken {
        let nap = match self.engine.next_deadline() {
            Some((deadline, _)) => deadline.since(self.clock.now()).min(NAP_MAX),
            None => NAP_MAX,
        };
        let nap = if self.store.has_late_rows() { nap.min(QUIET) } else { nap };
        tokio::select! {
            biased;
            () = self.fenced.cancelled() => Woken::Fenced,
            Some(asked) = self.inputs.doors.commands.recv() => Woken::Command(asked),
            (reload, read) = self.rule_reading.done() => Woken::RulesRead(reload, read),
            Some(result) = self.inputs.probes.recv() => Woken::Probe(result),
            Some(result) = self.inputs.deliveries.recv() => Woken::Delivered(result),
            Some(delivery) = self.inputs.doors.events.recv() => Woken::Events(delivery),
            () = self.cancel.cancelled() => Woken::Stop,
            () = tokio::time::sleep(nap.to_std()) => Woken::Time,
        }
    }

    /// Takes one input, after the passing of time and any step of the clock.
    async fn take(&mut self, woken: Woken, block: &mut Block) -> Result<(), Stopped> {
        let now = self.clock.now();
        self.notice_gap(now, block)?;
        if let Some(step) = self.clock.take_step() {
            let direction = if step.forward { "forward" } else { "back" };
            tracing::warn!(by = %step.by, direction, "the wall clock was stepped; civil time follows it, durations do not");
            self.outputs.metrics.clock_stepped();
            self.outputs.metrics.clock_offset(self.clock.ahead());
            let request = Request::ClockStepped { forward: step.forward, by: step.by };
            self.engine.handle(now, request, &mut block.work)?;
        }
        block.serve_deadlines(&mut self.engine, now)?;
        let clock = self.clock.clone();
        let now = || clock.now();
        match woken {
            Woken::Events(delivery) if self.snapshots.is_full() => {
                refuse_delivery(delivery, "the journal is at its size bound");
            }
            Woken::Events(delivery) => block.handle_submission(&mut self.engine, &now, delivery)?,
            Woken::Probe(result) => {
                block.take(&mut self.engine, &now, Request::Desk(DeskInput::Probe(result)))?;
            }
            Woken::Delivered(report) => block.handle_delivery_report(&mut self.engine, &now, report)?,
            Woken::Command(QueuedRequest { wish, reply }) => match wish {
                DriverRequest::Command(mut command) => {
                    command.action.follow_clock(self.engine.ahead());
                    let request = Request::Desk(DeskInput::Command(Box::new(command)));
                    block.handle_command(&mut self.engine, &now, request, reply)?;
                }
                DriverRequest::Silence { actor, role, mut change, once } => {
                    change.follow_clock(self.engine.ahead());
                    block.handle_command(
                        &mut self.engine,
                        &now,
                        Request::Silence { actor, role, change, once },
                        reply,
                    )?;
                }
                DriverRequest::Question { question, answer } => {
                    block.explain_after_commit(answer, self.engine.explain(now(), &question));
                }
                DriverRequest::Reload { by } => self.rule_reading.ask(Reload { by, reply }),
            },
            Woken::RulesRead(Reload { by, reply }, read) => match self.reload(by, read, block)? {
                Ok(outcome) => block.reply_after_commit(reply, outcome),
                Err(report) => drop(reply.send(Err(CommandError::BadRules { report }))),
            },
            Woken::Time | Woken::Stop | Woken::Fenced => {}
        }
        Ok(())
    }

    /// A process that was stopped, or could not write for long, has seen no message meanwhile: a gap like one between
    /// two runs.
    fn notice_gap(&mut self, now: Timestamp, block: &mut Block) -> Result<(), Stopped> {
        let gap = self.last_round.replace(now).map(|last| now.since(last)).filter(|gap| *gap >= GAP_MIN);
        if let Some(gap) = gap {
            tracing::warn!(%gap, "nothing was taken meanwhile: alerts that would have expired get their time again");
            self.engine.handle(now, Request::Resumed { gap }, &mut block.work)?;
        }
        Ok(())
    }

    /// Takes whatever else is there already, people first, until the block is full: the group commit.
    async fn fill(&mut self, block: &mut Block) -> Result<(), Stopped> {
        while !block.is_full() {
            let woken = if let Ok(asked) = self.inputs.doors.commands.try_recv() {
                Woken::Command(asked)
            } else if let Ok(result) = self.inputs.probes.try_recv() {
                Woken::Probe(result)
            } else if let Ok(result) = self.inputs.deliveries.try_recv() {
                Woken::Delivered(result)
            } else if let Ok(delivery) = self.inputs.doors.events.try_recv() {
                Woken::Events(delivery)
            } else {
                break;
            };
            self.take(woken, block).await?;
        }
        Ok(())
    }

    fn is_drained(&self) -> bool {
        self.inputs.doors.are_empty() && self.inputs.probes.is_empty()
    }

    /// The rule files as they were read again. A bad file never replaces a good rulebook.
    fn reload(
        &mut self,
        by: Option<ReloadedBy>,
        read: Result<Rulebook, String>,
        block: &mut Block,
    ) -> Result<Result<Outcome, String>, Stopped> {
        let actor = by.as_ref().map_or("SIGHUP", |by| by.actor.as_str());
        let rulebook = match read {
            Ok(rulebook) => Arc::new(rulebook),
            Err(report) => {
                tracing::error!(actor, report, "the rule files have mistakes; the old rules stay in force");
                self.outputs.metrics.rulebook_loaded(false, self.engine.rulebook().rules.len());
                return Ok(Err(report));
            }
        };
        let hash = rulebook.hash;
        let changed = hash != self.engine.rulebook().hash;
        self.outputs.metrics.rulebook_loaded(true, rulebook.rules.len());
        if changed && let Some(refused) = self.leavers(by.as_ref(), &rulebook, block)? {
            tracing::error!(actor, %refused, "the new rules are refused; the old ones stay in force");
            return Ok(Ok(Outcome::Refused(refused)));
        }
        if changed {
            tracing::info!(actor, %hash, rules = rulebook.rules.len(), "new rules in force");
            self.engine.register_rulebook(rulebook);
            let clock = self.clock.clone();
            let request = match by {
                Some(by) => Request::Reload { hash, by },
                None => Request::Rulebook(hash),
            };
            block.take(&mut self.engine, &|| clock.now(), request)?;
        }
        Ok(Ok(Outcome::Rulebook { hash, changed }))
    }

    /// Asks the desk whether the people may go whom new rules no longer name; the refusal, if not.
    fn leavers(
        &mut self,
        by: Option<&ReloadedBy>,
        new: &Rulebook,
        block: &mut Block,
    ) -> Result<Option<CommandRefusal>, Stopped> {
        let old = Arc::clone(self.engine.rulebook());
        let people: Vec<String> = old.everybody().difference(&new.everybody()).map(|name| (*name).to_owned()).collect();
        if people.is_empty() {
            return Ok(None);
        }
        let (actor, role) = by.map_or(("watchfire", "system"), |by| (by.actor.as_str(), by.role.as_str()));
        let command = Command {
            actor: actor.to_owned(),
            role: role.to_owned(),
            idempotency_key: None,
            if_match: None,
            action: Action::Staff(StaffAction::Remove { people, rules: new.hash }),
        };
        let clock = self.clock.clone();
        let request = Request::Desk(DeskInput::Command(Box::new(command)));
        match block.take(&mut self.engine, &|| clock.now(), request)? {
            Some(Outcome::Refused(refusal)) => Ok(Some(refusal)),
            Some(
                Outcome::Incident { .. }
                | Outcome::Problem { .. }
                | Outcome::Run { .. }
                | Outcome::Silence { .. }
                | Outcome::Rulebook { .. }
                | Outcome::Staff { .. },
            )
            | None => Ok(None),
        }
    }

    async fn commit(&mut self, block: Block) -> Result<(), Stopped> {
        if block.work.entries.is_empty() && block.dead_letters.is_empty() && block.progress.is_empty() {
            self.outputs.metrics.journal_lag(0.0);
            // No commit asks for the lease, so its time is asked.
            if self.outputs.live.holds_lease(self.clock.steady()) {
                block.acknowledge();
            } else {
                block.refuse("the lease on the database was not renewed in time");
            }
            return self.look_at_files().await;
        }
        let mut block = block;
        let mut batch = self.batch_of(&mut block);
        let watch = Stopwatch::start();
        let result = self.store.commit(&self.lease, &batch).await;
        match result {
            Ok(()) => {
                self.outputs.metrics.committed(batch.entries.len(), watch.seconds());
                self.outputs.metrics.journal_lag(block.oldest_seconds());
                self.publish(batch);
                block.acknowledge();
                Ok(())
            }
            Err(fenced @ CommitError::Fenced { .. }) => {
                block.refuse("another watchfire took over");
                Err(Stopped::Fenced(fenced))
            }
            Err(CommitError::Content { reason }) => {
                tracing::error!(
                    reason,
                    inputs = batch.entries.len(),
                    "the store refused a block; trying its inputs one by one"
                );
                self.outputs.metrics.commit_failed();
                let entries = std::mem::take(&mut batch.entries);
                self.start_over(&mut block).await?;
                self.one_by_one(entries, &reason, block).await
            }
            Err(error @ (CommitError::Unavailable(_) | CommitError::OutOfStep { .. })) => {
                self.outputs.metrics.commit_failed();
                tracing::error!(%error, inputs = batch.entries.len(), "the commit failed; looking at what landed");
                self.after_lost_commit(batch, block, &error.to_string()).await
            }
        }
    }

    pub(in crate::app) fn batch_of(&mut self, block: &mut Block) -> Batch {
        self.engine.write_records(&mut block.work);
        let named = self.engine.named_rulebooks(&block.work.entries);
        let work = std::mem::take(&mut block.work);
        let dead_letters = std::mem::take(&mut block.dead_letters);
        let progress = std::mem::take(&mut block.progress);
        Batch { entries: work.entries, effects: work.effects, dead_letters, rulebooks: named, progress }
    }

    pub(in crate::app) fn publish(&mut self, batch: Batch) {
        let live = &self.outputs.live;
        live.set_ahead(self.engine.ahead());
        if !batch.rulebooks.is_empty() {
            live.set_rulebook(Arc::clone(self.engine.rulebook()));
            self.outputs.metrics.rulebook_in_force(self.engine.rulebook());
        }
        if batch.effects.iter().any(|effect| matches!(effect, Effect::Record(RecordChange::Problem(_)))) {
            self.count_problems();
        }
        self.outputs.metrics.observe(&batch.effects);
        for letter in &batch.dead_letters {
            self.outputs.metrics.dead_lettered(&letter.source);
        }
        let mut noticed = false;
        for effect in &batch.effects {
            match effect {
                // The prober lives as long as the driver; on the way down its requests are asked again at the start.
                Effect::Do(Task::Probe(request)) => drop(self.outputs.probes.send(request.as_ref().clone())),
                Effect::Do(Task::Notice(_)) => noticed = true,
                Effect::Record(_) | Effect::Live(_) | Effect::Count(_) => {}
            }
        }
        self.mark.rise(&batch.entries);
        self.snapshots.count(batch.entries.len());
        live.apply(batch.effects);
        live.set_now(self.engine.last_now());
        if noticed {
            self.outputs.notices.notify_one();
        }
    }

    pub(in crate::app) fn ready(&self) {
        self.outputs.live.set_readiness(Readiness::Ready);
        self.outputs.metrics.ready(true);
    }

    /// The live view from scratch, and the probes that still wait for their result.
    pub(in crate::app) fn publish_everything(&self) {
        let live = &self.outputs.live;
        let incidents = self.engine.incidents().map(|incident| incident.record.clone()).collect();
        live.rebuild(
            self.engine.alerts().collect(),
            self.engine.silences(),
            incidents,
            self.engine.members().collect(),
        );
        live.rebuild_normalised(self.engine.quarantined(), self.engine.templates());
        live.rebuild_staff(StaffView::of(self.engine.presences(), self.engine.overrides()));
        live.set_rulebook(Arc::clone(self.engine.rulebook()));
        live.set_ahead(self.engine.ahead());
        live.set_now(self.engine.last_now());
        self.outputs.metrics.rulebook_in_force(self.engine.rulebook());
        self.count_problems();
        for request in self.engine.pending_probes() {
            drop(self.outputs.probes.send(request));
        }
        self.outputs.notices.notify_one();
    }

    fn count_problems(&self) {
        let mut counts: BTreeMap<ProblemState, i64> = BTreeMap::new();
        for problem in self.engine.problems() {
            *counts.entry(problem.state).or_default() += 1;
        }
        self.outputs.metrics.set_problems(&counts.into_iter().collect::<Vec<_>>());
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
