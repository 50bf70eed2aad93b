//! Report of `check` on a valid rulebook: its contents, rules that can never own an alert, rules evaluated at every
//! event.

pub(super) mod capacity;
mod finding;
mod findings;
pub(super) mod missing_dependencies;
mod reachability;
mod sites;
mod sla;
#[cfg(test)]
mod tests;

pub use finding::{CheckFinding, FindingKind};
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::{Cost, Expression, Loaded, Rule};
use crate::core::model::Timestamp;

/// Maximum number of rules, and of findings of a kind, in the text output; JSON lists all.
const ROWS_MAX: usize = 200;

/// A rulebook's contents and findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The rulebook's hash in hexadecimal.
    pub hash: String,
    pub counts: BTreeMap<&'static str, usize>,
    pub rules: Vec<RuleSummary>,
    /// By kind, then in file order.
    pub findings: Vec<CheckFinding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleSummary {
    pub name: String,
    pub pattern: &'static str,
    pub by: Vec<String>,
    pub ladder: String,
    pub matchers: String,
    /// What its `when:` costs an event, in steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Cost>,
}

/// Checks a rulebook as a whole. `windows_max`: a correlator's window limit per rule; `now`: time of use.
pub fn report(loaded: &Loaded, windows_max: usize, now: Timestamp) -> CheckReport {
    let rulebook = &loaded.rulebook;
    let counts = [
        ("sources", rulebook.sources.len()),
        ("rules", rulebook.rules.len()),
        ("inhibitions", rulebook.inhibitions.len()),
        ("tables", rulebook.normalising.tables.len()),
        ("extractions", rulebook.normalising.extractions.len()),
        ("maintenance", rulebook.maintenance.len()),
        ("storms", rulebook.storms.len()),
        ("inventory items", rulebook.inventory.len()),
        ("tiers", rulebook.ladders.len()),
        ("calendars", rulebook.calendars.len()),
        ("teams", rulebook.teams.len()),
        ("targets", rulebook.targets.len()),
        ("outages", rulebook.outage_budgets.len()),
        ("people", rulebook.people.len()),
        ("rosters", rulebook.rosters.len()),
        ("problems", rulebook.problems.len()),
        ("inspections", rulebook.plans.len()),
        ("tests", loaded.tests.len()),
    ];
    let summary = |rule: &Rule| RuleSummary {
        name: rule.name.clone(),
        pattern: rule.pattern.name(),
        by: rule.by.clone(),
        ladder: rule.ladder.clone(),
        matchers: rule.matchers.to_string(),
        steps: rule.when.as_ref().map(Expression::cost),
    };
    CheckReport {
        hash: rulebook.hash.to_string(),
        counts: counts.into(),
        rules: rulebook.rules.iter().map(summary).collect(),
        findings: findings::findings(loaded, windows_max, now),
    }
}

impl CheckReport {
    pub fn of_kind(&self, kind: FindingKind) -> impl Iterator<Item = &CheckFinding> {
        self.findings.iter().filter(move |finding| finding.kind == kind)
    }

    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts.iter().map(|(section, count)| vec![(*section).to_owned(), count.to_string()]);
        write_table(f, &["section", "entries"], counts)?;
        writeln!(f)?;
        let rows = self.rules.iter().take(ROWS_MAX).map(|rule| {
            let by = if rule.by.is_empty() { "-".to_owned() } else { rule.by.join(", ") };
            let steps = rule.steps.map_or("-".to_owned(), |steps| steps.usual.to_string());
            vec![rule.name.clone(), rule.pattern.to_owned(), by, rule.ladder.clone(), steps]
        });
        write_table(f, &["rule", "pattern", "by", "tiers", "when"], rows)?;
        if let Some(more) = self.rules.len().checked_sub(ROWS_MAX).filter(|more| *more > 0) {
            writeln!(f, "… and {more} more")?;
        }
        let mut heading = None;
        for (number, finding) in self.findings.iter().enumerate() {
            if heading != Some(finding.kind) {
                heading = Some(finding.kind);
                let count = self.of_kind(finding.kind).count();
                writeln!(f, "\n{count} {}:", finding.kind.heading())?;
            }
            if number < ROWS_MAX {
                writeln!(f, "  {}: {}", finding.place, finding.message)?;
            }
        }
        Ok(())
    }
}

fn write_table(f: &mut fmt::Formatter<'_>, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> fmt::Result {
    let rows: Vec<Vec<String>> = rows.collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain([head[column].width()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    for row in std::iter::once(&head).chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - cell.width() + 2));
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}
