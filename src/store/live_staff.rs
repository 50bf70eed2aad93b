//! Presence and overrides in the live view.

use crate::core::engine::StaffChange;
use crate::core::on_call::{Attendance, Override, Overrides, Presence};

/// Heartbeats and overrides, as of the last commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StaffView {
    pub attendance: Attendance,
    pub overrides: Overrides,
}

impl StaffView {
    pub fn of<'a>(
        presences: impl Iterator<Item = &'a Presence>,
        overrides: impl Iterator<Item = &'a Override>,
    ) -> StaffView {
        let (presences, overrides) = (presences.cloned().collect(), overrides.cloned().collect());
        StaffView { attendance: Attendance::from_list(presences), overrides: Overrides::from_list(overrides) }
    }

    pub(super) fn apply(&mut self, change: StaffChange) {
        match change {
            StaffChange::Presence(presence) => self.attendance.take(presence),
            StaffChange::Override(one) => self.overrides.take(one),
            StaffChange::OverrideGone { id } => drop(self.overrides.remove(id)),
        }
    }
}
