//! Threshold over the values of a label: each value counts once, at the time of its newest event.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::event_times::CountedAt;
use super::threshold::{Limits, ThresholdWindow};
use super::{LevelChange, WindowEvent};
use crate::core::model::Timestamp;
use crate::core::rules::{Pattern, Rule};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct DistinctWindow {
    pub window: ThresholdWindow,
    /// The value of each of the window's times.
    values: VecDeque<Box<str>>,
}

impl DistinctWindow {
    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        let (Some(limits), Pattern::Threshold { distinct: Some(label), .. }) = (Limits::of(rule), &rule.pattern) else {
            return LevelChange::Nothing;
        };
        let value = arrival.subject.value(label);
        if value.is_empty() {
            return LevelChange::Ignored;
        }
        if let Some(known) = self.values.iter().position(|other| **other == *value) {
            if self.window.times().get(known).is_some_and(|newest| CountedAt::of(arrival) <= newest) {
                return LevelChange::Nothing;
            }
            self.window.remove(known);
            self.values.remove(known);
        }
        let before = self.window.times().len();
        let (edge, place) = self.window.count_one(&limits, arrival);
        if let Some(place) = place {
            if self.window.times().len() == before {
                self.values.pop_front();
            }
            self.values.insert(place, value.into());
        }
        edge
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        self.window.due(rule)
    }

    pub fn expire(&mut self, rule: &Rule, now: Timestamp) {
        let dropped = self.window.expire(rule, now);
        self.values.drain(..dropped);
    }
}
