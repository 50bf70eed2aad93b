//! Absence: armed by the first message, fires when none came for `within` after the last, ends with the next.

use serde::{Deserialize, Serialize};

use super::{Arrival, Edge, Role};
use crate::core::model::Moment;
use crate::core::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct AbsenceWindow {
    /// Event time of the last message.
    last: Option<Moment>,
    /// `last` + `within`, unless a downtime of ours moved it.
    deadline: Option<Moment>,
    overdue: bool,
}

impl AbsenceWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &Arrival<'_>) -> Edge {
        let Pattern::Absence { within } = rule.pattern else { return Edge::Nothing };
        match arrival.role {
            Role::Entry if self.last.is_none_or(|last| last < arrival.at) => {
                let deadline = arrival.at + within;
                self.last = Some(arrival.at);
                self.deadline = Some(deadline);
                // A message so late that the next one is already missing is no sign of life.
                self.overdue &= deadline <= arrival.now;
                Edge::Nothing
            }
            Role::Entry | Role::Closer | Role::Steps(_) | Role::Class(_) => Edge::Ignored,
        }
    }

    pub fn due(&self) -> Option<Moment> {
        if self.overdue { None } else { self.deadline }
    }

    /// Whether it fired by that.
    pub fn expire(&mut self, now: Moment) -> bool {
        let fires = self.due().is_some_and(|due| due <= now);
        self.overdue |= fires;
        fires
    }

    pub fn postpone(&mut self, deadline: Moment) {
        self.deadline = Some(deadline);
    }

    pub fn is_overdue(&self) -> bool {
        self.overdue
    }

    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    pub fn last(&self) -> Option<Moment> {
        self.last
    }
}
