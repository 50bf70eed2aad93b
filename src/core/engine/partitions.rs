//! The composed engine: routes each input to its partition, carries decisions to the desk, gives out offsets.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::correlator_adapter::PartitionCorrelator;
use super::desk::{Desk, DeskContext};
use super::input::signed;
use super::position::{CivilRulebooks, Position};
use super::{
    Control, CorrelatorInput, Decision, DeskInput, Effect, IdempotencyKey, IdempotentSilence, Input, JournalEntry,
    LimitHit, Metric, Outcome, ReloadedBy, Request, SilenceCommand,
};
use crate::core::model::{Cause, Event, Offset, Partition, SilenceId, Timestamp};
use crate::core::rules::{Rulebook, RulebookHash};

/// How many findings one input may feed back as events.
const FEEDBACK_MAX: usize = 1_000;

/// What handling produced, ready to be committed. Reused from block to block.
#[derive(Debug, Default)]
pub struct BatchOutput {
    /// The inputs with their offsets, in the order in which they were taken.
    pub entries: Vec<(Partition, JournalEntry)>,
    pub effects: Vec<Effect>,
}

/// Why an input was not taken. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The driver must journal the tick first.
    #[error("partition {partition} has an unserved deadline at {deadline}")]
    DeadlineUnserved { partition: Partition, deadline: Timestamp },
    #[error("rulebook {0} was never made known to the engine")]
    UnknownRulebook(RulebookHash),
    #[error("partition {partition}: an input of {now} after one of {last}; time never runs backwards")]
    TimeRanBack { partition: Partition, now: Timestamp, last: Timestamp },
    /// Replay only.
    #[error("partition {partition}: expected offset {expected}, the journal has {found}")]
    Gap { partition: Partition, expected: Offset, found: Offset },
    /// Replay only.
    #[error("partition {partition}: offset {offset} holds an input of another kind of partition")]
    WrongKind { partition: Partition, offset: Offset },
}

/// Correlators and desk, one rulebook, one order.
#[derive(Clone)]
pub struct Engine {
    pub(super) rulebook: Arc<Rulebook>,
    /// Rulebooks that inputs may name.
    pub(super) known: BTreeMap<RulebookHash, Arc<Rulebook>>,
    pub(super) civil: CivilRulebooks,
    pub(super) correlators: BTreeMap<Partition, PartitionCorrelator>,
    pub(super) desk: Desk,
    pub(super) positions: BTreeMap<Partition, Position>,
    /// The label that names an event's domain; `None`: one domain, partition 0.
    pub(super) domain_label: Option<String>,
}

impl Engine {
    /// An engine that has seen nothing, with an empty rulebook. Its first input is a rulebook.
    pub fn new(domain_label: Option<String>) -> Engine {
        let rulebook = Arc::new(Rulebook::empty());
        let start = Position { next: Offset(0), last: Timestamp::EPOCH, rulebook: rulebook.hash, ahead: 0 };
        let correlators: BTreeMap<Partition, PartitionCorrelator> = live_partitions(domain_label.is_some())
            .map(|partition| (partition, PartitionCorrelator::new(Arc::clone(&rulebook))))
            .collect();
        let positions = correlators.keys().copied().chain([Partition::DESK]).map(|one| (one, start)).collect();
        Engine {
            known: [(rulebook.hash, Arc::clone(&rulebook))].into(),
            civil: CivilRulebooks::default(),
            desk: Desk::new(),
            rulebook,
            correlators,
            positions,
            domain_label,
        }
    }

    /// Makes a rulebook known, so that an input may name it by its hash.
    pub fn register_rulebook(&mut self, rulebook: Arc<Rulebook>) {
        self.known.insert(rulebook.hash, rulebook);
    }

    /// Takes one input at `now` and writes the records that it changed. On an error nothing has changed.
    /// Answers what became of a command; `None` for what nobody asked.
    pub fn handle(
        &mut self,
        now: Timestamp,
        request: Request,
        work: &mut BatchOutput,
    ) -> Result<Option<Outcome>, EngineError> {
        let outcome = self.take(now, request, work)?;
        self.write_records(work);
        Ok(outcome)
    }

    /// The records of the incidents that changed since they were last written: many inputs of a block change the same.
    pub fn write_records(&mut self, work: &mut BatchOutput) {
        self.desk.write_records(&mut work.effects);
    }

