//! Rosters: who is on duty now and next, where nobody is, who stands in, who is there; the queue and the hand-over.

pub(in crate::api) mod commands;
pub(in crate::api) mod schema;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::{Id, Name};
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, json, list};
use crate::api::state::ApiContext;
use crate::core::incidents::Incident;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::on_call::{
    Gap, HandedOver, Handover, NextEscalation, OnCallShift, Override, Presence, PresenceStatus, ShiftChange,
    WorkRequirements, changes, gaps, handover_text, next_change, on_duty,
};
use crate::core::rules::{LIMIT_DEFAULT, Roster, Rulebook};
use crate::store::StaffView;

/// How far a report reaches when nobody says, and at most.
const REPORT: TimeDelta = TimeDelta::from_days(28);
const REPORT_MAX: TimeDelta = TimeDelta::from_days(366);

/// How far from now a report may begin: nobody plans or remembers shifts beyond it.
const NEAR: TimeDelta = TimeDelta::from_days(10 * 366);

/// How many changes a roster shows.
const CHANGES_SHOWN: usize = 14;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_rosters, Permission::Read, rosters),
        Endpoint::of(__path_roster, Permission::Read, roster),
        Endpoint::of(__path_presence, Permission::Read, presence),
        Endpoint::of(__path_queue, Permission::Read, queue),
        Endpoint::of(__path_handover, Permission::Read, handover),
    ]
}

/// A roster as the list shows it.
#[derive(Serialize)]
pub struct RosterView {
    pub name: String,
    pub title: String,
    pub zone: String,
    /// The teams whose work it gives out.
    pub teams: Vec<String>,
    pub on_duty: Vec<OnDutyView>,
    /// Why they are, or why nobody is.
    pub why: String,
    pub next_change: Option<Timestamp>,
}

/// Somebody on duty.
#[derive(Serialize)]
pub struct OnDutyView {
    pub person: String,
    pub title: String,
    pub organisation: String,
    pub instead_of: Option<String>,
    pub present: bool,
    /// Why they count as absent.
    pub absence: Option<String>,
    /// Open incidents that they hold, and may hold.
    pub holds: u64,
    pub limit: u32,
}

/// One roster with what comes, what is missing, and who stands in.
#[derive(Serialize)]
pub struct RosterReport {
    #[serde(flatten)]
    pub roster: RosterView,
    pub from: Timestamp,
    pub until: Timestamp,
    pub changes: Vec<ShiftChange>,
    /// Empty: somebody is on duty whenever somebody must be.
    pub gaps: Vec<Gap>,
    pub overrides: Vec<Override>,
}

/// Somebody who was heard of.
#[derive(Serialize)]
pub struct PresenceView {
    pub person: String,
    pub present: bool,
    pub standing: PresenceStatus,
    pub since: Timestamp,
    pub seen_at: Timestamp,
    pub until: Option<Timestamp>,
}

impl PresenceView {
    pub fn of(presence: &Presence) -> PresenceView {
        let Presence { person, standing, since, seen_at, until } = presence.clone();
        PresenceView { person, present: standing == PresenceStatus::Present, standing, since, seen_at, until }
    }
}

/// What the views are made of, as of one commit.
struct DeskSnapshot {
    rulebook: Arc<Rulebook>,
    staff: StaffView,
    open: Vec<Arc<Incident>>,
    now: Timestamp,
}

impl DeskSnapshot {
    fn of(shared: &ApiContext) -> DeskSnapshot {
        let live = &shared.api.live;
        let open = live.open_incidents().into_iter().filter(|incident| incident.state.is_open()).collect();
        DeskSnapshot { rulebook: live.rulebook(), staff: live.staff(), open, now: (shared.api.now)() }
    }

    fn roster(&self, name: &str) -> Result<&Roster, ApiError> {
        self.rulebook.rosters.get(name).ok_or_else(|| ApiError::unknown(format!("roster {name}")))
    }

