//! The rule file of an import. Texts are written as JSON strings, which YAML reads unchanged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::inhibitions::ImportedInhibition;
use super::intervals::ImportedMaintenance;
use super::receivers::ImportedReceiver;
use super::routes::Route;
use crate::core::model::{Matcher, TimeDelta};

/// No incident leaves the step, because an Alertmanager has no second line.
const RESPOND_BY: &str = "90d";

pub(super) fn rule_file(
    routes: &[Route],
    receivers: &[ImportedReceiver],
    inhibitions: &[ImportedInhibition],
    maintenance: &[ImportedMaintenance],
) -> String {
    let mut out = "# From an Alertmanager. The last rule takes everything: let this file be read last.\n".to_owned();
    rules(&mut out, routes);
    teams(&mut out, routes, receivers);
    if !inhibitions.is_empty() {
        out.push_str("\ninhibitions:\n");
    }
    for (number, inhibition) in inhibitions.iter().enumerate() {
        let name = inhibition.name.clone().unwrap_or_else(|| format!("imported {}", number + 1));
        line(&mut out, "  - name", &quoted(&name));
        line(&mut out, "    source", &list(inhibition.source.iter().map(Matcher::to_string)));
        line(&mut out, "    target", &list(inhibition.target.iter().map(Matcher::to_string)));
        if !inhibition.equal.is_empty() {
            line(&mut out, "    equal", &list(inhibition.equal.iter().cloned()));
        }
    }
    if !maintenance.is_empty() {
        out.push_str("\nmaintenance:\n");
    }
    for one in maintenance {
        line(&mut out, "  - name", &quoted(&one.name));
        if !one.matchers.is_empty() {
            line(&mut out, "    match", &list(one.matchers.iter().map(Matcher::to_string)));
        }
        line(&mut out, "    schedule", &quoted(&one.schedule));
        line(&mut out, "    for", &TimeDelta::from_minutes(i64::from(one.minutes)).to_string());
        line(&mut out, "    zone", &quoted(&one.zone));
    }
    out
}

fn rules(out: &mut String, routes: &[Route]) {
    out.push_str("\nrules:\n");
    let mut names = BTreeSet::new();
    for route in routes {
        line(out, "  - name", &quoted(&unique(&mut names, &route.receiver)));
        if !route.matchers.is_empty() {
            line(out, "    match", &list(route.matchers.iter().map(Matcher::to_string)));
        }
        if let Some(by) = route.by.as_ref().filter(|by| !by.is_empty()) {
            line(out, "    by", &list(by.iter().cloned()));
        }
        line(out, "    tiers", &quoted(&ladder(&route.receiver, route.page_every)));
        line(out, "    notify_delay", &route.settle.to_string());
        if route.continues && !route.matchers.is_empty() {
            line(out, "    continue", "true");
        }
    }
}

fn teams(out: &mut String, routes: &[Route], receivers: &[ImportedReceiver]) {
    let ladders: BTreeMap<String, &Route> =
        routes.iter().map(|route| (ladder(&route.receiver, route.page_every), route)).collect();
    out.push_str("\n# One step each: add a second and a third line, so that what nobody takes climbs.\ntiers:\n");
    for (name, route) in ladders {
        line(out, "  - name", &quoted(&name));
        let team = quoted(&route.receiver);
        let page_every = route.page_every;
        out.push_str("    steps:\n");
        let _ = writeln!(out, "      - {{tier: 1, team: {team}, respond_by: {RESPOND_BY}, page_every: {page_every}}}");
    }
    out.push_str("\nteams:\n");
    let used = routes.iter().map(|route| route.receiver.as_str());
    let names: BTreeSet<&str> = receivers.iter().map(|receiver| receiver.name.as_str()).chain(used).collect();
    for name in names {
        line(out, "  - name", &quoted(name));
        // A member is required for its incidents to wait there.
        line(out, "    members", &list([name.to_owned()].into_iter()));
        let of_it: Vec<&ImportedReceiver> = receivers.iter().filter(|receiver| receiver.name == name).collect();
        if of_it.iter().any(|one| !one.webhooks.is_empty() || !one.emails.is_empty()) {
            out.push_str("    notify:\n");
        }
        for url in of_it.iter().flat_map(|one| &one.webhooks) {
            let _ = writeln!(out, "      - webhook: {{url: {}}}", quoted(url));
        }
        for one in of_it.iter().filter(|one| !one.emails.is_empty()) {
            let _ = writeln!(out, "      - email: {{to: {}}}", list(one.emails.iter().cloned()));
        }
    }
}

fn ladder(receiver: &str, page_every: TimeDelta) -> String {
    format!("{receiver}, again every {page_every}")
}

/// The name itself, or with a number that makes it unique.
fn unique(names: &mut BTreeSet<String>, name: &str) -> String {
    let numbered = (2..).map(|number: u32| format!("{name} {number}"));
    let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
    let unique = candidates.find(|candidate| !names.contains(candidate)).unwrap_or_default();
    names.insert(unique.clone());
    unique
}

fn line(out: &mut String, key: &str, value: &str) {
    let _ = writeln!(out, "{key}: {value}");
}

fn list(items: impl Iterator<Item = String>) -> String {
    let quoted: Vec<String> = items.map(|item| quoted(&item)).collect();
    format!("[{}]", quoted.join(", "))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
