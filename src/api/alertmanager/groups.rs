//! `GET /api/v2/alerts/groups`: an incident is a group, labelled with its key; what has no incident is one group.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::alerts::{AlertFilter, DEFAULT_RECEIVER, ReceiverName, V2Alert};
use super::blocking::apart;
use super::error::V2Refusal;
use super::query::V2Query;
use crate::api::auth::Permission;
use crate::api::http::endpoint::Endpoint;
use crate::api::state::ApiContext;
use crate::core::model::{IncidentId, Labels};
use crate::core::rules::fact_named;
use crate::store::{LiveAlert, LiveView};

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_groups, Permission::Read, groups)]
}

#[derive(Serialize, ToSchema)]
pub struct AlertGroup {
    #[schema(value_type = Vec<Object>)]
    pub alerts: Vec<V2Alert>,
    #[schema(value_type = Object)]
    pub labels: Labels,
    #[schema(value_type = Object)]
    pub receiver: ReceiverName,
}

/// Active alerts by incident.
#[utoipa::path(get, path = "/api/v2/alerts/groups",
    params(
        ("active" = Option<bool>, Query), ("silenced" = Option<bool>, Query), ("inhibited" = Option<bool>, Query),
        ("muted" = Option<bool>, Query, description = "false leaves out what maintenance or a storm holds"),
        ("filter" = Option<Vec<String>>, Query, description = "One matcher each; all must hold"),
        ("receiver" = Option<String>, Query, description = "A regular expression, anchored"),
    ),
    responses((status = 200, description = "All of them", body = inline(Vec<AlertGroup>))))]
async fn groups(State(shared): State<Arc<ApiContext>>, query: V2Query) -> Result<Response, V2Refusal> {
    let wanted = AlertFilter::read_for_groups(&query, (shared.api.now)())?;
    apart(move || grouped(&shared.api.live, &wanted)).await
}

fn grouped(live: &LiveView, wanted: &AlertFilter) -> Vec<AlertGroup> {
    let mut by_incident: BTreeMap<Option<IncidentId>, Vec<Arc<LiveAlert>>> = BTreeMap::new();
    let keys: BTreeMap<IncidentId, Labels> =
        live.open_incidents().iter().map(|incident| (incident.id, incident.key.clone())).collect();
    for alert in wanted.pick(live) {
        let incident = alert.incident.filter(|id| keys.contains_key(id));
        by_incident.entry(incident).or_default().push(alert);
    }
    let mut groups: Vec<AlertGroup> = by_incident
        .into_iter()
        .map(|(incident, alerts)| match incident.and_then(|id| keys.get(&id)) {
            Some(key) => group(without_facts(key), alerts.first().and_then(|alert| alert.team.clone()), alerts),
            None => group(Labels::empty(), None, alerts),
        })
        .collect();
    groups.sort_by(|left, right| {
        by_labels(&left.labels, &right.labels).then_with(|| left.receiver.name.cmp(&right.receiver.name))
    });
    groups
}

/// Facts are no labels to Alertmanager's clients.
fn without_facts(key: &Labels) -> Labels {
    let is_fact = |name: &str| fact_named(name).is_some();
    if !key.iter().any(|(name, _)| is_fact(name)) {
        return key.clone();
    }
    Labels::from_pairs(key.iter().filter(|(name, _)| !is_fact(name)))
}

fn group(labels: Labels, team: Option<Arc<str>>, mut alerts: Vec<Arc<LiveAlert>>) -> AlertGroup {
    alerts.sort_by(|left, right| {
        let (left, right) = (&left.alert.labels, &right.alert.labels);
        absent_last(left.get("job"), right.get("job"))
            .then_with(|| absent_last(left.get("instance"), right.get("instance")))
            .then_with(|| by_labels(left, right))
    });
    let alerts = alerts.iter().map(|alert| V2Alert::of(alert)).collect();
    AlertGroup {
        alerts,
        labels,
        receiver: ReceiverName { name: team.as_deref().unwrap_or(DEFAULT_RECEIVER).to_owned() },
    }
}

fn absent_last(left: Option<&str>, right: Option<&str>) -> Ordering {
    left.is_none().cmp(&right.is_none()).then_with(|| left.cmp(&right))
}

/// Prometheus' order of label sets: fewer first; then, over all names of both, the set that lacks a name comes before
/// the one that has it, else the values decide.
fn by_labels(left: &Labels, right: &Labels) -> Ordering {
    let names: BTreeSet<&str> = left.iter().chain(right.iter()).map(|(name, _)| name).collect();
    let by_name = |name: &&str| Some(left.get(name).cmp(&right.get(name))).filter(|order| order.is_ne());
    left.len().cmp(&right.len()).then_with(|| names.iter().find_map(by_name).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_sets_sort_as_prometheus_sorts_them() {
        let check = |left: &[(&str, &str)], right: &[(&str, &str)], expected: Ordering| {
            let (left, right) = (Labels::from_pairs(left.iter().copied()), Labels::from_pairs(right.iter().copied()));
            assert_eq!(by_labels(&left, &right), expected, "{left} {right}");
            assert_eq!(by_labels(&right, &left), expected.reverse(), "{right} {left}");
        };
        check(&[], &[("a", "1")], Ordering::Less);
        check(&[("z", "9")], &[("a", "1"), ("b", "1")], Ordering::Less);
        check(&[("a", "1")], &[("a", "2")], Ordering::Less);
        check(&[("b", "1")], &[("a", "2")], Ordering::Less);
        check(&[("a", "1"), ("b", "2")], &[("a", "1"), ("b", "3")], Ordering::Less);
        check(&[("站", "广州")], &[("站", "广州")], Ordering::Equal);
    }
}
