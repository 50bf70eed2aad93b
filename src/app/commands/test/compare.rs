//! Comparison of expected and actual results: matching incidents, missing ones, surplus ones, and the progress of a
//! missing one's rule.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::app::commands::replay::diagnosis;
use crate::app::commands::replay::{ReplayEngine, ReplayResult};
use crate::core::correlation::ConditionStatus;
use crate::core::engine::AlertRecord;
use crate::core::incidents::Incident;
use crate::core::model::{Event, Labels};
use crate::core::rules::{CATCH_ALL, Expectation, ExpectedAlert, ExpectedIncident};

/// Maximum number of the test's events examined for a missing incident.
const ASKED_MAX: usize = 200;
/// Maximum number of windows or near misses reported.
const TOLD_MAX: usize = 3;

/// One difference from the expectation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Mismatch {
    /// No candidate comes near it.
    Missing { what: &'static str, line: usize, fields: Vec<ComparedField>, why: Vec<String> },
    /// A candidate exists but differs.
    Differs { what: &'static str, line: usize, name: String, fields: Vec<ComparedField>, why: Vec<String> },
    /// An open incident without an entry.
    TooMuch { name: String, fields: Vec<ComparedField> },
}

/// One line of the comparison; `got` is empty without a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ComparedField {
    pub name: &'static str,
    pub expected: String,
    pub got: String,
    pub same: bool,
}

pub fn judge(expectation: &Expectation, player: &ReplayEngine, events: &[Event]) -> Vec<Mismatch> {
    let mut wrong = Vec::new();
    if let Some(expected) = &expectation.incidents {
        incidents(expected, player, events, &mut wrong);
    }
    let problems = player.story.problems.len().to_string();
    if let Some(expected) = expectation.problems.map(|count| count.to_string())
        && expected != problems
    {
        let count = ComparedField { name: "problems", expected, got: problems, same: false };
        let (what, name) = ("number", "of problems".to_owned());
        wrong.push(Mismatch::Differs { what, line: expectation.line, name, fields: vec![count], why: Vec::new() });
    }
    for expected in &expectation.alerts {
        wrong.extend(alert(expected, player, events));
    }
    wrong
}

fn incidents(expected: &[ExpectedIncident], player: &ReplayEngine, events: &[Event], wrong: &mut Vec<Mismatch>) {
    let story = &player.story;
    let states: BTreeSet<&str> = expected.iter().filter_map(|one| one.state.as_deref()).collect();
    let there: Vec<&Incident> = story
        .incidents
        .values()
        .filter(|incident| incident.state.is_open() || states.contains(incident.state.as_str()))
        .collect();
    let fields: Vec<Vec<Vec<ComparedField>>> =
        expected.iter().map(|one| there.iter().map(|incident| compare(one, incident, story)).collect()).collect();
    let fits = |row: usize, column: usize| fields[row][column].iter().all(|field| field.same);
    let mut taken = assign(expected.len(), there.len(), fits);
    let paired: BTreeSet<usize> = taken.iter().flatten().copied().collect();
    for (row, one) in expected.iter().enumerate() {
        if taken[row].is_some_and(|column| paired.contains(&column)) {
            continue;
        }
        // The probably intended one: of the same rule, with the fewest differences.
        let free = (0..there.len()).filter(|column| !taken.contains(&Some(*column)));
        let same_rule = |column: &usize| one.rule.as_ref().is_none_or(|rule| *rule == there[*column].rule);
        let same_key = |column: &usize| one.key.iter().all(|(name, value)| there[*column].key.get(name) == Some(value));
        let near = free.filter(same_rule).filter(same_key);
        let near = near.min_by_key(|column| fields[row][*column].iter().filter(|field| !field.same).count());
        match near {
            Some(column) => {
                taken[row] = Some(column);
                let (what, line, fields) = ("incident", one.line, fields[row][column].clone());
                wrong.push(Mismatch::Differs { what, line, name: name_of(there[column]), fields, why: Vec::new() });
            }
            None => {
                let why = how_far(one.rule.as_deref(), &one.key, player, events);
                wrong.push(Mismatch::Missing { what: "incident", line: one.line, fields: named(one), why });
            }
        }
    }
    for (column, incident) in there.iter().enumerate() {
        if !taken.contains(&Some(column)) && incident.state.is_open() {
            wrong.push(Mismatch::TooMuch { name: name_of(incident), fields: shown(incident) });
        }
    }
}

