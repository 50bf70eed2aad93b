//! The Idempotency-Key of a silence: the first answer is kept as of any command, and given again to every repeat.

use super::command::AnswerKey;
use super::{Desk, DeskContext};
use crate::core::engine::correlator_adapter::describe;
use crate::core::engine::{Effect, IdempotentSilence, Metric, Outcome};

impl Desk {
    /// Whether that person gave this key before, with the same words or with others.
    pub(in crate::core::engine) fn has_answered(&self, once: &IdempotentSilence) -> bool {
        self.answered(&AnswerKey::of_silence(once)).is_some()
    }

    pub(super) fn silence_once(&mut self, once: &IdempotentSilence, step: &mut DeskContext<'_>) {
        let asked = AnswerKey::of_silence(once);
        if let Some(outcome) = &once.first {
            return self.state.keep_answer(asked.whole(), step.now, outcome.clone());
        }
        match self.answered(&asked) {
            Some(Ok(outcome)) => step.effects.push(Effect::Answer(outcome)),
            Some(Err(refusal)) => {
                let (action, subject, detail) = describe(&once.change);
                step.count(Metric::CommandRefused);
                step.audit(&once.actor, &once.role, action, &subject, &detail, Some(refusal.to_string()));
                step.effects.push(Effect::Answer(Outcome::Refused(refusal)));
            }
            // The engine asks first, and what expires does so by a tick before.
            None => {}
        }
    }
}
