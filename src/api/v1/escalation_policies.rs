//! Tiers: the ladders that incidents climb, and the teams on their steps.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, json};
use crate::api::state::ApiContext;
use crate::core::model::{Priority, Tier, TimeDelta};
use crate::core::rules::{DispatchMode, EscalationPolicy, ManagerNotification, Playbook, Recipient, Rulebook, Team};

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_tiers, Permission::Read, tiers)]
}

#[derive(Serialize)]
pub struct TiersView {
    pub ladders: Vec<LadderView>,
    pub teams: Vec<TeamView>,
    pub playbooks: Vec<PlaybookView>,
}

#[derive(Serialize)]
pub struct LadderView {
    pub name: String,
    pub steps: Vec<StepView>,
    /// Who is told besides.
    pub hierarchy: Vec<ToldView>,
}

#[derive(Serialize)]
pub struct StepView {
    pub tier: Tier,
    pub team: String,
    pub respond_by: TimeDelta,
    pub page_every: TimeDelta,
    pub resolve_by: Option<TimeDelta>,
    /// The team is that of the failed item's vendor.
    pub vendor: bool,
    pub kind: DispatchMode,
    /// In whose working time these spans count; wall time for none.
    pub calendar: Option<String>,
    pub demands: Vec<String>,
}

#[derive(Serialize)]
pub struct ToldView {
    pub after: TimeDelta,
    pub priorities: Vec<Priority>,
    pub team: Option<String>,
    pub person: Option<String>,
    pub repeat: u32,
    pub every: TimeDelta,
    pub stop_when: Vec<&'static str>,
    pub calendar: Option<String>,
}

#[derive(Serialize)]
pub struct PlaybookView {
    pub name: String,
    pub title: String,
    pub steps: Vec<PlaybookStepView>,
}

#[derive(Serialize)]
pub struct PlaybookStepView {
    pub name: String,
    pub title: String,
    pub evidence: bool,
}

#[derive(Serialize)]
pub struct TeamView {
    pub name: String,
    pub title: String,
    pub members: Vec<String>,
    /// For whose contracts it stands.
    pub vendors: Vec<String>,
    pub channels: Vec<ChannelView>,
}

#[derive(Serialize)]
pub struct ChannelView {
    pub kind: &'static str,
    /// Cut where a secret may begin.
    pub to: String,
}

impl TiersView {
    pub fn of(rulebook: &Rulebook) -> TiersView {
        TiersView {
            ladders: rulebook.ladders.values().map(LadderView::of).collect(),
            teams: rulebook.teams.values().map(TeamView::of).collect(),
            playbooks: rulebook.playbooks.values().map(PlaybookView::of).collect(),
        }
    }
}

impl LadderView {
    fn of(ladder: &EscalationPolicy) -> LadderView {
        let steps = ladder.steps.iter().map(|step| StepView {
            tier: step.tier,
            team: step.team.clone(),
            respond_by: step.respond_by,
            page_every: step.page_every,
            resolve_by: step.resolve_by,
            vendor: step.vendor,
            kind: step.kind,
            calendar: step.calendar.clone(),
            demands: step.demands.clone(),
        });
        let hierarchy = ladder.hierarchy.iter().map(ToldView::of).collect();
        LadderView { name: ladder.name.clone(), steps: steps.collect(), hierarchy }
    }
}

impl ToldView {
    fn of(one: &ManagerNotification) -> ToldView {
        let (team, person) = match &one.told {
            Recipient::Team(team) => (Some(team.clone()), None),
            Recipient::Person(person) => (None, Some(person.clone())),
        };
        ToldView {
            after: one.after,
            priorities: one.priorities.clone(),
            team,
            person,
            repeat: one.repeat,
            every: one.every,
            stop_when: one.stop_when.iter().map(|stop| stop.as_str()).collect(),
            calendar: one.calendar.clone(),
        }
    }
}

impl PlaybookView {
    fn of(playbook: &Playbook) -> PlaybookView {
        let steps = playbook.steps.iter().map(|step| PlaybookStepView {
            name: step.name.clone(),
            title: step.title.clone(),
            evidence: step.evidence,
        });
        PlaybookView { name: playbook.name.clone(), title: playbook.title.clone(), steps: steps.collect() }
    }
}

impl TeamView {
    fn of(team: &Team) -> TeamView {
        let channels = team.channels.iter().map(|channel| ChannelView { kind: channel.kind(), to: channel.shown() });
        TeamView {
            name: team.name.clone(),
            title: team.title.clone(),
            members: team.members.clone(),
            vendors: team.vendors.clone(),
            channels: channels.collect(),
        }
    }
}

/// The ladders and teams in force.
#[utoipa::path(get, path = "/api/v1/escalation-policies",
    responses((status = 200, description = "All of them", body = ref("#/components/schemas/Tiers"))))]
async fn tiers(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    query.end()?;
    json(&TiersView::of(&shared.api.live.rulebook()))
}
