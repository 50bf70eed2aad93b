//! Calendar: fires at the times of a crontab line, without any event; the context guard decides if it may.

use serde::{Deserialize, Serialize};

use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct CalendarWindow {
    /// The next time; `None` after the calendar's end.
    next: Option<Timestamp>,
    stands_until: Option<Timestamp>,
}

impl CalendarWindow {
    pub fn armed(rule: &Rule, now: Timestamp) -> CalendarWindow {
        CalendarWindow { next: next(rule, now), stands_until: None }
    }

    pub fn due(&self) -> Option<Timestamp> {
        [self.next, self.stands_until].into_iter().flatten().min()
    }

    /// Runs what is due at `at` and returns true if that is a time of the calendar. `now` may be later, after downtime:
    /// missed times are made up for once.
    pub fn expire(&mut self, rule: &Rule, at: Timestamp, now: Timestamp) -> bool {
        if self.stands_until.is_some_and(|until| until <= at) {
            self.stands_until = None;
        }
        let comes = self.next.is_some_and(|next| next <= at);
        if comes {
            self.next = next(rule, now.max(at));
        }
        comes
    }

    pub fn fire(&mut self, at: Timestamp, lasts: TimeDelta) {
        self.stands_until = Some(at + lasts);
    }

    pub fn is_on(&self) -> bool {
        self.stands_until.is_some()
    }

    pub fn next(&self) -> Option<Timestamp> {
        self.next
    }
}

fn next(rule: &Rule, after: Timestamp) -> Option<Timestamp> {
    if let Pattern::Calendar { schedule } = &rule.pattern { schedule.next_after(after) } else { None }
}
