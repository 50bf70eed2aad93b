//! What the desk knows of people at work.

use serde::{Deserialize, Serialize};

use crate::core::model::Timestamp;
use crate::core::on_call::{Attendance, Overrides};

/// What the desk knows of people at work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Staff {
    pub attendance: Attendance,
    pub overrides: Overrides,
    /// When somebody's duty next begins or ends.
    pub shift_at: Option<Timestamp>,
}

impl Staff {
    pub fn next_deadline(&self) -> Option<Timestamp> {
        [self.attendance.next_expiry(), self.overrides.next_end(), self.shift_at].into_iter().flatten().min()
    }
}
