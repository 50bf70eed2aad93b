//! Promises and how they were kept: targets with their figures, and the ledger of outages; recomputed from the incidents
//! of the period.

pub(in crate::api) mod schema;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, json};
use crate::api::state::ApiContext;
use crate::core::incidents::Incident;
use crate::core::model::{CauseParty, IncidentId, TimeDelta, Timestamp};
use crate::core::rules::{Promise, SlaTarget};
use crate::core::sla::{Attainment, BudgetUse, IncidentOutcome, attainment, ranked_reasons, year_of};
use crate::store::{IncidentFilter, PageRequest};

/// How many incidents one answer is made from, at most.
const INCIDENTS_MAX: usize = 100_000;
const PAGE: u32 = 500;
/// The period that is meant when none is given.
const PERIOD: TimeDelta = TimeDelta::from_days(31);
/// How long before the year an outage that reaches into it may have begun.
const BEFORE_THE_YEAR: TimeDelta = TimeDelta::from_days(92);

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_targets, Permission::Read, targets),
        Endpoint::of(__path_outages, Permission::Read, outages),
    ]
}

#[derive(Serialize)]
struct TargetsView {
    from: Timestamp,
    to: Timestamp,
    /// The targets in force.
    targets: Vec<TargetView>,
    /// How each version was kept by what opened in the period.
    attainment: Vec<Attainment>,
    /// Reasons given for what was late, the commonest first.
    reasons: Vec<ReasonCount>,
    /// Opened outside the catalogue, and without any target.
    out_of_catalogue: u64,
    without_target: u64,
}

#[derive(Serialize)]
struct TargetView {
    name: String,
    version: u32,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    because: String,
    matchers: String,
    classes: Vec<&'static str>,
    priorities: Vec<&'static str>,
    during: Option<String>,
    tto: Option<PromiseView>,
    ttr: Option<PromiseView>,
    shadow: bool,
}

#[derive(Serialize)]
struct PromiseView {
    within: TimeDelta,
    calendar: String,
    channels: BTreeMap<&'static str, TimeDelta>,
}

#[derive(Serialize)]
struct ReasonCount {
    code: String,
    title: String,
    count: u64,
}

impl TargetView {
    fn of(target: &SlaTarget) -> TargetView {
        let promise = |promise: &Promise| PromiseView {
            within: promise.within,
            calendar: promise.calendar.clone(),
            channels: promise.by_channel.iter().map(|(channel, within)| (channel.as_str(), *within)).collect(),
        };
        TargetView {
            name: target.name.clone(),
            version: target.version,
            from: target.from,
            until: target.until,
            because: target.because.clone(),
            matchers: target.matchers.to_string(),
            classes: target.classes.iter().map(|class| class.as_str()).collect(),
            priorities: target.priorities.iter().map(|priority| priority.as_str()).collect(),
            during: target.during.clone(),
            tto: target.tto.as_ref().map(promise),
            ttr: target.ttr.as_ref().map(promise),
            shadow: target.shadow,
        }
    }
}

/// Targets in force, and how each version was kept by what opened in the period (the last 31 days unless given).
#[utoipa::path(get, path = "/api/v1/sla",
    params(
        ("from" = Option<String>, Query, description = "RFC 3339; what opened from then on"),
        ("to" = Option<String>, Query, description = "RFC 3339; what opened before"),
    ),
    responses((status = 200, description = "Targets and figures", body = ref("#/components/schemas/Targets"))))]
