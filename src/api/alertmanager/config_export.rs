//! `config.original`: our rulebook as an Alertmanager configuration that the real tools load.
//!
//! Routes by rule, receivers by team, inhibitions as they are. What Alertmanager has no word for is left out with a
//! comment that says so: a route that lies would be worse than none.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::alerts::DEFAULT_RECEIVER;
use crate::core::model::{Matcher, Matchers};
use crate::core::rules::{CATCH_ALL, EscalationStep, Inhibition, Pattern, Rule, Rulebook};

/// The YAML text.
pub fn of(rulebook: &Rulebook) -> String {
    let mut yaml = String::from("# Made by watchfire from its rule files.\nroute:\n");
    let _ = writeln!(yaml, "  receiver: {}\n  routes:", scalar(DEFAULT_RECEIVER));
    for rule in &rulebook.rules {
        route(&mut yaml, rulebook, rule);
    }
    catch_all(&mut yaml, rulebook);
    yaml.push_str("inhibit_rules:\n");
    for inhibition in &rulebook.inhibitions {
        inhibit_rule(&mut yaml, inhibition);
    }
    yaml.push_str("receivers:\n");
    for name in receivers(rulebook) {
        let _ = writeln!(yaml, "  - name: {}", scalar(&name));
    }
    yaml
}

/// `default`, then the teams.
pub fn receivers(rulebook: &Rulebook) -> Vec<String> {
    let named: BTreeSet<&str> = rulebook
        .teams
        .keys()
        .map(String::as_str)
        .chain(rulebook.rules.iter().filter_map(|rule| team(rulebook, &rule.ladder, rule.pages)))
        .chain(team(rulebook, "default", false))
        .filter(|name| *name != DEFAULT_RECEIVER)
        .collect();
    std::iter::once(DEFAULT_RECEIVER).chain(named).map(str::to_owned).collect()
}

/// Who gets the incidents of a ladder first: as they open, on the first step that somebody is on, if they page.
fn team<'a>(rulebook: &'a Rulebook, ladder: &str, pages: bool) -> Option<&'a str> {
    let steps = &rulebook.ladder(ladder)?.steps;
    let staffed = |step: &&EscalationStep| rulebook.teams.get(&step.team).is_some_and(|team| !team.is_empty());
    let first = steps.iter().find(|step| pages && staffed(step)).or(steps.first())?;
    Some(first.team.as_str()).filter(|name| !name.is_empty())
}

fn route(yaml: &mut String, rulebook: &Rulebook, rule: &Rule) {
    let unsaid = match &rule.pattern {
        _ if rule.when.is_some() => Some("its `when`".to_owned()),
        _ if rule.guard.is_some() => Some("its `context`".to_owned()),
        _ if !rule.opens_incident => Some("that it opens no incident".to_owned()),
        Pattern::Sequence(_) | Pattern::Group(_) | Pattern::Calendar { .. } => {
            Some(format!("its pattern {}", rule.pattern.name()))
        }
        Pattern::Each
        | Pattern::Suppress { .. }
        | Pattern::Threshold { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Pair { .. }
        | Pattern::PairWindow { .. }
        | Pattern::Absence { .. }
        | Pattern::Flap(_) => unsayable(&rule.matchers),
    };
    if let Some(what) = unsaid {
        let _ = writeln!(yaml, "  # rule {} is left out: Alertmanager cannot say {what}", scalar(&rule.name));
        return;
    }
    let receiver = team(rulebook, &rule.ladder, rule.pages).unwrap_or(DEFAULT_RECEIVER);
    let _ = writeln!(yaml, "  # rule {}", scalar(&rule.name));
    let _ = writeln!(yaml, "  - receiver: {}", scalar(receiver));
    if !rule.matchers.0.is_empty() {
        yaml.push_str("    matchers:\n");
        matchers(yaml, &rule.matchers);
    }
    let by: Vec<&String> = rule.by.iter().filter(|name| is_plain_name(name)).collect();
    if !by.is_empty() {
        let names = by.into_iter().map(|name| scalar(name)).collect::<Vec<_>>().join(", ");
        let _ = writeln!(yaml, "    group_by: [{names}]");
    } else if rule.by.is_empty() && !rule.one_group && rule.pattern == Pattern::Each {
        yaml.push_str("    group_by: [\"...\"]\n");
    }
    let _ = writeln!(yaml, "    continue: {}", rule.continues);
}

/// A route of its own and not the root: what only rules with `continue` match has no owner, and comes here too.
fn catch_all(yaml: &mut String, rulebook: &Rulebook) {
    let receiver = scalar(team(rulebook, "default", false).unwrap_or(DEFAULT_RECEIVER));
    let _ = writeln!(yaml, "  # rule {}: what no rule owns; it pages nobody", scalar(CATCH_ALL));
    let _ = writeln!(yaml, "  - receiver: {receiver}\n    group_by: [\"alertname\"]\n    continue: false");
}

fn inhibit_rule(yaml: &mut String, inhibition: &Inhibition) {
    let topology = inhibition.through.map(|_| "what depends on what".to_owned());
    let unsaid =
        topology.or_else(|| unsayable(&inhibition.source)).or_else(|| unsayable(&inhibition.target)).or_else(|| {
            let name = inhibition.equal.iter().find(|name| !is_plain_name(name))?;
            Some(format!("the label {}", scalar(name)))
        });
    if let Some(what) = unsaid {
        let name = scalar(&inhibition.name);
        let _ = writeln!(yaml, "  # inhibition {name} is left out: Alertmanager cannot say {what}");
        return;
    }
    let _ = writeln!(yaml, "  # inhibition {}\n  - source_matchers:", scalar(&inhibition.name));
    matchers(yaml, &inhibition.source);
    yaml.push_str("    target_matchers:\n");
    matchers(yaml, &inhibition.target);
    let names = inhibition.equal.iter().map(|name| scalar(name)).collect::<Vec<_>>().join(", ");
    let _ = writeln!(yaml, "    equal: [{names}]");
}

fn matchers(yaml: &mut String, matchers: &Matchers) {
    for matcher in matchers.iter() {
        let _ = writeln!(yaml, "      - {}", scalar(&text(matcher)));
    }
}

/// As Alertmanager's parser reads it: only these three characters are escaped.
fn text(matcher: &Matcher) -> String {
    let value = matcher.value().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{}{}\"{value}\"", matcher.name(), matcher.op().as_str())
}

/// The first label whose name only we know (`@severity`, facts) or that the tools of the field cannot read.
fn unsayable(matchers: &Matchers) -> Option<String> {
    matchers
        .iter()
        .find(|matcher| !is_plain_name(matcher.name()))
        .map(|matcher| format!("the label {}", scalar(matcher.name())))
}

fn is_plain_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A YAML double-quoted scalar on one line.
fn scalar(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
