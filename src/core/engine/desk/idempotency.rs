//! Idempotency-Keys: the first answer is kept for a day, and given again to every repeat.

use super::context::DeskContext;
use super::state::DeskState;
use crate::core::engine::command_hash::command_hash;
use crate::core::engine::correlator_adapter::describe;
use crate::core::engine::{Command, CommandRefusal, IdempotencyKey, IdempotentSilence, Metric, Outcome};

/// Under what an answer is kept: a key is a person's own, and is for one command.
pub struct AnswerKey {
    key: String,
    /// Whose key it is, and the key.
    given: String,
    /// What was commanded with it, in short.
    action: String,
}

impl AnswerKey {
    pub fn of(command: &Command, key: &str) -> AnswerKey {
        let given = format!("{}\0{key}\0", command.actor);
        AnswerKey { key: key.to_owned(), given, action: command_hash(&command.action) }
    }

    pub fn of_silence(silence: &IdempotentSilence) -> AnswerKey {
        let IdempotencyKey { key, asked } = &silence.once;
        let given = format!("{}\0{key}\0", silence.actor);
        AnswerKey { key: key.clone(), given, action: format!("silence {asked}") }
    }

    pub fn whole(self) -> String {
        self.given + &self.action
    }
}

/// The first answer, if the same person gave this key before: with this command, or with another one, which was
/// not done and must not look as if it had been.
pub fn answered(desk: &DeskState, asked: &AnswerKey) -> Option<Result<Outcome, CommandRefusal>> {
    let (kept, (_, outcome)) = desk.kept.core.answers.range(asked.given.clone()..).next()?;
    let action = kept.strip_prefix(&asked.given)?;
    if action == asked.action {
        return Some(Ok(outcome.clone()));
    }
    let reason = format!("the Idempotency-Key {:?} was given with another command; take a new one", asked.key);
    Some(Err(CommandRefusal::NotAllowed { reason }))
}

/// Keeps the first answer, or gives it again.
pub fn silence_once(desk: &mut DeskState, once: &IdempotentSilence, step: &mut DeskContext<'_>) -> Option<Outcome> {
    let asked = AnswerKey::of_silence(once);
    if let Some(outcome) = &once.first {
        desk.keep_answer(asked.whole(), step.now, outcome.clone());
        return None;
    }
    // Nothing is there only if nobody asked before: the engine looks first, and what expires does so by a tick.
    match answered(desk, &asked)? {
        Ok(outcome) => Some(outcome),
        Err(refusal) => {
            let (action, subject, detail) = describe(&once.change);
            step.count(Metric::CommandRefused);
            step.audit(&once.actor, &once.role, action, &subject, &detail, Some(refusal.to_string()));
            Some(Outcome::Refused(refusal))
        }
    }
}
