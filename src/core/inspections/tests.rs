//! Runs, people and outages on virtual time.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::core::calendar::Schedule;
use crate::core::model::{Labels, RunId, Severity, Status, TimeDelta, Timestamp};
use crate::core::rules::{Check, ChecklistItem, Plan};

type Plans = BTreeMap<String, Plan>;

fn http() -> Check {
    let timeout = TimeDelta::from_seconds(5);
    Check::Http { url: "http://127.0.0.1/".to_owned(), status: None, contains: None, json: None, timeout }
}

fn item(name: &str, title: &str, check: Check) -> ChecklistItem {
    let labels = Labels::from_pairs([("site", "广州01")]);
    ChecklistItem {
        name: name.to_owned(),
        title: title.to_owned(),
        device: None,
        check,
        severity: Severity::Major,
        labels,
        warn: None,
        fail: None,
        expect: None,
        trend: None,
        minutes: 0,
    }
}

fn plan(name: &str, title: &str, line: &str, zone: &str, items: Vec<ChecklistItem>, sign_off: bool) -> Plan {
    Plan {
        name: name.to_owned(),
        title: title.to_owned(),
        schedule: Schedule::parse(line, zone).unwrap(),
        team: "first-line".to_owned(),
        items,
        due_within: TimeDelta::from_hours(1),
        missed_after: TimeDelta::from_hours(4),
        sign_off,
        signers: None,
        four_eyes: false,
        slots: None,
        crew: None,
    }
}

/// Every morning at eight in Shanghai (00:00 UTC), with an automated item and a manual one.
fn room() -> Plan {
    let items = vec![
        item("portal", "门户可用", http()),
        item("ups", "UPS 面板", Check::Manual { evidence: true }),
        item("door", "门禁", Check::Manual { evidence: false }),
    ];
    plan("room", "机房日巡检", "0 8 * * *", "Asia/Shanghai", items, true)
}

/// Every six hours, automated items only.
fn portals() -> Plan {
    let items = vec![item("portal", "门户可用", http()), item("api", "接口可用", http())];
    plan("portals", "门户巡检", "0 */6 * * *", "UTC", items, false)
}

fn by_name(plans: Vec<Plan>) -> Plans {
    plans.into_iter().map(|plan| (plan.name.clone(), plan)).collect()
}

/// A time of the scenarios: `0 08:30` is day 0 of 2026-03-01, half past eight UTC.
fn at(text: &str) -> Timestamp {
    let (day, time) = text.split_once(' ').unwrap();
    let start: Timestamp = format!("2026-03-01T{time}:00Z").parse().unwrap();
    start + TimeDelta::from_days(day.parse().unwrap())
}

/// Runs one step by its words: `tick`, `resumed 3h`, `probe RUN-1 portal fail …`, `record RUN-1 ups pass …`, `sign
/// RUN-1`, `reject RUN-1 …`, `skip RUN-1 …`, `start room`, `plans`.
fn act(inspections: &mut Inspections, plans: &Plans, now: Timestamp, words: &str) -> Vec<String> {
    let mut parts = words.splitn(4, ' ');
    let verb = parts.next().unwrap();
    let (subject, item) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let rest = parts.next().unwrap_or_default();
    let run = subject.parse::<RunId>().unwrap_or(RunId(0));
    let (outcome, evidence) = rest.split_once(' ').unwrap_or((rest, ""));
    let outcome = || ItemOutcome::ALL.into_iter().find(|candidate| candidate.as_str() == outcome).unwrap();
    let (item, evidence) = (item.to_owned(), evidence.to_owned());
    let reason = words.splitn(3, ' ').nth(2).unwrap_or_default();
    let changes = match verb {
        "tick" => Ok(inspections.tick(now, plans)),
        "resumed" => Ok(inspections.resumed(now, subject.parse().unwrap(), plans)),
        "plans" => Ok(inspections.plans_changed(now, plans)),
        "start" => inspections.start_now(now, &plans[subject]).map(|(_, changes)| changes).map_err(RunRefusal::from),
        "probe" => Ok(inspections
            .probe_result(now, &ProbeResult { run, item, outcome: outcome(), evidence, value: None, found: None })),
        "record" => {
            let report = ItemReport { item, outcome: outcome(), evidence, value: None, found: None };
            inspections.record_item(now, run, report, "李工")
        }
        "sign" => inspections.sign_off(now, run, "王班长", SignOffPolicy::default()),
        "reject" => inspections.reject(now, run, reason, "王班长", SignOffPolicy::default()),
        "skip" => inspections.skip(now, run, reason, plans),
        other => panic!("no such step: {other}"),
    };
    match changes {
        Ok(changes) => changes.iter().map(|change| spelled(inspections, change)).collect(),
        Err(refused) => vec![refused.to_string()],
    }
}

