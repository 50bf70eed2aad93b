//! The pure half: everything that decides. It must never read a clock, touch a file or a socket, wait, or draw a random
//! number; time and ids are arguments, so that a replay gives the same records byte for byte.

pub mod model;

pub mod calendar;
pub mod rules;

pub mod correlation;

pub mod escalation;
pub mod incidents;
pub mod inspections;
pub mod on_call;
pub mod problems;
pub mod sla;

pub mod reports;

pub mod engine;

pub mod simulation;
