//! Patterns: the time at which a rule fires, its window semantics, and the actions of firing beyond raising.

use crate::core::calendar::Schedule;
use crate::core::model::{Labels, Matchers, Severity, TimeDelta};

/// Time at which a rule fires. Windows are half-open, (t − within, t], on event time; under [`Semantics::Sec`] they are
/// [T, T + W] in whole seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// At every matching alert.
    Each,
    /// At the first match; swallows for `within` after it, which nothing extends, and is clear then.
    Suppress { within: TimeDelta },
    /// At the `count`-th match inside `within` (with `distinct`: at the `count`-th value of that label); clear below
    /// `clear` for `within`.
    Threshold { count: u32, within: TimeDelta, clear: u32, distinct: Option<String> },
    /// While more than `above` matches come per `per`, measured over `within`.
    Rate(Rate),
    /// At the `rise.count`-th match inside `rise.within`; clear when at most `fall.count` came for `fall.within`.
    Thresholds { rise: CountWithin, fall: CountWithin },
    /// At the first event; the event that fits `until` (same key) clears it. Without it, clear after `within`, if set.
    Pair { until: Matchers, within: Option<TimeDelta> },
    /// When no event that fits `until` came for `within` after the first; the event that comes then clears it.
    PairWindow { until: Matchers, within: TimeDelta },
    /// When no matching message came for `within` after the last one; the next message clears it.
    Absence { within: TimeDelta },
    /// When the steps came in order, the last less than `within` after the first.
    Sequence(Sequence),
    /// When every class has its count inside `within`, in any order.
    Group(GroupPattern),
    /// While an alert goes up and down too often.
    Flap(Flap),
    /// By the calendar, without any event.
    Calendar { schedule: Schedule },
}

/// A count within a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountWithin {
    pub count: u32,
    pub within: TimeDelta,
}

/// A rate and its count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub above: f64,
    pub per: TimeDelta,
    pub within: TimeDelta,
    /// The fewest matches inside `within` that are more than `above` per `per`.
    pub count: u32,
}

/// Steps in the order of their event times. The rule's own `match` is step 1 and stands first here.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// 2 to 16.
    pub steps: Vec<SequenceStep>,
    pub within: TimeDelta,
    /// The labels that steps read of one another, sorted, each once.
    pub captured: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SequenceStep {
    /// Without those that are captures.
    pub matchers: Matchers,
    pub captures: Vec<Capture>,
}

/// `label="{1.of}"`: the event's `label` has the value that `of` had in the event of an earlier step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    pub label: String,
    /// From 0.
    pub step: usize,
    pub of: String,
}

/// Classes of events. The rule's own `match` is common to all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupPattern {
    /// 1 to 16; an event counts for the first that it fits.
    pub classes: Vec<GroupClass>,
    pub within: TimeDelta,
    /// Fires again at every further event while all counts are reached.
    pub repeat: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GroupClass {
    pub matchers: Matchers,
    pub count: u32,
}

/// Definition of flapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flap {
    /// Starts at the `start.count`-th transition inside `start.within`, stops when at most `stop.count` came in
    /// `stop.within`.
    Timed { start: CountWithin, stop: CountWithin },
    /// Nagios: 20 weighted changes among the last 21 results; starts at 30 %, stops at 20 %.
    Nagios,
    /// Icinga: 20 weighted change bits; starts above 30 %, stops at 25 %.
    Icinga,
}