fn spelled(inspections: &Inspections, change: &RunChange) -> String {
    match change {
        RunChange::Changed(id) => {
            let run = inspections.get(*id).unwrap();
            let time = run.scheduled_at.to_rfc3339();
            let reason = run.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("{id} {} {} {}{reason}", run.plan, &time[5..16], run.state.as_str())
        }
        RunChange::Probe(request) => format!("probe {} {}", request.run, request.item),
        RunChange::Checked { run, item, outcome } => format!("{run} {item} {}", outcome.as_str()),
        RunChange::Linked { incident, place } => format!("{incident} from {place}"),
        RunChange::Ended { run, state } => format!("{run} ended {}", state.as_str()),
        RunChange::Found(finding) => {
            let event = finding.to_event();
            let name = event.labels.get("alertname").unwrap();
            format!("{} {name} {} {}", event.status.as_str(), finding.severity, finding.summary)
        }
    }
}

/// Runs `(time, step, expected results)`. After every step the state must survive its own snapshot.
fn check(plans: Vec<Plan>, steps: &[(&str, &str, &[&str])]) -> Inspections {
    let plans = by_name(plans);
    let mut inspections = Inspections::default();
    for (when, words, expected) in steps {
        let answer = act(&mut inspections, &plans, at(when), words);
        assert_eq!(answer, *expected, "{when} {words}");
        let bytes = postcard::to_allocvec(&inspections).unwrap();
        assert_eq!(postcard::from_bytes::<Inspections>(&bytes).unwrap(), inspections, "after {when} {words}");
        assert!(inspections.next_deadline().is_none_or(|next| next > at(when)), "unserved after {when} {words}");
    }
    inspections
}