    /// Takes one input of a block, at whose end [`Engine::write_records`] is called. On an error nothing has changed.
    /// Answers what became of a command; `None` for what nobody asked.
    pub fn take(
        &mut self,
        now: Timestamp,
        request: Request,
        work: &mut BatchOutput,
    ) -> Result<Option<Outcome>, EngineError> {
        self.check_time(now, &request)?;
        match request {
            Request::Event(event) => self.take_event(now, event, work),
            Request::Silence { actor, role, change, once } => {
                return Ok(self.take_silence(now, (actor, role), change, once, work));
            }
            Request::Desk(input) => return Ok(self.take_desk(now, input, work)),
            Request::Rulebook(hash) => self.take_rulebook(now, hash, None, work)?,
            Request::Reload { hash, by } => self.take_rulebook(now, hash, Some(by), work)?,
            Request::Resumed { gap } => self.take_everywhere(now, Control::Resumed { gap }, work),
            Request::ClockStepped { forward, by } => {
                self.take_everywhere(now, Control::ClockStepped { forward, by }, work);
            }
            Request::Tick(partition) => self.take_control(now, partition, Control::Tick, work),
        }
        Ok(None)
    }

    /// The earliest deadline, and whose it is. Serve it with [`Request::Tick`] at its moment, or later.
    pub fn next_deadline(&self) -> Option<(Timestamp, Partition)> {
        let correlators =
            self.correlators.iter().filter_map(|(partition, one)| Some((one.next_deadline()?, *partition)));
        let desk = self.desk.next_deadline().map(|at| (at, Partition::DESK));
        // A deadline that lies before the partition's newest input (after downtime) is served at that input's time.
        correlators
            .chain(desk)
            .map(|(at, partition)| (at.max(self.positions.get(&partition).map_or(at, |one| one.last)), partition))
            .min()
    }

    /// Puts one journaled entry back into the state. Its effects were committed long ago; they are answered for
    /// comparison only, and decisions among them are not carried on: the desk replays from its own journal.
    pub fn replay(
        &mut self,
        partition: Partition,
        entry: &JournalEntry,
        effects: &mut Vec<Effect>,
    ) -> Result<(), EngineError> {
        let position = self.position(partition);
        if entry.offset != position.next {
            return Err(EngineError::Gap { partition, expected: position.next, found: entry.offset });
        }
        if let Input::Control(Control::Rulebook { hash, by: _ }) = &entry.input
            && !self.known.contains_key(hash)
        {
            return Err(EngineError::UnknownRulebook(*hash));
        }
        let cause = self.advance(partition, entry.now);
        let (mut decisions, mut events) = (Vec::new(), Vec::new());
        match &entry.input {
            Input::Correlator(input) => {
                let Some(correlator) = self.correlators.get_mut(&partition) else {
                    return Err(EngineError::WrongKind { partition, offset: entry.offset });
                };
                correlator.handle(entry.now, cause, input, effects, &mut decisions);
            }
            Input::Desk(input) => {
                if !partition.is_desk() {
                    return Err(EngineError::WrongKind { partition, offset: entry.offset });
                }
                let rulebook = self.rulebook_of(partition);
                // Whoever asked was answered when it was committed.
                self.desk.handle(input, DeskContext::new(entry.now, cause.offset, &rulebook, effects, &mut events));
            }
            Input::Control(control) => {
                self.control(entry.now, cause, control, effects, &mut decisions, &mut events);
            }
        }
        self.desk.write_records(effects);
        Ok(())
    }

    fn check_time(&self, now: Timestamp, request: &Request) -> Result<(), EngineError> {
        if let Request::Rulebook(hash) | Request::Reload { hash, .. } = request
            && !self.known.contains_key(hash)
        {
            return Err(EngineError::UnknownRulebook(*hash));
        }
        for (partition, position) in &self.positions {
            if now < position.last {
                return Err(EngineError::TimeRanBack { partition: *partition, now, last: position.last });
            }
        }
        match request {
            // After downtime the gap is told first, and a tick is what serves a deadline.
            Request::Resumed { .. } | Request::ClockStepped { .. } | Request::Tick(_) => Ok(()),
            Request::Event(_)
            | Request::Silence { .. }
            | Request::Desk(_)
            | Request::Rulebook(_)
            | Request::Reload { .. } => match self.next_deadline() {
                Some((deadline, partition)) if deadline <= now => {
                    Err(EngineError::DeadlineUnserved { partition, deadline })
                }
                Some(_) | None => Ok(()),
            },
        }
    }

