//! Probes: runs the automated inspection items and says what they saw.
//!
//! Must never decide what a result means for a run.
