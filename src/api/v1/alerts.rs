//! Alerts, live and past: rows from the tables, with the live view's newer times on those that still fire.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::Id;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, json, page};
use crate::api::state::ApiContext;
use crate::core::engine::AlertRecord;
use crate::core::model::{Fingerprint, IncidentId, Labels, Severity, SilenceId, Status, Timestamp};
use crate::store::{AlertFilter, LiveAlert, LiveView, Page};

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_alerts, Permission::Read, alerts), Endpoint::of(__path_alert, Permission::Read, alert)]
}

/// An alert as people see it.
#[derive(Serialize)]
pub struct AlertBody {
    pub fingerprint: Fingerprint,
    pub source: String,
    pub status: Status,
    pub severity: Severity,
    pub summary: String,
    pub labels: Labels,
    /// What is known of it besides; rules name them `fact.…`.
    pub facts: Labels,
    pub annotations: Labels,
    /// With the producer's offset.
    pub starts_at: String,
    pub ends_at: String,
    pub updated_at: Timestamp,
    pub first_seen_at: Timestamp,
    pub generator_url: String,
    pub silenced_by: Vec<SilenceId>,
    pub inhibited_by: Vec<Fingerprint>,
    pub explained_by: Vec<Fingerprint>,
    pub maintained_by: Vec<String>,
    pub storm: Option<String>,
    pub rule: String,
    pub key: Labels,
    pub held: Option<String>,
    pub transitions: u64,
    /// Its open incident and that incident's team, while it fires.
    pub incident: Option<IncidentId>,
    pub team: Option<String>,
    /// Beneath an incident only: whether it is merely linked there.
    pub linked: Option<bool>,
}

impl AlertBody {
    /// Rows, each replaced by what the live view knows of it.
    pub fn of_records(live: &LiveView, records: Vec<AlertRecord>) -> Vec<AlertBody> {
        let wanted: std::collections::BTreeSet<Fingerprint> = records.iter().map(|row| row.fingerprint).collect();
        let active: BTreeMap<Fingerprint, Arc<LiveAlert>> = live
            .alerts(|alert| wanted.contains(&alert.alert.fingerprint))
            .into_iter()
            .map(|alert| (alert.alert.fingerprint, alert))
            .collect();
        records
            .into_iter()
            .map(|row| match active.get(&row.fingerprint) {
                Some(alert) => AlertBody::of_live(alert),
                None => AlertBody::of(row, None, None),
            })
            .collect()
    }

    fn of_live(alert: &LiveAlert) -> AlertBody {
        AlertBody::of(AlertRecord::clone(&alert.alert), alert.incident, alert.team.as_deref().map(str::to_owned))
    }

    /// The one place that names every field.
    pub fn of(row: AlertRecord, incident: Option<IncidentId>, team: Option<String>) -> AlertBody {
        AlertBody {
            fingerprint: row.fingerprint,
            source: row.source.as_ref().to_owned(),
            status: row.status,
            severity: row.severity,
            summary: row.summary.as_ref().to_owned(),
            labels: row.labels,
            facts: row.facts,
            annotations: row.annotations,
            starts_at: row.starts_at.to_string(),
            ends_at: row.ends_at.to_string(),
            updated_at: row.updated_at,
            first_seen_at: row.first_seen_at,
            generator_url: row.generator_url.as_ref().to_owned(),
            silenced_by: row.silenced_by,
            inhibited_by: row.inhibited_by,
            explained_by: row.explained_by,
            maintained_by: row.maintained_by,
            storm: row.storm,
            rule: row.rule,
            key: row.key,
            held: row.held,
            transitions: row.transitions,
            incident,
            team,
            linked: None,
        }
    }
}

/// Alerts, newest first.
#[utoipa::path(get, path = "/api/v1/alerts",
    params(
        ("firing" = Option<bool>, Query, description = "true: only those that fire; false: only past ones"),
        ("rule" = Option<String>, Query), ("source" = Option<String>, Query),
        ("q" = Option<String>, Query, description = "A piece of the summary or the labels"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500, else 100"),
    ),
    responses((status = 200, description = "A page", body = ref("#/components/schemas/AlertPage"))))]
async fn alerts(State(shared): State<Arc<ApiContext>>, mut query: QueryParameters) -> ApiResult {
    let filter = AlertFilter {
        firing: query.flag("firing")?,
        rule: query.text("rule")?,
        source: query.text("source")?,
        text: query.text("q")?,
    };
    let Page { items, next } = shared.api.store.alerts(&filter, &query.page()?).await?;
    page(&Page { items: AlertBody::of_records(&shared.api.live, items), next })
}

/// One alert by its fingerprint.
#[utoipa::path(get, path = "/api/v1/alerts/{fingerprint}",
    responses((status = 200, description = "The alert", body = ref("#/components/schemas/Alert"))))]
async fn alert(State(shared): State<Arc<ApiContext>>, Id(id): Id<Fingerprint>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let row = shared.api.store.alert(id).await?.ok_or_else(|| ApiError::unknown(format!("alert {id}")))?;
    json(&AlertBody::of_records(&shared.api.live, vec![row]).pop())
}
