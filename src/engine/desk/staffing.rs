//! Who can act now: what every climb is asked with.

use super::{Desk, Step};
use crate::model::IncidentId;
use crate::tiers::Staffing;

impl Desk {
    /// The teams of the rulebook, and which of them cannot act at this moment.
    pub(super) fn staffing<'a>(&self, step: &Step<'a>) -> Staffing<'a> {
        Staffing::all(&step.rulebook.teams, &step.rulebook.calendars)
    }

    /// The same for an incident: which teams cannot act on it now.
    pub(super) fn staffing_of<'a>(&self, id: IncidentId, step: &Step<'a>) -> Staffing<'a> {
        let staffing = self.staffing(step);
        match self.state.get(id) {
            Some(incident) => self.with_closed(&incident.record, staffing, step),
            None => staffing,
        }
    }
}
