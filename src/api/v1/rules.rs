//! The rules in force, and the hash by which the journal knows them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::auth::{Permission, Principal};
use crate::api::commands::{CommandError, DriverRequest};
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, json, unexpected_outcome};
use crate::api::state::ApiContext;
use crate::core::engine::Outcome;
use crate::core::model::{Priority, Severity};
use crate::core::rules::{Rule, Rulebook};

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_rules, Permission::Read, rules),
        Endpoint::of(__path_reload_rules, Permission::Reload, reload_rules),
    ]
}

/// What is in force after a reload.
#[derive(Serialize, ToSchema)]
struct Reloaded {
    /// SHA-256 over the rule files.
    hash: String,
    /// False: the files say what they said.
    changed: bool,
}

#[derive(Serialize)]
pub struct RulesView {
    /// SHA-256 over the rule files.
    pub hash: String,
    pub files: Vec<String>,
    pub items: Vec<RuleView>,
    pub inhibitions: Vec<InhibitionView>,
    pub next: Option<String>,
}

#[derive(Serialize)]
pub struct RuleView {
    pub name: String,
    pub pattern: &'static str,
    /// As a rule file writes them.
    pub matchers: String,
    pub when: Option<String>,
    pub by: Vec<String>,
    pub r#continue: bool,
    pub ladder: String,
    pub pages: bool,
    pub priority: Option<Priority>,
    pub severity: Option<Severity>,
    pub runbook: Option<String>,
    pub playbook: Option<String>,
}

#[derive(Serialize)]
pub struct InhibitionView {
    pub name: String,
    pub source: String,
    pub target: String,
    pub equal: Vec<String>,
    /// How many dependencies may lie between source and target; `null` where it does not follow them.
    pub hops: Option<u32>,
}

impl RulesView {
    pub fn of(rulebook: &Rulebook) -> RulesView {
        let inhibitions = rulebook.inhibitions.iter().map(|inhibition| InhibitionView {
            name: inhibition.name.clone(),
            source: inhibition.source.to_string(),
            target: inhibition.target.to_string(),
            equal: inhibition.equal.clone(),
            hops: inhibition.through.map(|through| through.hops),
        });
        RulesView {
            hash: rulebook.hash.to_string(),
            files: rulebook.texts.iter().map(|text| text.path.clone()).collect(),
            items: rulebook.rules.iter().map(RuleView::of).collect(),
            inhibitions: inhibitions.collect(),
            next: None,
        }
    }
}

impl RuleView {
    fn of(rule: &Rule) -> RuleView {
        RuleView {
            name: rule.name.clone(),
            pattern: rule.pattern.name(),
            matchers: rule.matchers.to_string(),
            when: rule.when.as_ref().map(|when| when.text().to_owned()),
            by: rule.by.clone(),
            r#continue: rule.continues,
            ladder: rule.ladder.clone(),
            pages: rule.pages,
            priority: rule.priority,
            severity: rule.severity,
            runbook: rule.runbook.clone(),
            playbook: rule.playbook.clone(),
        }
    }
}

/// The rules in file order, as they are in force now.
#[utoipa::path(get, path = "/api/v1/rules",
    responses((status = 200, description = "All of them", body = ref("#/components/schemas/Rules"))))]
async fn rules(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    query.end()?;
    json(&RulesView::of(&shared.api.live.rulebook()))
}

/// Reads the rule files again; of a mistake it answers the report, and the old rules stay in force.
#[utoipa::path(post, path = "/api/v1/rules/reload",
    responses((status = 200, description = "In force", body = inline(Reloaded)),
        (status = 422, description = "The mistakes, with file, line and column",
            content_type = "application/problem+json", body = ref("#/components/schemas/ProblemDetails"))))]
async fn reload_rules(State(shared): State<Arc<ApiContext>>, caller: Principal) -> ApiResult {
    match shared.api.commands.send(DriverRequest::reload_by(caller)).await {
        Ok(Outcome::Rulebook { hash, changed }) => json(&Reloaded { hash: hash.to_string(), changed }),
        Ok(Outcome::Refused(refusal)) => Err(refusal.into()),
        Ok(
            outcome @ (Outcome::Incident { .. }
            | Outcome::Problem { .. }
            | Outcome::Run { .. }
            | Outcome::Silence { .. }
            | Outcome::Staff { .. }),
        ) => Err(unexpected_outcome(&outcome)),
        Err(CommandError::BadRules { report }) => Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, report)),
        Err(unanswered @ CommandError::Unknown { .. }) => Err(unanswered.into()),
    }
}
