//! The doors for people and tools: REST, Alertmanager v2, OpenAPI, the stream, tokens and roles.
//!
//! Reads what was committed; writes by sending one command and awaiting its answer. Must never write by itself.

mod access;
mod ack;
mod alerts;
mod audit;
mod body;
mod commands;
mod dead_letters;
mod deliveries;
mod dispatch_order;
mod endpoint;
mod explain;
mod family;
mod figure_shapes;
mod figures;
mod front;
mod incident_commands;
mod incidents;
mod inspections;
mod normalised;
mod openapi;
mod parameters;
mod problem_review;
mod problems;
mod promise_shapes;
mod review_shapes;
mod roster_commands;
mod rosters;
mod router;
mod rules;
mod runs;
mod schema;
mod service;
mod shown;
mod silences;
mod sources;
mod staff_schema;
mod state;
mod stream;
mod targets;
mod tiers;
mod v2;

pub use access::{Admission, Caller, Door, Keyring, RoleKind, new_token, token_digest};
pub use commands::{Asked, CommandQueue, Unanswered, Wish};
pub use explain::{
    AlertExplanation, EventExplanation, EventExplanations, IncidentExplanation, NotExplained, NoticeLine, Oracle,
    RuleLine, alert_explanation, dry_run, event_explanation, incident_explanation, journal_place, read_events,
};
pub use router::router;
pub use state::{ApiSettings, ApiState, Now};
