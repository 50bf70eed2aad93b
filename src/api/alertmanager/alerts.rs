//! `GET /api/v2/alerts`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::blocking::apart;
use super::error::V2Refusal;
use super::query::{Filters, ReceiverFilter, V2Query};
use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::state::ApiContext;
use crate::core::engine::AlertRecord;
use crate::core::model::{Fingerprint, Labels, SilenceId, Stamp, Status, Timestamp};
use crate::store::{LiveAlert, LiveView};

/// The receiver of what belongs to no team.
pub const DEFAULT_RECEIVER: &str = "default";

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_alerts, Permission::Read, alerts)]
}

#[derive(Serialize, ToSchema)]
pub struct ReceiverName {
    pub name: String,
}

/// An alert in Alertmanager's words.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct V2Alert {
    #[schema(value_type = Object)]
    pub annotations: Labels,
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub ends_at: Stamp,
    #[schema(value_type = String)]
    pub fingerprint: Fingerprint,
    #[schema(value_type = Vec<Object>)]
    pub receivers: Vec<ReceiverName>,
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub starts_at: Stamp,
    #[schema(value_type = Object)]
    pub status: AlertStatus,
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    #[schema(value_type = String)]
    pub generator_url: Arc<str>,
    #[schema(value_type = Object)]
    pub labels: Labels,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertStatus {
    pub inhibited_by: Vec<Fingerprint>,
    pub muted_by: Vec<String>,
    pub silenced_by: Vec<SilenceId>,
    pub state: AlertState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    Active,
    Suppressed,
}

fn as_text<S: Serializer>(stamp: &Stamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(stamp)
}

impl V2Alert {
    pub fn of(live: &LiveAlert) -> V2Alert {
        let alert = &live.alert;
        V2Alert {
            annotations: alert.annotations.clone(),
            ends_at: alert.ends_at,
            fingerprint: alert.fingerprint,
            receivers: vec![ReceiverName { name: receiver_of(live).to_owned() }],
            starts_at: alert.starts_at,
            status: AlertStatus {
                inhibited_by: alert.inhibited_by.iter().chain(&alert.explained_by).copied().collect(),
                muted_by: alert.maintained_by.iter().chain(&alert.storm).cloned().collect(),
                silenced_by: alert.silenced_by.clone(),
                state: state_of(alert),
            },
            updated_at: alert.updated_at,
            generator_url: Arc::clone(&alert.generator_url),
            labels: alert.labels.clone(),
        }
    }
}

pub fn receiver_of(live: &LiveAlert) -> &str {
    live.team.as_deref().unwrap_or(DEFAULT_RECEIVER)
}

fn state_of(alert: &AlertRecord) -> AlertState {
    if alert.silenced_by.is_empty() && !is_inhibited(alert) && !is_muted(alert) {
        AlertState::Active
    } else {
        AlertState::Suppressed
    }
}

/// By an inhibition, plain or through the topology.
fn is_inhibited(alert: &AlertRecord) -> bool {
    !alert.inhibited_by.is_empty() || !alert.explained_by.is_empty()
}

/// By a maintenance window or a storm.
fn is_muted(alert: &AlertRecord) -> bool {
    !alert.maintained_by.is_empty() || alert.storm.is_some()
}

/// What a query lets through; the same for the list and for the groups.
pub struct AlertFilter {
    filters: Filters,
    pub receiver: ReceiverFilter,
    active: bool,
    silenced: bool,
    inhibited: bool,
    /// Asked for of groups alone, as Alertmanager has it.
    muted: bool,
    now: Timestamp,
}

impl AlertFilter {
    pub fn read(query: &V2Query, now: Timestamp) -> Result<AlertFilter, V2Refusal> {
        Ok(AlertFilter {
            filters: query.filters()?,
            receiver: query.receiver()?,
            active: query.flag("active"),
            silenced: query.flag("silenced"),
            inhibited: query.flag("inhibited"),
            muted: true,
            now,
        })
    }

    /// For groups, which alone can leave out what is muted.
    pub fn read_for_groups(query: &V2Query, now: Timestamp) -> Result<AlertFilter, V2Refusal> {
        Ok(AlertFilter { muted: query.flag("muted"), ..AlertFilter::read(query, now)? })
    }

    /// Those that it lets through, by fingerprint.
    pub fn pick(&self, live: &LiveView) -> Vec<Arc<LiveAlert>> {
        live.alerts_with(self.filters.required(), |alert| self.lets_through(alert))
    }

    /// A v2 alert is gone from here the moment it ends, though the engine's own deadline may fire a little later.
    fn lets_through(&self, live: &LiveAlert) -> bool {
        let alert = &live.alert;
        alert.status == Status::Firing
            && alert.ends_at.at >= self.now
            && (self.active || state_of(alert) != AlertState::Active)
            && (self.silenced || alert.silenced_by.is_empty())
            && (self.inhibited || !is_inhibited(alert))
            && (self.muted || !is_muted(alert))
            && self.receiver.passes(receiver_of(live))
            && self.filters.pass(&alert.labels)
    }
}

/// Active alerts, by fingerprint.
#[utoipa::path(get, path = "/api/v2/alerts",
    params(
        ("active" = Option<bool>, Query), ("silenced" = Option<bool>, Query), ("inhibited" = Option<bool>, Query),
        ("unprocessed" = Option<bool>, Query, description = "Taken and ignored, as Alertmanager does"),
        ("filter" = Option<Vec<String>>, Query, description = "One matcher each; all must hold"),
        ("receiver" = Option<String>, Query, description = "A regular expression, anchored"),
    ),
    responses((status = 200, description = "All of them", body = inline(Vec<V2Alert>))))]
async fn alerts(State(shared): State<Arc<ApiContext>>, query: V2Query) -> Result<Response, V2Refusal> {
    let wanted = AlertFilter::read(&query, (shared.api.now)())?;
    apart(move || -> Vec<V2Alert> { wanted.pick(&shared.api.live).iter().map(|alert| V2Alert::of(alert)).collect() })
        .await
}
