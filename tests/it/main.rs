//! The one integration binary: what crosses a border, against real servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod api;
mod http;
mod mqtt;
mod notify;
mod probes;
mod rules;
mod schedule;
mod sources;
mod store;
mod support;
