//! Each: fires at every matching alert, and at every matching point for as long as `quiet` says.

use serde::{Deserialize, Serialize};

use super::{LevelChange, MatchRole, WindowEvent};
use crate::core::model::Timestamp;
use crate::core::rules::Rule;

/// Alerts are members and need no window; points are remembered here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct EachWindow {
    last_point: Option<Timestamp>,
}

impl EachWindow {
    pub fn enter(&mut self, _rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        match arrival.role {
            MatchRole::Entry if arrival.is_point => {
                let first = self.last_point.is_none();
                self.last_point = self.last_point.max(Some(arrival.at));
                if first { LevelChange::Fired } else { LevelChange::Nothing }
            }
            MatchRole::Entry | MatchRole::Closer | MatchRole::Steps(_) | MatchRole::Class(_) => LevelChange::Nothing,
        }
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        Some(self.last_point? + rule.quiet?)
    }

    pub fn expire(&mut self, rule: &Rule, now: Timestamp) {
        if self.due(rule).is_some_and(|due| due <= now) {
            self.last_point = None;
        }
    }

    pub fn has_point(&self) -> bool {
        self.last_point.is_some()
    }
}
