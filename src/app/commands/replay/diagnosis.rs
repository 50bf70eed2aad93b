//! Diagnosis of a rule that made no incident of an event, in words for a tired person.

use crate::core::correlation::{
    ConditionMeaning, ConditionStatus, CountState, Explanation, FailedMatch, RuleTrace, SuppressedByView, WindowPhase,
    WindowView,
};

use crate::app::terminal::local_time::local;

/// The meaning of the event for its alert.
pub fn meaning(meaning: ConditionMeaning) -> &'static str {
    match meaning {
        ConditionMeaning::BeginsFiring => "the alert begins to fire",
        ConditionMeaning::ChangesSeverity => "the alert fires already; its severity changes",
        ConditionMeaning::Resolves => "the alert is resolved",
        ConditionMeaning::Repeats => "nothing new: only its times move, and rules with on: message count it",
        ConditionMeaning::Outdated => "dropped: seen before, or overtaken by a later message",
        ConditionMeaning::Point => "a point: it happened, and has no lifetime",
        ConditionMeaning::RepeatedPoint => "dropped: a point with this id came already",
    }
}

/// The relation of a rule to the event.
pub fn stand(trace: &RuleTrace) -> String {
    let counts = match trace.counts {
        Some(CountState::Entry) | None => "",
        Some(CountState::Closer) => ", as the event that ends it",
        Some(CountState::Nothing) => ", but counts for nothing there",
    };
    let stand = match trace.stand {
        ConditionStatus::Owner => "owns it",
        ConditionStatus::Link => "sees it and lets it go on (continue)",
        ConditionStatus::GaveUp => "held it too long without firing and gave it up",
        ConditionStatus::Behind => "would fit, but an earlier rule owns it",
        ConditionStatus::Unfit => "does not fit",
    };
    format!("{stand}{counts}")
}

/// One failed condition, with the event's value.
pub fn unmet(unmet: &FailedMatch) -> String {
    match unmet {
        FailedMatch::Matcher { matcher, value } if value.is_empty() => {
            format!("{matcher}: the event has no {}", matcher.name())
        }
        FailedMatch::Matcher { matcher, value } => format!("{matcher}: {} is {value:?}", matcher.name()),
        FailedMatch::When { expression } => format!("when: {expression} is not true of it"),
        FailedMatch::Unless { matchers } => format!("unless: it fits {matchers}"),
        FailedMatch::Context { guard } => format!("context: {guard} does not hold"),
    }
}

/// Progress of a window.
pub fn window(window: &WindowView) -> String {
    let phase = match window.phase {
        WindowPhase::Empty => "nothing under this key yet",
        WindowPhase::Idle => "has not fired",
        WindowPhase::Waiting => "fired, but all that counted is held back",
        WindowPhase::Raised => "fired: it has an incident",
        WindowPhase::RaisedHeld => "fired; all its firing alerts are held back",
    };
    let missing = window.progress.needed.filter(|_| matches!(window.phase, WindowPhase::Empty | WindowPhase::Idle));
    let missing = missing.map_or(0, |needed| needed.saturating_sub(window.progress.counted));
    let missing =
        if missing > 0 && window.progress.needed > Some(1) { format!(", {missing} missing") } else { String::new() };
    let key = if window.key.is_empty() { "its one key".to_owned() } else { window.key.to_string() };
    format!("{key}: {}{missing}; {phase}", window.progress.text)
}

pub fn holder(holder: &SuppressedByView) -> String {
    match holder {
        SuppressedByView::Silence { id, comment, ends_at } => {
            format!("silence {id} until {} ({comment})", local(*ends_at))
        }
        SuppressedByView::Inhibition { name, source } => {
            format!("inhibition {name:?} by alert {source}, while it fires")
        }
        SuppressedByView::Dependency { name, source } => {
            format!("dependency {name:?} on alert {source} above it, while that fires")
        }
        SuppressedByView::Maintenance { name, change: Some(change) } => {
            format!("maintenance {name:?}, change {change}")
        }
        SuppressedByView::Maintenance { name, change: None } => format!("maintenance {name:?}"),
        SuppressedByView::Storm { words } => format!("{words}, until it is calm"),
    }
}

/// All rules, a line each; of those that do not fit, the first `nearest` near ones, and always the very first, because
/// it may be the requested one.
pub fn rules(explanation: &Explanation, nearest: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (unfit, fitting): (Vec<&RuleTrace>, Vec<&RuleTrace>) =
        explanation.rules.iter().partition(|trace| trace.stand == ConditionStatus::Unfit);
    for trace in fitting {
        lines.push(format!("{} ({}) {}", trace.rule, trace.pattern, stand(trace)));
        let window_of = trace.window.as_ref().filter(|_| trace.stand != ConditionStatus::Behind);
        lines.extend(window_of.map(|one| format!("  {}", window(one))));
    }
    let shown = unfit.iter().enumerate().filter(|(rank, trace)| *rank == 0 || (trace.near && *rank < nearest)).count();
    for trace in unfit.iter().take(shown) {
        lines.push(format!("{} ({}) does not fit", trace.rule, trace.pattern));
        lines.extend(trace.unmet.iter().map(|one| format!("  {}", unmet(one))));
    }
    let left = (unfit.len() - shown) as u64 + explanation.more_unfit;
    if left > 0 {
        lines.push(format!("… and {left} rules that do not fit; --rule NAME shows one of them"));
    }
    lines
}
