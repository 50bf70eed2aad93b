//! The guard of a rule: the contexts that must hold or must not.

use super::shared_context::ContextName;
use crate::core::correlation::match_target::MatchTarget;
use crate::core::correlation::state::CorrelatorState;
use crate::core::correlation::wording;
use crate::core::rules::ContextGuard;

/// True if a rule's context guard holds for the match.
pub(crate) fn guard_holds(state: &CorrelatorState, guard: Option<&ContextGuard>, subject: &MatchTarget<'_>) -> bool {
    let value = |name: &str| Some(subject.value(name).to_owned()).filter(|value| !value.is_empty());
    let alive = |name: &str| state.contexts.contains_key(&ContextName(wording::fill(name, value).into()));
    guard.is_none_or(|guard| guard.holds(&alive))
}
