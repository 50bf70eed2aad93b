//! Why, and why not: the chain from message to notice behind an incident, an alert, an event.
//!
//! Incidents and alerts come from the records, which outlive the journal; what the windows hold now comes from the
//! engine, asked through the same queue as commands, and changes nothing.

use std::sync::Arc;

use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};

use super::incidents::deliveries::{DeliveryState, DeliveryView};
use crate::api::auth::Permission;
use crate::api::commands::CommandQueue;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::extract::{Id, whole};
use crate::api::http::query::QueryParameters;
use crate::api::http::response::{ApiResult, json};
use crate::api::state::ApiContext;
use crate::core::correlation::{Explanation, WindowView};
use crate::core::engine::{
    AlertRecord, CorrelatorInput, CountedEvent, Engine, ExplainRequest, ExplainResponse, Input, NotificationKind,
};
use crate::core::incidents::{Incident, TimelineEntry};
use crate::core::model::{Event, Fingerprint, IncidentId, Offset, Partition, Status, Tier, Timestamp};
use crate::core::rules::Rulebook;
use crate::ingest::{Decoded, Rejected, decode, native};
use crate::store::{IncidentFilter, PageRequest, Store, StoreError};

/// How many events one dry run explains.
const EVENTS_MAX: usize = 20;
/// How many alerts of an incident are named.
const ALERTS_MAX: usize = 100;
/// How many incidents of an alert are shown.
const INCIDENTS_MAX: u32 = 20;

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of(__path_why_incident, Permission::Read, why_incident),
        Endpoint::of(__path_why_alert, Permission::Read, why_alert),
        Endpoint::of(__path_why_recorded, Permission::Read, why_recorded),
        Endpoint::of(__path_why_event, Permission::Read, why_event),
    ]
}

/// Everything behind an incident, from what counted to who was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IncidentExplanation {
    pub incident: Incident,
    /// As it is in force now; nothing when it is gone.
    pub rule: Option<RuleLine>,
    /// The events that counted, copied when it opened.
    pub evidence: Vec<CountedEvent>,
    /// What its rule holds under its key now.
    pub window: Option<WindowView>,
    /// One line an alert: when, what, how it stands.
    pub alerts: Vec<String>,
    pub timeline: Vec<TimelineEntry>,
    pub notices: Vec<NoticeLine>,
}

/// A rule in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLine {
    pub name: String,
    pub pattern: String,
    pub matchers: String,
    pub when: Option<String>,
    pub by: Vec<String>,
}

/// One notice and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoticeLine {
    pub id: String,
    pub kind: NotificationKind,
    pub at: Timestamp,
    pub title: String,
    pub team: String,
    /// Whom of it, if it was not for all.
    pub person: Option<String>,
    pub tier: Option<Tier>,
    pub channel: String,
    pub to: String,
    pub attempts: u32,
    pub state: DeliveryState,
    pub error: Option<String>,
    pub delivered_at: Option<Timestamp>,
}

/// Whose an alert is, what holds it, and what each rule says of it now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AlertExplanation {
    pub alert: AlertRecord,
    /// The newest incidents that it was in.
    pub incidents: Vec<Incident>,
    /// Nothing once the engine has forgotten it.
    pub explanation: Option<Explanation>,
}

/// What became, or would become, of an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventExplanation {
    /// Where it stands in the journal; nothing of a dry run.
    pub cause: Option<String>,
    pub received_at: Option<Timestamp>,
    pub event: Event,
    pub explanation: Explanation,
}

/// Of a dry run: the events in it, and what could not be read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct EventExplanations {
    pub items: Vec<EventExplanation>,
    pub rejected: Vec<String>,
}

