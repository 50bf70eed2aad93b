//! Escalation: notifies one tier after another, by time limits, while no one acts.
//!
//! A pure timer over an escalation policy. Must never send anything itself, and never leave an open incident without
//! either an armed deadline or the stated reason why not.

mod availability;
mod hierarchical;
mod progress;
#[cfg(test)]
mod tests;
mod transition;

pub use availability::TeamAvailability;
pub use progress::{EscalationProgress, EscalationStart, PAGES_MAX};
pub use transition::EscalationEvent;