/// Assigns each row a fitting column, as many as possible, no column twice.
fn assign(rows: usize, columns: usize, fits: impl Fn(usize, usize) -> bool) -> Vec<Option<usize>> {
    let mut owner: Vec<Option<usize>> = vec![None; columns];
    for row in 0..rows {
        place(row, &mut owner, &mut BTreeSet::new(), &fits);
    }
    let mut taken = vec![None; rows];
    for (column, row) in owner.into_iter().enumerate() {
        if let Some(row) = row {
            taken[row] = Some(column);
        }
    }
    taken
}

/// Finds a column for the row, moving others to another fitting one if needed.
fn place(
    row: usize,
    owner: &mut Vec<Option<usize>>,
    seen: &mut BTreeSet<usize>,
    fits: &impl Fn(usize, usize) -> bool,
) -> bool {
    for column in 0..owner.len() {
        if !fits(row, column) || !seen.insert(column) {
            continue;
        }
        let free = owner[column].is_none_or(|other| place(other, owner, seen, fits));
        if free {
            owner[column] = Some(row);
            return true;
        }
    }
    false
}

fn name_of(incident: &Incident) -> String {
    format!("{} of rule {:?}", incident.id, incident.rule)
}

/// The fields of an expectation, with the incident's values.
fn compare(expected: &ExpectedIncident, got: &Incident, story: &ReplayResult) -> Vec<ComparedField> {
    let key = got.key.project(expected.key.iter().map(|(name, _)| name));
    let paged = if story.told.contains(&got.id.0) { "true" } else { "false" };
    let held = got.held.clone().unwrap_or_default();
    let mut fields = named(expected);
    for field in &mut fields {
        field.got = match field.name {
            "rule" => got.rule.clone(),
            "key" => key.to_string(),
            "title" => got.title.clone(),
            "severity" => got.severity.as_str().to_owned(),
            "priority" => got.priority.to_string(),
            "state" => got.state.as_str().to_owned(),
            "tier" => got.tier.to_string(),
            "team" => got.team.clone(),
            "alerts" => got.alerts.to_string(),
            "firing" => got.firing.to_string(),
            "reopened" => got.reopened.to_string(),
            "paged" => paged.to_owned(),
            _ => held.clone(),
        };
        field.same = if field.name == "held" { piece(&field.expected, &held) } else { field.expected == field.got };
    }
    if expected.state.is_none() && !got.state.is_open() {
        fields.push(ComparedField {
            name: "state",
            expected: "open".to_owned(),
            got: got.state.as_str().to_owned(),
            same: false,
        });
    }
    fields
}

/// Checks for a part of a text; an empty part means that there is no text.
fn piece(expected: &str, got: &str) -> bool {
    if expected.is_empty() { got.is_empty() } else { got.contains(expected) }
}

fn named(expected: &ExpectedIncident) -> Vec<ComparedField> {
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let key = Some(expected.key.to_string()).filter(|_| !expected.key.is_empty());
    let all = [
        ("rule", expected.rule.clone()),
        ("key", key),
        ("title", expected.title.clone()),
        ("severity", expected.severity.map(|severity| severity.as_str().to_owned())),
        ("priority", expected.priority.map(|priority| priority.to_string())),
        ("state", expected.state.clone()),
        ("tier", expected.tier.map(|tier| tier.to_string())),
        ("team", expected.team.clone()),
        ("alerts", number(expected.alerts)),
        ("firing", number(expected.firing)),
        ("reopened", number(expected.reopened)),
        ("paged", expected.paged.map(|paged| paged.to_string())),
        ("held", expected.held.clone()),
    ];
    let field = |(name, expected)| Some(ComparedField { name, expected: expected?, got: String::new(), same: false });
    all.into_iter().filter_map(field).collect()
}

fn shown(incident: &Incident) -> Vec<ComparedField> {
    let field = |name, got: String| ComparedField { name, expected: String::new(), got, same: false };
    vec![
        field("key", incident.key.to_string()),
        field("title", incident.title.clone()),
        field("severity", incident.severity.as_str().to_owned()),
        field("alerts", incident.alerts.to_string()),
        field("reason", incident.reason.clone()),
    ]
}

