//! One block in the making: inputs handled but not yet committed, and who waits for them.

use tokio::sync::oneshot;

use crate::api::{Asked, Unanswered};
use crate::core::engine::{
    Action, Command, Counted, DeskInput, Effect, Engine, Explained, NotTaken, Outcome, Request, StaffAction, Work,
};
use crate::core::model::{DeadLetter, Event, Heartbeat, Moment};
use crate::ingest::{Delivery, Parcel, Refused, Verdict};
use crate::metrics::Stopwatch;
use crate::notify::Report;

/// Inputs in one block, at most; more wait for the next.
pub const BLOCK_INPUTS_MAX: usize = 5_000;

type EventsReply = oneshot::Sender<Result<Vec<Verdict>, Refused>>;
type CommandReply = oneshot::Sender<Result<Outcome, Unanswered>>;

/// Who is told after the commit.
enum Waiting {
    Events {
        reply: EventsReply,
        verdicts: Vec<Verdict>,
        _room: Option<tokio::sync::OwnedSemaphorePermit>,
    },
    Command {
        reply: CommandReply,
        outcome: Option<Outcome>,
    },
    /// Whoever asked why: told by what is committed then.
    Question {
        answer: oneshot::Sender<Explained>,
        explained: Explained,
    },
    /// The courier, whose result is settled only when it is committed; dropped, it hands it in again.
    Courier {
        committed: oneshot::Sender<()>,
    },
}

/// Handled, not committed.
#[derive(Default)]
pub struct Block {
    pub work: Work,
    pub dead_letters: Vec<DeadLetter>,
    waiting: Vec<Waiting>,
    /// Since when the parcel that has waited longest is under way.
    oldest: Option<Stopwatch>,
}

impl Block {
    pub fn is_full(&self) -> bool {
        self.work.entries.len() >= BLOCK_INPUTS_MAX
    }

    /// Takes a parcel of a door.
    pub fn deliver(
        &mut self,
        engine: &mut Engine,
        clock: &impl Fn() -> Moment,
        delivery: Delivery,
    ) -> Result<(), NotTaken> {
        self.oldest.get_or_insert(delivery.under_way());
        let (parcel, reply, room) = delivery.into_parts();
        let (events, dead_letter) = match parcel {
            Parcel::Events(events) => (events, None),
            Parcel::DeadLetter(letter) => (Vec::new(), Some(letter)),
            Parcel::Partly { events, dead_letter } => (events, Some(dead_letter)),
            Parcel::Presence(heartbeat) => {
                self.heartbeat(engine, clock, heartbeat)?;
                (Vec::new(), None)
            }
        };
        let mut verdicts = Vec::with_capacity(events.len());
        for event in events {
            verdicts.push(self.event(engine, clock, event)?);
        }
        self.dead_letters.extend(dead_letter.map(|letter| DeadLetter { at: clock(), ..letter }));
        self.waiting.push(Waiting::Events { reply, verdicts, _room: Some(room) });
        Ok(())
    }

    /// Takes a person's command, or their word on a silence.
    pub fn ask(
        &mut self,
        engine: &mut Engine,
        clock: &impl Fn() -> Moment,
        request: Request,
        reply: CommandReply,
    ) -> Result<(), NotTaken> {
        let before = self.work.effects.len();
        self.take(engine, clock, request)?;
        let outcome = self.work.effects[before..]
            .iter()
            .find_map(|effect| if let Effect::Answer(outcome) = effect { Some(outcome.clone()) } else { None });
        self.waiting.push(Waiting::Command { reply, outcome });
        Ok(())
    }

    /// Takes what became of a notice.
    pub fn report(&mut self, engine: &mut Engine, clock: &impl Fn() -> Moment, report: Report) -> Result<(), NotTaken> {
        self.take(engine, clock, Request::Desk(DeskInput::Delivery(report.result)))?;
        self.waiting.push(Waiting::Courier { committed: report.committed });
        Ok(())
    }

    /// Adds somebody who waits for an outcome that needs no input.
    pub fn answer_later(&mut self, reply: CommandReply, outcome: Outcome) {
        self.waiting.push(Waiting::Command { reply, outcome: Some(outcome) });
    }

    /// Adds somebody who asked a question that needs no input.
    pub fn explain_later(&mut self, answer: oneshot::Sender<Explained>, explained: Explained) {
        self.waiting.push(Waiting::Question { answer, explained });
    }

    /// Hands one input to the engine, after every deadline that is due before it.
    pub fn take(&mut self, engine: &mut Engine, clock: &impl Fn() -> Moment, request: Request) -> Result<(), NotTaken> {
        let now = clock();
        self.serve_deadlines(engine, now)?;
        engine.take(now, request, &mut self.work)
    }

    /// Journals the tick of every deadline up to `now`, in their order.
    pub fn serve_deadlines(&mut self, engine: &mut Engine, now: Moment) -> Result<(), NotTaken> {
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
                Waiting::Events { reply, verdicts, .. } => drop(reply.send(Ok(verdicts))),
                Waiting::Command { reply, outcome } => {
                    let unanswered = || Unanswered::Unknown { reason: "the engine gave no answer".to_owned() };
                    drop(reply.send(outcome.ok_or_else(unanswered)));
                }
                Waiting::Question { answer, explained } => drop(answer.send(explained)),
                Waiting::Courier { committed } => drop(committed.send(())),
            }
        }
    }

    /// Nothing of it was kept: everybody must send again.
    pub fn refuse(self, reason: &str) {
        for waiting in self.waiting {
            match waiting {
                Waiting::Events { reply, .. } => {
                    drop(reply.send(Err(Refused::Unavailable { reason: reason.to_owned() })));
                }
                Waiting::Command { reply, .. } => {
                    drop(reply.send(Err(Unanswered::Unknown { reason: reason.to_owned() })));
                }
                Waiting::Question { answer, .. } => drop(answer),
                Waiting::Courier { committed } => drop(committed),
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
        clock: &impl Fn() -> Moment,
        heartbeat: Heartbeat,
    ) -> Result<(), NotTaken> {
        let command = Command {
            actor: heartbeat.person.clone(),
            role: "mqtt".to_owned(),
            idempotency_key: None,
            if_match: None,
            action: Action::Staff(StaffAction::Presence(heartbeat)),
        };
        self.take(engine, clock, Request::Desk(DeskInput::Command(Box::new(command))))
    }

    fn event(&mut self, engine: &mut Engine, clock: &impl Fn() -> Moment, event: Event) -> Result<Verdict, NotTaken> {
        let now = clock();
        // What a deadline leads to is not this sender's.
        self.serve_deadlines(engine, now)?;
        let before = self.work.effects.len();
        engine.take(now, Request::Event(Box::new(event)), &mut self.work)?;
        let duplicate =
            self.work.effects[before..].iter().any(|effect| matches!(effect, Effect::Count(Counted::Duplicate { .. })));
        Ok(if duplicate { Verdict::Duplicate } else { Verdict::Accepted })
    }
}

/// Refuses what stands in a queue while nothing can be taken.
pub fn refuse_delivery(delivery: Delivery, reason: &str) {
    let (_, reply, _room) = delivery.into_parts();
    drop(reply.send(Err(Refused::Unavailable { reason: reason.to_owned() })));
}

/// Refuses a command while nothing can be taken.
pub fn refuse_asked(asked: Asked, reason: &str) {
    drop(asked.reply.send(Err(Unanswered::Unknown { reason: reason.to_owned() })));
}