#[test]
fn a_run_goes_from_scheduled_over_every_item_to_its_signature() {
    let inspections = check(
        vec![room()],
        &[
            ("0 07:00", "plans", &["RUN-1 room 03-02T00:00 scheduled"]),
            ("0 07:00", "plans", &[]),
            ("0 08:00", "record RUN-1 door pass", &["cannot record \"door\" of RUN-1: it is not due yet"]),
            (
                "1 00:00",
                "tick",
                &["RUN-1 room 03-02T00:00 due", "RUN-2 room 03-03T00:00 scheduled", "probe RUN-1 portal"],
            ),
            (
                "1 00:01",
                "probe RUN-1 portal pass GET answered 200",
                &["RUN-1 room 03-02T00:00 in_progress", "RUN-1 portal pass"],
            ),
            ("1 00:01", "probe RUN-1 portal fail asked twice", &[]),
            ("1 00:01", "probe RUN-9 portal fail nobody asked", &[]),
            (
                "1 00:01",
                "record RUN-1 portal pass",
                &["cannot record \"portal\" of RUN-1: it is checked automatically"],
            ),
            (
                "1 00:01",
                "record RUN-1 roof pass",
                &["cannot record \"roof\" of RUN-1: its items are portal, ups, door"],
            ),
            (
                "1 00:02",
                "record RUN-1 ups pass ",
                &["cannot record \"ups\" of RUN-1: it needs evidence: what was seen, or a link to it"],
            ),
            ("1 00:02", "record RUN-1 door n/a", &["RUN-1 room 03-02T00:00 in_progress", "RUN-1 door n/a"]),
            ("1 00:02", "sign RUN-1", &["cannot sign RUN-1: it is in_progress, not awaiting sign-off"]),
            (
                "1 00:03",
                "record RUN-1 ups fail 电池组告警",
                &[
                    "RUN-1 room 03-02T00:00 awaiting_signoff",
                    "RUN-1 ups fail",
                    "firing InspectionItemFailed major 机房日巡检: UPS 面板 failed: 电池组告警",
                ],
            ),
            (
                "1 00:04",
                "record RUN-1 ups pass 恢复",
                &["cannot record \"ups\" of RUN-1: it is finished and waits for its signature; reject it first"],
            ),
            ("1 00:04", "skip RUN-1 later", &["cannot skip RUN-1: it is awaiting_signoff"]),
            ("1 00:04", "reject RUN-1  ", &["cannot reject RUN-1 without a reason"]),
            (
                "1 02:00",
                "reject RUN-1 照片不清",
                &["RUN-1 room 03-02T00:00 in_progress (照片不清)", "probe RUN-1 portal"],
            ),
            (
                "1 02:01",
                "probe RUN-1 portal pass ok",
                &["RUN-1 room 03-02T00:00 in_progress (照片不清)", "RUN-1 portal pass"],
            ),
            (
                "1 02:02",
                "record RUN-1 ups pass 已更换电池",
                &[
                    "RUN-1 room 03-02T00:00 awaiting_signoff (照片不清)",
                    "RUN-1 ups pass",
                    "resolved InspectionItemFailed cleared 机房日巡检: UPS 面板 is well: 已更换电池",
                ],
            ),
            ("1 02:03", "sign RUN-1", &["RUN-1 room 03-02T00:00 completed (照片不清)", "RUN-1 ended completed"]),
            ("1 02:03", "sign RUN-1", &["cannot sign RUN-1: it is completed, not awaiting sign-off"]),
            ("1 02:03", "sign RUN-7", &["RUN-7 is not known here"]),
        ],
    );
    let run = inspections.get(RunId(1)).unwrap();
    assert_eq!((run.signed_by.as_deref(), run.completed_at), (Some("王班长"), Some(at("1 02:03"))));
    let ups = &run.items[1];
    assert_eq!((ups.by.as_deref(), ups.at, ups.kind.as_str()), (Some("李工"), Some(at("1 02:02")), "manual"));
    assert_eq!(inspections.next_deadline(), Some(at("2 00:00")));
}

#[test]
fn machines_alone_complete_a_run_and_a_later_pass_clears_what_failed() {
    let inspections = check(
        vec![portals()],
        &[
            ("0 05:00", "plans", &["RUN-1 portals 03-01T06:00 scheduled"]),
            (
                "0 06:00",
                "tick",
                &[
                    "RUN-1 portals 03-01T06:00 due",
                    "RUN-2 portals 03-01T12:00 scheduled",
                    "probe RUN-1 portal",
                    "probe RUN-1 api",
                ],
            ),
            (
                "0 06:00",
                "probe RUN-1 api warn slow",
                &[
                    "RUN-1 portals 03-01T06:00 in_progress",
                    "RUN-1 api warn",
                    "firing InspectionItemFailed warning 门户巡检: 接口可用 is near its limit: slow",
                ],
            ),
            (
                "0 06:01",
                "probe RUN-1 portal not_done no broker",
                &["RUN-1 portals 03-01T06:00 completed", "RUN-1 portal not_done", "RUN-1 ended completed"],
            ),
            (
                "0 12:00",
                "tick",
                &[
                    "RUN-2 portals 03-01T12:00 due",
                    "RUN-3 portals 03-01T18:00 scheduled",
                    "probe RUN-2 portal",
                    "probe RUN-2 api",
                ],
            ),
            (
                "0 12:01",
                "probe RUN-2 api fail",
                &[
                    "RUN-2 portals 03-01T12:00 in_progress",
                    "RUN-2 api fail",
                    "firing InspectionItemFailed major 门户巡检: 接口可用 failed",
                ],
            ),
            ("0 12:02", "start portals", &["RUN-4 portals 03-01T12:02 due", "probe RUN-4 portal", "probe RUN-4 api"]),
            (
                "0 12:03",
                "probe RUN-4 api pass",
                &[
                    "RUN-4 portals 03-01T12:02 in_progress",
                    "RUN-4 api pass",
                    "resolved InspectionItemFailed cleared 门户巡检: 接口可用 is well",
                ],
            ),
        ],
    );
    let pending: Vec<String> =
        inspections.pending_probes().map(|request| format!("{} {}", request.run, request.item)).collect();
    assert_eq!(pending, ["RUN-2 portal", "RUN-4 portal"], "what has its result is not asked again");
}

