//! Maintenance windows: which are open, and the effects of each start and end on alerts.

use super::maintenance_window::KeptWindow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::suppressed_by::SuppressedBy;
use crate::core::correlation::input_context::{CorrelationContext, Index};
use crate::core::correlation::match_target::MatchTarget;
use crate::core::correlation::rule_index::RuleIndex;
use crate::core::correlation::timers::Timer;
use crate::core::model::{Fingerprint, Timestamp};
use crate::core::rules::Rulebook;

/// Adds the open windows that cover the subject to its suppressors.
pub(crate) fn hold(index: &Index, book: &RuleIndex, subject: &MatchTarget<'_>, holds: &mut SuppressedBy) {
    for number in &index.open_windows {
        if book.is_maintained(*number, subject)
            && let Some((scope, window)) = book.window(*number)
        {
            holds.maintained_by.push(Arc::clone(&scope.name));
            holds.pauses |= window.pauses;
        }
    }
}

/// The windows of a rulebook at that time.
pub(crate) fn windows_at(rulebook: &Rulebook, now: Timestamp) -> BTreeMap<String, KeptWindow> {
    rulebook.maintenance.iter().map(|window| (window.name.clone(), KeptWindow::at(window, now))).collect()
}

impl CorrelationContext<'_> {
    /// Takes over the windows as of before the very first input: only then none is known.
    pub fn take_windows(&mut self) {
        self.state.maintenance = Arc::new(windows_at(&self.book.rulebook, self.now));
        self.index.list_windows(&self.state.maintenance, self.book);
    }

    /// True if an open window covers the subject.
    pub fn is_maintained(&self, subject: &MatchTarget<'_>) -> bool {
        self.index.open_windows.iter().any(|number| self.book.is_maintained(*number, subject))
    }

    /// True if that was done before.
    pub fn knows_windows(&self) -> bool {
        self.state.maintenance.len() == self.book.rulebook.maintenance.len()
    }

    /// Handles a due window; returns the alerts that it covers from now on, or no longer.
    pub fn window_due(&mut self, at: Timestamp, number: u32) -> BTreeSet<Fingerprint> {
        let book = self.book;
        let Some((_, window)) = book.window(number) else { return BTreeSet::new() };
        let kept = KeptWindow::at(window, at);
        let before = Arc::make_mut(&mut self.state.maintenance).insert(window.name.clone(), kept);
        if let Some(due) = kept.due {
            self.index.deadlines.insert(due, Timer::Maintenance(number));
        }
        if before.is_some_and(|before| before.is_open == kept.is_open) {
            return BTreeSet::new();
        }
        if kept.is_open {
            self.index.open_windows.insert(number);
        } else {
            self.index.open_windows.remove(&number);
        }
        let firing = self.state.alerts.iter().filter(|(_, alert)| alert.times.firing);
        firing
            .filter(|(_, alert)| book.is_maintained(number, &MatchTarget::of_alert(alert)))
            .map(|(fingerprint, _)| *fingerprint)
            .collect()
    }
}

impl Index {
    pub fn has_open_windows(&self) -> bool {
        !self.open_windows.is_empty()
    }

    /// Indexes the windows of the state, and drops those of the index before.
    pub fn list_windows(&mut self, kept: &BTreeMap<String, KeptWindow>, book: &RuleIndex) {
        self.open_windows.clear();
        for (window, number) in book.rulebook.maintenance.iter().zip(0_u32..) {
            let Some(kept) = kept.get(&window.name) else { continue };
            if kept.is_open {
                self.open_windows.insert(number);
            }
            if let Some(due) = kept.due {
                self.deadlines.insert(due, Timer::Maintenance(number));
            }
        }
    }
}
