//! What the desk waits for: one list, by which its next deadline is found and what is due is served.

use super::state::DeskState;
use crate::core::model::Timestamp;

/// A timer of the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Heartbeats, overrides and shifts.
    Staff,
    /// The timers of incidents: see [`super::incident::IncidentTimer`].
    Incidents,
    Inspections,
    /// The look for holidays of the year to come.
    Holidays,
    /// Reviews of problems.
    Reviews,
    Digests,
    /// Budgets of outages.
    Budgets,
    /// Answers to idempotency keys that are no longer kept.
    Answers,
}

impl Timer {
    /// In the order in which they are served when several are due.
    pub const ALL: [Timer; 8] = [
        Timer::Staff,
        Timer::Incidents,
        Timer::Inspections,
        Timer::Holidays,
        Timer::Reviews,
        Timer::Digests,
        Timer::Budgets,
        Timer::Answers,
    ];

    /// When it is due next, if it is armed.
    pub fn due_at(self, desk: &DeskState) -> Option<Timestamp> {
        let core = &desk.kept.core;
        match self {
            Timer::Staff => core.staff.next_deadline(),
            Timer::Incidents => desk.next_incident_deadline(),
            Timer::Inspections => core.inspections.next_deadline(),
            Timer::Holidays => core.calendars.next_deadline(),
            Timer::Reviews => desk.next_review,
            Timer::Digests => core.digests.next_deadline(),
            Timer::Budgets => core.outages.next_deadline(),
            Timer::Answers => desk.next_answer_expiry(),
        }
    }

    /// The earliest deadline of all.
    pub fn next_deadline(desk: &DeskState) -> Option<Timestamp> {
        Timer::ALL.into_iter().filter_map(|timer| timer.due_at(desk)).min()
    }
}
