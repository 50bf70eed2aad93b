//! Faults that return: rows 9, 36, 46, 63; and what second line does with them.

use std::collections::BTreeMap;

use super::centre::{Centre, minutes};
use watchfire::core::engine::{Action, IncidentAction, NotificationKind, Outcome, ProblemAction};
use watchfire::core::incidents::{Incident, TimelineKind};
use watchfire::core::model::{IncidentId, ProblemId, TimeDelta};
use watchfire::core::problems::{
    CommonCause, LeadPosition, Occurrence, Problem, ProblemState, Seasonality, commonest, faults, markdown,
};

const DESK: &str = r#"
teams:
  - {name: first, members: [一线值班], notify: [{webhook: {url: "http://127.0.0.1:9/first"}}]}
  - {name: second, members: [二线专家], notify: [{webhook: {url: "http://127.0.0.1:9/second"}}]}
  - {name: third, members: [厂商], notify: [{webhook: {url: "http://127.0.0.1:9/third"}}]}
tiers:
  - name: default
    steps:
      - {tier: 1, team: first, respond_by: 10d}
      - {tier: 2, team: second, respond_by: 10d}
      - {tier: 3, team: third, respond_by: 10d}
inventory:
  items:
    - {name: GZ-PDU, class: 电源}
    - {name: GZ-SW1, class: 交换机, depends_on: [GZ-PDU]}
    - {name: GZ-SW2, class: 交换机, depends_on: [GZ-PDU]}
grouping: {enabled: false}
rules:
  - {name: link, match: alertname="LinkDown", by: [device], title: "{device} 链路中断", notify_delay: 0s, resolve_after: 1m, reopen_within: 1m, runbook: "手册/链路"}
  - {name: power, match: alertname="PowerFailure", by: [device], title: "{device} 断电", notify_delay: 0s, resolve_after: 1m, reopen_within: 1m}
problems:
  - {name: returns, match: 'rule="link"', count: 3, within: 30d, team: second, review_after: 7d, clear_after: 30d}
"#;

const SW1: [(&str, &str); 2] = [("alertname", "LinkDown"), ("device", "GZ-SW1")];
const SW2: [(&str, &str); 2] = [("alertname", "LinkDown"), ("device", "GZ-SW2")];

/// Breaks for five minutes.
fn breaks(centre: &mut Centre, labels: &[(&str, &str)]) {
    centre.fire(labels).after(minutes(5));
    centre.clear(labels).after(minutes(5));
}

/// Breaks once a day at 10:00, on days of March 2026.
fn breaks_on(centre: &mut Centre, days: std::ops::RangeInclusive<u32>) {
    for day in days {
        centre.at(&format!("2026-03-{day:02}T10:00:00"));
        breaks(centre, &SW1);
    }
}

#[track_caller]
fn decide(centre: &mut Centre, problem: u64, action: ProblemAction) {
    let answer = centre.command("二线专家", "second_line", Action::Problem { id: ProblemId(problem), action });
    assert!(matches!(answer, Outcome::Problem { .. }), "{answer:?}");
}

#[track_caller]
fn refused(centre: &mut Centre, problem: u64, action: ProblemAction) -> String {
    match centre.command("二线专家", "second_line", Action::Problem { id: ProblemId(problem), action }) {
        Outcome::Refused(refusal) => refusal.to_string(),
        other => panic!("{other:?}"),
    }
}

fn describe(root_cause: Option<&str>, workaround: Option<&str>, fix: Option<&str>) -> ProblemAction {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    ProblemAction::Describe {
        root_cause: owned(root_cause),
        workaround: owned(workaround),
        fix: owned(fix),
        change: None,
    }
}

fn move_to(to: ProblemState) -> ProblemAction {
    ProblemAction::Move { to, reason: None }
}

fn problem(centre: &Centre, id: u64) -> Problem {
    centre.problems().into_iter().find(|problem| problem.id == ProblemId(id)).expect("the problem was opened")
}