/// Who is asked: the engine behind the queue, or one at hand.
pub enum Oracle<'a> {
    Queue(&'a CommandQueue),
    Engine { engine: &'a Engine, now: Timestamp },
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum NotExplained {
    #[error("{0} is not known here")]
    Unknown(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the engine cannot be asked now; ask again in a moment")]
    Unavailable,
}

impl Oracle<'_> {
    async fn send(&self, question: ExplainRequest) -> Result<ExplainResponse, NotExplained> {
        match self {
            Oracle::Queue(queue) => queue.explain(question).await.ok_or(NotExplained::Unavailable),
            Oracle::Engine { engine, now } => Ok(engine.explain(*now, &question)),
        }
    }

    async fn explain(&self, question: ExplainRequest) -> Result<Option<Explanation>, NotExplained> {
        Ok(match self.send(question).await? {
            ExplainResponse::Event(explanation) => Some(*explanation),
            ExplainResponse::Window(_) | ExplainResponse::Unknown => None,
        })
    }

    async fn window(&self, question: ExplainRequest) -> Result<Option<WindowView>, NotExplained> {
        Ok(match self.send(question).await? {
            ExplainResponse::Window(window) => Some(*window),
            ExplainResponse::Event(_) | ExplainResponse::Unknown => None,
        })
    }
}

/// The chain behind one incident.
pub async fn incident_explanation(
    store: &Store,
    rulebook: &Rulebook,
    oracle: &Oracle<'_>,
    id: IncidentId,
) -> Result<IncidentExplanation, NotExplained> {
    let incident = store.incident(id).await?.ok_or_else(|| NotExplained::Unknown(id.to_string()))?;
    let question = ExplainRequest::Window { rule: incident.rule.clone(), key: incident.key.clone() };
    let rule = rulebook.rule(&incident.rule).map(RuleLine::of);
    let window = oracle.window(question).await?;
    Ok(IncidentExplanation { rule, window, ..archived_explanation(store, incident).await? })
}

/// As it stands in the tables alone: what outlives the engine's memory and the rules.
pub async fn archived_explanation(store: &Store, incident: Incident) -> Result<IncidentExplanation, NotExplained> {
    let id = incident.id;
    let members = store.members(id).await?;
    let left = members.len().saturating_sub(ALERTS_MAX);
    let mut alerts: Vec<String> =
        members.iter().take(ALERTS_MAX).map(|(alert, linked)| member(alert, *linked)).collect();
    alerts.extend((left > 0).then(|| format!("… and {left} more")));
    Ok(IncidentExplanation {
        rule: None,
        evidence: store.evidence(id).await?,
        window: None,
        alerts,
        timeline: store.timeline(id).await?,
        notices: store.deliveries(&id.to_string()).await?.into_iter().map(NoticeLine::of).collect(),
        incident,
    })
}

/// Everything known of one alert.
pub async fn alert_explanation(
    store: &Store,
    oracle: &Oracle<'_>,
    fingerprint: Fingerprint,
    rule: Option<String>,
) -> Result<AlertExplanation, NotExplained> {
    let alert = store.alert(fingerprint).await?;
    let alert = alert.ok_or_else(|| NotExplained::Unknown(format!("alert {fingerprint}")))?;
    let filter = IncidentFilter { alert: Some(fingerprint), ..IncidentFilter::default() };
    let page = PageRequest { limit: INCIDENTS_MAX, ..PageRequest::default() };
    let incidents = store.incidents(&filter, &page).await?.items;
    let explanation = oracle.explain(ExplainRequest::Alert { fingerprint, rule }).await?;
    // The engine's own view is never older than the row.
    let alert = explanation.as_ref().and_then(|explanation| explanation.alert.clone()).unwrap_or(alert);
    Ok(AlertExplanation { alert, incidents, explanation })
}

/// A journaled event, as it would fare if it came now.
pub async fn event_explanation(
    store: &Store,
    oracle: &Oracle<'_>,
    (partition, offset): (Partition, Offset),
    rule: Option<String>,
) -> Result<EventExplanation, NotExplained> {
    let unknown = || NotExplained::Unknown(format!("event {partition}-{offset}"));
    let entries = match store.read_journal(partition, offset, 1).await {
        Err(StoreError::Trimmed { .. }) => return Err(unknown()),
        entries => entries?,
    };
    let entry = entries.into_iter().next().filter(|entry| entry.offset == offset).ok_or_else(unknown)?;
    let event = match entry.input {
        Input::Correlator(CorrelatorInput::Event(event)) => *event,
        Input::Correlator(CorrelatorInput::Resend(resend)) => {
            let alert = store.alert(resend.fingerprint).await?.ok_or_else(unknown)?;
            Event {
                severity: Some(alert.severity),
                summary: alert.summary.to_string(),
                occurred_at: resend.occurred_at,
                ..Event::new(&alert.source, Status::Firing, alert.labels)
            }
        }
        Input::Correlator(CorrelatorInput::Silence(_)) | Input::Desk(_) | Input::Control(_) => return Err(unknown()),
    };
    let question = ExplainRequest::Event { event: Box::new(event.clone()), rule };
    let explanation = oracle.explain(question).await?.ok_or_else(unknown)?;
    Ok(EventExplanation {
        cause: Some(format!("{partition}-{offset}")),
        received_at: Some(entry.now),
        event,
        explanation,
    })
}

/// What would become of events that did not come.
pub async fn dry_run(
    oracle: &Oracle<'_>,
    decoded: Decoded,
    rule: Option<&str>,
) -> Result<EventExplanations, NotExplained> {
    let shown = |Rejected { index, error }| format!("item {index}: {error}");
    let mut explanations =
        EventExplanations { items: Vec::new(), rejected: decoded.rejected.into_iter().map(shown).collect() };
    let left = decoded.events.len().saturating_sub(EVENTS_MAX);
    for event in decoded.events.into_iter().take(EVENTS_MAX) {
        let question = ExplainRequest::Event { event: Box::new(event.clone()), rule: rule.map(str::to_owned) };
        if let Some(explanation) = oracle.explain(question).await? {
            explanations.items.push(EventExplanation { cause: None, received_at: None, event, explanation });
        }
    }
    if left > 0 {
        explanations.rejected.push(format!("{left} more events; at most {EVENTS_MAX} are explained at once"));
    }
    Ok(explanations)
}

/// Reads the events of a dry run: native ones, or a tool's payload by its source.
pub fn read_events(rulebook: &Rulebook, payload: &[u8], source: Option<&str>) -> Result<Decoded, String> {
    let decoded = match source {
        None => native::decode(payload),
        Some(name) => {
            let source = rulebook.source(name).ok_or_else(|| format!("source {name:?} is not known here"))?;
            decode::decode(source, payload, &decode::mqtt_context(""))
        }
    };
    decoded.map_err(|unreadable| unreadable.to_string())
}

/// `0-1234`, or `0-1234-0` as evidence names it.
pub fn journal_place(text: &str) -> Option<(Partition, Offset)> {
    let mut pieces = text.split('-');
    let partition = Partition::new(pieces.next()?.parse().ok()?)?;
    let offset = Offset(pieces.next()?.parse().ok()?);
    let rest_is_fine = pieces.next().is_none_or(|n| n.parse::<u32>().is_ok()) && pieces.next().is_none();
    rest_is_fine.then_some((partition, offset))
}

impl RuleLine {
    fn of(rule: &crate::core::rules::Rule) -> RuleLine {
        RuleLine {
            name: rule.name.clone(),
            pattern: rule.pattern.name().to_owned(),
            matchers: rule.matchers.to_string(),
            when: rule.when.as_ref().map(|when| when.text().to_owned()),
            by: rule.by.clone(),
        }
    }
}

impl NoticeLine {
    fn of(row: crate::store::DeliveryRow) -> NoticeLine {
        let view = DeliveryView::from(row);
        NoticeLine {
            id: view.id,
            kind: view.kind,
            at: view.at,
            title: view.title,
            team: view.team,
            person: view.person,
            tier: view.tier,
            channel: view.channel.to_owned(),
            to: view.to,
            attempts: view.attempts,
            state: view.state,
            error: view.error,
            delivered_at: view.delivered_at,
        }
    }
}

fn member(alert: &AlertRecord, linked: bool) -> String {
    let held = match (&alert.held, alert.silenced_by.first(), alert.inhibited_by.first()) {
        (_, Some(silence), _) => format!(", silence {silence}"),
        (_, None, Some(source)) => format!(", inhibited by {source}"),
        (Some(held), None, None) => format!(", held: {held}"),
        (None, None, None) => String::new(),
    };
    let linked = if linked { ", linked only" } else { "" };
    format!("{} {} {}{held}{linked}", alert.fingerprint, alert.status.as_str(), alert.labels)
}

impl From<NotExplained> for ApiError {
    fn from(error: NotExplained) -> ApiError {
        match error {
            NotExplained::Unknown(what) => ApiError::unknown(what),
            NotExplained::Store(error) => error.into(),
            unavailable @ NotExplained::Unavailable => ApiError::unavailable(unavailable.to_string()),
        }
    }
}

/// Why an incident is there: what counted, its rule, its window, its alerts, its history, who was told.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/explain",
    responses((status = 200, description = "The chain behind it", body = ref("#/components/schemas/IncidentExplanation"))))]
