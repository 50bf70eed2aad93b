//! The Idempotency-Key of a silence: the first answer is kept as of any command, and given again to every repeat.

use super::command::Asked;
use super::{Desk, Step};
use crate::core::engine::correlator_adapter::describe;
use crate::core::engine::{Counted, Effect, Outcome, SilenceOnce};

impl Desk {
    /// Whether that person gave this key before, with the same words or with others.
    pub(in crate::core::engine) fn has_answered(&self, once: &SilenceOnce) -> bool {
        self.answered(&Asked::of_silence(once)).is_some()
    }

    pub(super) fn silence_once(&mut self, once: &SilenceOnce, step: &mut Step<'_>) {
        let asked = Asked::of_silence(once);
        if let Some(outcome) = &once.first {
            return self.state.keep_answer(asked.whole(), step.now, outcome.clone());
        }
        match self.answered(&asked) {
            Some(Ok(outcome)) => step.effects.push(Effect::Answer(outcome)),
            Some(Err(refusal)) => {
                let (action, subject, detail) = describe(&once.change);
                step.count(Counted::CommandRefused);
                step.audit(&once.actor, &once.role, action, &subject, &detail, Some(refusal.to_string()));
                step.effects.push(Effect::Answer(Outcome::Refused(refusal)));
            }
            // The engine asks first, and what expires does so by a tick before.
            None => {}
        }
    }
}
