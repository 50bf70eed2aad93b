//! Alerts, live and past: rows from the tables, with the live view's newer times on those that still fire.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use crate::api::auth::Door;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::Failure;
use crate::api::http::extract::Id;
use crate::api::http::query::Parameters;
use crate::api::http::response::{Answer, json, page};
use crate::api::state::Shared;
use crate::core::engine::AlertRecord;
use crate::core::model::{Fingerprint, IncidentId, Labels, Moment, Severity, SilenceId, Status};
use crate::store::{AlertFilter, Live, LiveAlert, Page};

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_alerts, Door::Read, alerts), Endpoint::of(__path_alert, Door::Read, alert)]
}

/// An alert as people see it.
#[derive(Serialize)]
pub struct AlertView {
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
    pub updated_at: Moment,
    pub first_seen_at: Moment,
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

impl AlertView {
    /// Rows, each replaced by what the live view knows of it.
    pub fn of_records(live: &Live, records: Vec<AlertRecord>) -> Vec<AlertView> {
        let wanted: std::collections::BTreeSet<Fingerprint> = records.iter().map(|row| row.fingerprint).collect();
        let active: BTreeMap<Fingerprint, Arc<LiveAlert>> = live
            .alerts(|alert| wanted.contains(&alert.alert.fingerprint))
            .into_iter()
            .map(|alert| (alert.alert.fingerprint, alert))
            .collect();
        records
            .into_iter()
            .map(|row| match active.get(&row.fingerprint) {
                Some(alert) => AlertView::of_live(alert),
                None => AlertView::of(row, None, None),
            })
            .collect()
    }

    fn of_live(alert: &LiveAlert) -> AlertView {
        AlertView::of(AlertRecord::clone(&alert.alert), alert.incident, alert.team.as_deref().map(str::to_owned))
    }

    /// The one place that names every field.
    pub fn of(row: AlertRecord, incident: Option<IncidentId>, team: Option<String>) -> AlertView {
        AlertView {
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
async fn alerts(State(shared): State<Arc<Shared>>, mut query: Parameters) -> Answer {
    let filter = AlertFilter {
        firing: query.flag("firing")?,
        rule: query.text("rule")?,
        source: query.text("source")?,
        text: query.text("q")?,
    };
    let Page { items, next } = shared.api.store.alerts(&filter, &query.page()?).await?;
    page(&Page { items: AlertView::of_records(&shared.api.live, items), next })
}

/// One alert by its fingerprint.
#[utoipa::path(get, path = "/api/v1/alerts/{fingerprint}",
    responses((status = 200, description = "The alert", body = ref("#/components/schemas/Alert"))))]
async fn alert(State(shared): State<Arc<Shared>>, Id(id): Id<Fingerprint>, query: Parameters) -> Answer {
    query.end()?;
    let row = shared.api.store.alert(id).await?.ok_or_else(|| Failure::unknown(format!("alert {id}")))?;
    json(&AlertView::of_records(&shared.api.live, vec![row]).pop())
}
