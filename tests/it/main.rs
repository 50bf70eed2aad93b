//! The one integration binary: what crosses a border, against real servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands, its helpers included")]

mod adversity;
mod api;
mod archive;
mod backup;
mod dashboards;
mod explain;
mod floods;
mod hostile_labels;
mod http;
mod import;
mod kill;
mod labelled;
mod mail_tls;
mod main_job;
mod mqtt;
mod notices;
mod notify;
mod packaging;
mod patterns;
mod peers;
mod presence;
mod probes;
mod replay;
mod requirements;
mod rules;
mod schedule;
mod schema;
mod send;
mod service_manager;
mod simulation;
mod sources;
mod store;
mod support;
mod tidy;
mod tidy_circles;
mod tidy_desk;
mod tidy_names;
mod tls;
mod who_may;
