//! Absence: armed by the first message, fires when none came for `within` after the last, ends with the next.

use serde::{Deserialize, Serialize};

use super::{LevelChange, MatchRole, WindowEvent};
use crate::core::model::Timestamp;
use crate::core::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct AbsenceWindow {
    /// Event time of the last message.
    last: Option<Timestamp>,
    /// `last` + `within`, unless moved by a downtime of this service.
    deadline: Option<Timestamp>,
    overdue: bool,
}

impl AbsenceWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        let Pattern::Absence { within } = rule.pattern else { return LevelChange::Nothing };
        match arrival.role {
            MatchRole::Entry if self.last.is_none_or(|last| last < arrival.at) => {
                let deadline = arrival.at + within;
                self.last = Some(arrival.at);
                self.deadline = Some(deadline);
                // A message so late that the next one is already missing is no sign of life.
                self.overdue &= deadline <= arrival.now;
                LevelChange::Nothing
            }
            MatchRole::Entry | MatchRole::Closer | MatchRole::Steps(_) | MatchRole::Class(_) => LevelChange::Ignored,
        }
    }

    pub fn due(&self) -> Option<Timestamp> {
        if self.overdue { None } else { self.deadline }
    }

    /// Returns true if it fires by that.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        let fires = self.due().is_some_and(|due| due <= now);
        self.overdue |= fires;
        fires
    }

    pub fn postpone(&mut self, deadline: Timestamp) {
        self.deadline = Some(deadline);
    }

    pub fn is_overdue(&self) -> bool {
        self.overdue
    }

    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }
}