fn occurrence(incident: &Incident) -> Occurrence {
    Occurrence {
        incident: incident.id,
        title: incident.title.clone(),
        rule: incident.rule.clone(),
        problem: incident.problem,
        found_during: incident.found_during,
        opened_at: incident.opened_at,
        resolved_at: incident.resolved_at,
        diagnosis: incident.diagnosis.clone(),
        resolution: incident.resolved_how().map(str::to_owned),
        runbook: incident.runbook.clone(),
    }
}

fn occurrences(centre: &Centre) -> Vec<Occurrence> {
    centre.incidents().values().map(occurrence).collect()
}

#[test]
fn row_63_the_nth_repeat_in_the_window_opens_exactly_one_problem() {
    let mut centre = Centre::open(DESK, "2026-03-01T00:00:00");
    breaks_on(&mut centre, 2..=3);
    assert_eq!(centre.problems().len(), 0);
    breaks_on(&mut centre, 4..=4);
    let opened = problem(&centre, 1);
    assert_eq!((opened.incidents.len(), opened.episodes, opened.state), (3, 3, ProblemState::New));
    assert_eq!(opened.review_by, Some(opened.opened_at + TimeDelta::from_days(7)), "it is in the review queue");
    breaks_on(&mut centre, 5..=20);
    assert_eq!(centre.problems().len(), 1);
    let now = problem(&centre, 1);
    assert_eq!((now.occurrences, now.episodes), (19, 19));
    let rhythm = now.rhythm.unwrap();
    assert!(rhythm.regular && rhythm.mtbf == TimeDelta::from_hours(24), "{rhythm:?}");
    assert!(matches!(rhythm.season, Some(Seasonality::Day | Seasonality::Hour)), "{rhythm:?}");
    assert_eq!(rhythm.next.at, super::centre::moment("2026-03-21T10:00:00"));
    assert_eq!(centre.notices().iter().filter(|notice| notice.kind == NotificationKind::ProblemOpened).count(), 1);
}

#[test]
fn row_09_a_fault_split_five_ways_scores_one() {
    let mut centre = Centre::open(DESK, "2026-03-02T10:00:00");
    for device in ["GZ-SW1", "GZ-SW2", "GZ-SW3", "GZ-SW4", "GZ-SW5"] {
        breaks(&mut centre, &[("alertname", "LinkDown"), ("device", device)]);
    }
    assert_eq!(centre.incidents().len(), 5);
    for piece in 2..=5 {
        let link = IncidentAction::FoundDuring { incident: IncidentId(1) };
        assert!(matches!(centre.on_incident("一线值班", piece, link), Outcome::Incident { .. }));
    }
    assert_eq!(centre.incident(5).found_during, Some(IncidentId(1)));
    assert_eq!(faults(&occurrences(&centre)), 1);
    let chain = IncidentAction::FoundDuring { incident: IncidentId(3) };
    assert!(matches!(centre.on_incident("一线值班", 1, chain), Outcome::Refused(_)), "no rings");
    // Of the same cause, tickets within the hour count once without anybody's word: no problem from one bad hour.
    for _ in 0..5 {
        breaks(&mut centre, &SW1);
    }
    assert!(centre.problems().is_empty());
    assert_eq!(faults(&occurrences(&centre)), 1);
}