    fn take_event(&mut self, now: Timestamp, event: Box<Event>, work: &mut BatchOutput) {
        let partition = self.partition_of(&event);
        let compact = self.correlators.get(&partition).and_then(|correlator| correlator.compact(now, &event));
        let input = match compact {
            Some(resend) => CorrelatorInput::Resend(resend),
            None => CorrelatorInput::Event(event),
        };
        self.take_correlator(now, partition, input, work);
    }

    /// A silence holds everywhere, so every live correlator hears of it; the first one answers and records.
    fn take_silence(
        &mut self,
        now: Timestamp,
        (actor, role): (String, String),
        change: super::SilenceChange,
        once: Option<IdempotencyKey>,
        work: &mut BatchOutput,
    ) -> Option<Outcome> {
        let (by, what) = ((actor.clone(), role.clone()), change.clone());
        let once = once.map(|once| IdempotentSilence { actor: by.0, role: by.1, change: what, once, first: None });
        if let Some(repeat) = once.as_ref().filter(|once| self.desk.has_answered(once)) {
            return self.take_desk(now, DeskInput::SilenceOnce(Box::new(repeat.clone())), work);
        }
        let partitions: Vec<Partition> = self.correlators.keys().copied().collect();
        let first = partitions.first().copied()?;
        let mut outcome = None;
        let new_id = SilenceId::from_cause(Cause { partition: first, offset: self.position(first).next, n: 0 });
        for partition in partitions {
            let command = SilenceCommand {
                actor: actor.clone(),
                role: role.clone(),
                primary: partition == first,
                new_id,
                change: change.clone(),
            };
            let answer = self.take_correlator(now, partition, CorrelatorInput::Silence(command), work);
            outcome = outcome.or(answer);
        }
        if let Some(mut once) = once {
            once.first = outcome.clone();
            self.take_desk(now, DeskInput::SilenceOnce(Box::new(once)), work);
        }
        outcome
    }

    fn take_correlator(
        &mut self,
        now: Timestamp,
        partition: Partition,
        input: CorrelatorInput,
        work: &mut BatchOutput,
    ) -> Option<Outcome> {
        let cause = self.advance(partition, now);
        let mut decisions = Vec::new();
        let correlator = self.correlators.get_mut(&partition);
        let outcome = correlator.and_then(|one| one.handle(now, cause, &input, &mut work.effects, &mut decisions));
        work.entries.push((partition, JournalEntry { offset: cause.offset, now, input: Input::Correlator(input) }));
        self.forward_decisions(now, cause, decisions, work);
        outcome
    }

    /// Decisions become inputs of the desk, with their cause, right behind what caused them.
    fn forward_decisions(&mut self, now: Timestamp, cause: Cause, decisions: Vec<Decision>, work: &mut BatchOutput) {
        for (n, decision) in decisions.into_iter().enumerate() {
            let cause = Cause { n: n as u32, ..cause };
            self.take_desk(now, DeskInput::Decision { cause, decision: Box::new(decision) }, work);
        }
    }

    fn take_desk(&mut self, now: Timestamp, input: DeskInput, work: &mut BatchOutput) -> Option<Outcome> {
        let cause = self.advance(Partition::DESK, now);
        let mut events = Vec::new();
        let rulebook = self.rulebook_of(Partition::DESK);
        let step = DeskContext::new(now, cause.offset, &rulebook, &mut work.effects, &mut events);
        let outcome = self.desk.handle(&input, step);
        work.entries.push((Partition::DESK, JournalEntry { offset: cause.offset, now, input: Input::Desk(input) }));
        self.enqueue_findings(now, events, work);
        outcome
    }

    /// What an inspection found enters as an event, in the same transaction. It never finds more by itself, so the
    /// depth is one.
    fn enqueue_findings(&mut self, now: Timestamp, events: Vec<Event>, work: &mut BatchOutput) {
        if events.len() > FEEDBACK_MAX {
            work.effects.push(Effect::Count(Metric::Bound { which: LimitHit::Feedback }));
        }
        for event in events.into_iter().take(FEEDBACK_MAX) {
            self.take_event(now, Box::new(event), work);
        }
    }

