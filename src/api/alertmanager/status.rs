//! `GET /api/v2/status` and `/receivers`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::alerts::ReceiverName;
use super::config_export;
use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::state::ApiContext;
use crate::core::model::Timestamp;
use crate::metrics::ALERTMANAGER_VERSION;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_status, Permission::Read, status),
        Endpoint::of(__path_receivers, Permission::Read, receivers),
    ]
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StatusBody {
    #[schema(value_type = Object)]
    cluster: Cluster,
    #[schema(value_type = Object)]
    config: ConfigBody,
    /// When the service started
    #[schema(value_type = String)]
    uptime: Timestamp,
    #[schema(value_type = Object)]
    version_info: VersionInfo,
}

#[derive(Serialize)]
struct Cluster {
    peers: [&'static str; 0],
    status: &'static str,
}

#[derive(Serialize)]
struct ConfigBody {
    original: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionInfo {
    branch: &'static str,
    build_date: &'static str,
    build_user: &'static str,
    go_version: &'static str,
    revision: &'static str,
    version: &'static str,
}

/// What this Alertmanager is, and the routes that our rules amount to.
#[utoipa::path(get, path = "/api/v2/status",
    responses((status = 200, description = "The status", body = inline(StatusBody))))]
async fn status(State(shared): State<Arc<ApiContext>>) -> Json<StatusBody> {
    Json(StatusBody {
        cluster: Cluster { peers: [], status: "disabled" },
        config: ConfigBody { original: config_export::of(&shared.api.live.rulebook()) },
        uptime: shared.api.settings.started_at,
        version_info: VersionInfo {
            branch: "watchfire",
            build_date: "",
            build_user: "",
            go_version: "",
            revision: concat!("watchfire-", env!("CARGO_PKG_VERSION")),
            version: ALERTMANAGER_VERSION,
        },
    })
}

/// The teams.
#[utoipa::path(get, path = "/api/v2/receivers",
    responses((status = 200, description = "All of them", body = inline(Vec<ReceiverName>))))]
async fn receivers(State(shared): State<Arc<ApiContext>>) -> Json<Vec<ReceiverName>> {
    Json(config_export::receivers(&shared.api.live.rulebook()).into_iter().map(|name| ReceiverName { name }).collect())
}
