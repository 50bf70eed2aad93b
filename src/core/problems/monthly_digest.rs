//! The commonest causes of a month with their steps: a draft for the manual of common faults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Burst, Problem, ProblemState, collapse};
use crate::core::model::{IncidentId, ProblemId, TimeDelta, Timestamp};

/// The draft's data of one incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    pub incident: IncidentId,
    pub title: String,
    pub rule: String,
    pub problem: Option<ProblemId>,
    /// Part of another incident's fault, and counted there.
    pub found_during: Option<IncidentId>,
    pub opened_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    pub diagnosis: Option<String>,
    pub resolution: Option<String>,
    pub runbook: Option<String>,
}

/// One cause: a problem, or a rule's finding without one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommonCause {
    /// From 1.
    pub rank: u64,
    pub title: String,
    pub rule: String,
    pub problem: Option<ProblemId>,
    /// Number of faults: incidents at most an hour apart, or found during another, are one fault.
    pub faults: u64,
    /// Number of incidents.
    pub incidents: u64,
    /// Total duration of the ended ones.
    pub minutes: u64,
    pub root_cause: Option<String>,
    /// Steps in the order to try them: the problem's own texts, then the resolutions that helped most often.
    pub steps: Vec<String>,
}

/// Maximum number of steps per cause.
const STEPS_MAX: usize = 6;

/// Number of faults in these incidents: parts of one fault are one, and so are incidents of one cause at most an hour
/// apart.
pub fn faults(occurrences: &[Occurrence]) -> u64 {
    causes(occurrences).values().map(|of_cause| faults_of(of_cause)).sum()
}

/// The causes with the most faults, at most `most`; of equals the one that lasted longer.
pub fn commonest(occurrences: &[Occurrence], problems: &BTreeMap<ProblemId, Problem>, most: usize) -> Vec<CommonCause> {
    let mut found: Vec<CommonCause> = causes(occurrences)
        .into_values()
        .map(|of_cause| common_cause(&of_cause, problems))
        .filter(|cause| cause.faults > 0)
        .collect();
    found.sort_by(|one, other| {
        let by_count = other.faults.cmp(&one.faults).then(other.minutes.cmp(&one.minutes));
        by_count.then(one.rule.cmp(&other.rule)).then(one.problem.cmp(&other.problem))
    });
    found.truncate(most);
    found.iter_mut().zip(1..).for_each(|(cause, rank)| cause.rank = rank);
    found
}

/// Renders a page of a manual, in Markdown.
pub fn markdown(month: &str, causes: &[CommonCause]) -> String {
    let mut page = format!("# Common faults of {month}\n");
    if causes.is_empty() {
        page.push_str("\nNo incident was opened in this month.\n");
    }
    for cause in causes {
        let problem = cause.problem.map(|id| format!(" ({id})")).unwrap_or_default();
        page.push_str(&format!("\n## {}. {}{problem}\n\n", cause.rank, one_line(&cause.title)));
        let faults = if cause.faults == 1 { "once".to_owned() } else { format!("{} times", cause.faults) };
        page.push_str(&format!(
            "Broke {faults} in {}, {} in all; rule {}.\n",
            counted(cause.incidents, "incident"),
            counted(cause.minutes, "minute"),
            cause.rule
        ));
        if let Some(root_cause) = &cause.root_cause {
            page.push_str(&format!("\nRoot cause: {}\n", one_line(root_cause)));
        }
        page.push('\n');
        for (step, number) in cause.steps.iter().zip(1..) {
            page.push_str(&format!("{number}. {}\n", one_line(step)));
        }
    }
    page
}