impl Pattern {
    pub const fn name(&self) -> &'static str {
        match self {
            Pattern::Each => "each",
            Pattern::Suppress { .. } => "suppress",
            Pattern::Threshold { .. } => "threshold",
            Pattern::Rate(_) => "rate",
            Pattern::Thresholds { .. } => "hysteresis",
            Pattern::Pair { .. } => "pair",
            Pattern::PairWindow { .. } => "missing_followup",
            Pattern::Absence { .. } => "absence",
            Pattern::Sequence(_) => "sequence",
            Pattern::Group(_) => "group",
            Pattern::Flap(_) => "flap",
            Pattern::Calendar { .. } => "calendar",
        }
    }

    /// Time for which alerts may wait in the rule's window for others; `None`: no alert waits without an end.
    pub const fn waits(&self) -> Option<TimeDelta> {
        match self {
            Pattern::Threshold { within, .. } | Pattern::Absence { within } => Some(*within),
            Pattern::Rate(rate) => Some(rate.within),
            Pattern::Thresholds { rise, .. } => Some(rise.within),
            Pattern::Sequence(sequence) => Some(sequence.within),
            Pattern::Group(group) => Some(group.within),
            Pattern::Flap(Flap::Timed { start, .. }) => Some(start.within),
            // The default window of the time-based mode, because results have no times of their own.
            Pattern::Flap(Flap::Nagios | Flap::Icinga) => Some(TimeDelta::from_minutes(10)),
            Pattern::Each
            | Pattern::Suppress { .. }
            | Pattern::Pair { .. }
            | Pattern::PairWindow { .. }
            | Pattern::Calendar { .. } => None,
        }
    }

    /// Time for which past events matter; none for a pair that waits without end.
    pub fn window(&self) -> Option<TimeDelta> {
        match self {
            Pattern::Each | Pattern::Calendar { .. } => None,
            Pattern::Suppress { within }
            | Pattern::Threshold { within, .. }
            | Pattern::PairWindow { within, .. }
            | Pattern::Absence { within } => Some(*within),
            Pattern::Rate(rate) => Some(rate.within),
            Pattern::Thresholds { rise, fall } => Some(rise.within.max(fall.within)),
            Pattern::Pair { within, .. } => *within,
            Pattern::Sequence(sequence) => Some(sequence.within),
            Pattern::Group(group) => Some(group.within),
            Pattern::Flap(Flap::Timed { start, stop }) => Some(start.within.max(stop.within)),
            // Twenty results at any times, for as long as they are kept without another.
            Pattern::Flap(Flap::Nagios | Flap::Icinga) => Some(TimeDelta::from_days(1)),
        }
    }

    /// The matchers of the second event of a pair.
    pub const fn until(&self) -> Option<&Matchers> {
        match self {
            Pattern::Pair { until, .. } | Pattern::PairWindow { until, .. } => Some(until),
            Pattern::Each
            | Pattern::Suppress { .. }
            | Pattern::Threshold { .. }
            | Pattern::Rate(_)
            | Pattern::Thresholds { .. }
            | Pattern::Absence { .. }
            | Pattern::Sequence(_)
            | Pattern::Group(_)
            | Pattern::Flap(_)
            | Pattern::Calendar { .. } => None,
        }
    }
}

/// The unit of counting in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// A transition of an alert (first firing, firing again, change of severity), and every point.
    Transitions,
    /// Every message.
    Messages,
}

/// The window semantics of a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Semantics {
    #[default]
    Own,
    /// SEC's: whole seconds, inclusive windows, its way of arming again.
    Sec,
}

/// Actions of firing and clearing beyond raising.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Actions {
    pub contexts: Vec<ContextAction>,
    pub emit: Option<Emit>,
}

/// A change of a shared context, with `{label}` placeholders in its name.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextAction {
    pub at: ActionAt,
    pub name: String,
    pub change: ContextChange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionAt {
    Fire,
    Clear,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ContextChange {
    /// `lifetime`: `None` lasts until it is unset. Setting it again restarts its lifetime.
    Set { lifetime: Option<TimeDelta>, on_expiry: Option<Box<Emit>> },
    /// Ends it without its expiry action.
    Unset,
}

/// An event that a rule emits, with `{label}` placeholders in its texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Emit {
    pub labels: Labels,
    pub severity: Option<Severity>,
    pub summary: String,
    pub kind: EmitKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmitKind {
    /// An alert: fires when the rule raises, is resolved when it clears.
    Firing,
    Point,
}