async fn why_incident(
    State(shared): State<Arc<ApiContext>>,
    Id(id): Id<IncidentId>,
    query: QueryParameters,
) -> ApiResult {
    query.end()?;
    let oracle = Oracle::Queue(&shared.api.commands);
    let rulebook = shared.api.live.rulebook();
    json(&incident_explanation(&shared.api.store, &rulebook, &oracle, id).await?)
}

/// Whose an alert is, what holds it back, and what each rule says of it.
#[utoipa::path(get, path = "/api/v1/alerts/{fingerprint}/explain",
    params(("rule" = Option<String>, Query, description = "A rule to show even if others are nearer")),
    responses((status = 200, description = "What is known of it", body = ref("#/components/schemas/AlertExplanation"))))]
async fn why_alert(
    State(shared): State<Arc<ApiContext>>,
    Id(id): Id<Fingerprint>,
    mut query: QueryParameters,
) -> ApiResult {
    let rule = query.text("rule")?;
    query.end()?;
    json(&alert_explanation(&shared.api.store, &Oracle::Queue(&shared.api.commands), id, rule).await?)
}

/// What would become of a journaled event if it came now; its id as evidence names it.
#[utoipa::path(get, path = "/api/v1/events/{id}/explain",
    params(("rule" = Option<String>, Query, description = "A rule to show even if others are nearer")),
    responses((status = 200, description = "Which rules it fits, and why others do not fit", body = Object)))]
