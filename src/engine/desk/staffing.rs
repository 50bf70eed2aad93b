//! Who can act now: what every climb is asked with.

use super::{Desk, Step};
use crate::tiers::Crew;

impl Desk {
    /// The teams of the rulebook, and which of them cannot act at this moment.
    pub(super) fn crew<'a>(&self, step: &Step<'a>) -> Crew<'a> {
        Crew::all(&step.rulebook.teams, &step.rulebook.calendars)
    }
}
