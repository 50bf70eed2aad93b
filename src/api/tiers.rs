//! Tiers: the ladders that incidents climb, and the teams on their steps.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use super::access::Door;
use super::endpoint::Endpoint;
use super::parameters::Parameters;
use super::shown::{Answer, json};
use super::state::Shared;
use crate::model::{Span, Tier};
use crate::rules::{Ladder, Rulebook, Team};

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_tiers, Door::Read, tiers)]
}

#[derive(Serialize)]
pub struct TiersView {
    pub ladders: Vec<LadderView>,
    pub teams: Vec<TeamView>,
}

#[derive(Serialize)]
pub struct LadderView {
    pub name: String,
    pub steps: Vec<StepView>,
}

#[derive(Serialize)]
pub struct StepView {
    pub tier: Tier,
    pub team: String,
    pub respond_by: Span,
    pub page_every: Span,
    pub resolve_by: Option<Span>,
}

#[derive(Serialize)]
pub struct TeamView {
    pub name: String,
    pub title: String,
    pub members: Vec<String>,
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
        }
    }
}

impl LadderView {
    fn of(ladder: &Ladder) -> LadderView {
        let steps = ladder.steps.iter().map(|step| StepView {
            tier: step.tier,
            team: step.team.clone(),
            respond_by: step.respond_by,
            page_every: step.page_every,
            resolve_by: step.resolve_by,
        });
        LadderView { name: ladder.name.clone(), steps: steps.collect() }
    }
}

impl TeamView {
    fn of(team: &Team) -> TeamView {
        let channels = team.channels.iter().map(|channel| ChannelView { kind: channel.kind(), to: channel.shown() });
        TeamView {
            name: team.name.clone(),
            title: team.title.clone(),
            members: team.members.clone(),
            channels: channels.collect(),
        }
    }
}

/// The ladders and teams in force.
#[utoipa::path(get, path = "/api/v1/tiers",
    responses((status = 200, description = "All of them", body = ref("#/components/schemas/Tiers"))))]
async fn tiers(State(shared): State<Arc<Shared>>, query: Parameters) -> Answer {
    query.end()?;
    json(&TiersView::of(&shared.api.live.rulebook()))
}
