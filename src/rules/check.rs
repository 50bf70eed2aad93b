//! What `check` says of a good rulebook: what is in it, which rules can never own anything, which cost a look at every
//! event.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::{Pattern, Rule, Rulebook};
use crate::model::{Matcher, MatcherOp, Matchers};

/// How many rules the text lists; JSON lists all.
const ROWS_MAX: usize = 200;

/// A rulebook's contents and what a person should know of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The rulebook's hash in hexadecimal.
    pub hash: String,
    pub counts: BTreeMap<&'static str, usize>,
    pub rules: Vec<RuleSummary>,
    pub unreachable: Vec<Unreachable>,
    /// Rules that are looked at for every event, for want of a matcher with known values.
    pub unindexed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleSummary {
    pub name: String,
    pub pattern: &'static str,
    pub by: Vec<String>,
    pub ladder: String,
    pub matchers: String,
}

/// A rule that never owns anything, since an earlier one owns all that it matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreachable {
    pub rule: String,
    pub owned_by: String,
}

/// Looks at a rulebook as a whole.
pub fn report(rulebook: &Rulebook) -> Report {
    let counts = [
        ("sources", rulebook.sources.len()),
        ("rules", rulebook.rules.len()),
        ("inhibitions", rulebook.inhibitions.len()),
        ("maintenance", rulebook.maintenance.len()),
        ("storms", rulebook.storms.len()),
        ("tiers", rulebook.ladders.len()),
        ("teams", rulebook.teams.len()),
        ("problems", rulebook.problems.len()),
        ("inspections", rulebook.plans.len()),
    ];
    let summary = |rule: &Rule| RuleSummary {
        name: rule.name.clone(),
        pattern: rule.pattern.name(),
        by: rule.by.clone(),
        ladder: rule.ladder.clone(),
        matchers: rule.matchers.to_string(),
    };
    let unindexed = rulebook.rules.iter().filter(|rule| !is_indexed(&rule.matchers));
    Report {
        hash: rulebook.hash.to_string(),
        counts: counts.into(),
        rules: rulebook.rules.iter().map(summary).collect(),
        unreachable: unreachable(&rulebook.rules),
        unindexed: unindexed.map(|rule| rule.name.clone()).collect(),
    }
}

impl Report {
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts.iter().map(|(section, count)| vec![(*section).to_owned(), count.to_string()]);
        write_table(f, &["section", "entries"], counts)?;
        writeln!(f)?;
        let rows = self.rules.iter().take(ROWS_MAX).map(|rule| {
            let by = if rule.by.is_empty() { "-".to_owned() } else { rule.by.join(", ") };
            vec![rule.name.clone(), rule.pattern.to_owned(), by, rule.ladder.clone()]
        });
        write_table(f, &["rule", "pattern", "by", "tiers"], rows)?;
        if let Some(more) = self.rules.len().checked_sub(ROWS_MAX).filter(|more| *more > 0) {
            writeln!(f, "… and {more} more")?;
        }
        if !self.unreachable.is_empty() {
            writeln!(f, "\nnever reached, since an earlier rule owns all that they match:")?;
            let rows = self.unreachable.iter().map(|one| vec![one.rule.clone(), one.owned_by.clone()]);
            write_table(f, &["rule", "owned by"], rows)?;
        }
        if !self.unindexed.is_empty() {
            let count = self.unindexed.len();
            writeln!(
                f,
                "\n{count} rules are tried on every event; a matcher such as alertname=\"…\" would index them:"
            )?;
            for rule in self.unindexed.iter().take(ROWS_MAX) {
                writeln!(f, "  {rule}")?;
            }
        }
        Ok(())
    }
}

fn is_indexed(matchers: &Matchers) -> bool {
    matchers.iter().any(|matcher| !matcher.name().starts_with('@') && matcher.values().is_some())
}

/// Whether an earlier rule keeps what it matches for good.
fn keeps(rule: &Rule) -> bool {
    let for_good = match rule.pattern {
        Pattern::Each | Pattern::Pair { .. } => true,
        Pattern::Threshold { .. } | Pattern::Absence { .. } => rule.because.is_some(),
    };
    for_good && !rule.continues && rule.when.is_none()
}

