//! The rule file of an import. Texts are written as JSON strings, which YAML reads unchanged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::configuration::Configuration;
use super::flatten::RoutedRule;
use super::intervals::ImportedInterval;
use super::receivers::{ImportedReceiver, is_nobody};
use super::routes::RouteSettings;
use crate::core::model::{Matcher, Matchers};
use crate::core::rules::{AlertmanagerWebhook, CATCH_ALL};

/// Alerts that always fire: the Prometheus operator's, and the name that older rules give it.
const WATCHDOGS: [&str; 2] = ["Watchdog", "DeadMansSwitch"];

/// No incident leaves the step, because an Alertmanager has no second line.
const RESPOND_BY: &str = "90d";

pub(super) fn rule_file(configuration: &Configuration) -> String {
    let mut out = "# From an Alertmanager. The last rule takes everything: let this file be read last.\n".to_owned();
    if let Some(timeout) = configuration.resolve_timeout {
        let _ = writeln!(out, "\nalertmanager: {{resolve_timeout: {timeout}}}");
    }
    rules(&mut out, configuration);
    ladders(&mut out, configuration);
    teams(&mut out, configuration);
    intervals(&mut out, &configuration.intervals);
    if !configuration.inhibitions.is_empty() {
        out.push_str("\ninhibitions:\n");
    }
    for (number, inhibition) in configuration.inhibitions.iter().enumerate() {
        let name = inhibition.name.clone().unwrap_or_else(|| format!("imported {}", number + 1));
        line(&mut out, "  - name", &quoted(&name));
        for (key, side) in [("    source", &inhibition.source), ("    target", &inhibition.target)] {
            if !side.is_empty() {
                line(&mut out, key, &list(side.iter().map(Matcher::to_string)));
            }
        }
        if !inhibition.equal.is_empty() {
            line(&mut out, "    equal", &list(inhibition.equal.iter().cloned()));
        }
    }
    out
}

fn rules(out: &mut String, configuration: &Configuration) {
    out.push_str("\nrules:\n");
    let mut names = BTreeSet::from([CATCH_ALL.to_owned()]);
    for rule in &configuration.rules {
        line(out, "  - name", &quoted(&unique(&mut names, &rule.settings.receiver)));
        if !rule.matchers.is_empty() {
            line(out, "    match", &list(rule.matchers.iter().map(Matcher::to_string)));
        }
        if !rule.unless.is_empty() {
            let sets = rule.unless.iter().map(|set| Matchers(set.clone()).to_string());
            line(out, "    unless", &list(sets));
        }
        if is_nobody(&rule.settings.receiver, &configuration.receivers) {
            line(out, "    incident", "false");
            line(out, "    justification", &quoted("nothing is in this receiver: nobody is told"));
        } else {
            incidents(out, rule);
        }
        if rule.continues {
            line(out, "    continue", "true");
        }
    }
    // What only rules that continue took has been told, too.
    if configuration.rules.iter().any(|rule| rule.continues) {
        line(out, "  - name", &quoted(&unique(&mut names, "told by the routes before")));
        line(out, "    incident", "false");
        line(out, "    justification", &quoted("a route that continues has taken it"));
    }
}

/// How the incidents of a route are grouped and told.
fn incidents(out: &mut String, rule: &RoutedRule) {
    let settings = &rule.settings;
    if let Some(by) = &settings.by {
        line(out, "    by", &list(by.iter().cloned()));
    }
    line(out, "    group", "false");
    line(out, "    tiers", &quoted(&ladder(rule)));
    line(out, "    notify_delay", &settings.group_wait.to_string());
    line(out, "    resolve_after", &settings.group_interval.to_string());
    for (key, names) in [("    mute_time_intervals", &rule.mute), ("    active_time_intervals", &rule.active)] {
        if !names.is_empty() {
            line(out, key, &list(names.iter().cloned()));
        }
    }
}

