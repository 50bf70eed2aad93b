//! The window state of each pattern: a closed set, one file a pattern.
//!
//! A window knows times, counts and flags; it never sees alerts, silences or decisions. Its rule is an argument, so the
//! window stores nothing of the rule file. Windows are half-open, (t − within, t], on event time; under SEC's semantics
//! times come in whole seconds and windows are a second longer, which makes them inclusive.

mod absence;
mod buckets;
mod calendar;
mod distinct;
mod each;
mod event_times;
mod flap;
mod group;
mod hold_time;
mod hysteresis;
mod pair;
mod pair_window;
mod sec_threshold;
mod sequence;
mod suppress;
mod threshold;

use serde::{Deserialize, Serialize};

use super::LATENESS;
use super::match_target::MatchTarget;
use crate::core::model::{Offset, TimeDelta, Timestamp};
use crate::core::rules::{Flap, Pattern, Rate, Rule, Semantics};

pub(super) use absence::AbsenceWindow;
pub(super) use buckets::BucketsWindow;
pub(super) use calendar::CalendarWindow;
pub(super) use distinct::DistinctWindow;
pub(super) use each::EachWindow;
pub(super) use flap::FlapWindow;
pub(super) use group::{GroupWindow, SecGroupWindow};
pub(super) use hysteresis::TwoThresholdsWindow;
pub(super) use pair::PairWindow;
pub(super) use pair_window::UnansweredWindow;
pub(super) use sec_threshold::SecThresholdWindow;
pub(super) use sequence::SequenceWindow;
pub(super) use suppress::SuppressWindow;
pub(super) use threshold::ThresholdWindow;

/// Maximum number of times that a window keeps exactly.
const EXACT_MAX: u32 = 1000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Window {
    Each(EachWindow),
    /// Also flapping by time, and rates that can be counted exactly.
    Threshold(ThresholdWindow),
    Pair(PairWindow),
    Absence(AbsenceWindow),
    Suppress(SuppressWindow),
    SecThreshold(SecThresholdWindow),
    Distinct(Box<DistinctWindow>),
    Buckets(Box<BucketsWindow>),
    TwoThresholds(Box<TwoThresholdsWindow>),
    Unanswered(Box<UnansweredWindow>),
    Sequence(Box<SequenceWindow>),
    Group(Box<GroupWindow>),
    SecGroup(Box<SecGroupWindow>),
    Flap(FlapWindow),
    Calendar(CalendarWindow),
}

/// The matchers of a rule that an event fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MatchRole {
    /// The rule's own.
    Entry,
    /// A pair's second event.
    Closer,
    /// Steps of a sequence, a bit each, captures aside.
    Steps(u16),
    /// A class of a group.
    Class(u8),
}

impl MatchRole {
    /// True if the event counts for the pattern, and its alert becomes a member.
    pub const fn counts(self) -> bool {
        match self {
            MatchRole::Entry | MatchRole::Steps(_) | MatchRole::Class(_) => true,
            MatchRole::Closer => false,
        }
    }
}

/// One event in a window's terms.
#[derive(Clone, Copy)]
pub(super) struct WindowEvent<'a> {
    pub now: Timestamp,
    /// Event time; in whole seconds under SEC's semantics.
    pub at: Timestamp,
    pub offset: Offset,
    pub suppressed: bool,
    /// A point leaves no member behind, so the window itself must remember it.
    pub is_point: bool,
    /// Its alert is a firing member of the condition.
    pub is_member: bool,
    pub role: MatchRole,
    pub subject: &'a MatchTarget<'a>,
}

/// Effect of an event on the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LevelChange {
    Nothing,
    /// The event came too late to count.
    Ignored,
    /// It fired just now.
    Fired,
    /// It was ended, members and all.
    Closed,
}

/// A window's effective length under its rule's semantics.
pub(super) fn effective(rule: &Rule, within: TimeDelta) -> TimeDelta {
    match rule.semantics {
        Semantics::Own => within,
        Semantics::Sec => within + TimeDelta::from_seconds(1),
    }
}