/// `1 incident`, `2 incidents`.
fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// The resolution written most often for these incidents, the newest of equals: the draft of a workaround.
pub fn draft_workaround(occurrences: &[Occurrence]) -> Option<String> {
    by_frequency(occurrences.iter().filter_map(|one| Some((one.opened_at, one.resolution.as_deref()?))))
        .into_iter()
        .next()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum DigestCause<'a> {
    Problem(ProblemId),
    Rule(&'a str),
}

fn causes(occurrences: &[Occurrence]) -> BTreeMap<DigestCause<'_>, Vec<&Occurrence>> {
    let by_id: BTreeMap<IncidentId, &Occurrence> = occurrences.iter().map(|one| (one.incident, one)).collect();
    let mut causes: BTreeMap<DigestCause<'_>, Vec<&Occurrence>> = BTreeMap::new();
    for one in occurrences {
        // A part of another's fault belongs to that one's cause.
        let first = one.found_during.and_then(|id| by_id.get(&id).copied()).unwrap_or(one);
        let cause = first.problem.map_or(DigestCause::Rule(&first.rule), DigestCause::Problem);
        causes.entry(cause).or_default().push(one);
    }
    causes
}

fn faults_of(occurrences: &[&Occurrence]) -> u64 {
    let own = occurrences.iter().filter(|one| one.found_during.is_none());
    let mut bouts: Vec<Burst> = own.map(|one| Burst { from: one.opened_at, until: one.resolved_at }).collect();
    bouts.sort_by_key(|bout| bout.from);
    collapse(&bouts, TimeDelta::from_minutes(60)).len() as u64
}

fn common_cause(occurrences: &[&Occurrence], problems: &BTreeMap<ProblemId, Problem>) -> CommonCause {
    let newest = occurrences.iter().filter(|one| one.found_during.is_none()).max_by_key(|one| one.opened_at);
    let newest = newest.or(occurrences.last());
    let problem = newest.and_then(|one| one.problem).and_then(|id| problems.get(&id));
    let lasted = |one: &&&Occurrence| one.resolved_at.map(|until| until.since(one.opened_at).as_micros() / 60_000_000);
    CommonCause {
        rank: 0,
        title: problem.map(|problem| &problem.title).or(newest.map(|one| &one.title)).cloned().unwrap_or_default(),
        rule: newest.map(|one| one.rule.clone()).unwrap_or_default(),
        problem: newest.and_then(|one| one.problem),
        faults: faults_of(occurrences),
        incidents: occurrences.len() as u64,
        minutes: occurrences.iter().filter_map(|one| lasted(&one)).sum::<i64>().unsigned_abs(),
        root_cause: problem.and_then(|problem| problem.root_cause.clone()),
        steps: steps(occurrences, problem),
    }
}

fn steps(occurrences: &[&Occurrence], problem: Option<&Problem>) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let known = problem.filter(|problem| problem.state != ProblemState::Duplicate);
    let written = [known.and_then(|problem| problem.workaround.clone()), known.and_then(|problem| problem.fix.clone())];
    steps.extend(written.into_iter().flatten());
    let runbooks = occurrences.iter().filter_map(|one| Some((one.opened_at, one.runbook.as_deref()?)));
    steps.extend(by_frequency(runbooks).into_iter().take(1).map(|runbook| format!("follow {runbook}")));
    steps.extend(by_frequency(occurrences.iter().filter_map(|one| Some((one.opened_at, one.diagnosis.as_deref()?)))));
    steps.extend(by_frequency(occurrences.iter().filter_map(|one| Some((one.opened_at, one.resolution.as_deref()?)))));
    let mut seen = std::collections::BTreeSet::new();
    steps.retain(|step| seen.insert(step.clone()));
    steps.truncate(STEPS_MAX);
    if steps.is_empty() {
        steps.push("nobody wrote down what helped: ask whoever resolved it, and write it here".to_owned());
    }
    steps
}

