//! Correlation: alerts, what holds them back, windows and patterns of one correlation domain.
//!
//! Pure. Decides when a condition is raised and cleared; must never know people, tiers or tickets.