/// True if the event is so old that the window, and every late arrival to it, is over.
fn is_past(arrival: &WindowEvent<'_>, within: TimeDelta) -> bool {
    arrival.at + within.max(LATENESS) < arrival.now
}

impl Window {
    /// An empty window of a rule; a calendar's is armed from `now` on.
    pub fn open(rule: &Rule, now: Timestamp) -> Window {
        let is_sec = rule.semantics == Semantics::Sec;
        match &rule.pattern {
            Pattern::Each => Window::Each(EachWindow::default()),
            Pattern::Suppress { .. } => Window::Suppress(SuppressWindow::default()),
            Pattern::Threshold { distinct: Some(_), .. } => Window::Distinct(Box::default()),
            Pattern::Threshold { distinct: None, .. } if is_sec => Window::SecThreshold(SecThresholdWindow::default()),
            Pattern::Rate(Rate { count, .. }) if *count > EXACT_MAX => Window::Buckets(Box::default()),
            Pattern::Threshold { distinct: None, .. } | Pattern::Rate(_) | Pattern::Flap(Flap::Timed { .. }) => {
                Window::Threshold(ThresholdWindow::default())
            }
            Pattern::Thresholds { .. } => Window::TwoThresholds(Box::default()),
            Pattern::Pair { .. } => Window::Pair(PairWindow::default()),
            Pattern::PairWindow { .. } => Window::Unanswered(Box::default()),
            Pattern::Absence { .. } => Window::Absence(AbsenceWindow::default()),
            Pattern::Sequence(_) => Window::Sequence(Box::default()),
            Pattern::Group(group) if is_sec => Window::SecGroup(Box::new(SecGroupWindow::new(group.classes.len()))),
            Pattern::Group(group) => Window::Group(Box::new(GroupWindow::new(group.classes.len()))),
            Pattern::Flap(Flap::Nagios | Flap::Icinga) => Window::Flap(FlapWindow::default()),
            Pattern::Calendar { .. } => Window::Calendar(CalendarWindow::armed(rule, now)),
        }
    }

    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        match self {
            Window::Each(window) => window.enter(rule, arrival),
            Window::Threshold(window) => window.enter(rule, arrival),
            Window::Pair(window) => window.enter(rule, arrival),
            Window::Absence(window) => window.enter(rule, arrival),
            Window::Suppress(window) => window.enter(rule, arrival),
            Window::SecThreshold(window) => window.enter(rule, arrival),
            Window::Distinct(window) => window.enter(rule, arrival),
            Window::Buckets(window) => window.enter(rule, arrival),
            Window::TwoThresholds(window) => window.enter(rule, arrival),
            Window::Unanswered(window) => window.enter(rule, arrival),
            Window::Sequence(window) => window.enter(rule, arrival),
            Window::Group(window) => window.enter(rule, arrival),
            Window::SecGroup(window) => window.enter(rule, arrival),
            Window::Flap(window) => window.enter(rule, arrival),
            Window::Calendar(_) => LevelChange::Nothing,
        }
    }

    /// Time of the next work for [`Window::expire`].
    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        match self {
            Window::Each(window) => window.due(rule),
            Window::Threshold(window) => window.due(rule),
            Window::Pair(window) => window.due(rule),
            Window::Absence(window) => window.due(),
            Window::Suppress(window) => window.due(rule),
            Window::SecThreshold(window) => window.due(rule),
            Window::Distinct(window) => window.due(rule),
            Window::Buckets(window) => window.due(rule),
            Window::TwoThresholds(window) => window.due(rule),
            Window::Unanswered(window) => window.due(),
            Window::Sequence(window) => window.due(rule),
            Window::Group(window) => window.due(rule),
            Window::SecGroup(window) => window.due(rule),
            Window::Flap(window) => window.due(rule),
            Window::Calendar(window) => window.due(),
        }
    }

    /// Runs what is due by `at`; afterwards nothing is due up to it. Returns true if the pattern fires by that; a
    /// calendar's guard must still be checked.
    pub fn expire(&mut self, rule: &Rule, at: Timestamp, now: Timestamp) -> bool {
        match self {
            Window::Each(window) => window.expire(rule, at),
            Window::Threshold(window) => {
                window.expire(rule, at);
            }
            Window::Pair(window) => window.expire(rule, at),
            Window::Absence(window) => return window.expire(at),
            Window::Suppress(window) => window.expire(rule, at),
            Window::SecThreshold(window) => window.expire(rule, at),
            Window::Distinct(window) => window.expire(rule, at),
            Window::Buckets(window) => window.expire(rule, at),
            Window::TwoThresholds(window) => window.expire(rule, at),
            Window::Unanswered(window) => return window.expire(at),
            Window::Sequence(window) => window.expire(rule, at),
            Window::Group(window) => window.expire(rule, at),
            Window::SecGroup(window) => window.expire(rule, at),
            Window::Flap(window) => window.expire(rule, at),
            Window::Calendar(window) => return window.expire(rule, at, now),
        }
        false
    }

    /// True if the pattern holds.
    pub fn is_on(&self, has_members: bool) -> bool {
        match self {
            Window::Each(window) => has_members || window.has_point(),
            Window::Threshold(window) => window.is_on(),
            Window::Pair(window) => window.is_open(),
            Window::Absence(window) => window.is_overdue(),
            Window::Suppress(window) => window.is_on(),
            Window::SecThreshold(window) => window.is_on(),
            Window::Distinct(window) => window.window.is_on(),
            Window::Buckets(window) => window.is_on(),
            Window::TwoThresholds(window) => window.is_on(),
            Window::Unanswered(window) => window.is_on(),
            Window::Sequence(window) => window.is_on(has_members),
            Window::Group(window) => window.is_on(has_members),
            Window::SecGroup(window) => window.is_on(),
            Window::Flap(window) => window.is_on(),
            Window::Calendar(window) => window.is_on(),
        }
    }

    /// The condition is clear: a pattern that holds by its alerts may fire again.
    pub fn rest(&mut self) {
        match self {
            Window::Sequence(window) => window.rest(),
            Window::Group(window) => window.rest(),
            Window::Each(_)
            | Window::Threshold(_)
            | Window::Pair(_)
            | Window::Absence(_)
            | Window::Suppress(_)
            | Window::SecThreshold(_)
            | Window::Distinct(_)
            | Window::Buckets(_)
            | Window::TwoThresholds(_)
            | Window::Unanswered(_)
            | Window::SecGroup(_)
            | Window::Flap(_)
            | Window::Calendar(_) => {}
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Window::Each(window) => !window.has_point(),
            Window::Threshold(window) => window.times().is_empty(),
            Window::Pair(window) => window.is_empty(),
            Window::Absence(window) => window.is_empty(),
            Window::Suppress(window) => window.is_empty(),
            Window::SecThreshold(window) => window.times().is_empty(),
            Window::Distinct(window) => window.window.times().is_empty(),
            Window::Buckets(window) => window.is_empty(),
            Window::TwoThresholds(window) => window.is_empty(),
            Window::Unanswered(window) => window.is_empty(),
            Window::Sequence(window) => window.is_empty(),
            Window::Group(window) => window.is_empty(),
            Window::SecGroup(window) => window.is_empty(),
            Window::Flap(window) => window.is_empty(),
            // It waits for its next time.
            Window::Calendar(_) => false,
        }
    }

    /// True if an unsuppressed event counted.
    pub fn has_free(&self) -> bool {
        match self {
            Window::Threshold(window) => window.times().has_free(),
            Window::Pair(window) => window.has_free(),
            Window::Suppress(window) => window.has_free(),
            Window::SecThreshold(window) => window.has_free(),
            Window::Distinct(window) => window.window.times().has_free(),
            Window::Buckets(window) => window.has_free(),
            Window::TwoThresholds(window) => window.has_free(),
            Window::Unanswered(window) => window.has_free(),
            Window::Sequence(window) => window.has_free(),
            Window::Group(window) => window.has_free(),
            Window::SecGroup(window) => window.has_free(),
            Window::Flap(window) => window.has_free(),
            Window::Each(_) | Window::Absence(_) | Window::Calendar(_) => false,
        }
    }

    /// The oldest event time that still counts, for patterns whose events expire.
    pub fn counts_since(&self) -> Option<Timestamp> {
        match self {
            Window::Threshold(window) => window.times().oldest(),
            Window::SecThreshold(window) => window.times().oldest(),
            Window::Distinct(window) => window.window.times().oldest(),
            Window::Group(window) => window.oldest(),
            Window::SecGroup(window) => window.oldest(),
            Window::Each(_)
            | Window::Pair(_)
            | Window::Absence(_)
            | Window::Suppress(_)
            | Window::Buckets(_)
            | Window::TwoThresholds(_)
            | Window::Unanswered(_)
            | Window::Sequence(_)
            | Window::Flap(_)
            | Window::Calendar(_) => None,
        }
    }

    /// Number of events that count now.
    pub fn count(&self) -> u64 {
        let count = match self {
            Window::Threshold(window) => window.times().len(),
            Window::SecThreshold(window) => window.times().len(),
            Window::Distinct(window) => window.window.times().len(),
            Window::Buckets(window) => return window.count(),
            Window::TwoThresholds(window) => window.times().len(),
            Window::Group(window) => window.len(),
            Window::SecGroup(window) => window.len(),
            Window::Flap(window) => window.changes() as usize,
            Window::Each(window) => usize::from(window.has_point()),
            Window::Pair(window) => usize::from(window.is_open()),
            Window::Suppress(window) => usize::from(window.is_on()),
            Window::Unanswered(window) => usize::from(window.is_on() || window.waits_since().is_some()),
            Window::Absence(_) | Window::Sequence(_) | Window::Calendar(_) => 0,
        };
        count as u64
    }

    /// Time until which it waits for an ending message; extended after downtime, because messages could not arrive.
    pub fn awaited(&self) -> Option<Timestamp> {
        match self {
            Window::Absence(window) => window.due(),
            Window::Unanswered(window) => window.awaited(),
            Window::Each(_)
            | Window::Threshold(_)
            | Window::Pair(_)
            | Window::Suppress(_)
            | Window::SecThreshold(_)
            | Window::Distinct(_)
            | Window::Buckets(_)
            | Window::TwoThresholds(_)
            | Window::Sequence(_)
            | Window::Group(_)
            | Window::SecGroup(_)
            | Window::Flap(_)
            | Window::Calendar(_) => None,
        }
    }

    /// Moves the time that [`Window::awaited`] returns.
    pub fn postpone(&mut self, deadline: Timestamp) {
        if let Window::Absence(window) = self {
            window.postpone(deadline);
        } else if let Window::Unanswered(window) = self {
            window.postpone(deadline);
        }
    }

    /// Returns true, once, if a limit of the window was hit.
    pub fn take_dropped(&mut self) -> bool {
        match self {
            Window::Sequence(window) => window.take_dropped(),
            Window::Each(_)
            | Window::Threshold(_)
            | Window::Pair(_)
            | Window::Absence(_)
            | Window::Suppress(_)
            | Window::SecThreshold(_)
            | Window::Distinct(_)
            | Window::Buckets(_)
            | Window::TwoThresholds(_)
            | Window::Unanswered(_)
            | Window::Group(_)
            | Window::SecGroup(_)
            | Window::Flap(_)
            | Window::Calendar(_) => false,
        }
    }
}

/// True if alerts become members and keep the condition raised while they fire. A heartbeat does the opposite.
pub(super) const fn takes_members(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Each
        | Pattern::Suppress { .. }
        | Pattern::Threshold { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Pair { .. }
        | Pattern::PairWindow { .. }
        | Pattern::Sequence(_)
        | Pattern::Group(_)
        | Pattern::Flap(_) => true,
        Pattern::Absence { .. } | Pattern::Calendar { .. } => false,
    }
}
