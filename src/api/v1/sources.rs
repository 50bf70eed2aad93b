//! The sources: which tools' payloads are understood, and where they come in.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, list};
use crate::api::state::ApiContext;
use crate::core::rules::Source;
use crate::metrics::Metrics;

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_sources, Permission::Read, sources)]
}

#[derive(Serialize)]
pub struct SourceView {
    pub name: String,
    /// Where its webhook is sent.
    pub path: String,
    /// MQTT topic filters.
    pub topics: Vec<String>,
    /// Severity words that came since the start and that nobody knows: their events count as minor.
    pub unknown_severity_words: Vec<String>,
}

impl SourceView {
    pub fn of(source: &Source, metrics: &Metrics) -> SourceView {
        let path = format!("/api/v1/sources/{}", source.name);
        let unknown_severity_words = metrics.unknown_severity_words(&source.name);
        SourceView { name: source.name.clone(), path, topics: source.topics.clone(), unknown_severity_words }
    }
}

/// The sources in force.
#[utoipa::path(get, path = "/api/v1/sources",
    responses((status = 200, description = "All of them", body = ref("#/components/schemas/SourcePage"))))]
async fn sources(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let of = |source| SourceView::of(source, &shared.api.metrics);
    list(shared.api.live.rulebook().sources.iter().map(of).collect())
}
