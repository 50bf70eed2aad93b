//! Calendar: fires at the times of a crontab line, without any event; whether it may is for the guard to say.

use serde::{Deserialize, Serialize};

use crate::core::model::{Moment, Span};
use crate::core::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct CalendarWindow {
    /// The next time; `None` after the calendar's end.
    next: Option<Moment>,
    stands_until: Option<Moment>,
}

impl CalendarWindow {
    pub fn armed(rule: &Rule, now: Moment) -> CalendarWindow {
        CalendarWindow { next: next(rule, now), stands_until: None }
    }

    pub fn due(&self) -> Option<Moment> {
        [self.next, self.stands_until].into_iter().flatten().min()
    }

    /// Serves what is due at `at` and answers whether that is a time of the calendar. `now` may be later, after
    /// downtime: what passed in between is made up once.
    pub fn expire(&mut self, rule: &Rule, at: Moment, now: Moment) -> bool {
        if self.stands_until.is_some_and(|until| until <= at) {
            self.stands_until = None;
        }
        let comes = self.next.is_some_and(|next| next <= at);
        if comes {
            self.next = next(rule, now.max(at));
        }
        comes
    }

    pub fn fire(&mut self, at: Moment, lasts: Span) {
        self.stands_until = Some(at + lasts);
    }

    pub fn is_on(&self) -> bool {
        self.stands_until.is_some()
    }

    pub fn next(&self) -> Option<Moment> {
        self.next
    }
}

fn next(rule: &Rule, after: Moment) -> Option<Moment> {
    if let Pattern::Calendar { schedule } = &rule.pattern { schedule.next_after(after) } else { None }
}