async fn targets(State(shared): State<Arc<ApiContext>>, mut query: QueryParameters) -> ApiResult {
    let now = (shared.api.now)();
    let to = query.value("to")?.unwrap_or(now);
    let from = query.value("from")?.unwrap_or(to - PERIOD);
    query.end()?;
    let incidents = opened(&shared, from, to).await?;
    let cases: Vec<IncidentOutcome> = incidents.iter().map(IncidentOutcome::from).collect();
    let rulebook = shared.api.live.rulebook();
    let reasons = ranked_reasons(&cases, from, to).into_iter().map(|(code, count)| ReasonCount {
        title: rulebook.breach_reasons.get(&code).cloned().unwrap_or_default(),
        code,
        count,
    });
    let count = |wanted: fn(&Incident) -> bool| incidents.iter().filter(|incident| wanted(incident)).count() as u64;
    json(&TargetsView {
        from,
        to,
        targets: rulebook.targets.iter().map(TargetView::of).collect(),
        attainment: attainment(&cases, &rulebook.targets, from, to),
        reasons: reasons.collect(),
        out_of_catalogue: count(|incident| incident.out_of_catalogue),
        without_target: count(|incident| incident.clocks.is_empty() && !incident.out_of_catalogue),
    })
}

#[derive(Serialize)]
struct OutagesView {
    year: i16,
    budgets: Vec<BudgetUse>,
    /// By their beginning.
    outages: Vec<OutageView>,
}

#[derive(Serialize)]
struct OutageView {
    incident: IncidentId,
    customer: String,
    service: String,
    party: CauseParty,
    from: Timestamp,
    to: Option<Timestamp>,
}

/// The outages of a year, and how much of each budget they have used: what overlaps counts once.
#[utoipa::path(get, path = "/api/v1/outages",
    params(("year" = Option<i16>, Query, description = "The present year unless given")),
    responses((status = 200, description = "The ledger", body = ref("#/components/schemas/Outages"))))]
async fn outages(State(shared): State<Arc<ApiContext>>, mut query: QueryParameters) -> ApiResult {
    let now = (shared.api.now)();
    let asked: Option<i16> = query.value("year")?;
    query.end()?;
    let year = asked.or_else(|| year_of(now, "UTC")).unwrap_or_default();
    let begins = |year: i16| format!("{year:04}-01-01T00:00:00Z").parse::<Timestamp>();
    let bad = |_| ApiError::bad(format!("parameter year: {year} is not a year; expected for example 2026"));
    // A zone is less than a day from UTC.
    let (from, to) =
        (begins(year).map_err(bad)?, begins(year.saturating_add(1)).map_err(bad)? + TimeDelta::from_days(1));
    let incidents = opened(&shared, from - BEFORE_THE_YEAR, to).await?;
    let rulebook = shared.api.live.rulebook();
    let all = || incidents.iter().flat_map(|incident| &incident.outages);
    let used = rulebook.outage_budgets.iter().filter_map(|budget| BudgetUse::of(budget, all(), year, now));
    let mut shown: Vec<OutageView> = incidents
        .iter()
        .flat_map(|incident| incident.outages.iter().map(move |outage| (incident.id, outage)))
        .filter(|(_, outage)| outage.from < to && outage.to.is_none_or(|end| end > from))
        .map(|(incident, outage)| OutageView {
            incident,
            customer: outage.customer.clone(),
            service: outage.service.clone(),
            party: outage.party,
            from: outage.from,
            to: outage.to,
        })
        .collect();
    shown.sort_by_key(|outage| (outage.from, outage.incident));
    json(&OutagesView { year, budgets: used.collect(), outages: shown })
}

/// Every incident that opened in `[from, to)`; 400 when they are too many for one answer.
async fn opened(shared: &ApiContext, from: Timestamp, to: Timestamp) -> Result<Vec<Incident>, ApiError> {
    let before = TimeDelta::from_micros(1);
    let filter = IncidentFilter { opened_after: Some(from - before), opened_before: Some(to), ..Default::default() };
    let mut found = Vec::new();
    let mut request = PageRequest { cursor: None, limit: PAGE };
    loop {
        let page = shared.api.store.incidents(&filter, &request).await?;
        found.extend(page.items);
        if found.len() > INCIDENTS_MAX {
            let reason = format!("more than {INCIDENTS_MAX} incidents opened in that time; ask for a shorter one");
            return Err(ApiError::bad(reason));
        }
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => return Ok(found),
        }
    }
}
