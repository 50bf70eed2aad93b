//! Inspection plans: what is checked when, and when next; whether its people have the time, and how much was done.

pub(in crate::api) mod runs;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::Id;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, json, list};
use crate::api::state::ApiContext;
use crate::core::inspections::completion;
use crate::core::model::{Labels, Severity, TimeDelta, Timestamp};
use crate::core::rules::{ChecklistItem, Plan};
use crate::store::{PageRequest, RunFilter};

/// How many runs are read at once, and how often, to count them.
const PAGE_RUNS: u32 = 500;
const PAGES_MAX: u32 = 200;
const MONTH: TimeDelta = TimeDelta::from_days(30);

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_plans, Permission::Read, plans),
        Endpoint::of(__path_completed, Permission::Read, completed),
        Endpoint::of(__path_capacity, Permission::Read, capacity),
    ]
}

/// A plan as people see it.
#[derive(Serialize)]
pub struct PlanView {
    pub name: String,
    pub title: String,
    pub team: String,
    /// The crontab line, and the zone that it is read in.
    pub schedule: String,
    pub zone: String,
    /// `None` when its schedule never comes again.
    pub next_run_at: Option<Timestamp>,
    pub due_within: TimeDelta,
    pub missed_after: TimeDelta,
    pub sign_off: bool,
    /// The team that signs it, when not everybody with the role may.
    pub signers: Option<String>,
    pub four_eyes: bool,
    /// A person's work in one run.
    pub work: TimeDelta,
    pub items: Vec<ItemView>,
}

#[derive(Serialize)]
pub struct ItemView {
    pub name: String,
    pub title: String,
    pub kind: &'static str,
    pub device: Option<String>,
    pub severity: Severity,
    pub labels: Labels,
    pub minutes: u32,
}

impl PlanView {
    pub fn of(plan: &Plan, now: Timestamp) -> PlanView {
        PlanView {
            name: plan.name.clone(),
            title: plan.title.clone(),
            team: plan.team.clone(),
            schedule: plan.schedule.text().to_owned(),
            zone: plan.schedule.zone().to_owned(),
            next_run_at: plan.schedule.next_after(now),
            due_within: plan.due_within,
            missed_after: plan.missed_after,
            sign_off: plan.sign_off,
            signers: plan.signers.clone(),
            four_eyes: plan.four_eyes,
            work: plan.work(),
            items: plan.items.iter().map(ItemView::of).collect(),
        }
    }
}

impl ItemView {
    fn of(item: &ChecklistItem) -> ItemView {
        ItemView {
            name: item.name.clone(),
            title: item.title.clone(),
            kind: item.check.kind(),
            device: item.device.clone(),
            severity: item.severity,
            labels: item.labels.clone(),
            minutes: item.minutes,
        }
    }
}

/// Every inspection plan with its next run.
#[utoipa::path(get, path = "/api/v1/inspections",
    responses((status = 200, description = "All plans", body = ref("#/components/schemas/PlanPage"))))]
async fn plans(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let (rulebook, now) = (shared.api.live.rulebook(), (shared.api.now)());
    list(rulebook.plans.values().map(|plan| PlanView::of(plan, now)).collect())
}

/// Whether the people of a plan can do its next run in its time.
#[utoipa::path(get, path = "/api/v1/inspections/{plan}/capacity",
    responses((status = 200, description = "The work against the time", body = ref("#/components/schemas/Capacity"))))]
async fn capacity(State(shared): State<Arc<ApiContext>>, Id(name): Id<String>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let (rulebook, now) = (shared.api.live.rulebook(), (shared.api.now)());
    let plan = rulebook.plans.get(&name).ok_or_else(|| ApiError::unknown(&name))?;
    let unsaid = || {
        let reason = "says nothing of `capacity` or of its items' `minutes`, or is never due again";
        ApiError::new(StatusCode::NOT_FOUND, format!("inspection plan {name} {reason}"))
    };
    json(&plan.capacity(&rulebook, now).ok_or_else(unsaid)?)
}

/// How much of what was due was done, by plan. A run counts where its scheduled time lies in the period.
#[utoipa::path(get, path = "/api/v1/inspections/completion",
    params(
        ("from" = Option<String>, Query, description = "RFC 3339; 30 days ago unless given"),
        ("to" = Option<String>, Query, description = "RFC 3339, not itself in the period; now unless given"),
        ("plan" = Option<String>, Query),
    ),
    responses((status = 200, description = "By plan", body = ref("#/components/schemas/CompletionPage"))))]
async fn completed(State(shared): State<Arc<ApiContext>>, mut query: QueryParameters) -> ApiResult {
    let now = (shared.api.now)();
    let (from, to): (Option<Timestamp>, Option<Timestamp>) = (query.value("from")?, query.value("to")?);
    let filter = RunFilter { plan: query.text("plan")?, ..RunFilter::default() };
    query.end()?;
    let (mut runs, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let page = shared.api.store.runs(&filter, &PageRequest { cursor, limit: PAGE_RUNS }).await?;
        runs.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return list(completion(&runs, from.unwrap_or(now - MONTH), to.unwrap_or(now)));
        }
    }
    Err(ApiError::bad(format!("more than {} runs; ask for one plan", PAGES_MAX * PAGE_RUNS)))
}