#[test]
fn row_36_a_problem_closes_with_cause_fix_and_quiet_and_a_recurrence_reopens_it_and_tells_every_tier() {
    let mut centre = Centre::open(DESK, "2026-03-01T00:00:00");
    breaks_on(&mut centre, 2..=4);
    decide(&mut centre, 1, ProblemAction::Accept);
    assert_eq!(problem(&centre, 1).owner.as_deref(), Some("二线专家"));
    assert!(refused(&mut centre, 1, move_to(ProblemState::Closed)).contains("from there it goes to"));
    decide(&mut centre, 1, move_to(ProblemState::Observing));
    centre.after(TimeDelta::from_days(31));
    assert!(refused(&mut centre, 1, move_to(ProblemState::Closed)).contains("the root cause and the fix"));
    decide(&mut centre, 1, describe(Some("光模块老化"), None, Some("更换模块")));
    decide(&mut centre, 1, move_to(ProblemState::Investigating));
    decide(&mut centre, 1, move_to(ProblemState::Observing));
    centre.after(TimeDelta::from_days(29));
    assert!(refused(&mut centre, 1, move_to(ProblemState::Closed)).contains("it has to stay away until"));
    centre.after(TimeDelta::from_days(1));
    decide(&mut centre, 1, move_to(ProblemState::Closed));
    assert_eq!(problem(&centre, 1).review_by, None);

    centre.after(TimeDelta::from_days(10));
    breaks(&mut centre, &SW1);
    let back = problem(&centre, 1);
    assert_eq!((back.state, back.reopened, back.closed_at), (ProblemState::Investigating, 1, None));
    assert!(back.review_by.is_some());
    let told: Vec<String> = centre
        .notices()
        .into_iter()
        .filter(|notice| notice.kind == NotificationKind::ProblemReopened)
        .map(|notice| notice.team)
        .collect();
    assert_eq!(told, ["first", "second", "third"]);
    assert!(centre.audit().iter().any(|entry| entry.action == "problem.reopen" && entry.subject == "PRB-1"));
}

#[test]
fn row_46_the_month_is_drafted_as_its_ten_commonest_causes_each_with_steps() {
    let mut centre = Centre::open(DESK, "2026-05-01T00:00:00");
    for day in 1..=6 {
        centre.at(&format!("2026-05-{day:02}T10:00:00"));
        breaks(&mut centre, &SW1);
        centre.fire(&[("alertname", "PowerFailure"), ("device", "GZ-PDU")]);
        let number = centre.incidents().len() as u64;
        let resolve = IncidentAction::Resolve { resolution: "合上空开".to_owned() };
        centre.on_incident("一线值班", number, resolve);
        centre.clear(&[("alertname", "PowerFailure"), ("device", "GZ-PDU")]);
    }
    decide(&mut centre, 1, describe(Some("光模块老化"), Some("切换备用链路"), None));
    let problems: BTreeMap<ProblemId, Problem> = centre.problems().into_iter().map(|one| (one.id, one)).collect();
    let causes = commonest(&occurrences(&centre), &problems, 10);
    assert_eq!(causes.len(), 2);
    assert!(causes.iter().all(|cause| cause.faults == 6 && !cause.steps.is_empty()), "{causes:#?}");
    let link = causes.iter().find(|cause| cause.problem == Some(ProblemId(1))).unwrap();
    assert_eq!(link.steps[..2], ["切换备用链路", "follow 手册/链路"]);
    let page = markdown("2026-05", &causes);
    assert!(page.contains("Root cause: 光模块老化") && page.contains("1. 合上空开"), "{page}");
    let once = [CommonCause { faults: 1, incidents: 1, minutes: 1, ..causes[0].clone() }];
    assert!(markdown("2026-05", &once).contains("Broke once in 1 incident, 1 minute in all;"));
    assert!(page.contains(" incidents, "), "{page}");
}

#[test]
fn a_known_error_is_offered_on_the_next_match_and_it_is_counted_whether_it_helped() {
    let mut centre = Centre::open(DESK, "2026-03-01T00:00:00");
    breaks_on(&mut centre, 2..=4);
    let tried = |helped| IncidentAction::WorkaroundHelped { helped, note: Some("业务恢复".to_owned()) };
    assert!(matches!(centre.on_incident("一线值班", 3, tried(true)), Outcome::Refused(_)), "none was offered");
    decide(&mut centre, 1, describe(Some("光模块老化"), Some("切换备用链路"), None));
    decide(&mut centre, 1, move_to(ProblemState::KnownError));
    breaks_on(&mut centre, 5..=6);
    assert_eq!(centre.incident(5).workaround.as_deref(), Some("切换备用链路"));
    assert!(centre.timeline(5).iter().any(|line| line.kind == TimelineKind::WorkaroundOffered));
    centre.on_incident("一线值班", 4, tried(true));
    centre.on_incident("一线值班", 5, tried(false));
    let counted = problem(&centre, 1);
    assert_eq!((counted.helped, counted.not_helped), (1, 1));
    assert!(centre.timeline(4).iter().any(|line| line.text == "the workaround of PRB-1 helped: 业务恢复"));
}

