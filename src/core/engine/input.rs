//! What a partition's journal holds: one input an offset.

use super::delivery::DeliveryResult;
use serde::{Deserialize, Serialize};

use super::command_hash::command_hash;
use super::{Command, Decision, Outcome};
use crate::core::inspections::ProbeResult;
use crate::core::model::{Cause, Event, Labels, Offset, Partition, Silence, SilenceId, Stamp, TimeDelta, Timestamp};
use crate::core::rules::RulebookHash;

/// One journaled input: where it stands, when it was taken (its own `now`), and what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    pub offset: Offset,
    pub now: Timestamp,
    pub input: Input,
}

/// An input of one kind of partition or the other, or of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// Of a correlator.
    Correlator(CorrelatorInput),
    /// Of the desk.
    Desk(DeskInput),
    /// Of every live partition.
    Control(Control),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CorrelatorInput {
    Event(Box<Event>),
    /// An event that changes nothing but times: the compact form of a re-send.
    Resend(Resend),
    Silence(SilenceCommand),
}

impl Input {
    /// The request that would lead to this input again; `None` for what only the engine itself makes of others.
    pub fn into_request(self) -> Option<Request> {
        match self {
            Input::Correlator(CorrelatorInput::Event(event)) => Some(Request::Event(event)),
            Input::Correlator(CorrelatorInput::Silence(command)) if command.primary => {
                let SilenceCommand { actor, role, change, .. } = command;
                // Its repeats are answered by what stands behind it in the journal, and are no requests of their own.
                Some(Request::Silence { actor, role, change, once: None })
            }
            // A re-send changed only times: the tool will say it again.
            Input::Correlator(CorrelatorInput::Silence(_) | CorrelatorInput::Resend(_)) => None,
            Input::Desk(DeskInput::Decision { .. } | DeskInput::SilenceOnce(_)) => None,
            Input::Desk(input) => Some(Request::Desk(input)),
            Input::Control(Control::Rulebook { hash, by: Some(by) }) => Some(Request::Reload { hash, by }),
            Input::Control(Control::Rulebook { hash, by: None }) => Some(Request::Rulebook(hash)),
            Input::Control(Control::Tick | Control::Resumed { .. } | Control::ClockStepped { .. }) => None,
        }
    }
}

/// A known alert, said again with the same labels and annotations.
pub use crate::core::correlation::Resend;

/// A person's word on a silence. Sent to every live correlator; the first of them (`primary`) answers and records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SilenceCommand {
    pub actor: String,
    pub role: String,
    pub primary: bool,
    /// The id that a new silence gets.
    pub new_id: SilenceId,
    pub change: SilenceChange,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SilenceChange {
    /// Create, or update the one with that id; by Alertmanager's rules an update may end the old and get a new id.
    Put {
        id: Option<SilenceId>,
        draft: SilenceDraft,
    },
    Expire(SilenceId),
}

impl SilenceChange {
    /// What was typed by the wall clock becomes times of a service whose wall clock is that many microseconds ahead.
    pub fn follow_clock(&mut self, ahead: i64) {
        let back = ahead.saturating_neg();
        match self {
            SilenceChange::Put { id: _, draft } => {
                draft.starts_at = draft.starts_at.shifted(back);
                draft.ends_at = draft.ends_at.shifted(back);
            }
            SilenceChange::Expire(_) => {}
        }
    }
}

/// What a person asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SilenceDraft {
    pub matchers: crate::core::model::Matchers,
    pub starts_at: Stamp,
    pub ends_at: Stamp,
    pub created_by: String,
    pub comment: String,
    pub annotations: Labels,
    /// The end is then the latest possible one.
    pub until_resolved: bool,
}

impl SilenceDraft {
    pub fn into_silence(self, id: SilenceId, now: Timestamp) -> Silence {
        Silence {
            id,
            matchers: self.matchers,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            updated_at: now,
            created_by: self.created_by,
            comment: self.comment,
            annotations: self.annotations,
            until_resolved: self.until_resolved,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DeskInput {
    Command(Box<Command>),
    /// What a correlator decided, with the input that made it decide.
    Decision {
        cause: Cause,
        decision: Box<Decision>,
    },
    Probe(ProbeResult),
    Delivery(DeliveryResult),
    /// A word on a silence that came with an Idempotency-Key.
    SilenceOnce(Box<IdempotentSilence>),
}

/// What must happen once, however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// The Idempotency-Key.
    pub key: String,
    /// What was asked with it, in short.
    pub asked: String,
}

impl IdempotencyKey {
    /// Of what a person wrote, before anything that they left out was filled in.
    pub fn of(key: String, asked: &impl Serialize) -> IdempotencyKey {
        IdempotencyKey { key, asked: command_hash(asked) }
    }
}

/// What the desk keeps of a silence's Idempotency-Key: silences are the correlators', answers are the desk's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdempotentSilence {
    pub actor: String,
    pub role: String,
    pub change: SilenceChange,
    pub once: IdempotencyKey,
    /// What became of it; `None`: it is a repeat, to be answered as before.
    pub first: Option<Outcome>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Control {
    /// A deadline that the partition named has come.
    Tick,
    /// From here on this rulebook; `None`: the service found it by itself, as it started or was signalled to look.
    Rulebook { hash: RulebookHash, by: Option<ReloadedBy> },
    /// The service was away that long.
    Resumed { gap: TimeDelta },
    /// The wall clock was stepped, and that has stood: `now` goes on, civil time follows the wall clock.
    ClockStepped { forward: bool, by: TimeDelta },
}

/// A step of the clock in microseconds, forward above 0.
pub(super) fn signed(forward: bool, by: TimeDelta) -> i64 {
    if forward { by.as_micros() } else { -by.as_micros() }
}

/// Who had the rule files read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadedBy {
    pub actor: String,
    /// The role at that time.
    pub role: String,
}

/// An input as the driver hands it in, before it has an offset.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    Event(Box<Event>),
    Silence {
        actor: String,
        role: String,
        change: SilenceChange,
        once: Option<IdempotencyKey>,
    },
    Desk(DeskInput),
    /// To every live partition.
    Rulebook(RulebookHash),
    /// The same, because a person asked for it.
    Reload {
        hash: RulebookHash,
        by: ReloadedBy,
    },
    Resumed {
        gap: TimeDelta,
    },
    ClockStepped {
        forward: bool,
        by: TimeDelta,
    },
    Tick(Partition),
}
