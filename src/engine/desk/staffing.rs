//! Who can act now: what every climb is asked with.

use super::{Desk, Step};
use crate::tiers::Staffing;

impl Desk {
    /// The teams of the rulebook, and which of them cannot act at this moment.
    pub(super) fn staffing<'a>(&self, step: &Step<'a>) -> Staffing<'a> {
        Staffing::all(&step.rulebook.teams, &step.rulebook.calendars)
    }
}
