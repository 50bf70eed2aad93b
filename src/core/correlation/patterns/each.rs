//! Each: fires at every matching alert, and at every matching point for as long as `quiet` says.

use serde::{Deserialize, Serialize};

use super::{Arrival, Edge, Role};
use crate::core::model::Moment;
use crate::core::rules::Rule;

/// Alerts are members and need no window; points are remembered here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct EachWindow {
    last_point: Option<Moment>,
}

impl EachWindow {
    pub fn enter(&mut self, _rule: &Rule, arrival: &Arrival<'_>) -> Edge {
        match arrival.role {
            Role::Entry if arrival.is_point => {
                let first = self.last_point.is_none();
                self.last_point = self.last_point.max(Some(arrival.at));
                if first { Edge::Fired } else { Edge::Nothing }
            }
            Role::Entry | Role::Closer | Role::Steps(_) | Role::Class(_) => Edge::Nothing,
        }
    }

    pub fn due(&self, rule: &Rule) -> Option<Moment> {
        Some(self.last_point? + rule.quiet?)
    }

    pub fn expire(&mut self, rule: &Rule, now: Moment) {
        if self.due(rule).is_some_and(|due| due <= now) {
            self.last_point = None;
        }
    }

    pub fn has_point(&self) -> bool {
        self.last_point.is_some()
    }
}
