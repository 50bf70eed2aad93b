//! Tiers: who is told of an incident, by when, and who is next when nobody acts.
//!
//! A pure timer over a ladder. Must never send anything itself, and never leave an open incident without either an
//! armed deadline or the stated reason why not.

mod climb;
mod management;
mod staffing;
#[cfg(test)]
mod tests;

pub use climb::{Climb, Move, PAGES_MAX, Start};
pub use staffing::{Calendars, Staffing};