async fn why_recorded(
    State(shared): State<Arc<ApiContext>>,
    Id(id): Id<String>,
    mut query: QueryParameters,
) -> ApiResult {
    let rule = query.text("rule")?;
    query.end()?;
    let place = journal_place(&id)
        .ok_or_else(|| ApiError::bad("expected the place of an event in the journal, such as 0-1234"))?;
    json(&event_explanation(&shared.api.store, &Oracle::Queue(&shared.api.commands), place, rule).await?)
}

/// A dry run: what would become of these events if they came now. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/events/explain",
    params(("rule" = Option<String>, Query, description = "A rule to show even if others are nearer"),
        ("source" = Option<String>, Query, description = "The body is a payload of this source, not native events")),
    responses((status = 200, description = "Of each event: which rules it fits, and why others do not fit", body = Object)))]
async fn why_event(State(shared): State<Arc<ApiContext>>, mut query: QueryParameters, request: Request) -> ApiResult {
    let (rule, source) = (query.text("rule")?, query.text("source")?);
    query.end()?;
    let body = whole(request, &shared).await.map_err(|(status, detail)| ApiError::new(status, detail))?;
    let decoded = read_events(&shared.api.live.rulebook(), &body, source.as_deref()).map_err(ApiError::bad)?;
    json(&dry_run(&Oracle::Queue(&shared.api.commands), decoded, rule.as_deref()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_journal_read_as_evidence_names_them() {
        let check = |text: &str, expected: Option<(u8, u64)>| {
            let found = journal_place(text).map(|(partition, offset)| (partition.number(), offset.0));
            assert_eq!(found, expected, "{text:?}");
        };
        check("0-1234", Some((0, 1234)));
        check("3-7-0", Some((3, 7)));
        for bad in ["INC-1", "65-1", "0", "0-1-2-3", "0-x", ""] {
            check(bad, None);
        }
    }
}