#[test]
fn an_older_run_that_ends_late_clears_nothing_that_a_newer_one_found() {
    let plans = by_name(vec![portals()]);
    let mut inspections = Inspections::default();
    for (when, words) in
        [("0 05:00", "plans"), ("0 06:00", "tick"), ("0 06:01", "start portals"), ("0 06:02", "probe RUN-3 api fail")]
    {
        act(&mut inspections, &plans, at(when), words);
    }
    assert_eq!(
        act(&mut inspections, &plans, at("0 06:03"), "probe RUN-1 api pass"),
        ["RUN-1 portals 03-01T06:00 in_progress", "RUN-1 api pass"]
    );
    assert_eq!(inspections.findings().count(), 1);
}

#[test]
fn what_nobody_does_is_overdue_then_missed_and_the_next_completed_run_clears_it() {
    let all_pass = ["probe RUN-2 portal pass", "record RUN-2 ups pass 正常", "record RUN-2 door pass"];
    let inspections = check(
        vec![room()],
        &[
            ("0 07:00", "plans", &["RUN-1 room 03-02T00:00 scheduled"]),
            (
                "1 00:00",
                "tick",
                &["RUN-1 room 03-02T00:00 due", "RUN-2 room 03-03T00:00 scheduled", "probe RUN-1 portal"],
            ),
            ("1 00:01", "record RUN-1 door pass", &["RUN-1 room 03-02T00:00 in_progress", "RUN-1 door pass"]),
            (
                "1 01:00",
                "tick",
                &[
                    "RUN-1 room 03-02T00:00 overdue",
                    "firing InspectionOverdue warning 机房日巡检: RUN-1 was due by 2026-03-02T01:00:00Z",
                ],
            ),
            ("1 01:01", "record RUN-1 door pass", &["RUN-1 room 03-02T00:00 overdue", "RUN-1 door pass"]),
            (
                "1 04:00",
                "tick",
                &[
                    "RUN-1 room 03-02T00:00 missed (not finished by 2026-03-02T04:00:00Z)",
                    "RUN-1 ended missed",
                    "resolved InspectionOverdue cleared 机房日巡检: RUN-1 is missed",
                    "firing InspectionMissed minor 机房日巡检: RUN-1 of 2026-03-02T00:00:00Z was missed: \
                     not finished by 2026-03-02T04:00:00Z",
                ],
            ),
            ("1 04:00", "probe RUN-1 portal pass too late", &[]),
            ("1 04:00", "record RUN-1 ups pass x", &["cannot record \"ups\" of RUN-1: it was missed"]),
            (
                "2 00:00",
                "tick",
                &["RUN-2 room 03-03T00:00 due", "RUN-3 room 03-04T00:00 scheduled", "probe RUN-2 portal"],
            ),
            ("2 00:01", all_pass[0], &["RUN-2 room 03-03T00:00 in_progress", "RUN-2 portal pass"]),
            ("2 00:02", all_pass[1], &["RUN-2 room 03-03T00:00 in_progress", "RUN-2 ups pass"]),
            ("2 00:03", all_pass[2], &["RUN-2 room 03-03T00:00 awaiting_signoff", "RUN-2 door pass"]),
            (
                "2 04:00",
                "tick",
                &[
                    "RUN-2 room 03-03T00:00 awaiting_signoff",
                    "firing InspectionUnsigned warning 机房日巡检: RUN-2 is finished but was not signed by \
                     2026-03-03T04:00:00Z",
                ],
            ),
            (
                "2 05:00",
                "sign RUN-2",
                &[
                    "RUN-2 room 03-03T00:00 completed",
                    "RUN-2 ended completed",
                    "resolved InspectionUnsigned cleared 机房日巡检: RUN-2 is completed",
                    "resolved InspectionMissed cleared 机房日巡检: RUN-2 was completed",
                ],
            ),
        ],
    );
    let missed = inspections.get(RunId(1)).unwrap();
    let outcomes: Vec<&str> = missed.items.iter().map(|item| item.outcome.as_str()).collect();
    assert_eq!(outcomes, ["not_done", "not_done", "pass"]);
    assert_eq!(inspections.findings().count(), 0);
}

