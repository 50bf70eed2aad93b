//! Tiers: who is told of an incident, by when, and who is next when nobody acts.
//!
//! A pure timer over a ladder. Must never send anything itself, and never leave an open incident without either an
//! armed deadline or the stated reason why not.

mod availability;
mod hierarchical;
mod progress;
#[cfg(test)]
mod tests;

pub use availability::{Calendars, TeamAvailability};
pub use progress::{EscalationEvent, EscalationProgress, EscalationStart, PAGES_MAX};
