//! Report periods.

use serde::{Deserialize, Serialize};

use crate::core::model::Timestamp;

/// Half-open: an event at `to` belongs to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPeriod {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl ReportPeriod {
    pub fn holds(&self, at: Timestamp) -> bool {
        (self.from..self.to).contains(&at)
    }
}
