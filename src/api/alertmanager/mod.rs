//! Alertmanager's API v2, so that Prometheus, amtool, karma and Grafana work unmodified. (`POST /api/v2/alerts` is
//! taken by ingest.)
//!
//! A view of what was committed: the receiver of an alert is its incident's team, a group is an incident. Must answer
//! in Alertmanager's own words, also when it refuses.
//!
//! Where it differs on purpose: a matcher `null` is a 422, not a dropped connection; an alert that no message will ever
//! end shows the latest moment that can be written; CORS says nothing unless a page is configured; of `/api/v1` only
//! what senders of alerts ask for is a 410, because the rest is our own API.

mod alerts;
mod blocking;
mod config_export;
mod error;
mod groups;
mod middleware;
mod query;
mod removed;
mod silence_body;
mod silences;
mod status;

pub(super) use middleware::wire;
pub(super) use silences::{SilenceView, sorted as sorted_silences};

use super::http::endpoint::Endpoint;

pub(super) fn endpoints() -> Vec<Endpoint> {
    [status::endpoints(), alerts::endpoints(), groups::endpoints(), silences::endpoints(), removed::endpoints()]
        .into_iter()
        .flatten()
        .collect()
}
