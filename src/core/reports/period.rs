//! From when to when.

use serde::{Deserialize, Serialize};

use crate::core::model::Moment;

/// Half-open: what happens at `to` belongs to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub from: Moment,
    pub to: Moment,
}

impl Period {
    pub fn holds(&self, at: Moment) -> bool {
        (self.from..self.to).contains(&at)
    }
}
