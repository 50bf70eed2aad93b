//! Incidents: what people work on, its lifecycle and the refusals of it.
//!
//! Plain state and moves. Must never read a clock, page anybody (tiers decide that), or know where it is stored.

mod record;

pub use record::{Incident, IncidentState, PendingOn, TimelineEntry, TimelineKind};
