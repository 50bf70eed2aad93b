//! Threshold: fires when the newest `count` matches lie within `within`, is clear when fewer than `clear` are left in it.
//!
//! Exact with the last `count` event times alone: the k-th newest decides whether k are in the window.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Arrival, Edge, Role};
use crate::correlation::LATENESS;
use crate::model::{Moment, Offset, Span};
use crate::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::correlation) struct ThresholdWindow {
    /// By event time, oldest first; never more than the threshold's count.
    kept: VecDeque<Kept>,
    on: bool,
    /// The newest event of the last time it was on: what comes late to that time makes no new one.
    told_to: Option<Moment>,
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
        Pattern::Threshold { count, within, clear, .. } => {
            let count = count.max(1) as usize;
            Some(Limits { count, within, clear: (clear.max(1) as usize).min(count) })
        }
        _ => None,
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
        // An alert that comes over from another rule may have begun long before this window.
        let is_past = arrival.at + limits.within.max(LATENESS) < arrival.now;
        if is_past || (place == 0 && self.kept.len() >= limits.count) {
            return Edge::Ignored;
        }
        self.kept.insert(place, kept);
        if self.kept.len() > limits.count {
            self.kept.pop_front();
        }
        let is_old_news = self.kept.back().map(|newest| newest.at) <= self.told_to;
        if self.on || is_old_news || self.kept.len() < limits.count || !self.spans_less_than(limits.within) {
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

    pub fn due(&self, rule: &Rule) -> Option<Moment> {
        let limits = limits(rule)?;
        if self.on {
            // From then on fewer than `clear` are left in the window.
            let deciding = self.kept.len().checked_sub(limits.clear)?;
            return self.kept.get(deciding).map(|kept| kept.at + limits.within);
        }
        self.kept.back().map(|newest| newest.at + limits.within + LATENESS)
    }

    pub fn expire(&mut self, rule: &Rule, now: Moment) {
        let Some(limits) = limits(rule) else { return };
        let left = self.kept.iter().filter(|kept| kept.at + limits.within > now).count();
        if self.on && left < limits.clear {
            self.on = false;
            self.told_to = self.kept.back().map(|newest| newest.at);
        }
        // An event may still come that happened in one window with these.
        while self.kept.front().is_some_and(|oldest| oldest.at + limits.within + LATENESS <= now) {
            self.kept.pop_front();
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
