//! Comparison of two replays of the same events under different rules: incidents that appear, vanish or change, and
//! their owners.
//!
//! Incidents are the same if rule and key are, and their times overlap; numbers mean nothing across rulebooks.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::outcome::{ReplayResult, ended_at};
use crate::core::incidents::Incident;
use crate::core::model::{Fingerprint, Labels, TimeDelta, Timestamp};

/// Difference in start from which a change is reported.
const SAME_START: TimeDelta = TimeDelta::from_seconds(1);

/// Differences under the other rules.
#[derive(Debug, Serialize)]
pub struct Difference {
    pub appear: Vec<Only>,
    pub vanish: Vec<Only>,
    pub change: Vec<Changed>,
    pub same: u64,
    /// By rule, the most different first.
    pub rules: Vec<ComparedRule>,
}

/// An incident that only one side has.
#[derive(Debug, Serialize)]
pub struct Only {
    pub incident: ComparedIncident,
    /// Its alerts' incidents on the other side.
    pub instead: Vec<ComparedIncident>,
}

#[derive(Debug, Serialize)]
pub struct Changed {
    pub incident: ComparedIncident,
    pub fields: Vec<FieldChange>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    pub field: &'static str,
    pub before: String,
    pub after: String,
}

/// An incident in the short form of a line.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedIncident {
    pub id: String,
    pub rule: String,
    pub key: Labels,
    pub title: String,
    pub priority: String,
    pub severity: String,
    pub alerts: u64,
    pub opened_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ComparedRule {
    pub rule: String,
    pub before: u64,
    pub after: u64,
    pub appear: u64,
    pub vanish: u64,
    pub change: u64,
}

impl ComparedIncident {
    pub fn of(incident: &Incident) -> ComparedIncident {
        ComparedIncident {
            id: incident.id.to_string(),
            rule: incident.rule.clone(),
            key: incident.key.clone(),
            title: incident.title.clone(),
            priority: incident.priority.to_string(),
            severity: incident.severity.as_str().to_owned(),
            alerts: incident.alerts,
            opened_at: incident.opened_at,
            resolved_at: incident.resolved_at,
        }
    }
}

/// Compares; incidents that both sides had opened before `from` are left out.
pub fn compare(before: &ReplayResult, after: &ReplayResult, from: Option<Timestamp>) -> Difference {
    let from = from.unwrap_or(Timestamp::from_micros(i64::MIN));
    let mut difference =
        Difference { appear: Vec::new(), vanish: Vec::new(), change: Vec::new(), same: 0, rules: Vec::new() };
    let mut lines: BTreeMap<&str, ComparedRule> = BTreeMap::new();
    let (before_of, after_of) = (Owners::of(before), Owners::of(after));
    for (left, right) in pairs(before, after) {
        let in_report = |one: &Incident| one.opened_at >= from;
        if !left.is_some_and(in_report) && !right.is_some_and(in_report) {
            continue;
        }
        let Some(either) = left.or(right) else { continue };
        let line = lines.entry(&either.rule).or_default();
        line.before += u64::from(left.is_some());
        line.after += u64::from(right.is_some());
        match (left, right) {
            (Some(left), Some(right)) => {
                let fields = changes(left, right, before, after);
                if fields.is_empty() {
                    difference.same += 1;
                } else {
                    line.change += 1;
                    difference.change.push(Changed { incident: ComparedIncident::of(right), fields });
                }
            }
            (Some(left), None) => {
                line.vanish += 1;
                let instead = after_of.of_alerts_in(left, before);
                difference.vanish.push(Only { incident: ComparedIncident::of(left), instead });
            }
            (None, Some(right)) => {
                line.appear += 1;
                let instead = before_of.of_alerts_in(right, after);
                difference.appear.push(Only { incident: ComparedIncident::of(right), instead });
            }
            (None, None) => {}
        }
    }
    difference.rules = lines.into_iter().map(|(rule, line)| ComparedRule { rule: rule.to_owned(), ..line }).collect();
    difference.rules.sort_by_key(|line| std::cmp::Reverse(line.appear + line.vanish + line.change));
    difference.appear.sort_by_key(|one| one.incident.opened_at);
    difference.vanish.sort_by_key(|one| one.incident.opened_at);
    difference.change.sort_by_key(|one| one.incident.opened_at);
    difference
}