#[test]
fn alike_problems_are_suggested_merged_and_split_again_and_all_of_it_is_audited() {
    let mut centre = Centre::open(DESK, "2026-03-01T00:00:00");
    // What everybody has in common says nothing: twelve incidents of something else come first.
    for number in 1..=12 {
        breaks(&mut centre, &[("alertname", "PowerFailure"), ("device", &format!("别处-{number}"))]);
    }
    for day in 2..=5 {
        centre.at(&format!("2026-03-{day:02}T10:00:00"));
        breaks(&mut centre, &SW1);
        centre.after(TimeDelta::from_hours(3));
        breaks(&mut centre, &SW2);
    }
    assert_eq!(centre.incident(15).similar[0].incident, IncidentId(13), "{:?}", centre.incident(15).similar);
    assert_eq!(problem(&centre, 2).similar.first().map(|one| one.problem), Some(ProblemId(1)));
    let reason = "同一电源".to_owned();
    decide(&mut centre, 2, ProblemAction::Merge { into: ProblemId(1), reason });
    assert_eq!(problem(&centre, 2).duplicate_of, Some(ProblemId(1)));
    assert_eq!((problem(&centre, 1).episodes, centre.incident(16).problem), (8, Some(ProblemId(1))));
    let incidents = [14, 16, 18, 20].map(IncidentId).to_vec();
    decide(&mut centre, 1, ProblemAction::Split { incidents, reason: "另有原因".to_owned() });
    assert_eq!((problem(&centre, 3).episodes, problem(&centre, 1).episodes), (4, 4));
    assert_eq!(centre.incident(16).problem, Some(ProblemId(3)));
    refused(&mut centre, 3, ProblemAction::Reject { reason: " ".to_owned() });
    decide(&mut centre, 3, ProblemAction::Reject { reason: "计划内割接".to_owned() });
    let done: Vec<String> = centre
        .audit()
        .into_iter()
        .filter(|entry| entry.actor == "二线专家" && entry.refused.is_none())
        .map(|entry| format!("{} {} {}", entry.action, entry.subject, entry.detail))
        .collect();
    assert_eq!(
        done,
        [
            "problem.merge PRB-2 into PRB-1: 同一电源",
            "problem.split PRB-1 INC-14 INC-16 INC-18 INC-20: 另有原因",
            "problem.reject PRB-3 计划内割接",
        ]
    );
}

#[test]
fn what_comes_before_the_episodes_is_hinted_with_counts() {
    let mut centre = Centre::open(DESK, "2026-03-01T00:00:00");
    for day in 2..=9 {
        centre.at(&format!("2026-03-{day:02}T{:02}:{:02}:00", 2 * day, 6 * day));
        centre.fire(&[("alertname", "PowerFailure"), ("device", "GZ-PDU")]).after(TimeDelta::from_seconds(40));
        breaks(&mut centre, &SW1);
        centre.clear(&[("alertname", "PowerFailure"), ("device", "GZ-PDU")]);
    }
    let hints = problem(&centre, 1).hints;
    assert_eq!(hints.len(), 1, "{hints:#?}");
    let hint = &hints[0];
    assert_eq!((hint.before.as_str(), hint.place, hint.hits, hint.of), ("PowerFailure", LeadPosition::Parent, 8, 8));
    assert!(hint.expected < 0.1 && hint.lift > 50.0, "{hint:?}");
}
