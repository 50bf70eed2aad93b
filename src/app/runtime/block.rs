//! One block in the making: inputs handled but not yet committed, and who waits for them.

use tokio::sync::oneshot;

use crate::api::{CommandError, QueuedRequest};
use crate::core::engine::{
    Action, BatchOutput, Command, DeskInput, Effect, Engine, EngineError, ExplainResponse, Metric, Outcome, Request,
    StaffAction,
};
use crate::core::model::SessionProgress;
use crate::core::model::{DeadLetter, Event, Heartbeat, Timestamp};
use crate::ingest::{EventVerdict, QueuedSubmission, Submission, SubmitError};
use crate::metrics::Stopwatch;
use crate::notify::DeliveryReport;

/// Inputs in one block, at most; more wait for the next.
pub const BLOCK_INPUTS_MAX: usize = 5_000;

type EventsReply = oneshot::Sender<Result<Vec<EventVerdict>, SubmitError>>;
type CommandReply = oneshot::Sender<Result<Outcome, CommandError>>;

/// Who is told after the commit.
enum PendingReply {
    Events {
        reply: EventsReply,
        verdicts: Vec<EventVerdict>,
        _room: Option<tokio::sync::OwnedSemaphorePermit>,
    },
    Command {
        reply: CommandReply,
        outcome: Option<Outcome>,
    },
    /// Whoever asked why: told by what is committed then.
    Question {
        answer: oneshot::Sender<ExplainResponse>,
        explained: ExplainResponse,
    },
    /// The courier, whose result is settled only when it is committed; dropped, it hands it in again.
    Courier {
        committed: oneshot::Sender<()>,
    },
}

/// Handled, not committed.
#[derive(Default)]
pub struct Block {
    pub work: BatchOutput,
    pub dead_letters: Vec<DeadLetter>,
    pub progress: Vec<SessionProgress>,
    waiting: Vec<PendingReply>,
    /// Since when the parcel that has waited longest is under way.
    oldest: Option<Stopwatch>,
}

impl Block {
    pub fn is_full(&self) -> bool {
        self.work.entries.len() >= BLOCK_INPUTS_MAX
    }

    /// Takes a parcel of a door.
    pub fn handle_submission(
        &mut self,
        engine: &mut Engine,
        clock: &impl Fn() -> Timestamp,
        delivery: QueuedSubmission,
    ) -> Result<(), EngineError> {
        self.oldest.get_or_insert(delivery.under_way());
        self.progress.extend(delivery.progress());
        let (parcel, reply, room) = delivery.into_parts();
        let (events, dead_letter) = match parcel {
            Submission::Events(events) => (events, None),
            Submission::DeadLetter(letter) => (Vec::new(), Some(letter)),
            Submission::Partly { events, dead_letter } => (events, Some(dead_letter)),
            Submission::Presence(heartbeat) => {
                self.heartbeat(engine, clock, heartbeat)?;
                (Vec::new(), None)
            }
        };
        let mut verdicts = Vec::with_capacity(events.len());
        for event in events {
            verdicts.push(self.event(engine, clock, event)?);
        }
        self.dead_letters.extend(dead_letter.map(|letter| DeadLetter { at: clock(), ..letter }));
        self.waiting.push(PendingReply::Events { reply, verdicts, _room: Some(room) });
        Ok(())
    }

    /// Takes a person's command, or their word on a silence.
    pub fn handle_command(
        &mut self,
        engine: &mut Engine,
        clock: &impl Fn() -> Timestamp,
        request: Request,
        reply: CommandReply,
    ) -> Result<(), EngineError> {
        let outcome = self.take(engine, clock, request)?;
        self.waiting.push(PendingReply::Command { reply, outcome });
        Ok(())
    }

    /// Takes what became of a notice.
    pub fn handle_delivery_report(
        &mut self,
        engine: &mut Engine,
        clock: &impl Fn() -> Timestamp,
        report: DeliveryReport,
    ) -> Result<(), EngineError> {
        self.take(engine, clock, Request::Desk(DeskInput::Delivery(report.result)))?;
        self.waiting.push(PendingReply::Courier { committed: report.committed });
        Ok(())
    }

    /// Adds somebody who waits for an outcome that needs no input.
    pub fn reply_after_commit(&mut self, reply: CommandReply, outcome: Outcome) {
        self.waiting.push(PendingReply::Command { reply, outcome: Some(outcome) });
    }