type Pair<'a> = (Option<&'a Incident>, Option<&'a Incident>);

/// Each incident once, with its counterpart if there is one.
fn pairs<'a>(before: &'a ReplayResult, after: &'a ReplayResult) -> Vec<Pair<'a>> {
    type ComparedRuns<'a> = (Vec<&'a Incident>, Vec<&'a Incident>);
    let mut groups: BTreeMap<(&str, &Labels), ComparedRuns<'a>> = BTreeMap::new();
    for incident in before.incidents.values() {
        groups.entry((&incident.rule, &incident.key)).or_default().0.push(incident);
    }
    for incident in after.incidents.values() {
        groups.entry((&incident.rule, &incident.key)).or_default().1.push(incident);
    }
    let mut found = Vec::new();
    for (mut left, mut right) in groups.into_values() {
        left.sort_by_key(|one| one.opened_at);
        right.sort_by_key(|one| one.opened_at);
        let mut right = right.into_iter().peekable();
        for one in left {
            // An incident that ended before this one began is no counterpart.
            while let Some(other) = right.next_if(|other| ended_at(other) < one.opened_at) {
                found.push((None, Some(other)));
            }
            found.push((Some(one), right.next_if(|other| other.opened_at <= ended_at(one))));
        }
        found.extend(right.map(|other| (None, Some(other))));
    }
    found
}

fn changes(left: &Incident, right: &Incident, before: &ReplayResult, after: &ReplayResult) -> Vec<FieldChange> {
    let mut found = Vec::new();
    let mut field = |field, before: String, after: String| {
        if before != after {
            found.push(FieldChange { field, before, after });
        }
    };
    let told = |story: &ReplayResult, id: u64| if story.told.contains(&id) { "yes" } else { "no" }.to_owned();
    field("title", left.title.clone(), right.title.clone());
    field("severity", left.severity.as_str().to_owned(), right.severity.as_str().to_owned());
    field("priority", left.priority.to_string(), right.priority.to_string());
    field("state", left.state.as_str().to_owned(), right.state.as_str().to_owned());
    field("alerts", left.alerts.to_string(), right.alerts.to_string());
    field("team", left.team.clone(), right.team.clone());
    field("pages", told(before, left.id.0), told(after, right.id.0));
    field("reopened", left.reopened.to_string(), right.reopened.to_string());
    let far = |a: Timestamp, b: Timestamp| a.since(b).max(b.since(a)) > SAME_START;
    if far(left.opened_at, right.opened_at) {
        field("opened_at", format!("{:.0}", left.opened_at), format!("{:.0}", right.opened_at));
    }
    if far(ended_at(left), ended_at(right)) {
        let ended = |one: &Incident| one.resolved_at.map_or("open".to_owned(), |at| format!("{at:.0}"));
        field("resolved_at", ended(left), ended(right));
    }
    found
}

/// All incidents of each alert.
struct Owners<'a> {
    story: &'a ReplayResult,
    by_alert: BTreeMap<Fingerprint, Vec<u64>>,
}

impl<'a> Owners<'a> {
    fn of(story: &'a ReplayResult) -> Owners<'a> {
        let mut by_alert: BTreeMap<Fingerprint, Vec<u64>> = BTreeMap::new();
        for (incident, alerts) in &story.members {
            alerts.iter().for_each(|alert| by_alert.entry(*alert).or_default().push(*incident));
        }
        Owners { story, by_alert }
    }

    /// The incidents that have the alerts of `incident` on this side, at the same time.
    fn of_alerts_in(&self, incident: &Incident, its_story: &ReplayResult) -> Vec<ComparedIncident> {
        let alerts = its_story.members.get(&incident.id.0).into_iter().flatten();
        let ids: BTreeSet<u64> = alerts.filter_map(|alert| self.by_alert.get(alert)).flatten().copied().collect();
        let found = ids.into_iter().filter_map(|id| self.story.incidents.get(&id));
        let overlapping =
            found.filter(|other| other.opened_at <= ended_at(incident) && incident.opened_at <= ended_at(other));
        overlapping.map(ComparedIncident::of).collect()
    }
}
