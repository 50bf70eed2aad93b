//! The doors for people and tools: REST, Alertmanager v2, OpenAPI, the stream, tokens and roles.
//!
//! Reads what was committed; writes by sending one command and awaiting its answer. Must never write by itself.

mod alertmanager;
pub(crate) mod auth;
pub(crate) mod commands;
pub mod http;
mod now;
mod people;
mod router;
mod silence_bounds;
pub(crate) mod state;
pub mod v1;

pub use auth::{AuthOutcome, Permission, Principal, Proxies, RoleKind, Standing, TokenCache, new_token, token_digest};
pub use commands::{CommandError, CommandQueue, DriverRequest, QueuedRequest};
pub use http::error::ApiError;
pub use now::Now;
pub use router::router;
pub use silence_bounds::{SilenceBound, SilenceBounds};
pub use state::{ApiSettings, ApiState, RequestLimits};
pub use v1::explain::{
    AlertExplanation, EventExplanation, EventExplanations, IncidentExplanation, NotExplained, NoticeLine, Oracle,
    RuleLine, alert_explanation, archived_explanation, dry_run, event_explanation, incident_explanation, journal_place,
    read_events,
};
