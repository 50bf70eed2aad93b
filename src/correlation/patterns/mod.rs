//! The window state of each pattern: a closed set, one file a pattern.
//!
//! A window knows times, counts and flags; it never sees alerts, silences or decisions. Its rule is handed in, so it
//! holds nothing that a rule file says. Windows are half-open, (t − within, t], on event time.

mod absence;
mod each;
mod pair;
mod threshold;

use serde::{Deserialize, Serialize};

use crate::model::{Moment, Offset};
use crate::rules::{Pattern, Rule};

pub(super) use absence::AbsenceWindow;
pub(super) use each::EachWindow;
pub(super) use pair::PairWindow;
pub(super) use threshold::ThresholdWindow;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Window {
    Each(EachWindow),
    Threshold(ThresholdWindow),
    Pair(PairWindow),
    Absence(AbsenceWindow),
}

/// Which of a rule's matchers an event fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The rule's own.
    Entry,
    /// A pair's second event.
    Closer,
}

/// One event as a window sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub now: Moment,
    /// Event time.
    pub at: Moment,
    pub offset: Offset,
    pub suppressed: bool,
    /// A point leaves no member behind, so the window itself must remember that it came.
    pub is_point: bool,
    pub role: Role,
}

/// What an arrival did to the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Nothing,
    /// The event came too late to count.
    Ignored,
    /// It fired just now.
    Fired,
    /// It was ended, members and all.
    Closed,
}

impl Window {
    pub fn open(pattern: &Pattern) -> Window {
        match pattern {
            Pattern::Each => Window::Each(EachWindow::default()),
            Pattern::Threshold { .. } => Window::Threshold(ThresholdWindow::default()),
            Pattern::Pair { .. } => Window::Pair(PairWindow::default()),
            Pattern::Absence { .. } => Window::Absence(AbsenceWindow::default()),
            _ => Window::Pair(PairWindow::default()),
        }
    }

    pub fn enter(&mut self, rule: &Rule, arrival: Arrival) -> Edge {
        match self {
            Window::Each(window) => window.enter(rule, arrival),
            Window::Threshold(window) => window.enter(rule, arrival),
            Window::Pair(window) => window.enter(rule, arrival),
            Window::Absence(window) => window.enter(rule, arrival),
        }
    }

    /// When [`Window::expire`] will next have something to do.
    pub fn due(&self, rule: &Rule) -> Option<Moment> {
        match self {
            Window::Each(window) => window.due(rule),
            Window::Threshold(window) => window.due(rule),
            Window::Pair(window) => window.due(rule),
            Window::Absence(window) => window.due(),
        }
    }

    /// Serves what is due by `now`; afterwards nothing is due before or at it.
    pub fn expire(&mut self, rule: &Rule, now: Moment) {
        match self {
            Window::Each(window) => window.expire(rule, now),
            Window::Threshold(window) => window.expire(rule, now),
            Window::Pair(window) => window.expire(rule, now),
            Window::Absence(window) => window.expire(now),
        }
    }

    /// Whether the pattern holds.
    pub fn is_on(&self, has_members: bool) -> bool {
        match self {
            Window::Each(window) => has_members || window.has_point(),
            Window::Threshold(window) => window.is_on(),
            Window::Pair(window) => window.is_open(),
            Window::Absence(window) => window.is_overdue(),
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Window::Each(window) => !window.has_point(),
            Window::Threshold(window) => window.is_empty(),
            Window::Pair(window) => window.is_empty(),
            Window::Absence(window) => window.is_empty(),
        }
    }

    /// Whether something counted that nothing held back when it came.
    pub fn has_free(&self) -> bool {
        match self {
            Window::Threshold(window) => window.has_free(),
            Window::Pair(window) => window.has_free(),
            Window::Each(_) | Window::Absence(_) => false,
        }
    }

    /// The oldest event time that still counts, where old events stop counting.
    pub fn counts_since(&self) -> Option<Moment> {
        match self {
            Window::Threshold(window) => window.oldest(),
            Window::Each(_) | Window::Pair(_) | Window::Absence(_) => None,
        }
    }

    /// How many events count now.
    pub fn count(&self) -> u64 {
        match self {
            Window::Threshold(window) => window.len(),
            Window::Each(window) => u64::from(window.has_point()),
            Window::Pair(window) => u64::from(window.is_open()),
            Window::Absence(_) => 0,
        }
    }
}

/// Whether alerts stand under the condition and keep it up while they fire. A heartbeat does the opposite.
pub(super) const fn takes_members(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Absence { .. } => false,
        _ => true,
    }
}