    fn take_rulebook(
        &mut self,
        now: Timestamp,
        hash: RulebookHash,
        by: Option<ReloadedBy>,
        work: &mut BatchOutput,
    ) -> Result<(), EngineError> {
        let rulebook = self.known.get(&hash).cloned().ok_or(EngineError::UnknownRulebook(hash))?;
        self.take_everywhere(now, Control::Rulebook { hash, by }, work);
        self.rulebook = rulebook;
        Ok(())
    }

    fn take_everywhere(&mut self, now: Timestamp, control: Control, work: &mut BatchOutput) {
        let partitions: Vec<Partition> = self.positions.keys().copied().collect();
        for partition in partitions {
            self.take_control(now, partition, control.clone(), work);
        }
    }

    fn take_control(&mut self, now: Timestamp, partition: Partition, control: Control, work: &mut BatchOutput) {
        let cause = self.advance(partition, now);
        let (mut decisions, mut events) = (Vec::new(), Vec::new());
        self.control(now, cause, &control, &mut work.effects, &mut decisions, &mut events);
        work.entries.push((partition, JournalEntry { offset: cause.offset, now, input: Input::Control(control) }));
        self.forward_decisions(now, cause, decisions, work);
        self.enqueue_findings(now, events, work);
    }

    fn control(
        &mut self,
        now: Timestamp,
        cause: Cause,
        control: &Control,
        effects: &mut Vec<Effect>,
        decisions: &mut Vec<Decision>,
        events: &mut Vec<Event>,
    ) {
        let partition = cause.partition;
        let old = self.rulebook_of(partition);
        if let Some(position) = self.positions.get_mut(&partition) {
            match control {
                Control::Rulebook { hash, by: _ } => position.rulebook = *hash,
                Control::ClockStepped { forward, by } => {
                    position.ahead = position.ahead.saturating_add(signed(*forward, *by));
                }
                Control::Tick | Control::Resumed { .. } => {}
            }
        }
        self.civil.keep(partition, &self.positions, &self.known);
        let rulebook = self.rulebook_of(partition);
        if partition.is_desk() {
            let step = DeskContext::new(now, cause.offset, &rulebook, effects, events);
            match control {
                Control::Tick => self.desk.tick(step),
                Control::Rulebook { hash: _, by } => self.desk.rulebook_changed(step, &old, by.as_ref()),
                Control::Resumed { gap } => self.desk.resumed(step, *gap),
                Control::ClockStepped { forward, by } => self.desk.clock_stepped(step, &old, *forward, *by),
            }
        } else if let Some(correlator) = self.correlators.get_mut(&partition) {
            correlator.control(now, control, &rulebook, effects, decisions);
        }
    }

    fn advance(&mut self, partition: Partition, now: Timestamp) -> Cause {
        let position = self.positions.entry(partition).or_insert(Position {
            next: Offset(0),
            last: now,
            rulebook: self.rulebook.hash,
            ahead: 0,
        });
        let offset = position.next;
        position.next = offset.next();
        position.last = now;
        Cause { partition, offset, n: 0 }
    }

    pub(super) fn position(&self, partition: Partition) -> Position {
        let unknown = Position { next: Offset(0), last: Timestamp::EPOCH, rulebook: self.rulebook.hash, ahead: 0 };
        self.positions.get(&partition).copied().unwrap_or(unknown)
    }

    /// The rulebook under which a partition stands: during replay the partitions move on one by one.
    pub(super) fn rulebook_of(&self, partition: Partition) -> Arc<Rulebook> {
        let position = self.position(partition);
        let known = || self.known.get(&position.rulebook);
        Arc::clone(self.civil.at(position).or_else(known).unwrap_or(&self.rulebook))
    }

    pub(super) fn partition_of(&self, event: &Event) -> Partition {
        match &self.domain_label {
            Some(label) => Partition::of_domain(event.labels.get(label).unwrap_or_default()),
            None => Partition::DEFAULT,
        }
    }
}

/// The correlators that exist: one, or all 64 when events name their domain.
pub(super) fn live_partitions(by_domain: bool) -> impl Iterator<Item = Partition> {
    let count = if by_domain { Partition::CORRELATORS } else { 1 };
    (0..count).filter_map(Partition::new)
}