fn unreachable(rules: &[Rule]) -> Vec<Unreachable> {
    // An earlier rule with an equality can only cover a rule with the same one.
    let mut by_equality: BTreeMap<(&str, &str), Vec<&Rule>> = BTreeMap::new();
    let mut others: Vec<&Rule> = Vec::new();
    let mut found = Vec::new();
    for rule in rules {
        let same = equalities(&rule.matchers).filter_map(|equality| by_equality.get(&equality)).flatten();
        let owner = same.chain(&others).find(|earlier| covers(&earlier.matchers, &rule.matchers));
        if let Some(owner) = owner {
            found.push(Unreachable { rule: rule.name.clone(), owned_by: owner.name.clone() });
        } else if keeps(rule) {
            match equalities(&rule.matchers).next() {
                Some(equality) => by_equality.entry(equality).or_default().push(rule),
                None => others.push(rule),
            }
        }
    }
    found
}

fn equalities(matchers: &Matchers) -> impl Iterator<Item = (&str, &str)> {
    let equal = matchers.iter().filter(|matcher| matcher.op() == MatcherOp::Equal);
    equal.map(|matcher| (matcher.name(), matcher.value()))
}

/// Whether everything that fits `narrow` fits `wide`, as far as their texts tell.
fn covers(wide: &Matchers, narrow: &Matchers) -> bool {
    wide.iter().all(|condition| narrow.iter().any(|known| follows(condition, known)))
}

fn follows(condition: &Matcher, known: &Matcher) -> bool {
    condition == known
        || (condition.name() == known.name()
            && known.values().is_some_and(|values| values.iter().all(|value| condition.matches_value(value))))
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

#[cfg(test)]
mod tests {
    use super::report;
    use crate::rules::{RuleText, load};

    fn report_on(text: &str) -> super::Report {
        let texts = vec![RuleText { path: "x.yaml".to_owned(), text: text.to_owned() }];
        report(&load(texts).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).rulebook)
    }

    fn check_unreachable(rules: &str, expected: &[(&str, &str)]) {
        let report = report_on(rules);
        let found: Vec<_> = report.unreachable.iter().map(|one| (one.rule.as_str(), one.owned_by.as_str())).collect();
        assert_eq!(found, expected, "{rules}");
    }

    #[test]
    fn a_rule_behind_a_wider_one_is_never_reached() {
        check_unreachable(
            r#"
rules:
  - {name: wide, match: 'alertname="LinkDown"'}
  - {name: narrow, match: 'alertname="LinkDown", site="GZ01"'}
  - {name: other, match: 'alertname="LinkUp"'}
"#,
            &[("narrow", "wide")],
        );
        check_unreachable(
            r#"
rules:
  - {name: south, match: 'site=~"GZ.*|SZ.*"'}
  - {name: gz, match: 'site="GZ01", alertname="LinkDown"'}
  - {name: both, match: 'site=~"GZ1|SZ2"'}
  - {name: north, match: 'site="BJ01"'}
"#,
            &[("gz", "south"), ("both", "south")],
        );
    }

    #[test]
    fn rules_that_let_go_hide_nothing() {
        check_unreachable(
            r#"
rules:
  - {name: on, match: 'alertname="A"', continue: true}
  - {name: sometimes, match: 'alertname="A"', when: "value > 3.0"}
  - {name: often, match: 'alertname="A"', pattern: {threshold: {count: 3, within: 5m}}}
  - {name: last, match: 'alertname="A"'}
"#,
            &[],
        );
        check_unreachable(
            r#"
rules:
  - {name: swallow, match: 'alertname="A"', pattern: {threshold: {count: 3, within: 5m}}, because: noise}
  - {name: all, continue: true}
  - {name: last, match: 'alertname="A"'}
"#,
            &[("last", "swallow")],
        );
    }

    #[test]
    fn what_no_value_can_find_is_named() {
        let report = report_on(
            r#"
rules:
  - {name: 等值, match: 'alertname="A"'}
  - {name: choice, match: 'alertname=~"A1|B1"'}
  - {name: pattern, match: 'alertname=~"A2.*"'}
  - {name: normalised, match: '@severity="critical"'}
  - {name: everything, continue: true}
"#,
        );
        assert_eq!(report.unindexed, ["pattern", "normalised", "everything"]);
        assert_eq!(report.counts["rules"], 5);
        assert_eq!(report.to_json()["rules"][0]["name"], "等值");
    }

    #[test]
    fn columns_stand_under_one_another_in_any_script() {
        let text =
            report_on("rules:\n  - {name: 链路中断, match: 'a=\"1\"', by: site}\n  - {name: x, match: 'a=\"2\"'}\n")
                .to_string();
        let table: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("rule ")).take(3).collect();
        assert_eq!(
            table,
            ["rule      pattern  by    tiers", "链路中断  each     site  default", "x         each     -     default"]
        );
    }
}
