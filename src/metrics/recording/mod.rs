//! How the service's parts record into [`Metrics`](super::Metrics), one file for each group of metrics.

mod engine;
mod ingest;
mod instance;
mod listeners;
mod on_call;
mod runtime;
mod severity_words;