    fn duty(&self, roster: &Roster) -> OnCallShift {
        on_duty(roster, &self.rulebook.calendars, &self.staff.overrides, self.now)
    }

    fn view(&self, roster: &Roster) -> RosterView {
        let duty = self.duty(roster);
        let teams = self.rulebook.teams.values().filter(|team| team.roster.as_ref() == Some(&roster.name));
        RosterView {
            name: roster.name.clone(),
            title: roster.title.clone(),
            zone: roster.zone_name.clone(),
            teams: teams.map(|team| team.name.clone()).collect(),
            on_duty: duty.people.iter().map(|one| self.person(roster, &one.person, one.instead_of.clone())).collect(),
            why: duty.why,
            next_change: next_change(roster, &self.rulebook.calendars, &self.staff.overrides, self.now),
        }
    }

    fn person(&self, roster: &Roster, name: &str, instead_of: Option<String>) -> OnDutyView {
        let known = self.rulebook.people.get(name);
        let absence = self.staff.attendance.absence(name, roster.presence_required);
        OnDutyView {
            person: name.to_owned(),
            title: known.map_or_else(|| name.to_owned(), |person| person.title.clone()),
            organisation: known.map(|person| person.organisation.clone()).unwrap_or_default(),
            instead_of,
            present: absence.is_none(),
            absence,
            holds: self.open.iter().filter(|one| one.assignee.as_deref() == Some(name)).count() as u64,
            limit: known.map_or(LIMIT_DEFAULT, |person| person.limit),
        }
    }

    fn handover(&self, roster: &Roster) -> Handover {
        let is_of = |incident: &&Arc<Incident>| {
            let team = self.rulebook.teams.get(&incident.team);
            team.is_some_and(|team| team.roster.as_ref() == Some(&roster.name))
        };
        let open: Vec<&Arc<Incident>> = self.open.iter().filter(is_of).collect();
        let clocks = open.iter().filter_map(|one| {
            let at = one.next_step_at?;
            let what = format!("the ladder acts: tier {}, {}", one.tier, one.state.as_str());
            Some(NextEscalation { id: one.id.to_string(), what, at })
        });
        let clocks = clocks.collect();
        let open = open.into_iter().map(|incident| self.handed_over(incident)).collect();
        let staff = (&self.staff.overrides, &self.staff.attendance);
        Handover::of(&self.rulebook, roster, staff, self.now, open, clocks)
    }

    fn handed_over(&self, incident: &Incident) -> HandedOver {
        let of_labels = |name: &str| incident.labels.get(name).or_else(|| incident.key.get(name));
        let inventory = &self.rulebook.inventory;
        let item = incident.root.as_ref().and_then(|root| inventory.find(&root.entity));
        let item = item.or_else(|| inventory.concerned(&incident.labels));
        let of_item = |name: &str| item.and_then(|item| inventory.facts(item).get(name));
        let wanted = |name: &str| of_labels(name).or_else(|| of_item(name)).map(str::to_owned);
        HandedOver {
            id: incident.id.to_string(),
            title: incident.title.clone(),
            priority: incident.priority,
            state: incident.state.as_str().to_owned(),
            team: incident.team.clone(),
            assignee: incident.assignee.clone(),
            opened_at: incident.opened_at,
            diagnosis: incident.diagnosis.clone(),
            waiting: incident.waiting.clone(),
            clocks: incident.clocks.iter().filter(|clock| HandedOver::is_running(clock)).cloned().collect(),
            hands_to: None,
            wanted: WorkRequirements { site: wanted("site"), skill: wanted("skill") },
        }
    }
}

/// Every roster with who is on duty now.
#[utoipa::path(get, path = "/api/v1/on-call/schedules",
    responses((status = 200, description = "All of them", body = ref("#/components/schemas/RosterPage"))))]
async fn rosters(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let desk = DeskSnapshot::of(&shared);
    list(desk.rulebook.rosters.values().map(|roster| desk.view(roster)).collect())
}

