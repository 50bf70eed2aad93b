//! When a rule's incidents page people: an Alertmanager's mute and active time intervals.

use std::collections::BTreeMap;

use crate::core::calendar::TimeInterval;
use crate::core::model::Timestamp;

/// Names of time intervals; both empty: at any time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotifyTimes {
    /// Nobody is paged during any of these.
    pub mute: Vec<String>,
    /// If given, nobody is paged outside of all of these.
    pub active: Vec<String>,
}

impl NotifyTimes {
    pub fn is_empty(&self) -> bool {
        self.mute.is_empty() && self.active.is_empty()
    }

    /// The reason why nobody is paged at that moment; `None`: pages go out.
    pub fn muted_by(&self, intervals: &BTreeMap<String, Vec<TimeInterval>>, at: Timestamp) -> Option<String> {
        let contains = |name: &&String| intervals.get(*name).is_some_and(|all| all.iter().any(|one| one.contains(at)));
        if let Some(name) = self.mute.iter().find(contains) {
            return Some(format!("mute time {name}"));
        }
        let is_outside = !self.active.is_empty() && !self.active.iter().any(|name| contains(&name));
        is_outside.then(|| format!("the time outside of {}", self.active.join(", ")))
    }

    /// The first moment after `at` at which that may change.
    pub fn next_boundary(&self, intervals: &BTreeMap<String, Vec<TimeInterval>>, at: Timestamp) -> Option<Timestamp> {
        let named = self.mute.iter().chain(&self.active).filter_map(|name| intervals.get(name));
        named.flatten().map(|interval| interval.next_boundary(at)).min()
    }
}