#[test]
fn an_outage_leaves_a_missed_run_for_every_moment_that_it_swallowed() {
    check(
        vec![room(), portals()],
        &[
            ("0 05:00", "plans", &["RUN-1 portals 03-01T06:00 scheduled", "RUN-2 room 03-02T00:00 scheduled"]),
            (
                "0 06:00",
                "tick",
                &[
                    "RUN-1 portals 03-01T06:00 due",
                    "RUN-3 portals 03-01T12:00 scheduled",
                    "probe RUN-1 portal",
                    "probe RUN-1 api",
                ],
            ),
            // Away from 06:30 on day 0 to 02:00 on day 1.
            (
                "1 02:00",
                "resumed 19h30m",
                &[
                    "RUN-1 portals 03-01T06:00 missed (not finished by 2026-03-01T10:00:00Z; the service was down for 19h30m)",
                    "RUN-2 room 03-02T00:00 overdue",
                    "RUN-3 portals 03-01T12:00 missed (the service was down)",
                    "RUN-4 portals 03-01T18:00 missed (the service was down)",
                    "RUN-5 portals 03-02T00:00 overdue",
                    "RUN-6 portals 03-02T06:00 scheduled",
                    "RUN-7 room 03-03T00:00 scheduled",
                    "RUN-1 ended missed",
                    "firing InspectionMissed minor 门户巡检: RUN-1 of 2026-03-01T06:00:00Z was missed: \
                     not finished by 2026-03-01T10:00:00Z; the service was down for 19h30m",
                    "RUN-3 ended missed",
                    "RUN-4 ended missed",
                    "firing InspectionMissed minor 门户巡检: RUN-4 of 2026-03-01T18:00:00Z was missed: \
                     the service was down",
                    "probe RUN-5 portal",
                    "probe RUN-5 api",
                    "probe RUN-2 portal",
                    "firing InspectionOverdue warning 机房日巡检: RUN-2 was due by 2026-03-02T01:00:00Z",
                    "firing InspectionOverdue warning 门户巡检: RUN-5 was due by 2026-03-02T01:00:00Z",
                ],
            ),
            ("1 02:01", "probe RUN-5 portal pass", &["RUN-5 portals 03-02T00:00 overdue", "RUN-5 portal pass"]),
            (
                "1 02:01",
                "probe RUN-5 api pass",
                &[
                    "RUN-5 portals 03-02T00:00 completed",
                    "RUN-5 api pass",
                    "RUN-5 ended completed",
                    "resolved InspectionOverdue cleared 门户巡检: RUN-5 is completed",
                    "resolved InspectionMissed cleared 门户巡检: RUN-5 was completed",
                ],
            ),
        ],
    );
}

#[test]
fn a_rulebook_that_comes_before_the_tick_swallows_no_run() {
    let plans = by_name(vec![room()]);
    let mut inspections = Inspections::default();
    act(&mut inspections, &plans, at("0 07:00"), "plans");
    assert!(act(&mut inspections, &plans, at("1 09:00"), "plans").is_empty());
    assert_eq!(
        act(&mut inspections, &plans, at("1 09:00"), "resumed 26h"),
        [
            "RUN-1 room 03-02T00:00 missed (the service was down)",
            "RUN-2 room 03-03T00:00 scheduled",
            "RUN-1 ended missed",
            "firing InspectionMissed minor 机房日巡检: RUN-1 of 2026-03-02T00:00:00Z was missed: the service was down",
        ]
    );
}

