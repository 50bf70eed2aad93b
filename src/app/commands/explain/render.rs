//! Explanations for people: from the message to the notification, in order of time.

use crate::api::{AlertExplanation, EventExplanation, EventExplanations, IncidentExplanation, NoticeLine};
use crate::app::commands::replay::diagnosis;
use crate::app::terminal::local_time::{local, zone_note};
use crate::app::terminal::table::TextTable;
use crate::core::correlation::Explanation;
use crate::core::engine::CountedEvent;
use crate::core::incidents::Incident;

/// Maximum number of rules shown that do not fit.
const NEAREST: usize = 5;
/// Maximum length shown of a raw payload, in characters.
const RAW_SHOWN: usize = 200;

/// Lines under headings.
#[derive(Default)]
struct TextPage(String);

impl TextPage {
    fn line(&mut self, text: impl AsRef<str>) {
        self.0.push_str(text.as_ref().trim_end());
        self.0.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.line("");
        self.line(text);
    }

    fn indented(&mut self, text: &str) {
        text.lines().for_each(|line| self.line(format!("  {line}")));
    }
}

pub fn incident(explained: &IncidentExplanation) -> String {
    let mut page = TextPage::default();
    let incident = &explained.incident;
    page.line(format!("{}  {}", incident.id, incident.title));
    let mut facts = TextTable::new(["", ""]);
    for (name, value) in facts_of(incident) {
        facts.row([name.to_owned(), value]);
    }
    page.indented(facts.to_string().trim_start_matches('\n'));
    page.heading("rule");
    match &explained.rule {
        Some(rule) => {
            let by = if rule.by.is_empty() { "-".to_owned() } else { rule.by.join(", ") };
            page.indented(&format!("{} ({}) by {by}", rule.name, rule.pattern));
            page.indented(&format!("match: {}", rule.matchers));
            rule.when.iter().for_each(|when| page.indented(&format!("when: {when}")));
        }
        None => page.indented(&format!("{} is built in, or no longer among the rules", incident.rule)),
    }
    page.heading("what counted when it opened");
    evidence(&mut page, &explained.evidence);
    page.heading("its window now");
    match &explained.window {
        Some(window) => page.indented(&diagnosis::window(window)),
        None => page.indented("empty: everything in it has cleared"),
    }
    page.heading(&format!("alerts ({} ever, {} fire)", incident.alerts, incident.firing));
    explained.alerts.iter().for_each(|alert| page.indented(alert));
    page.heading("what happened");
    let mut table = TextTable::new(["when", "what", "who", ""]);
    for line in &explained.timeline {
        let kind = serde_json::to_value(line.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
        table.row([local(line.at), kind.unwrap_or_default(), line.actor.clone(), line.text.clone()]);
    }
    page.indented(&table.to_string());
    page.heading("who was told");
    notices(&mut page, &explained.notices, incident);
    page.line("");
    page.line(zone_note(incident.opened_at));
    page.0
}

fn facts_of(incident: &Incident) -> Vec<(&'static str, String)> {
    let state = match incident.resolved_at {
        Some(at) => format!("{}, resolved at {}", incident.state.as_str(), local(at)),
        None => incident.state.as_str().to_owned(),
    };
    let mut facts = vec![
        ("opened", format!("{} because {}", local(incident.opened_at), incident.reason)),
        ("key", incident.key.to_string()),
        ("state", format!("{state}; tier {}, team {}", incident.tier, incident.team)),
        (
            "priority",
            format!("{} ({}), severity {}", incident.priority, incident.priority_reason, incident.severity.as_str()),
        ),
    ];
    facts.extend(incident.held.clone().map(|held| ("held back", held)));
    facts.extend(incident.merged_into.map(|into| ("merged", format!("into {into}"))));
    facts.extend(incident.problem.map(|problem| ("problem", problem.to_string())));
    facts
}

fn evidence(page: &mut TextPage, evidence: &[CountedEvent]) {
    let mut table = TextTable::new(["happened", "event", "source", "status", "severity", "labels"]);
    for one in evidence {
        let held = if one.suppressed { " (held back)" } else { "" };
        let place = format!("{}-{}", one.cause.partition, one.cause.offset);
        table.row([
            local(one.at),
            place,
            one.source.clone(),
            format!("{}{held}", one.status.as_str()),
            one.severity.as_str().to_owned(),
            one.labels.to_string(),
        ]);
    }
    page.indented(&table.to_string());
    for one in evidence {
        if let Some(raw) = &one.raw {
            let shown: String = raw.chars().take(RAW_SHOWN).collect();
            let cut = if shown.len() < raw.len() { " …" } else { "" };
            page.indented(&format!("sent as {}{cut}", shown.replace('\n', " ")));
        }
    }
}

fn notices(page: &mut TextPage, notices: &[NoticeLine], incident: &Incident) {
    if notices.is_empty() {
        let why =
            if incident.unpaged { "its rule pages nobody" } else { "nobody yet, or its teams have no way to be told" };
        return page.indented(why);
    }
    let mut table = TextTable::new(["when", "what", "team", "to", "state", "tries", ""]);
    for notice in notices {
        let state = serde_json::to_value(notice.state).ok().and_then(|state| state.as_str().map(str::to_owned));
        table.row([
            local(notice.at),
            notice.kind.as_str().to_owned(),
            notice.team.clone(),
            format!("{} {}", notice.channel, notice.to),
            state.unwrap_or_default(),
            notice.attempts.to_string(),
            notice.error.clone().unwrap_or_default(),
        ]);
    }
    page.indented(&table.to_string());
}

pub fn alert(explained: &AlertExplanation) -> String {
    let mut page = TextPage::default();
    let alert = &explained.alert;
    page.line(format!("alert {}  {}", alert.fingerprint, alert.labels));
    page.indented(&format!(
        "{}, severity {}, from {}, first seen {}, last message {}, began to fire {} times",
        alert.status.as_str(),
        alert.severity.as_str(),
        alert.source,
        local(alert.first_seen_at),
        local(alert.updated_at),
        alert.transitions
    ));
    let owner =
        if alert.rule.is_empty() { "no rule".to_owned() } else { format!("rule {:?}, key {}", alert.rule, alert.key) };
    page.indented(&format!("owned by {owner}"));
    match &alert.held {
        Some(held) => page.indented(&format!("raised nothing so far: {held}")),
        None => page.indented("nothing keeps it from an incident"),
    }
    page.heading("incidents");
    for incident in &explained.incidents {
        let line =
            format!("{}  {}  {}  {}", incident.id, local(incident.opened_at), incident.state.as_str(), incident.title);
        page.indented(&line);
    }
    if explained.incidents.is_empty() {
        page.indented("none");
    }
    match &explained.explanation {
        Some(explanation) => reasons(&mut page, explanation),
        None => page.heading("resolved long ago: the engine has forgotten it"),
    }
    page.line("");
    page.line(zone_note(alert.updated_at));
    page.0
}

pub fn event(explained: &EventExplanation) -> String {
    let mut page = TextPage::default();
    one_event(&mut page, explained);
    page.0
}

pub fn events(explained: &EventExplanations) -> String {
    let mut page = TextPage::default();
    explained.items.iter().for_each(|one| one_event(&mut page, one));
    explained.rejected.iter().for_each(|rejected| page.line(format!("not read: {rejected}")));
    page.0
}

fn one_event(page: &mut TextPage, explained: &EventExplanation) {
    let event = &explained.event;
    let place = explained.cause.as_ref().map_or("if this event came now".to_owned(), |place| format!("event {place}"));
    page.line(format!("{place}: {} {} from {}", event.status.as_str(), event.labels, event.source));
    if let Some(at) = explained.received_at {
        page.indented(&format!("received {}; below: if it came now", local(at)));
    }
    page.indented(&format!(
        "alert {}: {}",
        explained.explanation.fingerprint,
        diagnosis::meaning(explained.explanation.meaning)
    ));
    reasons(page, &explained.explanation);
}

fn reasons(page: &mut TextPage, explanation: &Explanation) {
    if !explanation.held_by.is_empty() {
        page.heading("held back by");
        explanation.held_by.iter().for_each(|holder| page.indented(&diagnosis::holder(holder)));
    }
    page.heading("rules, in their order; then the nearest that do not fit");
    diagnosis::rules(explanation, NEAREST).iter().for_each(|line| page.indented(line));
}
