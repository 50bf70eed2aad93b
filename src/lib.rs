//! watchfire: monitoring events in; incidents, problems and inspections that somebody takes care of out.
//!
//! The rooms in the order in which an event passes them. A tool's message enters through [`ingest`], decoded by a source
//! of the [`rules`]; the driver in [`app`] hands it to the [`engine`], whose correlators ([`correlation`]) raise
//! conditions and whose desk turns them into [`incidents`] that climb [`tiers`] against their [`targets`], [`problems`] that stay, and findings of
//! [`inspections`]; journal, records and notices are committed by the [`store`] in one transaction; then [`notify`]
//! tells people, [`probes`] run checks, [`metrics`] count, and [`api`] shows it. [`simulation`] makes estates that break,
//! to measure all that.

pub mod model;

pub mod calendar;
pub mod rules;

pub mod correlation;
pub mod incidents;
pub mod inspections;
pub mod problems;
pub mod rosters;
pub mod targets;
pub mod tiers;

pub mod figures;

pub mod engine;

pub mod simulation;

pub mod store;

pub mod broker;
pub mod ingest;
pub mod metrics;
pub mod notify;
pub mod probes;

pub mod api;

pub mod app;