/// One roster: the next changes, and where too few are on duty between `from` (now) and `until` (28 days later).
#[utoipa::path(get, path = "/api/v1/on-call/schedules/{name}",
    params(("from" = Option<String>, Query, description = "RFC 3339"),
        ("until" = Option<String>, Query, description = "RFC 3339, at most 366 days after from")),
    responses((status = 200, description = "It", body = ref("#/components/schemas/RosterReport"))))]
async fn roster(State(shared): State<Arc<ApiContext>>, Id(name): Id<Named>, mut query: QueryParameters) -> ApiResult {
    let desk = DeskSnapshot::of(&shared);
    let from = query.value::<Timestamp>("from")?.unwrap_or(desk.now);
    let until = query.value::<Timestamp>("until")?.unwrap_or(from + REPORT);
    query.end()?;
    if !(desk.now - NEAR..=desk.now + NEAR).contains(&from) {
        return Err(ApiError::bad(format!("from must lie at most {NEAR} before or after now")));
    }
    if until <= from || until.since(from) > REPORT_MAX {
        return Err(ApiError::bad(format!("until must lie after from, at most {REPORT_MAX} later")));
    }
    let roster = desk.roster(&name.0.0)?;
    let (calendars, overrides) = (&desk.rulebook.calendars, &desk.staff.overrides);
    json(&RosterReport {
        roster: desk.view(roster),
        from,
        until,
        changes: changes(roster, calendars, overrides, desk.now, CHANGES_SHOWN),
        gaps: gaps(roster, calendars, overrides, from, until),
        overrides: overrides.of(&roster.name).cloned().collect(),
    })
}

/// Everybody who was ever heard of, by name.
#[utoipa::path(get, path = "/api/v1/on-call/presence",
    responses((status = 200, description = "All of them", body = ref("#/components/schemas/PresencePage"))))]
async fn presence(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    query.end()?;
    list(shared.api.live.staff().attendance.iter().map(PresenceView::of).collect())
}

/// What waits for somebody who can take it, in the order in which it will be served.
#[utoipa::path(get, path = "/api/v1/incidents/queue",
    responses((status = 200, description = "All of it", body = ref("#/components/schemas/IncidentPage"))))]
async fn queue(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    query.end()?;
    let mut waiting = shared.api.live.open_incidents();
    waiting.retain(|incident| incident.waiting.is_some());
    waiting.sort_by_key(|one| (one.priority, one.waiting.as_ref().map(|waiting| waiting.since), one.id));
    list(waiting)
}

/// The hand-over sheets (交接班) of all rosters, or of `roster`; `format=text` as people print it.
#[utoipa::path(get, path = "/api/v1/on-call/handover",
    params(("roster" = Option<String>, Query, description = "Only this one"),
        ("format" = Option<String>, Query, description = "json, or text")),
    responses((status = 200, description = "The sheets", body = ref("#/components/schemas/HandoverPage"))))]
async fn handover(State(shared): State<Arc<ApiContext>>, mut query: QueryParameters) -> ApiResult {
    let (wanted, format) = (query.text("roster")?, query.text("format")?);
    query.end()?;
    let desk = DeskSnapshot::of(&shared);
    let sheets: Vec<Handover> = match wanted {
        Some(name) => vec![desk.handover(desk.roster(&name)?)],
        None => desk.rulebook.rosters.values().map(|roster| desk.handover(roster)).collect(),
    };
    match format.as_deref() {
        None | Some("json") => list(sheets),
        Some("text") => {
            let text = sheets.iter().map(handover_text).collect::<Vec<_>>().join("\n");
            Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], text)
                .into_response())
        }
        Some(other) => Err(ApiError::bad(format!("parameter format: {other:?} is neither json nor text"))),
    }
}

/// The name of a roster in a path.
pub struct Named(pub Name);

impl std::str::FromStr for Named {
    type Err = String;
    fn from_str(text: &str) -> Result<Named, String> {
        Name::try_from(text.to_owned()).map(Named)
    }
}
