//! Suppress: fires at the first match and swallows what comes within `within` of it; nothing extends that.

use serde::{Deserialize, Serialize};

use super::{LevelChange, WindowEvent, effective};
use crate::core::correlation::LATENESS;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct SuppressWindow {
    /// Event time of the first match; kept while an earlier event may still arrive.
    opened_at: Option<Timestamp>,
    on: bool,
    /// True if an unsuppressed match came.
    free: bool,
}

impl SuppressWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        let ends_at = self.opened_at.zip(within(rule)).map(|(opened_at, within)| opened_at + within);
        let is_inside = ends_at.is_some_and(|ends_at| arrival.at < ends_at);
        if self.on && is_inside {
            self.free |= !arrival.suppressed;
            return LevelChange::Nothing;
        }
        if is_inside && !arrival.is_member {
            return LevelChange::Ignored;
        }
        *self = SuppressWindow { opened_at: Some(arrival.at), on: true, free: !arrival.suppressed };
        LevelChange::Fired
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        let ends_at = self.opened_at? + within(rule)?;
        Some(if self.on { ends_at } else { ends_at + LATENESS })
    }

    pub fn expire(&mut self, rule: &Rule, now: Timestamp) {
        if self.on && self.due(rule).is_some_and(|due| due <= now) {
            self.on = false;
            self.free = false;
        }
        if !self.on && self.due(rule).is_some_and(|due| due <= now) {
            self.opened_at = None;
        }
    }

    pub fn is_on(&self) -> bool {
        self.on
    }

    pub fn is_empty(&self) -> bool {
        self.opened_at.is_none()
    }

    pub fn has_free(&self) -> bool {
        self.free
    }

    pub fn opened_at(&self) -> Option<Timestamp> {
        self.opened_at
    }
}

fn within(rule: &Rule) -> Option<TimeDelta> {
    if let Pattern::Suppress { within } = &rule.pattern { Some(effective(rule, *within)) } else { None }
}
