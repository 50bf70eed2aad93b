//! The doors for people and tools: REST, Alertmanager v2, OpenAPI, the stream, tokens and roles.
//!
//! Reads what was committed; writes by sending one command and awaiting its answer. Must never write by itself.

mod commands;

pub use commands::{Asked, CommandQueue, Unanswered, Wish};