    /// Adds somebody who asked a question that needs no input.
    pub fn explain_after_commit(&mut self, answer: oneshot::Sender<ExplainResponse>, explained: ExplainResponse) {
        self.waiting.push(PendingReply::Question { answer, explained });
    }

    /// Hands one input to the engine, after every deadline that is due before it; answers what became of a command.
    pub fn take(
        &mut self,
        engine: &mut Engine,
        clock: &impl Fn() -> Timestamp,
        request: Request,
    ) -> Result<Option<Outcome>, EngineError> {
        let now = clock();
        self.serve_deadlines(engine, now)?;
        engine.take(now, request, &mut self.work)
    }

    /// Journals the tick of every deadline up to `now`, in their order.
    pub fn serve_deadlines(&mut self, engine: &mut Engine, now: Timestamp) -> Result<(), EngineError> {
        while let Some((at, partition)) = engine.next_deadline().filter(|(at, _)| *at <= now) {
            engine.take(at, Request::Tick(partition), &mut self.work)?;
        }
        Ok(())
    }

    /// After the commit: everybody is told what became of theirs.
    pub fn acknowledge(self) {
        for waiting in self.waiting {
            match waiting {
                // A sender that went away needs no answer.
                PendingReply::Events { reply, verdicts, .. } => drop(reply.send(Ok(verdicts))),
                PendingReply::Command { reply, outcome } => {
                    let unanswered = || CommandError::Unknown { reason: "the engine gave no answer".to_owned() };
                    drop(reply.send(outcome.ok_or_else(unanswered)));
                }
                PendingReply::Question { answer, explained } => drop(answer.send(explained)),
                PendingReply::Courier { committed } => drop(committed.send(())),
            }
        }
    }

    /// Nothing of it was kept: everybody must send again.
    pub fn refuse(self, reason: &str) {
        for waiting in self.waiting {
            match waiting {
                PendingReply::Events { reply, .. } => {
                    drop(reply.send(Err(SubmitError::Unavailable { reason: reason.to_owned() })));
                }
                PendingReply::Command { reply, .. } => {
                    drop(reply.send(Err(CommandError::Unknown { reason: reason.to_owned() })));
                }
                PendingReply::Question { answer, .. } => drop(answer),
                PendingReply::Courier { committed } => drop(committed),
            }
        }
    }

    /// How long the oldest parcel in it has been under way; 0 without any.
    pub fn oldest_seconds(&self) -> f64 {
        self.oldest.as_ref().map_or(0.0, Stopwatch::seconds)
    }

    /// Takes the people and tools that wait out of it: their inputs are tried one by one instead.
    pub fn take_waiting(&mut self) -> Block {
        Block { waiting: std::mem::take(&mut self.waiting), ..Block::default() }
    }

    /// What a connection says of somebody: a command of theirs. A refusal is audited; nobody waits for it.
    fn heartbeat(
        &mut self,
        engine: &mut Engine,
        clock: &impl Fn() -> Timestamp,
        heartbeat: Heartbeat,
    ) -> Result<(), EngineError> {
        let command = Command {
            actor: heartbeat.person.clone(),
            role: "mqtt".to_owned(),
            idempotency_key: None,
            if_match: None,
            action: Action::Staff(StaffAction::Presence(heartbeat)),
        };
        self.take(engine, clock, Request::Desk(DeskInput::Command(Box::new(command))))?;
        Ok(())
    }

    fn event(
        &mut self,
        engine: &mut Engine,
        clock: &impl Fn() -> Timestamp,
        mut event: Event,
    ) -> Result<EventVerdict, EngineError> {
        event.follow_clock(engine.ahead());
        let now = clock();
        // What a deadline leads to is not this sender's.
        self.serve_deadlines(engine, now)?;
        let before = self.work.effects.len();
        engine.take(now, Request::Event(Box::new(event)), &mut self.work)?;
        let duplicate =
            self.work.effects[before..].iter().any(|effect| matches!(effect, Effect::Count(Metric::Duplicate { .. })));
        Ok(if duplicate { EventVerdict::Duplicate } else { EventVerdict::Accepted })
    }
}

/// Refuses what stands in a queue while nothing can be taken.
pub fn refuse_delivery(delivery: QueuedSubmission, reason: &str) {
    let (_, reply, _room) = delivery.into_parts();
    drop(reply.send(Err(SubmitError::Unavailable { reason: reason.to_owned() })));
}

/// Refuses a command while nothing can be taken.
pub fn refuse_asked(asked: QueuedRequest, reason: &str) {
    drop(asked.reply.send(Err(CommandError::Unknown { reason: reason.to_owned() })));
}