#[test]
fn a_long_outage_of_a_dense_plan_lists_a_hundred_missed_runs_and_counts_the_rest() {
    let plans = by_name(vec![plan("pulse", "心跳", "* * * * *", "UTC", vec![item("portal", "门户", http())], false)]);
    let mut inspections = Inspections::default();
    act(&mut inspections, &plans, at("0 00:00"), "plans");
    let count =
        |inspections: &Inspections, state: RunState| inspections.iter().filter(|run| run.state == state).count();

    let changes = inspections.resumed(at("1 00:00"), TimeDelta::from_hours(24), &plans);
    // 1,440 moments; the newest 100 of the 240 that are not missed yet stay open, and of those 59 are not overdue.
    assert_eq!(count(&inspections, RunState::Missed), 100);
    assert_eq!((count(&inspections, RunState::Due), count(&inspections, RunState::Overdue)), (60, 40));
    let last = inspections.get(RunId(100)).unwrap();
    let told = "the service was down; 1240 more runs were missed and are not listed";
    assert_eq!((last.state, last.reason.as_deref()), (RunState::Missed, Some(told)));
    let missed =
        |change: &&RunChange| matches!(change, RunChange::Found(Finding { subject: FindingSubject::Missed, .. }));
    assert_eq!(changes.iter().filter(missed).count(), 1, "one finding for the whole outage");
    assert_eq!(inspections.pending_probes().count(), 100);

    // With a hundred open, the next one has no room.
    assert_eq!(
        act(&mut inspections, &plans, at("1 00:00"), "start pulse"),
        ["cannot start pulse: 100 of its runs are unfinished; finish or skip them"]
    );
    inspections.tick(at("1 00:01"), &plans);
    let refused = inspections.get(RunId(201)).unwrap();
    assert_eq!(refused.reason.as_deref(), Some("100 earlier runs of this plan are unfinished"));

    let mut inspections = Inspections::default();
    act(&mut inspections, &plans, at("0 00:00"), "plans");
    inspections.resumed(at("60 00:00"), TimeDelta::from_days(60), &plans);
    let told = "the service was down; more than 10040 more runs were missed and are not listed";
    assert_eq!(inspections.get(RunId(100)).unwrap().reason.as_deref(), Some(told));
    assert_eq!(inspections.next_deadline(), Some(at("60 00:01")));
}

#[test]
fn a_plan_keeps_local_time_over_a_change_of_clocks() {
    let berlin = plan("berlin", "Früh", "0 8 * * *", "Europe/Berlin", Vec::new(), false);
    // On 29 March 2026 Berlin goes to summer time: eight o'clock is 07:00 UTC before and 06:00 UTC from then on.
    check(
        vec![berlin],
        &[
            ("26 12:00", "plans", &["RUN-1 berlin 03-28T07:00 scheduled"]),
            (
                "27 07:00",
                "tick",
                &["RUN-1 berlin 03-28T07:00 completed", "RUN-2 berlin 03-29T06:00 scheduled", "RUN-1 ended completed"],
            ),
            (
                "28 06:00",
                "tick",
                &["RUN-2 berlin 03-29T06:00 completed", "RUN-3 berlin 03-30T06:00 scheduled", "RUN-2 ended completed"],
            ),
        ],
    );
}

#[test]
fn skipping_the_next_run_plans_the_one_after_it_and_survives_a_reload() {
    check(
        vec![room()],
        &[
            ("0 07:00", "plans", &["RUN-1 room 03-02T00:00 scheduled"]),
            ("0 07:00", "skip RUN-1 ", &["cannot skip RUN-1 without a reason"]),
            (
                "0 07:00",
                "skip RUN-1 春节封网",
                &[
                    "RUN-1 room 03-02T00:00 skipped (春节封网)",
                    "RUN-2 room 03-03T00:00 scheduled",
                    "RUN-1 ended skipped",
                ],
            ),
            ("0 07:01", "plans", &[]),
            ("0 07:01", "skip RUN-1 again", &["cannot skip RUN-1: it is skipped"]),
            (
                "2 00:00",
                "tick",
                &["RUN-2 room 03-03T00:00 due", "RUN-3 room 03-04T00:00 scheduled", "probe RUN-2 portal"],
            ),
            (
                "2 01:00",
                "tick",
                &[
                    "RUN-2 room 03-03T00:00 overdue",
                    "firing InspectionOverdue warning 机房日巡检: RUN-2 was due by 2026-03-03T01:00:00Z",
                ],
            ),
            (
                "2 01:30",
                "skip RUN-2 门禁故障",
                &[
                    "RUN-2 room 03-03T00:00 skipped (门禁故障)",
                    "RUN-2 ended skipped",
                    "resolved InspectionOverdue cleared 机房日巡检: RUN-2 is skipped",
                ],
            ),
        ],
    );
}

