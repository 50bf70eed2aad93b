//! Threshold: fires when the newest `count` matches lie within `within`, is clear when fewer than `clear` are left in it.
//!
//! Exact with the last `count` event times alone: the k-th newest decides whether k are in the window.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Arrival, Edge, Role};
use crate::model::{Moment, Offset, Span};
use crate::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::correlation) struct ThresholdWindow {
    /// By event time, oldest first; never more than the threshold's count.
    kept: VecDeque<Kept>,
    on: bool,
}

/// A counted event: when it happened and where it stands in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Kept {
    at: Moment,
    offset: Offset,
    suppressed: bool,
}

struct Limits {
    count: usize,
    within: Span,
    clear: usize,
}

fn limits(rule: &Rule) -> Option<Limits> {
    match rule.pattern {
        Pattern::Threshold { count, within, clear } => {
            let count = count.max(1) as usize;
            Some(Limits { count, within, clear: (clear.max(1) as usize).min(count) })
        }
        Pattern::Each | Pattern::Pair { .. } | Pattern::Absence { .. } => None,
    }
}

impl ThresholdWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: Arrival) -> Edge {
        let Some(limits) = limits(rule) else { return Edge::Nothing };
        match arrival.role {
            Role::Entry => self.count_one(&limits, arrival),
            Role::Closer => Edge::Nothing,
        }
    }

    fn count_one(&mut self, limits: &Limits, arrival: Arrival) -> Edge {
        let kept = Kept { at: arrival.at, offset: arrival.offset, suppressed: arrival.suppressed };
        // Nearly always the newest; a late one goes where its time belongs.
        let place = self.kept.iter().rposition(|other| *other <= kept).map_or(0, |before| before + 1);
        self.kept.insert(place, kept);
        if self.kept.len() > limits.count {
            self.kept.pop_front();
        }
        if self.on || self.kept.len() < limits.count || !self.spans_less_than(limits.within) {
            return Edge::Nothing;
        }
        self.on = true;
        Edge::Fired
    }

    fn spans_less_than(&self, within: Span) -> bool {
        match (self.kept.front(), self.kept.back()) {
            (Some(oldest), Some(newest)) => newest.at < oldest.at + within,
            (None, _) | (_, None) => false,
        }
    }

    /// The moment from which fewer than `wanted` are left in the window.
    fn fewer_than(&self, wanted: usize, within: Span) -> Option<Moment> {
        let deciding = self.kept.len().checked_sub(wanted)?;
        self.kept.get(deciding).map(|kept| kept.at + within)
    }

    pub fn due(&self, rule: &Rule) -> Option<Moment> {
        let limits = limits(rule)?;
        let wanted = if self.on { limits.clear } else { 1 };
        self.fewer_than(wanted, limits.within)
    }

    pub fn expire(&mut self, rule: &Rule, now: Moment) {
        let Some(limits) = limits(rule) else { return };
        while self.kept.front().is_some_and(|oldest| oldest.at + limits.within <= now) {
            self.kept.pop_front();
        }
        if self.kept.len() < limits.clear {
            self.on = false;
        }
    }

    pub fn is_on(&self) -> bool {
        self.on
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub fn has_free(&self) -> bool {
        self.kept.iter().any(|kept| !kept.suppressed)
    }

    pub fn oldest(&self) -> Option<Moment> {
        self.kept.front().map(|kept| kept.at)
    }

    pub fn len(&self) -> u64 {
        self.kept.len() as u64
    }
}
