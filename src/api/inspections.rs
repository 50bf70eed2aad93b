//! Inspection plans: what is checked when, and when next.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use super::access::Door;
use super::endpoint::Endpoint;
use super::parameters::Parameters;
use super::shown::{Answer, list};
use super::state::Shared;
use crate::model::{Labels, Moment, Severity, Span};
use crate::rules::{Item, Plan};

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_plans, Door::Read, plans)]
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
    pub next_run_at: Option<Moment>,
    pub due_within: Span,
    pub missed_after: Span,
    pub sign_off: bool,
    pub items: Vec<ItemView>,
}

#[derive(Serialize)]
pub struct ItemView {
    pub name: String,
    pub title: String,
    pub kind: &'static str,
    pub severity: Severity,
    pub labels: Labels,
}

impl PlanView {
    pub fn of(plan: &Plan, now: Moment) -> PlanView {
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
            items: plan.items.iter().map(ItemView::of).collect(),
        }
    }
}

impl ItemView {
    fn of(item: &Item) -> ItemView {
        ItemView {
            name: item.name.clone(),
            title: item.title.clone(),
            kind: item.check.kind(),
            severity: item.severity,
            labels: item.labels.clone(),
        }
    }
}

/// Every inspection plan with its next run.
#[utoipa::path(get, path = "/api/v1/inspections",
    responses((status = 200, description = "All plans", body = ref("#/components/schemas/PlanPage"))))]
async fn plans(State(shared): State<Arc<Shared>>, query: Parameters) -> Answer {
    query.end()?;
    let (rulebook, now) = (shared.api.live.rulebook(), (shared.api.now)());
    list(rulebook.plans.values().map(|plan| PlanView::of(plan, now)).collect())
}
