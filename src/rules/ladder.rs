//! Ladders: who gets an incident, and by when.

use crate::model::{Span, Tier};

/// Who gets an incident, by when: its steps in the order of the tiers.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    pub name: String,
    pub steps: Vec<Step>,
}

/// One rung. All spans are wall time, counted from when the step was really entered.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub tier: Tier,
    pub team: String,
    /// Unacknowledged for that long: on to the next step.
    pub respond_by: Span,
    /// Pages again that often until somebody acknowledges.
    pub page_every: Span,
    /// Acknowledged but unresolved for that long: paged once more `page_every` before, then on to the next step.
    pub resolve_by: Option<Span>,
}