fn alert(expected: &ExpectedAlert, player: &ReplayEngine, events: &[Event]) -> Option<Mismatch> {
    let known = player.story.alerts.values();
    let fits = |alert: &&AlertRecord| expected.labels.iter().all(|(name, value)| alert.labels.get(name) == Some(value));
    let candidates: Vec<Vec<ComparedField>> = known.filter(fits).map(|alert| compare_alert(expected, alert)).collect();
    if candidates.iter().any(|fields| fields.iter().all(|field| field.same)) {
        return None;
    }
    let nearest = candidates.into_iter().min_by_key(|fields| fields.iter().filter(|field| !field.same).count());
    let (what, line, name) = ("alert", expected.line, expected.labels.to_string());
    Some(match nearest {
        Some(fields) => {
            let why = how_far(expected.rule.as_deref(), &Labels::empty(), player, events);
            Mismatch::Differs { what, line, name, fields, why }
        }
        None => {
            let labels = ComparedField { name: "labels", expected: name, got: String::new(), same: false };
            Mismatch::Missing {
                what,
                line,
                fields: vec![labels],
                why: vec!["no alert with these labels ever came".to_owned()],
            }
        }
    })
}

fn compare_alert(expected: &ExpectedAlert, got: &AlertRecord) -> Vec<ComparedField> {
    let field = |name, expected: Option<String>, got: String| {
        let expected = expected?;
        let same = if name == "held" { piece(&expected, &got) } else { expected == got };
        Some(ComparedField { name, expected, got, same })
    };
    let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string());
    let severity = expected.severity.map(|severity| severity.as_str().to_owned());
    let rule = if got.rule.is_empty() { "-" } else { &got.rule };
    let all = [
        field("status", Some(expected.status.as_str().to_owned()), got.status.as_str().to_owned()),
        field("severity", severity, got.severity.as_str().to_owned()),
        field("rule", expected.rule.clone(), rule.to_owned()),
        field("held", expected.held.clone(), got.held.clone().unwrap_or_default()),
        field("silenced", flag(expected.silenced), (!got.silenced_by.is_empty()).to_string()),
        field("inhibited", flag(expected.inhibited), (!got.inhibited_by.is_empty()).to_string()),
    ];
    all.into_iter().flatten().collect()
}

/// Progress of a missing incident's rule on the test's events, the newest first.
fn how_far(rule: Option<&str>, key: &Labels, player: &ReplayEngine, events: &[Event]) -> Vec<String> {
    let Some(rule) = rule else { return Vec::new() };
    if rule != CATCH_ALL && player.rulebook().rule(rule).is_none() {
        return vec![format!("there is no rule named {rule:?} in these files")];
    }
    let mut near: Vec<(usize, String)> = Vec::new();
    let past = player.story.incidents.values().filter(|incident| incident.rule == rule && !incident.state.is_open());
    near.extend(past.map(|incident| {
        (0, format!("{} {} was there, and is {}", incident.id, incident.key, incident.state.as_str()))
    }));
    for event in events.iter().rev().take(ASKED_MAX) {
        let Some(explanation) = player.explain(event, Some(rule)) else { continue };
        let owner = explanation.rules.iter().find(|trace| trace.stand == ConditionStatus::Owner);
        let Some(trace) = explanation.rules.iter().find(|trace| trace.rule == rule) else { continue };
        let fits_key = trace
            .window
            .as_ref()
            .is_none_or(|window| key.iter().all(|(name, value)| window.key.get(name) == Some(value)));
        let (rank, line) = match (trace.stand, &trace.window) {
            (ConditionStatus::Unfit, _) => {
                let unmet: Vec<String> = trace.unmet.iter().map(diagnosis::unmet).collect();
                (3 + unmet.len(), format!("does not fit {}: {}", event.labels, unmet.join("; ")))
            }
            (ConditionStatus::Behind, _) => {
                let owner = owner.map_or("an earlier rule", |owner| owner.rule.as_str());
                (2, format!("fits {}, but rule {owner:?} before it owns that", event.labels))
            }
            (ConditionStatus::Owner | ConditionStatus::Link | ConditionStatus::GaveUp, Some(window)) => {
                (if fits_key { 0 } else { 1 }, diagnosis::window(window))
            }
            (ConditionStatus::Owner | ConditionStatus::Link | ConditionStatus::GaveUp, None) => {
                (1, diagnosis::stand(trace))
            }
        };
        let held = explanation
            .held_by
            .iter()
            .filter(|_| rank < 2)
            .map(|holder| (rank, format!("held back by {}", diagnosis::holder(holder))));
        for told in std::iter::once((rank, line)).chain(held) {
            if !near.contains(&told) {
                near.push(told);
            }
        }
    }
    near.sort_by_key(|(rank, _)| *rank);
    let best = near.first().map_or(0, |(rank, _)| *rank);
    near.retain(|(rank, _)| *rank == best || best < 2 && *rank < 2);
    if near.is_empty() {
        return vec![format!("{rule}: nothing came in that it could have looked at")];
    }
    near.into_iter().take(TOLD_MAX).map(|(_, line)| format!("{rule}: {line}")).collect()
}
