//! The one integration binary: what crosses a border, against real servers.

mod api;
mod dashboards;
mod http;
mod mqtt;
mod notify;
mod probes;
mod rules;
mod schedule;
mod sources;
mod store;
mod support;
mod tidy;
