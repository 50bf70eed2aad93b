//! Tiers: who is told of an incident, by when, and who is next when nobody acts.
//!
//! A pure timer over a ladder. Must never send anything itself, and never leave an open incident without either an
//! armed deadline or the stated reason why not.