/// Distinct texts, the most frequent first, of equals the newest.
fn by_frequency<'a>(texts: impl Iterator<Item = (Timestamp, &'a str)>) -> Vec<String> {
    let mut counts: BTreeMap<&str, (u64, Timestamp)> = BTreeMap::new();
    for (at, text) in texts.map(|(at, text)| (at, text.trim())).filter(|(_, text)| !text.is_empty()) {
        let (count, newest) = counts.entry(text).or_insert((0, at));
        *count += 1;
        *newest = at.max(*newest);
    }
    let mut ranked: Vec<(&str, (u64, Timestamp))> = counts.into_iter().collect();
    ranked.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    ranked.into_iter().map(|(text, _)| text.to_owned()).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurrence(id: u64, rule: &str, minutes: i64) -> Occurrence {
        let opened_at = Timestamp::EPOCH + TimeDelta::from_minutes(minutes);
        Occurrence {
            incident: IncidentId(id),
            title: format!("{rule} 故障"),
            rule: rule.to_owned(),
            problem: None,
            found_during: None,
            opened_at,
            resolved_at: Some(opened_at + TimeDelta::from_minutes(10)),
            diagnosis: None,
            resolution: Some("重启端口".to_owned()),
            runbook: None,
        }
    }

    #[test]
    fn one_fault_split_over_five_tickets_is_one_and_does_not_lead_the_ranking() {
        let mut all: Vec<Occurrence> =
            (1..=5).map(|id| occurrence(id, &format!("rule-{id}"), id as i64 * 300)).collect();
        for piece in &mut all[1..] {
            piece.found_during = Some(IncidentId(1));
        }
        assert_eq!(faults(&all), 1);
        all.extend([occurrence(6, "disk", 5_000), occurrence(7, "disk", 9_000)]);
        let ranked = commonest(&all, &BTreeMap::new(), 10);
        let shown: Vec<_> = ranked.iter().map(|one| (one.rank, one.rule.as_str(), one.faults, one.incidents)).collect();
        assert_eq!(shown, [(1, "disk", 2, 2), (2, "rule-1", 1, 5)]);
    }

    #[test]
    fn at_most_ten_causes_are_drafted_and_each_has_steps() {
        let mut all = Vec::new();
        for rule in 0..14_u64 {
            for again in 0..=rule {
                all.push(occurrence(rule * 100 + again, &format!("规则-{rule:02}"), (again * 500) as i64));
            }
        }
        all.iter_mut().filter(|one| one.rule == "规则-13").for_each(|one| one.resolution = None);
        let problem = Problem {
            title: "光模块老化".to_owned(),
            root_cause: Some("批次缺陷".to_owned()),
            workaround: Some("切换\n备用链路".to_owned()),
            ..Problem::blank(ProblemId(1), crate::core::model::Fingerprint(1), Timestamp::EPOCH)
        };
        all.iter_mut().filter(|one| one.rule == "规则-12").for_each(|one| one.problem = Some(ProblemId(1)));
        let ranked = commonest(&all, &[(ProblemId(1), problem)].into(), 10);
        assert_eq!((ranked.len(), ranked[0].faults, ranked[9].faults), (10, 14, 5));
        assert!(ranked.iter().all(|one| !one.steps.is_empty()));
        assert_eq!(ranked[1].steps, ["切换\n备用链路", "重启端口"]);
        let page = markdown("2026-05", &ranked);
        assert!(page.contains("## 2. 光模块老化 (PRB-1)\n\nBroke 13 times in 13 incidents, 130 minutes"), "{page}");
        assert!(page.contains("Root cause: 批次缺陷\n\n1. 切换 备用链路\n2. 重启端口\n"), "{page}");
        assert!(markdown("2026-06", &[]).contains("No incident"));
    }

    #[test]
    fn the_resolution_written_most_often_is_the_draft_of_a_workaround() {
        let mut all: Vec<Occurrence> = (1..=3).map(|id| occurrence(id, "disk", id as i64 * 300)).collect();
        all[2].resolution = Some("清理日志".to_owned());
        assert_eq!(draft_workaround(&all).as_deref(), Some("重启端口"));
        assert_eq!(draft_workaround(&all[1..]).as_deref(), Some("清理日志"), "the newest of equals");
        assert_eq!(draft_workaround(&[]), None);
    }
}
