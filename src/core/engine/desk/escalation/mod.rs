//! Escalation: what an incident's ladder does by itself, and how people hand it up and down the lines.

pub mod handoff;
pub mod transitions;
