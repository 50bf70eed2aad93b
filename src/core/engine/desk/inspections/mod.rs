//! Inspections at the desk: runs come due, probes and people answer them, and what they found enters as an event.

pub mod runs;