fn ladders(out: &mut String, configuration: &Configuration) {
    let told = configuration.rules.iter().filter(|rule| !is_nobody(&rule.settings.receiver, &configuration.receivers));
    let ladders: BTreeMap<String, &RoutedRule> = told.map(|rule| (ladder(rule), rule)).collect();
    out.push_str("\n# One step each: add a second and a third line, so that what nobody takes climbs.\ntiers:");
    out.push_str(if ladders.is_empty() { " []\n" } else { "\n" });
    for (name, rule) in ladders {
        line(out, "  - name", &quoted(&name));
        let RouteSettings { receiver, repeat_interval, .. } = &rule.settings;
        let (team, every) = (quoted(receiver), repeat_interval.to_string());
        let beats = if is_watchdog(rule) { ", keeps_paging: true" } else { "" };
        let _ = writeln!(
            out,
            "    steps:\n      - {{tier: 1, team: {team}, respond_by: {RESPOND_BY}, page_every: {every}{beats}}}"
        );
    }
}

fn teams(out: &mut String, configuration: &Configuration) {
    let receivers = &configuration.receivers;
    let used = configuration.rules.iter().map(|rule| rule.settings.receiver.as_str());
    let names = receivers.iter().map(|receiver| receiver.name.as_str()).chain(used);
    let names: BTreeSet<&str> = names.filter(|name| !is_nobody(name, receivers)).collect();
    out.push_str(if names.is_empty() { "\nteams: []\n" } else { "\nteams:\n" });
    for name in names {
        line(out, "  - name", &quoted(name));
        // A member is required for its incidents to wait there.
        line(out, "    members", &list([name.to_owned()].into_iter()));
        let of_it: Vec<&ImportedReceiver> = receivers.iter().filter(|receiver| receiver.name == name).collect();
        if of_it.iter().any(|one| !one.webhooks.is_empty() || !one.emails.is_empty()) {
            out.push_str("    notify:\n");
        }
        for webhook in of_it.iter().flat_map(|one| &one.webhooks) {
            let AlertmanagerWebhook { url, max_alerts, send_resolved } = webhook;
            let max_alerts = if *max_alerts == 0 { String::new() } else { format!(", max_alerts: {max_alerts}") };
            let silent = if *send_resolved { "" } else { ", send_resolved: false" };
            let url = quoted(url);
            let _ = writeln!(out, "      - webhook: {{url: {url}, format: alertmanager{max_alerts}{silent}}}");
        }
        for one in of_it.iter().filter(|one| !one.emails.is_empty()) {
            let _ = writeln!(out, "      - email: {{to: {}}}", list(one.emails.iter().cloned()));
        }
    }
}

fn intervals(out: &mut String, named: &BTreeMap<String, Vec<ImportedInterval>>) {
    if !named.is_empty() {
        out.push_str("\ntime_intervals:\n");
    }
    for (name, intervals) in named {
        line(out, "  - name", &quoted(name));
        let shown: Vec<String> = intervals.iter().map(interval).collect();
        line(out, "    time_intervals", &format!("[{}]", shown.join(", ")));
    }
}

fn interval(interval: &ImportedInterval) -> String {
    let time =
        |(start, end): &(String, String)| format!("{{start_time: {}, end_time: {}}}", quoted(start), quoted(end));
    let times: Vec<String> = interval.times.iter().map(time).collect();
    let times = (!times.is_empty()).then(|| format!("times: [{}]", times.join(", ")));
    let ranges = interval.ranges.iter().map(|(key, texts)| format!("{key}: {}", list(texts.iter().cloned())));
    let location = interval.location.iter().map(|zone| format!("location: {}", quoted(zone)));
    let parts: Vec<String> = times.into_iter().chain(ranges).chain(location).collect();
    format!("{{{}}}", parts.join(", "))
}

fn ladder(rule: &RoutedRule) -> String {
    let RouteSettings { receiver, repeat_interval, .. } = &rule.settings;
    let beats = if is_watchdog(rule) { ", whoever acknowledges" } else { "" };
    format!("{receiver}, again every {repeat_interval}{beats}")
}

/// True if the route takes only an alert that always fires: its receiver raises an alarm when the pages stop.
fn is_watchdog(rule: &RoutedRule) -> bool {
    rule.matchers.iter().any(|matcher| {
        let named = WATCHDOGS.iter().any(|name| matcher.matches_value(name));
        matcher.name() == "alertname" && named && !matcher.matches_value("") && !matcher.matches_value("LinkDown")
    })
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
