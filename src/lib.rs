//! watchfire: monitoring events in; incidents, problems and inspections out, each with a person who takes care of it.

pub mod core;

pub mod store;

pub mod mqtt;

pub mod metrics;

pub mod ingest;
pub mod notify;
pub mod probes;

pub mod api;

pub mod console;

pub mod app;
