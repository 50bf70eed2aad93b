//! When alerts began, where: what hints look back at.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::core::model::{IncidentId, TimeDelta, Timestamp};

/// Beginnings of alerts that hints look back at.
const BEGINNINGS_MAX: usize = 2_048;

const BEGINNINGS_KEPT: TimeDelta = TimeDelta::from_days(90);

/// When which alert began where, and in which incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecentOnset {
    pub at: Timestamp,
    pub alert: String,
    pub item: String,
    pub incident: IncidentId,
}

/// The newest beginnings of alerts, in order of arrival.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecentOnsets {
    pub newest: VecDeque<RecentOnset>,
}

impl RecentOnsets {
    pub fn add(&mut self, now: Timestamp, beginning: RecentOnset) {
        self.newest.push_back(beginning);
        let oldest = now - BEGINNINGS_KEPT;
        while self.newest.len() > BEGINNINGS_MAX || self.newest.front().is_some_and(|first| first.at < oldest) {
            self.newest.pop_front();
        }
    }
}