#[test]
fn a_changed_rulebook_moves_the_next_run_and_leaves_the_one_under_way_its_checklist() {
    let mut inspections = Inspections::default();
    let before = by_name(vec![room(), portals()]);
    for (when, words) in [
        ("0 05:00", "plans"),
        ("0 06:00", "tick"),
        ("0 06:01", "probe RUN-1 api fail"),
        ("0 06:01", "probe RUN-1 portal fail"),
    ] {
        act(&mut inspections, &before, at(when), words);
    }
    // The portals lose an item; the room moves to nine o'clock; both take effect at once.
    let mut fewer = portals();
    fewer.items.remove(1);
    let mut later = room();
    later.schedule = Schedule::parse("0 9 * * *", "Asia/Shanghai").unwrap();
    later.title = "机房晨检".to_owned();
    let after = by_name(vec![fewer, later]);
    assert_eq!(
        act(&mut inspections, &after, at("0 06:02"), "plans"),
        [
            "RUN-2 room 03-02T01:00 scheduled",
            "RUN-3 portals 03-01T12:00 scheduled",
            "resolved InspectionItemFailed cleared portals: no longer inspected",
        ]
    );
    assert_eq!(inspections.get(RunId(2)).unwrap().title, "机房晨检");
    assert_eq!(inspections.get(RunId(3)).unwrap().items.len(), 1);
    // A plan that is gone takes its runs and findings with it.
    act(&mut inspections, &after, at("0 12:00"), "tick");
    assert_eq!(
        act(&mut inspections, &by_name(vec![room()]), at("0 12:01"), "plans"),
        [
            "RUN-2 room 03-02T00:00 scheduled",
            "RUN-3 portals 03-01T12:00 skipped (the plan is no longer in the rulebook)",
            "RUN-4 portals 03-01T18:00 skipped (the plan is no longer in the rulebook)",
            "RUN-4 ended skipped",
            "RUN-3 ended skipped",
            "resolved InspectionItemFailed cleared portals: no longer inspected",
        ]
    );
    assert_eq!(inspections.findings().count(), 0);
    assert_eq!(inspections.pending_probes().count(), 0);
}

#[test]
fn ended_runs_leave_the_memory_after_thirty_days() {
    let plans = by_name(vec![plan("daily", "日检", "0 8 * * *", "UTC", Vec::new(), false)]);
    let mut inspections = Inspections::default();
    act(&mut inspections, &plans, at("0 00:00"), "plans");
    for day in 0..40 {
        inspections.tick(at("0 08:00") + TimeDelta::from_days(day), &plans);
    }
    let kept: Vec<u64> = inspections.iter().map(|run| run.id.0).collect();
    assert_eq!(kept, (10..=41).collect::<Vec<u64>>());
}

