//! Reports of a replay: tables for people, JSON for programs.

use std::collections::BTreeMap;

use serde_json::json;

use super::compare::{Changed, ComparedIncident, Difference, Only};
use super::outcome::ReplayResult;
use crate::app::terminal::local_time::{local, zone_note};
use crate::app::terminal::table::TextTable;
use crate::core::incidents::Incident;
use crate::core::model::Timestamp;

/// Maximum number of incidents in a table; JSON lists all.
const ROWS_MAX: usize = 500;

/// Facts about the replay itself.
pub struct ReplayFacts {
    pub from: Option<Timestamp>,
    pub seconds: f64,
    pub unknown_resends: u64,
}

/// The incidents of one replay.
pub fn incidents(story: &ReplayResult, facts: &ReplayFacts, json: bool) {
    let reported: Vec<&Incident> =
        story.incidents.values().filter(|incident| facts.from.is_none_or(|from| incident.opened_at >= from)).collect();
    if json {
        for incident in reported {
            println!("{}", serde_json::to_string(incident).unwrap_or_default());
        }
        return;
    }
    let mut table = TextTable::new(["id", "opened", "resolved", "tier", "prio", "state", "alerts", "rule", "title"]);
    for incident in reported.iter().take(ROWS_MAX) {
        table.row([
            incident.id.to_string(),
            local(incident.opened_at),
            incident.resolved_at.map_or("-".to_owned(), local),
            incident.tier.to_string(),
            incident.priority.to_string(),
            incident.state.as_str().to_owned(),
            incident.alerts.to_string(),
            incident.rule.clone(),
            incident.title.clone(),
        ]);
    }
    print!("{table}");
    if reported.len() > ROWS_MAX {
        println!("… and {} more; --json lists all", reported.len() - ROWS_MAX);
    }
    let mut by_rule: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
    for incident in &reported {
        let line = by_rule.entry(&incident.rule).or_default();
        line.0 += 1;
        line.1 += incident.alerts;
        line.2 += u64::from(story.told.contains(&incident.id.0));
    }
    let mut table = TextTable::new(["rule", "incidents", "alerts", "paged"]);
    let mut lines: Vec<_> = by_rule.into_iter().collect();
    lines.sort_by_key(|(_, (incidents, ..))| std::cmp::Reverse(*incidents));
    for (rule, (incidents, alerts, paged)) in lines {
        table.row([rule.to_owned(), incidents.to_string(), alerts.to_string(), paged.to_string()]);
    }
    println!("\n{table}");
    println!(
        "{} events → {} incidents, {} problems in {:.2} s ({:.0} events/s)",
        story.events,
        reported.len(),
        story.problems.len(),
        facts.seconds,
        story.events as f64 / facts.seconds.max(1e-9),
    );
    notes(story, facts);
}

/// The differences.
pub fn difference(
    difference: &Difference,
    story: &ReplayResult,
    names: &(String, String),
    facts: &ReplayFacts,
    json: bool,
) {
    if json {
        let mut value = serde_json::to_value(difference).unwrap_or_default();
        value["events"] = json!(story.events);
        value["rules_before"] = json!(names.0);
        value["rules_after"] = json!(names.1);
        value["from"] = json!(facts.from);
        println!("{value}");
        return;
    }
    println!("if {} took the place of {}:\n", names.1, names.0);
    let all = difference.appear.len() + difference.vanish.len() + difference.change.len();
    let mut rows = 0..ROWS_MAX;
    let mut room = || rows.next().is_some();
    for one in difference.appear.iter().take_while(|_| room()) {
        only("+ appears ", one, "was");
    }
    for one in difference.vanish.iter().take_while(|_| room()) {
        only("- vanishes", one, "becomes");
    }
    for one in difference.change.iter().take_while(|_| room()) {
        changed(one);
    }
    if all > ROWS_MAX {
        println!("… and {} more; --json lists all", all - ROWS_MAX);
    }
    if all == 0 {
        println!("nothing: the same incidents");
    }
    let mut table = TextTable::new(["rule", "before", "after", "appear", "vanish", "change"]);
    let mut total = [0; 5];
    for line in &difference.rules {
        let numbers = [line.before, line.after, line.appear, line.vanish, line.change];
        total.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
        table.row(row(&line.rule, numbers));
    }
    table.row(row("all", total));
    println!("\n{table}");
    println!(
        "{} events through both in {:.2} s ({:.0} events/s)",
        story.events,
        facts.seconds,
        2.0 * story.events as f64 / facts.seconds.max(1e-9)
    );
    notes(story, facts);
}

fn row(rule: &str, numbers: [u64; 5]) -> [String; 6] {
    let [before, after, appear, vanish, change] = numbers.map(|number| number.to_string());
    [rule.to_owned(), before, after, appear, vanish, change]
}

fn line(mark: &str, one: &ComparedIncident) {
    println!("{mark} {}  {}  {} {}  {}", local(one.opened_at), one.priority, one.rule, one.key, one.title);
}

fn only(mark: &str, one: &Only, word: &str) {
    line(mark, &one.incident);
    for other in &one.instead {
        println!("             {word} {} {}  {}", other.rule, other.key, other.title);
    }
}

fn changed(one: &Changed) {
    line("~ changes ", &one.incident);
    for field in &one.fields {
        println!("             {}: {} → {}", field.field, field.before, field.after);
    }
}

fn notes(story: &ReplayResult, facts: &ReplayFacts) {
    if let (Some(first), Some(last)) = (story.first_at, story.last_at) {
        println!("from {} to {}, {}", local(facts.from.unwrap_or(first).max(first)), local(last), zone_note(last));
    }
    if story.unmatched > 0 {
        println!("{} points that no rule wanted", story.unmatched);
    }
    for (bound, times) in &story.bounds {
        println!("the bound on {bound} bit {times} times");
    }
    if facts.unknown_resends > 0 {
        println!("{} re-sends of alerts that nothing is known of any more were left out", facts.unknown_resends);
    }
}
