//! What attainment needs of an incident.

use crate::core::incidents::{Incident, IncidentState};
use crate::core::sla::IncidentOutcome;

impl From<&Incident> for IncidentOutcome {
    fn from(incident: &Incident) -> IncidentOutcome {
        IncidentOutcome {
            opened_at: incident.opened_at,
            clocks: incident.clocks.clone(),
            contacts: incident.contacts.clone(),
            first_line: incident.escalations == 0,
            resolved: matches!(incident.state, IncidentState::Resolved | IncidentState::Closed),
            reopened: incident.reopened,
            breach_reason: incident.breach_reason.clone(),
        }
    }
}