#[test]
fn firing_and_clear_are_one_alert_that_an_item_may_rename_but_not_confuse() {
    let finding = Finding {
        run: RunId(3),
        plan: "room".to_owned(),
        subject: FindingSubject::Item("ups".to_owned()),
        item: "ups".to_owned(),
        severity: Severity::Major,
        labels: Labels::from_pairs([("alertname", "UpsAlarm"), ("plan", "wrong"), ("site", "广州01")]),
        summary: "UPS 面板 failed".to_owned(),
        at: at("0 08:00"),
        firing: true,
        incident: None,
    };
    let event = finding.to_event();
    assert_eq!(event.source, "inspection");
    assert_eq!(event.labels.to_string(), r#"{alertname="UpsAlarm", item="ups", plan="room", site="广州01"}"#);
    assert_eq!((event.status, event.severity), (Status::Firing, Some(Severity::Major)));
    assert_eq!(event.annotations.get("run"), Some("RUN-3/ups"));
    let clear = Finding { firing: false, severity: Severity::Cleared, run: RunId(4), ..finding }.to_event();
    assert_eq!((clear.status, clear.labels.fingerprint()), (Status::Resolved, event.labels.fingerprint()));
}

#[test]
fn evidence_is_bounded() {
    let plans = by_name(vec![room()]);
    let mut inspections = Inspections::default();
    act(&mut inspections, &plans, at("0 07:00"), "plans");
    act(&mut inspections, &plans, at("1 00:00"), "tick");
    let long = "长".repeat(Run::EVIDENCE_MAX_CHARS + 1);
    assert_eq!(
        act(&mut inspections, &plans, at("1 00:00"), &format!("record RUN-1 ups pass {long}")),
        ["cannot record \"ups\" of RUN-1: evidence of 4097 characters; at most 4096 fit"]
    );
    act(&mut inspections, &plans, at("1 00:00"), &format!("probe RUN-1 portal pass {long}"));
    let portal = &inspections.get(RunId(1)).unwrap().items[0];
    assert_eq!((portal.outcome, portal.evidence.chars().count()), (ItemOutcome::Pass, Run::EVIDENCE_MAX_CHARS));
}

/// A step as minutes that pass before it, and its words.
fn steps() -> impl Strategy<Value = Vec<(i64, String)>> {
    let run = 1..30u64;
    let item = prop::sample::select(vec!["portal", "api", "ups", "door", "roof"]);
    let outcome = prop::sample::select(ItemOutcome::ALL.map(ItemOutcome::as_str).to_vec());
    let words = prop_oneof![
        4 => Just("tick".to_owned()),
        1 => Just("resumed 9h".to_owned()),
        1 => Just("plans".to_owned()),
        1 => prop::sample::select(vec!["start room", "start portals"]).prop_map(str::to_owned),
        6 => (run.clone(), item.clone(), outcome.clone())
            .prop_map(|(run, item, outcome)| format!("probe RUN-{run} {item} {outcome} 看到")),
        6 => (run.clone(), item, outcome).prop_map(|(run, item, outcome)| format!("record RUN-{run} {item} {outcome} 看到")),
        2 => run.clone().prop_map(|run| format!("sign RUN-{run}")),
        1 => run.clone().prop_map(|run| format!("reject RUN-{run} 重做")),
        1 => run.prop_map(|run| format!("skip RUN-{run} 封网")),
    ];
    prop::collection::vec((0..400i64, words), 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_same_steps_give_the_same_bytes_from_the_start_or_from_any_snapshot(steps in steps(), cut in 0..80usize) {
        let books = [by_name(vec![room(), portals()]), by_name(vec![room()])];
        let (mut straight, mut restored) = (Inspections::default(), Inspections::default());
        let mut now = at("0 00:00");
        for (index, (minutes, words)) in steps.iter().enumerate() {
            now = now + TimeDelta::from_minutes(*minutes);
            let plans = &books[(now.as_micros() / 1_000_000 / 86_400 % 5 == 4) as usize];
            if words.starts_with("start portals") && plans.len() == 1 {
                continue;
            }
            if index == cut {
                restored = postcard::from_bytes(&postcard::to_allocvec(&restored).unwrap()).unwrap();
            }
            // The driver runs due timers before anything else.
            for words in ["tick", words.as_str()] {
                prop_assert_eq!(act(&mut straight, plans, now, words), act(&mut restored, plans, now, words));
            }
            prop_assert!(straight.next_deadline().is_none_or(|next| next > now));
            for run in straight.iter().filter(|run| !run.state.is_ended()) {
                let known = &straight.plans[&run.plan];
                prop_assert!(known.scheduled == Some(run.id) || known.unfinished.contains(&run.id), "{:?}", run);
            }
            for finding in straight.findings() {
                prop_assert!(straight.plans.contains_key(&finding.plan), "{:?}", finding);
            }
        }
        prop_assert_eq!(postcard::to_allocvec(&straight).unwrap(), postcard::to_allocvec(&restored).unwrap());
    }
}
