//! Repeats, problems and people on virtual time.

use proptest::prelude::*;

use super::*;
use crate::core::model::{Fingerprint, IncidentId, Labels, Matcher, Matchers, ProblemId, TimeDelta, Timestamp};
use crate::core::rules::ProblemPolicy;

const TRUNK: u64 = 11;
const DISK: u64 = 22;

/// One thing that happens; days count from the epoch.
#[derive(Clone, Debug)]
enum Step {
    Incident { day: i64, cause: u64, incident: u64 },
    UnderMaintenance { day: i64, cause: u64, incident: u64 },
    Move { day: i64, problem: u64, to: ProblemState, reason: &'static str },
    Describe { day: i64, problem: u64, root_cause: &'static str, workaround: &'static str, fix: &'static str },
    Link { day: i64, problem: u64, incident: u64 },
}

use ProblemState as S;
use Step::{Describe, Incident, Link, Move, UnderMaintenance};

fn day(n: i64) -> Timestamp {
    Timestamp::EPOCH + TimeDelta::from_days(n)
}

fn policy(name: &str, matchers: Vec<Matcher>, count: u32, days: i64) -> ProblemPolicy {
    let within = TimeDelta::from_days(days);
    ProblemPolicy {
        name: name.to_owned(),
        matchers: Matchers(matchers),
        count,
        within,
        apart: ProblemPolicy::APART,
        regular: false,
        zone: "Asia/Shanghai".to_owned(),
        team: "二线".to_owned(),
        review_after: TimeDelta::from_days(7),
        quiet: TimeDelta::from_days(30),
    }
}

/// Three in thirty days for every rule, but two in seven for the rule `disk-full`.
fn policies() -> Vec<ProblemPolicy> {
    vec![
        policy("disks", vec![Matcher::equal("rule", "disk-full")], 2, 7),
        policy("links", vec![Matcher::equal("site", "广州01")], 3, 30),
    ]
}

fn facts(cause: u64, incident: u64, counts_for_recurrence: bool) -> IncidentSummary {
    let rule = if cause == DISK { "disk-full" } else { "link-down" };
    IncidentSummary {
        incident: IncidentId(incident),
        fingerprint: Fingerprint(cause),
        rule: rule.to_owned(),
        key: Labels::from_pairs([("device", "sw3")]),
        labels: Labels::from_pairs([("site", "广州01"), ("device", "sw3")]),
        title: "广州01 至核心链路中断".to_owned(),
        counts_for_recurrence,
    }
}

fn apply(problems: &mut Problems, policies: &[ProblemPolicy], step: &Step) -> String {
    let edited = |edit: Result<ProblemEdit, ProblemRefusal>| match edit {
        Ok(ProblemEdit { moved: Some(moved), published }) => {
            format!("{} → {}{}", moved.from.as_str(), moved.to.as_str(), if published { ", published" } else { "" })
        }
        Ok(ProblemEdit { moved: None, published }) => if published { "written, published" } else { "written" }.into(),
        Err(refused) => refused.to_string(),
    };
    let spelled = |change: Option<ProblemChange>| match change {
        None => "-".to_owned(),
        Some(ProblemChange::Opened { problem, incidents }) => {
            let incidents: Vec<String> = incidents.iter().map(ToString::to_string).collect();
            format!("{problem} opened with {}", incidents.join(" "))
        }
        Some(ProblemChange::Linked { problem, incident }) => format!("{problem} linked {incident}"),
        Some(ProblemChange::CameBack { problem, incident, was }) => {
            format!("{problem}, {}, is back by {incident}", was.as_str())
        }
    };
    match step.clone() {
        Incident { day: at, cause, incident } => {
            spelled(problems.incident_opened(day(at), &facts(cause, incident, true), policies))
        }
        UnderMaintenance { day: at, cause, incident } => {
            spelled(problems.incident_opened(day(at), &facts(cause, incident, false), policies))
        }
        Move { day: at, problem, to, reason } => {
            edited(problems.move_to(day(at), ProblemId(problem), to, Some(reason), "陈工"))
        }
        Describe { day: at, problem, root_cause, workaround, fix } => {
            let (root_cause, workaround, fix) = (Some(root_cause), Some(workaround), Some(fix));
            let texts = Description { root_cause, workaround, fix, change: None };
            edited(problems.describe(day(at), ProblemId(problem), &texts))
        }
        Link { day: at, problem, incident } => edited(problems.link(day(at), ProblemId(problem), IncidentId(incident))),
    }
}

/// Runs the steps; after every one the state must survive its own snapshot.
fn check(steps: &[(Step, &str)]) -> Problems {
    let policies = policies();
    let mut problems = Problems::default();
    for (step, expected) in steps {
        let answer = apply(&mut problems, &policies, step);
        assert_eq!(&answer, expected, "{step:?}");
        let bytes = postcard::to_allocvec(&problems).unwrap();
        assert_eq!(postcard::from_bytes::<Problems>(&bytes).unwrap(), problems, "after {step:?}");
        assert_one_open_each(&problems);
    }
    problems
}

fn assert_one_open_each(problems: &Problems) {
    let mut open: Vec<Fingerprint> =
        problems.iter().filter(|problem| problem.state.is_open()).map(|problem| problem.fingerprint).collect();
    let all = open.len();
    open.sort_unstable();
    open.dedup();
    assert_eq!(open.len(), all, "two open problems of one cause");
}

#[test]
fn the_third_repeat_opens_one_problem_and_later_ones_join_it() {
    let problems = check(&[
        (Incident { day: 1, cause: TRUNK, incident: 1 }, "-"),
        (Incident { day: 10, cause: TRUNK, incident: 2 }, "-"),
        (Incident { day: 31, cause: TRUNK, incident: 3 }, "-"),
        (UnderMaintenance { day: 32, cause: TRUNK, incident: 4 }, "-"),
        (Incident { day: 33, cause: TRUNK, incident: 5 }, "PRB-1 opened with INC-2 INC-3 INC-5"),
        (Incident { day: 33, cause: TRUNK, incident: 6 }, "PRB-1 linked INC-6"),
        (UnderMaintenance { day: 34, cause: TRUNK, incident: 7 }, "-"),
        (Incident { day: 35, cause: TRUNK, incident: 6 }, "PRB-1 linked INC-6"),
        (Link { day: 36, problem: 1, incident: 1 }, "written"),
        (Link { day: 36, problem: 1, incident: 1 }, "cannot link INC-1: PRB-1 lists it already"),
        (Link { day: 36, problem: 9, incident: 1 }, "PRB-9 is not known here"),
        (Incident { day: 40, cause: DISK, incident: 8 }, "-"),
        (Incident { day: 47, cause: DISK, incident: 9 }, "-"),
        (Incident { day: 48, cause: DISK, incident: 10 }, "PRB-2 opened with INC-9 INC-10"),
    ]);
    let problem = problems.get(ProblemId(1)).unwrap();
    assert_eq!(problem.title, "广州01 至核心链路中断");
    assert_eq!((problem.policy.as_str(), problem.team.as_str()), ("links", "二线"));
    assert_eq!(problem.reason, "3 incidents in 30d");
    assert_eq!(problem.incidents, [2, 3, 5, 6, 1].map(IncidentId));
    assert_eq!((problem.occurrences, problem.version), (6, 4));
    assert_eq!((problem.opened_at, problem.last_seen_at, problem.updated_at), (day(33), day(35), day(36)));
    assert_eq!(problems.get(ProblemId(2)).unwrap().policy, "disks");
}

#[test]
fn a_reopened_incident_counts_again_and_is_listed_once() {
    let problems = check(&[
        (Incident { day: 1, cause: TRUNK, incident: 1 }, "-"),
        (Incident { day: 2, cause: TRUNK, incident: 1 }, "-"),
        (Incident { day: 3, cause: TRUNK, incident: 1 }, "PRB-1 opened with INC-1"),
    ]);
    assert_eq!(problems.get(ProblemId(1)).unwrap().occurrences, 3);
}

#[test]
fn a_known_error_is_offered_until_its_fix_is_observed_and_a_recurrence_reopens_the_search() {
    let both = Describe {
        day: 5, problem: 1, root_cause: "光模块批次缺陷", workaround: "切换到备用链路", fix: ""
    };
    let fix =
        Describe {
            day: 7, problem: 1, root_cause: "光模块批次缺陷", workaround: "切换到备用链路", fix: "更换模块"
        };
    let opening = [
        (Incident { day: 1, cause: TRUNK, incident: 1 }, "-"),
        (Incident { day: 2, cause: TRUNK, incident: 2 }, "-"),
        (Incident { day: 3, cause: TRUNK, incident: 3 }, "PRB-1 opened with INC-1 INC-2 INC-3"),
        (Move { day: 4, problem: 1, to: S::Investigating, reason: "" }, "new → investigating"),
        (
            Move { day: 4, problem: 1, to: S::KnownError, reason: "" },
            "cannot move PRB-1 to known_error: write down the root cause and the workaround first",
        ),
        (both, "written"),
        (Move { day: 5, problem: 1, to: S::KnownError, reason: "" }, "investigating → known_error, published"),
    ];
    let problems = check(&opening);
    let offered = problems.known_error_for(Fingerprint(TRUNK)).unwrap();
    assert_eq!((offered.problem, offered.workaround), (ProblemId(1), "切换到备用链路"));
    assert_eq!(problems.known_error_for(Fingerprint(DISK)), None);

    let observing = [
        (Move { day: 6, problem: 1, to: S::FixInProgress, reason: "" }, "known_error → fix_in_progress"),
        (
            Move { day: 6, problem: 1, to: S::Closed, reason: "" },
            "cannot move PRB-1 to closed: it is fix_in_progress; from there it goes to \
             investigating, known_error, observing, accepted_risk, duplicate",
        ),
        (fix, "written"),
        (Move { day: 7, problem: 1, to: S::Observing, reason: "已更换" }, "fix_in_progress → observing, published"),
    ];
    let steps: Vec<_> = opening.into_iter().chain(observing).collect();
    assert_eq!(check(&steps).known_error_for(Fingerprint(TRUNK)), None);

    let back = [
        (Incident { day: 9, cause: TRUNK, incident: 4 }, "PRB-1, observing, is back by INC-4"),
        (Incident { day: 9, cause: TRUNK, incident: 5 }, "PRB-1 linked INC-5"),
    ];
    let steps: Vec<_> = steps.into_iter().chain(back).collect();
    let problems = check(&steps);
    let problem = problems.get(ProblemId(1)).unwrap();
    assert_eq!(problem.state, S::Investigating);
    let note = problem.notes.last().unwrap();
    assert_eq!(note.actor, "recurrence");
    assert_eq!(note.text, "observing → investigating: INC-4 came back while the fix was being observed");
}

/// Opened, understood, fixed, observed and closed on day 37.
fn closed() -> Vec<(Step, &'static str)> {
    vec![
        (Incident { day: 1, cause: TRUNK, incident: 1 }, "-"),
        (Incident { day: 2, cause: TRUNK, incident: 2 }, "-"),
        (Incident { day: 3, cause: TRUNK, incident: 3 }, "PRB-1 opened with INC-1 INC-2 INC-3"),
        (
            Move { day: 4, problem: 1, to: S::Closed, reason: "" },
            "cannot move PRB-1 to closed: it is new; from there it goes to \
             investigating, known_error, fix_in_progress, accepted_risk, duplicate",
        ),
        (Move { day: 4, problem: 1, to: S::Investigating, reason: "" }, "new → investigating"),
        (Move { day: 5, problem: 1, to: S::Observing, reason: "" }, "investigating → observing"),
        (
            Move { day: 36, problem: 1, to: S::Closed, reason: "" },
            "cannot move PRB-1 to closed: write down the root cause and the fix first",
        ),
        (Describe { day: 6, problem: 1, root_cause: "施工挖断", workaround: "", fix: "改道" }, "written"),
        (
            Move { day: 34, problem: 1, to: S::Closed, reason: "" },
            "cannot move PRB-1 to closed: it has to stay away until 1970-02-05T00:00:00.000Z first",
        ),
        (Move { day: 37, problem: 1, to: S::Closed, reason: "" }, "observing → closed"),
    ]
}

#[test]
fn a_closed_problem_that_comes_back_is_reopened_and_one_closed_for_long_is_forgotten() {
    let back = [
        (
            Move { day: 38, problem: 1, to: S::Investigating, reason: "" },
            "cannot move PRB-1 to investigating: write down a reason first",
        ),
        (Incident { day: 40, cause: TRUNK, incident: 4 }, "PRB-1, closed, is back by INC-4"),
        (Incident { day: 41, cause: TRUNK, incident: 5 }, "PRB-1 linked INC-5"),
    ];
    let steps: Vec<_> = closed().into_iter().chain(back).collect();
    let problems = check(&steps);
    let problem = problems.get(ProblemId(1)).unwrap();
    assert_eq!((problem.state, problem.reopened, problem.closed_at), (S::Investigating, 1, None));
    assert_eq!((problem.review_by, problem.quiet_until), (Some(day(47)), None));

    let later = [
        (Incident { day: 438, cause: DISK, incident: 7 }, "-"),
        (Incident { day: 439, cause: DISK, incident: 8 }, "PRB-2 opened with INC-7 INC-8"),
        (Incident { day: 440, cause: TRUNK, incident: 9 }, "-"),
    ];
    let problems = check(&closed().into_iter().chain(later).collect::<Vec<_>>());
    assert_eq!(problems.get(ProblemId(1)), None, "closed 401 days ago: only its row is left");
}

#[test]
fn reviews_are_due_again_after_each_look_and_at_the_end_of_the_quiet() {
    let mut problems = Problems::default();
    let all = [policy("all", Vec::new(), 1, 1)];
    problems.incident_opened(day(1), &facts(TRUNK, 1, true), &all);
    let id = ProblemId(1);
    let due = |problems: &Problems| problems.get(id).unwrap().review_by;
    assert_eq!(due(&problems), Some(day(8)));
    problems.comment(day(2), id, "一线备注", "一线值班").unwrap();
    assert_eq!(due(&problems), Some(day(8)), "a note of anybody is no review");
    problems.review(day(5), id, "等厂家回复", "二线专家").unwrap();
    assert_eq!(due(&problems), Some(day(12)));
    problems.accept(day(6), id, "二线专家").unwrap();
    assert_eq!((due(&problems), problems.get(id).unwrap().owner.as_deref()), (Some(day(13)), Some("二线专家")));
    assert!(problems.accept(day(6), id, "二线专家").is_err());
    let texts =
        Description { root_cause: Some("老化"), fix: Some("更换"), change: Some("CHG-17"), ..Default::default() };
    problems.describe(day(7), id, &texts).unwrap();
    problems.move_to(day(8), id, S::Observing, None, "二线专家").unwrap();
    assert_eq!(due(&problems), Some(day(38)));
    problems.move_to(day(38), id, S::Closed, None, "二线专家").unwrap();
    assert_eq!(due(&problems), None);
    assert!(problems.review(day(39), id, "又看", "二线专家").is_err());
}

#[test]
fn what_second_line_rejects_is_closed_at_once_and_repeats_count_anew() {
    let mut problems = Problems::default();
    let twice = [policy("twice", Vec::new(), 2, 30)];
    for n in 1..=2 {
        problems.incident_opened(day(n), &facts(TRUNK, n.unsigned_abs(), true), &twice);
    }
    assert!(problems.reject(day(3), ProblemId(1), " ", "二线专家").is_err());
    problems.reject(day(3), ProblemId(1), "计划内测试", "二线专家").unwrap();
    let rejected = problems.get(ProblemId(1)).unwrap();
    assert_eq!((rejected.state, rejected.rejected.as_deref()), (S::Closed, Some("计划内测试")));
    assert!(problems.reject(day(3), ProblemId(1), "再次", "二线专家").is_err());
    assert_eq!(problems.incident_opened(day(4), &facts(TRUNK, 3, true), &twice), None);
    let again = problems.incident_opened(day(5), &facts(TRUNK, 4, true), &twice);
    assert!(matches!(again, Some(ProblemChange::Opened { problem: ProblemId(2), .. })), "{again:?}");
}

#[test]
fn merged_problems_share_what_comes_and_a_split_takes_its_incidents_along() {
    let mut problems = Problems::default();
    let once = [policy("once", Vec::new(), 1, 30)];
    for n in 1..=4 {
        let cause = if n % 2 == 0 { DISK } else { TRUNK };
        problems.incident_opened(day(n), &facts(cause, n.unsigned_abs(), true), &once);
    }
    let merged = problems.merge(day(5), ProblemId(2), ProblemId(1), "同一电源", "二线专家").unwrap();
    assert_eq!((merged.to, merged.moved), (ProblemId(1), vec![IncidentId(2), IncidentId(4)]));
    assert!(problems.merge(day(5), ProblemId(2), ProblemId(1), "再次", "二线专家").is_err());
    let linked = problems.incident_opened(day(6), &facts(DISK, 5, true), &once);
    assert_eq!(linked, Some(ProblemChange::Linked { problem: ProblemId(1), incident: IncidentId(5) }));
    let both = problems.get(ProblemId(1)).unwrap();
    assert_eq!((both.episodes, both.occurrences, both.causes.len()), (5, 5, 1));
    assert_eq!(problems.get(ProblemId(2)).unwrap().duplicate_of, Some(ProblemId(1)));

    let disks = [2, 4, 5].map(IncidentId);
    assert!(problems.split(day(7), ProblemId(1), &[IncidentId(9)], "不是一回事", "二线专家").is_err());
    let split = problems.split(day(7), ProblemId(1), &disks, "不是一回事", "二线专家").unwrap();
    assert_eq!((split.to, &split.moved[..]), (ProblemId(3), &disks[..]));
    assert_eq!(problems.get(ProblemId(1)).unwrap().episodes, 2);
    assert_eq!(problems.get(ProblemId(3)).unwrap().episodes, 3);
    let linked = problems.incident_opened(day(8), &facts(DISK, 6, true), &once);
    assert_eq!(linked, Some(ProblemChange::Linked { problem: ProblemId(3), incident: IncidentId(6) }));
    let part = problems.split(day(9), ProblemId(3), &[IncidentId(2)], "误报", "二线专家").unwrap();
    assert_eq!((problems.get(part.to).unwrap().episodes, problems.get(ProblemId(3)).unwrap().episodes), (1, 3));
}

#[test]
fn a_fault_split_over_five_incidents_counts_once() {
    let mut problems = Problems::default();
    let thrice = [policy("thrice", Vec::new(), 3, 30)];
    for n in 0..5 {
        let at = day(1) + TimeDelta::from_minutes(10 * n);
        assert_eq!(problems.incident_opened(at, &facts(TRUNK, n.unsigned_abs() + 1, true), &thrice), None);
    }
    problems.incident_opened(day(2), &facts(TRUNK, 6, true), &thrice);
    let opened = problems.incident_opened(day(3), &facts(TRUNK, 7, true), &thrice);
    assert!(matches!(opened, Some(ProblemChange::Opened { .. })), "three episodes, seven incidents: {opened:?}");
    let problem = problems.get(ProblemId(1)).unwrap();
    assert_eq!((problem.reason.as_str(), problem.episodes), ("3 episodes of 7 incidents in 30d", 3));
    assert_eq!(problems.found_during(day(4), IncidentId(7), Fingerprint(TRUNK)), Some(ProblemId(1)));
    let problem = problems.get(ProblemId(1)).unwrap();
    assert_eq!((problem.episodes, problem.occurrences), (2, 6));
}

#[test]
fn what_comes_back_with_the_clock_opens_a_problem_however_far_apart() {
    let mut problems = Problems::default();
    let mut thrice = policy("thrice", Vec::new(), 3, 7);
    thrice.regular = true;
    let mut opened = None;
    for n in 1..=5 {
        assert_eq!(opened, None);
        opened = problems.incident_opened(day(30 * n), &facts(TRUNK, n.unsigned_abs(), true), &[thrice.clone()]);
        problems.incident_ended(
            day(30 * n) + TimeDelta::from_hours(2),
            IncidentId(n.unsigned_abs()),
            Fingerprint(TRUNK),
        );
    }
    assert!(matches!(opened, Some(ProblemChange::Opened { .. })), "{opened:?}");
    let problem = problems.get(ProblemId(1)).unwrap();
    assert!(problem.reason.starts_with("5 episodes came back regularly"), "{}", problem.reason);
    let rhythm = problem.rhythm.as_ref().unwrap();
    assert_eq!(
        (rhythm.mtbf, rhythm.mttr, rhythm.next.at),
        (TimeDelta::from_days(30), Some(TimeDelta::from_hours(2)), day(180))
    );
}

#[test]
fn an_accepted_risk_rests_until_it_repeats_again_and_cannot_wake_beside_its_successor() {
    check(&[
        (Incident { day: 1, cause: DISK, incident: 1 }, "-"),
        (Incident { day: 2, cause: DISK, incident: 2 }, "PRB-1 opened with INC-1 INC-2"),
        (
            Move { day: 3, problem: 1, to: S::AcceptedRisk, reason: " " },
            "cannot move PRB-1 to accepted_risk: write down a reason first",
        ),
        (Move { day: 3, problem: 1, to: S::AcceptedRisk, reason: "设备年底退网" }, "new → accepted_risk"),
        (Move { day: 3, problem: 1, to: S::Investigating, reason: "" }, "accepted_risk → investigating"),
        (Move { day: 3, problem: 1, to: S::AcceptedRisk, reason: "设备年底退网" }, "investigating → accepted_risk"),
        (Incident { day: 4, cause: DISK, incident: 3 }, "-"),
        (Incident { day: 5, cause: DISK, incident: 4 }, "PRB-2 opened with INC-3 INC-4"),
        (
            Move { day: 6, problem: 1, to: S::Investigating, reason: "" },
            "cannot move PRB-1 to investigating: PRB-2 stands for the same cause; work on that one",
        ),
        (Move { day: 6, problem: 1, to: S::Closed, reason: "" }, "accepted_risk → closed"),
        (Move { day: 6, problem: 2, to: S::Duplicate, reason: "PRB-1" }, "new → duplicate"),
    ]);
}

#[test]
fn lists_on_the_record_are_bounded_and_counts_go_on() {
    let mut problems = Problems::default();
    let all = [policy("all", Vec::new(), 1, 1)];
    for n in 1..=100 {
        problems.incident_opened(day(n), &facts(TRUNK, n.unsigned_abs(), true), &all);
        problems.comment(day(n), ProblemId(1), "又一次", "陈工").unwrap();
    }
    let problem = problems.get(ProblemId(1)).unwrap();
    assert_eq!((problem.incidents.len(), problem.occurrences), (Problem::INCIDENTS_MAX, 100));
    assert_eq!((problem.incidents[0], problem.notes.len()), (IncidentId(37), Problem::NOTES_MAX));
    assert!(problems.comment(day(101), ProblemId(1), &"长".repeat(16_385), "陈工").is_err());
    assert!(problems.comment(day(101), ProblemId(1), " ", "陈工").is_err());
    assert!(problems.own(day(101), ProblemId(1), "").is_err());
    assert!(problems.own(day(101), ProblemId(1), "王工").is_ok());
}

/// Rows and columns in the order of `ProblemState::ALL`; `y` where a fully described problem moves with a reason.
const MATRIX: [&str; 8] =
    ["-yyy--yy", "--yyy-yy", "-y-yy-yy", "-yy-y-yy", "-y-y-yyy", "-y------", "-y---y--", "-y---y--"];

#[test]
fn the_whole_matrix_of_moves_holds_and_a_refusal_changes_nothing() {
    let mut problems = Problems::default();
    problems.incident_opened(day(1), &facts(TRUNK, 1, true), &[policy("all", Vec::new(), 1, 1)]);
    let mut problem = Problem::clone(problems.get(ProblemId(1)).unwrap());
    let texts =
        Description { root_cause: Some("cause"), workaround: Some("workaround"), fix: Some("fix"), change: None };
    problem.describe(&texts, day(1)).unwrap();
    for (from, row) in S::ALL.into_iter().zip(MATRIX) {
        for (to, allowed) in S::ALL.into_iter().zip(row.chars()) {
            let mut moving = Problem { state: from, ..problem.clone() };
            let before = moving.clone();
            let moved = moving.move_to(to, Some("原因"), "陈工", day(2));
            assert_eq!(moved.is_ok(), allowed == 'y', "{from:?} to {to:?}: {moved:?}");
            match moved {
                Ok(_) => assert_eq!((moving.state, moving.closed_at.is_some()), (to, to == S::Closed)),
                Err(_) => assert_eq!(moving, before),
            }
        }
    }
    let demands = |from: S, to: S| {
        let mut bare = Problem { state: from, root_cause: None, workaround: None, fix: None, ..problem.clone() };
        bare.move_to(to, None, "陈工", day(2)).map(|_| ()).map_err(|refused| refused.reason)
    };
    for from in [S::New, S::Investigating, S::FixInProgress] {
        assert!(demands(from, S::KnownError).unwrap_err().ends_with("the root cause and the workaround first"));
        assert!(demands(from, S::AcceptedRisk).unwrap_err().ends_with("a reason first"));
        assert!(demands(from, S::Duplicate).unwrap_err().ends_with("a reason first"));
    }
    assert!(demands(S::Observing, S::Closed).unwrap_err().ends_with("the root cause and the fix first"));
    assert!(demands(S::Closed, S::Investigating).unwrap_err().ends_with("a reason first"));
    assert!(demands(S::AcceptedRisk, S::Closed).is_ok());
    assert!(demands(S::KnownError, S::FixInProgress).is_ok());
}

#[test]
fn a_known_error_keeps_what_makes_it_one_and_a_closed_problem_keeps_everything() {
    let mut problems = Problems::default();
    let all = [policy("all", Vec::new(), 1, 1)];
    problems.incident_opened(day(1), &facts(TRUNK, 1, true), &all);
    let id = ProblemId(1);
    let texts = |root_cause, workaround, fix| Description { root_cause, workaround, fix, change: None };
    problems.describe(day(1), id, &texts(Some("a"), Some("b"), None)).unwrap();
    problems.move_to(day(1), id, S::KnownError, None, "x").unwrap();
    assert!(problems.describe(day(2), id, &texts(Some(" "), None, None)).is_err());
    let edit = problems.describe(day(2), id, &texts(None, Some("重启端口"), Some("c"))).unwrap();
    assert!(edit.published);
    problems.move_to(day(3), id, S::Observing, None, "x").unwrap();
    problems.move_to(day(33), id, S::Closed, None, "x").unwrap();
    assert!(problems.describe(day(34), id, &texts(Some("d"), None, None)).is_err());
    assert!(problems.own(day(34), id, "y").is_err());
    assert!(problems.comment(day(34), id, "仍可备注", "y").is_ok());
    assert!(problems.link(day(34), id, IncidentId(7)).is_ok());
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let cause = prop_oneof![Just(TRUNK), Just(DISK)];
    let state = prop::sample::select(S::ALL.to_vec());
    let text = prop::sample::select(vec!["", "原因"]);
    let step = prop_oneof![
        4 => (cause, 1..40u64, any::<bool>()).prop_map(|(cause, incident, counted)| if counted {
            Incident { day: 0, cause, incident }
        } else {
            UnderMaintenance { day: 0, cause, incident }
        }),
        4 => (1..6u64, state, text.clone()).prop_map(|(problem, to, reason)| Move { day: 0, problem, to, reason }),
        1 => (1..6u64, text.clone(), text.clone(), text)
            .prop_map(|(problem, root_cause, workaround, fix)| Describe { day: 0, problem, root_cause, workaround, fix }),
        1 => (1..6u64, 1..40u64).prop_map(|(problem, incident)| Link { day: 0, problem, incident }),
    ];
    prop::collection::vec((step, 0..60i64), 0..120).prop_map(|steps| {
        let mut now = 0;
        let dated = |(step, wait): (Step, i64)| {
            now += wait;
            at(step, now)
        };
        steps.into_iter().map(dated).collect()
    })
}

fn at(mut step: Step, now: i64) -> Step {
    match &mut step {
        Incident { day, .. }
        | UnderMaintenance { day, .. }
        | Move { day, .. }
        | Describe { day, .. }
        | Link { day, .. } => *day = now,
    }
    step
}

proptest! {
    #[test]
    fn the_same_steps_give_the_same_bytes_from_the_start_or_from_any_snapshot(steps in steps(), cut in 0..120usize) {
        let policies = policies();
        let mut straight = Problems::default();
        let mut restored = Problems::default();
        for (index, step) in steps.iter().enumerate() {
            if index == cut {
                restored = postcard::from_bytes(&postcard::to_allocvec(&restored).unwrap()).unwrap();
            }
            prop_assert_eq!(apply(&mut straight, &policies, step), apply(&mut restored, &policies, step));
            assert_one_open_each(&straight);
            for problem in straight.iter().filter(|problem| problem.state.is_open()) {
                prop_assert_eq!(straight.open_for(problem.fingerprint), Some(problem.id));
            }
        }
        prop_assert_eq!(postcard::to_allocvec(&straight).unwrap(), postcard::to_allocvec(&restored).unwrap());
    }
}
