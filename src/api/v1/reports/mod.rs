//! Figures: the service report of a period, and what is billed by the hour.

pub(in crate::api) mod schema;

use std::sync::Arc;

use axum::extract::State;

use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, json, list};
use crate::api::state::ApiContext;
use crate::core::calendar::WorkCalendar;
use crate::core::incidents::Incident;
use crate::core::inspections::Run;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::problems::Problem;
use crate::core::reports::{Figures, ReportPeriod, billing};
use crate::store::{IncidentFilter, PageRequest, ProblemFilter, RunFilter};

/// The working time of those who name no calendar, where there is such a one.
const CALENDAR: &str = "office";
/// The longest period of one question, and how long before it an incident may have been opened that was resolved in it.
const PERIOD_MAX: TimeDelta = TimeDelta::from_days(3 * 366);
const OPENED_BEFORE: TimeDelta = TimeDelta::from_days(366);
const PAGE_ROWS: u32 = 500;
/// How many records of a kind one question reads; more is refused, not cut.
const RECORDS_MAX: usize = 500_000;

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_figures, Permission::Read, figures), Endpoint::of(__path_billed, Permission::Read, billed)]
}

/// How well the centre did: response, repair, tiers, recurrence, overdue, problems and inspections of a period.
#[utoipa::path(get, path = "/api/v1/reports/service",
    params(
        ("from" = String, Query, description = "RFC 3339; the first moment of the period"),
        ("to" = String, Query, description = "RFC 3339; the first moment after it"),
        ("calendar" = Option<String>, Query, description = "Whose hours are working time; `office` if there is one, else `always`"),
    ),
    responses((status = 200, description = "The figures", body = ref("#/components/schemas/Figures"))))]
async fn figures(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    let (period, calendar) = asked(&shared, query)?;
    let incidents = incidents(&shared, period).await?;
    let problems = problems(&shared).await?;
    let runs = runs(&shared).await?;
    json(&Figures::of_records(&incidents, &problems, &runs, period, &calendar, (shared.api.now)()))
}

/// The incidents resolved in a period, with the minutes inside and outside working time.
#[utoipa::path(get, path = "/api/v1/reports/billing",
    params(
        ("from" = String, Query, description = "RFC 3339; the first moment of the period"),
        ("to" = String, Query, description = "RFC 3339; the first moment after it"),
        ("calendar" = Option<String>, Query, description = "Whose hours are working time; `office` if there is one, else `always`"),
    ),
    responses((status = 200, description = "All of them, newest first", body = ref("#/components/schemas/BillingRowPage"))))]
async fn billed(State(shared): State<Arc<ApiContext>>, query: QueryParameters) -> ApiResult {
    let (period, calendar) = asked(&shared, query)?;
    list(billing(&incidents(&shared, period).await?, period, &calendar))
}

fn asked(shared: &ApiContext, mut query: QueryParameters) -> Result<(ReportPeriod, WorkCalendar), ApiError> {
    let missing = |name: &str| ApiError::bad(format!("parameter {name} is missing; expected a moment in RFC 3339"));
    let from: Timestamp = query.value("from")?.ok_or_else(|| missing("from"))?;
    let to: Timestamp = query.value("to")?.ok_or_else(|| missing("to"))?;
    let named = query.text("calendar")?;
    query.end()?;
    if to <= from {
        return Err(ApiError::bad(format!("the period ends at {to:.0}, before it begins at {from:.0}")));
    }
    if to.since(from) > PERIOD_MAX {
        return Err(ApiError::bad(format!("a period of {}; at most {PERIOD_MAX}", to.since(from))));
    }
    let rulebook = shared.api.live.rulebook();
    let calendar = match &named {
        Some(name) => rulebook.calendars.get(name).cloned().ok_or_else(|| {
            let known = rulebook.calendars.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            ApiError::bad(format!("unknown calendar {name:?}; expected one of {known}"))
        })?,
        None => rulebook.calendars.get(CALENDAR).cloned().unwrap_or_else(|| WorkCalendar::always("always")),
    };
    Ok((ReportPeriod { from, to }, calendar))
}

async fn incidents(shared: &ApiContext, period: ReportPeriod) -> Result<Vec<Incident>, ApiError> {
    let filter = IncidentFilter {
        opened_after: Some(period.from - OPENED_BEFORE),
        opened_before: Some(period.to),
        ..IncidentFilter::default()
    };
    let store = &shared.api.store;
    let mut all = Vec::new();
    let mut page = PageRequest { cursor: None, limit: PAGE_ROWS };
    loop {
        let read = store.incidents(&filter, &page).await?;
        all.extend(read.items);
        match next(read.next, all.len())? {
            Some(cursor) => page.cursor = Some(cursor),
            None => return Ok(all),
        }
    }
}

async fn problems(shared: &ApiContext) -> Result<Vec<Problem>, ApiError> {
    let mut all = Vec::new();
    let mut page = PageRequest { cursor: None, limit: PAGE_ROWS };
    loop {
        let read = shared.api.store.problems(&ProblemFilter::default(), &page).await?;
        all.extend(read.items);
        match next(read.next, all.len())? {
            Some(cursor) => page.cursor = Some(cursor),
            None => return Ok(all),
        }
    }
}

async fn runs(shared: &ApiContext) -> Result<Vec<Run>, ApiError> {
    let mut all = Vec::new();
    let mut page = PageRequest { cursor: None, limit: PAGE_ROWS };
    loop {
        let read = shared.api.store.runs(&RunFilter::default(), &page).await?;
        all.extend(read.items);
        match next(read.next, all.len())? {
            Some(cursor) => page.cursor = Some(cursor),
            None => return Ok(all),
        }
    }
}

/// The next page's cursor, unless too much was read.
fn next(cursor: Option<String>, read: usize) -> Result<Option<String>, ApiError> {
    if cursor.is_some() && read >= RECORDS_MAX {
        return Err(ApiError::bad(format!("more than {RECORDS_MAX} records; ask for a shorter period")));
    }
    Ok(cursor)
}
