//! Incidents: opened, joined, merged, resolved and rolled up from what the correlators decide.

pub(super) mod decisions;
pub(super) mod grouping;
pub(super) mod priority;
pub(super) mod rollup;
pub(super) mod similarity;
pub(super) mod timers;
