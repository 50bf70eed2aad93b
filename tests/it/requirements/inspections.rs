//! Checklists, their runs and what they find: rows 25, 55, 58, 62, 66, 67.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use watchfire::core::engine::{Action, CommandRefusal, DeskInput, Outcome, Request, RunAction};
use watchfire::core::incidents::Incident;
use watchfire::core::inspections::{ItemOutcome, ItemResult, ProbeResult, Run, RunState, completion};
use watchfire::core::model::{RunId, Severity, TimeDelta};
use watchfire::core::rules::{FindingKind, RuleText, builtin, load, report};

use super::centre::{Centre, minutes, moment};
use crate::support::service::{Setup, until};

const FINDINGS: &str = r#"
teams:
  - {name: first-line, members: [一线甲, 一线乙]}
  - {name: second-line, members: [班长]}
tiers:
  - {name: default, steps: [{tier: 1, team: first-line, respond_by: 1h}, {tier: 2, team: second-line, respond_by: 1h}]}
rules:
  - {name: finding, match: '@source="inspection"', by: [alertname, plan, item], title: "巡检发现 {plan} {item}", notify_delay: 0s, resolve_after: 0s, reopen_within: 0s, group: false}
"#;

/// The run's item of that name.
#[track_caller]
fn item<'a>(run: &'a Run, name: &str) -> &'a ItemResult {
    run.items.iter().find(|item| item.name == name).unwrap_or_else(|| panic!("no {name} in {:#?}", run.items))
}

#[track_caller]
fn run(centre: &Centre, id: u64) -> Run {
    centre.runs().into_iter().find(|run| run.id == RunId(id)).unwrap_or_else(|| panic!("there is no RUN-{id}"))
}

/// A person's result; `found` and the value as they measured them.
fn report_item(item: &str, outcome: ItemOutcome, evidence: &str) -> RunAction {
    RunAction::RecordItem { item: item.to_owned(), outcome, evidence: evidence.to_owned(), value: None, found: None }
}

fn on_run(centre: &mut Centre, actor: &str, id: u64, action: RunAction) -> Outcome {
    centre.command(actor, "first_line", Action::Run { id: RunId(id), action })
}

#[track_caller]
fn must(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Run { .. }), "{outcome:?}");
}

#[track_caller]
fn refused(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused(CommandRefusal::NotAllowed { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

/// What a machine measured.
fn probe(centre: &mut Centre, id: u64, item: &str, outcome: ItemOutcome, value: f64) {
    let (run, item, evidence) = (RunId(id), item.to_owned(), format!("{value:.1}"));
    centre.give(Request::Desk(DeskInput::Probe(ProbeResult {
        run,
        item,
        outcome,
        evidence,
        value: Some(value),
        found: None,
    })));
}

fn of_alert(centre: &Centre, name: &str, item: &str) -> Vec<Incident> {
    let fits =
        |incident: &Incident| incident.key.get("alertname") == Some(name) && incident.key.get("item") == Some(item);
    centre.incidents().into_values().filter(fits).collect()
}

const DISKS: &str = r#"
inventory: {items: [{name: 数据库1, class: server}, {name: 日志机, class: server}, {name: 文件机, class: server}]}
inspections:
  - name: 每日磁盘
    schedule: "0 8 * * *"
    zone: Asia/Shanghai
    due_within: 1h
    missed_after: 4h
    of: {kind: server}
    items:
      - {name: 磁盘, severity: major, fail: ">= 90", promql: {server: "http://127.0.0.1:9090", query: 'disk{host="{device}"}'}}
"#;

#[test]
fn row_25_a_disk_that_fills_slowly_is_warned_of_before_the_alert_and_noise_or_a_saw_tooth_is_not() {
    let mut centre = Centre::open(&format!("{FINDINGS}{DISKS}"), "2026-03-01T00:00:00");
    let wobble = |day: i64| [0.4, -0.7, 0.1, 0.9, -0.3, -0.8, 0.6][(day % 7) as usize];
    let (mut warned, mut failed) = (None, None);
    for day in 0..60 {
        centre.until(moment("2026-03-01T08:00:01") + TimeDelta::from_days(day));
        let id = day as u64 + 1;
        probe(&mut centre, id, "磁盘@数据库1", ItemOutcome::Pass, 50.0 + day as f64 + wobble(day));
        // Tidied up every tenth day, as it was long before.
        probe(&mut centre, id, "磁盘@日志机", ItemOutcome::Pass, 40.0 + 4.4 * ((day + 5) % 10) as f64);
        probe(&mut centre, id, "磁盘@文件机", ItemOutcome::Pass, 75.0 + 13.0 * wobble(day * 3 + 1));
        if warned.is_none() && !of_alert(&centre, "InspectionTrend", "磁盘@数据库1").is_empty() {
            warned = Some(day);
        }
        if failed.is_none() && !of_alert(&centre, "InspectionItemFailed", "磁盘@数据库1").is_empty() {
            failed = Some(day);
        }
        if failed.is_some() {
            break;
        }
    }
    let (warned, failed) = (warned.expect("it was warned of"), failed.expect("it was full"));
    assert!((7..=15).contains(&(failed - warned)), "warned on day {warned}, full on day {failed}");
    let warning = &of_alert(&centre, "InspectionTrend", "磁盘@数据库1")[0];
    assert_eq!(warning.severity, Severity::Warning);
    let told = run(&centre, failed as u64).items.into_iter().find(|item| item.name == "磁盘@数据库1").unwrap();
    assert!(told.trend.as_deref().is_some_and(|trend| trend.starts_with("reaches 90 ")), "{told:?}");
    for steady in ["磁盘@日志机", "磁盘@文件机"] {
        assert_eq!(of_alert(&centre, "InspectionTrend", steady), [], "{steady}");
    }
}

const CLEANING: &str = r#"
inventory:
  items:
    - {name: 电脑1, class: pc, site: 一科}
    - {name: 电脑2, class: pc, site: 一科}
    - {name: 打印机1, class: printer, site: 一科}
checklists:
  - name: 除尘
    items: [{name: 除尘, title: "{device} 除尘", minutes: 48, manual: {evidence: true}}]
inspections:
  - {name: 主机清洁, window: {times: 4, per: year, within: 30d}, zone: Asia/Shanghai, checklist: 除尘, of: {kind: pc}}
  - {name: 外设清洁, window: {times: 2, per: year, first: 4, within: 30d}, zone: Asia/Shanghai, checklist: 除尘, of: {kind: printer}, capacity: {inspectors: 1, hours_a_day: 1h}}
  - {name: 半年巡检, window: {months: [4, 10], within: 30d}, due_within: 20d, zone: Asia/Shanghai, sign_off: true, checklist: 除尘, of: {site: 一科}}
"#;

#[test]
fn row_55_twice_a_year_within_a_month_is_a_window_that_several_share() {
    let mut centre = Centre::open(&format!("{FINDINGS}{CLEANING}"), "2026-03-15T00:00:00");
    centre.at("2026-04-01T00:00:00");
    let of = |centre: &Centre, plan: &str| {
        let mut runs = centre.runs().into_iter().filter(|run| run.plan == plan && run.state != RunState::Scheduled);
        runs.next_back().unwrap()
    };
    let opened = of(&centre, "半年巡检");
    assert_eq!((opened.state, opened.items.len()), (RunState::Due, 3));
    assert_eq!(opened.missed_at, moment("2026-05-01T00:00:00"));
    let id = opened.id.0;
    // Any day will do, and each does a part.
    centre.at("2026-04-03T10:00:00");
    must(&on_run(&mut centre, "一线甲", id, report_item("除尘@电脑1", ItemOutcome::Pass, "已除尘，照片 1")));
    centre.at("2026-04-15T10:00:00");
    must(&on_run(&mut centre, "一线乙", id, report_item("除尘@电脑2", ItemOutcome::Pass, "已除尘，照片 2")));
    must(&on_run(&mut centre, "一线甲", id, report_item("除尘@打印机1", ItemOutcome::NotApplicable, "已报废")));
    let done = run(&centre, id);
    let who: Vec<_> = done.items.iter().map(|item| (item.name.as_str(), item.by.as_deref().unwrap())).collect();
    assert_eq!(done.state, RunState::AwaitingSignoff);
    assert_eq!(who, [("除尘@打印机1", "一线甲"), ("除尘@电脑1", "一线甲"), ("除尘@电脑2", "一线乙")]);
    must(&on_run(&mut centre, "班长", id, RunAction::SignOff { note: None }));
    // The others: four times a year and twice; what nobody did is missed when its window closes.
    centre.at("2026-12-31T00:00:00");
    let count = |plan: &str| centre.runs().iter().filter(|run| run.plan == plan && run.due_since.is_some()).count();
    assert_eq!((count("主机清洁"), count("外设清洁"), count("半年巡检")), (3, 2, 2));
    let year = (moment("2026-01-01T00:00:00"), moment("2027-01-01T00:00:00"));
    let rates: Vec<_> = completion(&centre.runs(), year.0, year.1).into_iter().map(|of| (of.plan, of.rate)).collect();
    let expected = [("主机清洁", 0.0), ("半年巡检", 0.5), ("外设清洁", 0.0)];
    assert_eq!(rates, expected.map(|(plan, rate)| (plan.to_owned(), Some(rate))));
}

#[test]
fn row_55_a_window_with_more_work_than_its_people_have_time_for_is_a_finding_of_check() {
    let check = |capacity: &str| {
        let text = CLEANING.replace("capacity: {inspectors: 1, hours_a_day: 1h}", capacity);
        let texts = vec![RuleText { path: "a.yaml".to_owned(), text: format!("{FINDINGS}{text}") }];
        let loaded = load(texts).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let report = report(&loaded, 1_000, moment("2026-01-01T00:00:00"));
        report.of_kind(FindingKind::Capacity).map(|finding| finding.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(check("capacity: {inspectors: 1, hours_a_day: 1h}"), [""; 0]);
    let over = check("capacity: {inspectors: 1, hours_a_day: 1m}");
    assert_eq!(over.len(), 1);
    assert!(
        over[0].starts_with("plan \"外设清洁\" needs 48m of work") && over[0].contains("1 inspectors have 30m"),
        "{over:?}"
    );
}

/// Every flow of the users' documents has one definition; the list stands in rules/README.md.
#[test]
fn row_58_every_flow_is_listed_once_with_its_one_definition() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("rules/README.md")).unwrap();
    let section = readme.split("## Flows\n").nth(1).expect("the section").split("\n## ").next().unwrap();
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| flow") && !line.starts_with("|-"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let flows: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    let wanted = [
        "service 服务",
        "repair 维修",
        "complaint 投诉",
        "incident 故障",
        "fault report 报障",
        "on-site 现场",
        "send-in 送修",
        "configuration 配置",
        "change 变更",
        "inspection 巡检",
        "problem 问题",
    ];
    assert_eq!(flows, wanted);
    let mut definitions = BTreeSet::new();
    for row in &rows {
        let [flow, record, definition] = row[..] else { panic!("{row:?}") };
        let (file, word) =
            definition.trim_matches('`').split_once('#').unwrap_or_else(|| panic!("{flow}: {definition}"));
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{flow}: {file}: {error}"));
        assert!(text.contains(word), "{flow}: {file} does not hold {word:?}");
        definitions.insert((record, definition));
    }
    // Flows of one record share its definition: no record has two.
    let records: BTreeSet<&str> = definitions.iter().map(|(record, _)| *record).collect();
    assert_eq!(records.len(), definitions.len(), "{definitions:?}");
}

const DAILY: &str = r#"
inspections:
  - name: 一线日巡检
    schedule: "30 8 * * *"
    zone: Asia/Shanghai
    team: first-line
    due_within: 2h
    missed_after: 8h
    sign_off: true
    signers: second-line
    four_eyes: true
    items:
      - {name: 空调, manual: {evidence: true}}
      - {name: 温度, warn: "> 27", fail: "> 32", severity: critical, manual: {}}
"#;

#[test]
fn row_62_first_line_does_the_daily_inspection_and_second_line_signs_it() {
    let mut centre = Centre::open(&format!("{FINDINGS}{DAILY}"), "2026-03-02T00:00:00");
    centre.at("2026-03-02T08:30:00");
    assert_eq!((run(&centre, 1).team.as_str(), run(&centre, 1).state), ("first-line", RunState::Due));
    must(&on_run(&mut centre, "一线甲", 1, report_item("空调", ItemOutcome::Pass, "送风正常")));
    assert_eq!(
        refused(on_run(&mut centre, "一线甲", 1, report_item("温度", ItemOutcome::Pass, ""))),
        "cannot record \"温度\" of RUN-1: it needs the value that was measured"
    );
    let hot = RunAction::RecordItem {
        item: "温度".to_owned(),
        outcome: ItemOutcome::Pass,
        evidence: "冷通道".to_owned(),
        value: Some(33.5),
        found: None,
    };
    must(&on_run(&mut centre, "一线甲", 1, hot));
    // The value decides, whatever the person ticked; run and incident name each other.
    let incident = &of_alert(&centre, "InspectionItemFailed", "温度")[0];
    assert_eq!((incident.severity, incident.team.as_str()), (Severity::Critical, "first-line"));
    assert_eq!(incident.findings, ["RUN-1/温度"]);
    let seen = run(&centre, 1);
    assert_eq!(item(&seen, "温度").incident, Some(incident.id));
    assert_eq!(item(&seen, "温度").evidence, "冷通道; 33.5 is above 32");
    // Who may sign.
    let sign = || RunAction::SignOff { note: None };
    assert_eq!(
        refused(on_run(&mut centre, "一线乙", 1, sign())),
        "cannot sign RUN-1: 一线乙 is not in team second-line, which signs it"
    );
    must(&on_run(&mut centre, "班长", 1, RunAction::Reject { reason: "请附照片".to_owned() }));
    must(&on_run(&mut centre, "班长", 1, report_item("空调", ItemOutcome::Pass, "照片 3")));
    assert_eq!(
        refused(on_run(&mut centre, "班长", 1, sign())),
        "cannot sign RUN-1: 班长 recorded items of it; somebody else must look at it"
    );
    // Nobody else may, so it waits past its time, and that is a finding with since when.
    centre.at("2026-03-02T17:00:00");
    assert!(run(&centre, 1).unsigned_since.is_some());
    assert_eq!(
        centre.incidents().into_values().filter(|one| one.key.get("alertname") == Some("InspectionUnsigned")).count(),
        1
    );
    // Tomorrow nobody comes: overdue, then missed, each told once.
    centre.at("2026-03-03T17:00:00");
    let missed = run(&centre, 2);
    assert_eq!((missed.state, missed.overdue_since), (RunState::Missed, Some(moment("2026-03-03T10:30:00"))));
    assert_eq!(
        centre.incidents().into_values().filter(|one| one.key.get("alertname") == Some("InspectionMissed")).count(),
        1
    );
}

const RACK: &str = r#"
inventory:
  items:
    - {name: 交换机3, class: switch, site: 广州01, facts: {serial: SN-3001, u: "12"}}
    - {name: 交换机4, class: switch, site: 广州01, facts: {u: "14"}}
inspections:
  - name: 帐实相符
    schedule: "0 9 1 * *"
    zone: Asia/Shanghai
    due_within: 1d
    missed_after: 3d
    of: {kind: switch}
    items:
      - {name: 序列号, severity: minor, expect: {fact: serial}, manual: {}}
      - {name: 机位, severity: minor, expect: {fact: u}, http: {url: "http://{device}.local/facts", json: /rack/u}}
"#;

#[test]
fn row_66_what_stands_in_the_rack_and_what_the_inventory_says_must_be_the_same() {
    let mut centre = Centre::open(&format!("{FINDINGS}{RACK}"), "2026-03-30T00:00:00");
    centre.at("2026-04-01T09:00:00");
    let found = |name: &str, found: &str| RunAction::RecordItem {
        item: name.to_owned(),
        outcome: ItemOutcome::Pass,
        evidence: String::new(),
        value: None,
        found: Some(found.to_owned()),
    };
    assert_eq!(
        refused(on_run(&mut centre, "一线甲", 1, found("序列号@交换机3", " "))),
        "cannot record \"序列号@交换机3\" of RUN-1: it needs what was found there (serial)"
    );
    must(&on_run(&mut centre, "一线甲", 1, found("序列号@交换机3", "SN-9999")));
    must(&on_run(&mut centre, "一线甲", 1, found("序列号@交换机4", "SN-4001")));
    for (name, value) in [("机位@交换机3", "12.0"), ("机位@交换机4", "15")] {
        let (run, item, evidence) = (RunId(1), name.to_owned(), "GET answered 200".to_owned());
        let found = Some(value.to_owned());
        let result = ProbeResult { run, item, outcome: ItemOutcome::Pass, evidence, value: None, found };
        centre.give(Request::Desk(DeskInput::Probe(result)));
    }
    let seen = run(&centre, 1);
    let said = |name: &str| (item(&seen, name).outcome, item(&seen, name).evidence.clone());
    assert_eq!(
        said("序列号@交换机3"),
        (ItemOutcome::Fail, "found \"SN-9999\", the inventory says \"SN-3001\" (serial)".to_owned())
    );
    assert_eq!(
        said("序列号@交换机4"),
        (ItemOutcome::Fail, "found \"SN-4001\", the inventory says no serial".to_owned())
    );
    assert_eq!(said("机位@交换机3").0, ItemOutcome::Pass);
    assert_eq!(said("机位@交换机4").0, ItemOutcome::Fail);
    assert_eq!(item(&seen, "序列号@交换机3").expected.as_deref(), Some("SN-3001"));
    // A mismatch is a finding about the device, and names both.
    let incident = &of_alert(&centre, "InspectionItemFailed", "序列号@交换机3")[0];
    assert_eq!((incident.labels.get("device"), incident.labels.get("site")), (Some("交换机3"), Some("广州01")));
    assert_eq!(incident.findings, ["RUN-1/序列号@交换机3"]);
    assert_eq!(of_alert(&centre, "InspectionItemFailed", "机位@交换机4").len(), 1);
    assert_eq!(of_alert(&centre, "InspectionItemFailed", "机位@交换机3").len(), 0);
}

#[test]
fn row_67_the_three_templates_serve_every_kind_and_take_nothing_without_evidence() {
    let estate = r#"
inventory:
  items:
    - {name: 核心交换机, class: switch, facts: {serial: N1}}
    - {name: 受理服务器, class: server, facts: {serial: S1, address: 10.0.0.5, prometheus: "10.0.0.6:9090"}}
    - {name: 计费服务器, class: server, facts: {serial: S2, address: 10.0.0.8, prometheus: "10.0.0.6:9090"}}
    - {name: 阵列, class: storage, facts: {serial: T1}}
    - {name: 受理库, class: database, facts: {address: 10.0.0.7, prometheus: "10.0.0.6:9090"}}
    - {name: 门户, class: application, facts: {address: portal.example.com}}
inspections:
  - {name: 网络外观, schedule: "0 9 * * 1", zone: Asia/Shanghai, due_within: 1d, missed_after: 3d, checklist: appearance-network, of: {kind: switch}}
  - {name: 服务器外观, schedule: "0 9 * * 1", zone: Asia/Shanghai, due_within: 1d, missed_after: 3d, checklist: appearance-server, of: {kind: server}}
  - {name: 存储外观, schedule: "0 9 * * 1", zone: Asia/Shanghai, due_within: 1d, missed_after: 3d, checklist: appearance-storage, of: {kind: storage}}
  - {name: 系统级, schedule: "0 9 * * 1", zone: Asia/Shanghai, due_within: 1d, missed_after: 3d, checklist: system-level, of: {match: 'class="server"'}}
  - {name: 数据库, schedule: "0 9 * * 1", zone: Asia/Shanghai, due_within: 1d, missed_after: 3d, checklist: database, of: {kind: database}}
  - {name: 应用, schedule: "0 9 * * 1", zone: Asia/Shanghai, due_within: 1d, missed_after: 3d, checklist: application, of: {kind: application}}
"#;
    let mut texts = builtin();
    texts.push(RuleText { path: "estate.yaml".to_owned(), text: estate.to_owned() });
    let mut centre = Centre::open_files(texts, "2026-03-01T00:00:00");
    centre.at("2026-03-02T09:00:00");
    let mut without_evidence = 0;
    for plan in ["网络外观", "服务器外观", "存储外观", "系统级", "数据库", "应用"] {
        let opened: Vec<Run> =
            centre.runs().into_iter().filter(|run| run.plan == plan && run.state == RunState::Due).collect();
        let [run] = &opened[..] else { panic!("{plan}: one run for all its devices: {opened:#?}") };
        let devices: BTreeSet<&str> = run.items.iter().map(|item| item.device.as_deref().unwrap()).collect();
        assert_eq!(devices.len(), if plan.starts_with("服务器") || plan == "系统级" { 2 } else { 1 }, "{plan}");
        let is_manual = |item: &&ItemResult| item.kind == "manual";
        let automated = run.items.len() - run.items.iter().filter(is_manual).count();
        assert_eq!(automated > 0, !plan.ends_with("外观"), "{plan}: manual and automated items");
        for item in run.items.iter().filter(is_manual) {
            let nothing = RunAction::RecordItem {
                item: item.name.clone(),
                outcome: ItemOutcome::Pass,
                evidence: " ".to_owned(),
                value: Some(1.0),
                found: item.expected.clone(),
            };
            let Outcome::Refused(CommandRefusal::NotAllowed { reason }) =
                on_run(&mut centre, "一线甲", run.id.0, nothing.clone())
            else {
                continue;
            };
            assert!(reason.ends_with("it needs evidence: what was seen, or a link to it"), "{reason}");
            without_evidence += 1;
            let RunAction::RecordItem { item, outcome, value, found, .. } = nothing else { unreachable!() };
            let evidence = "正常，见照片".to_owned();
            must(&on_run(
                &mut centre,
                "一线甲",
                run.id.0,
                RunAction::RecordItem { item, outcome, evidence, value, found },
            ));
        }
    }
    println!("{without_evidence} items refused without evidence");
    assert!(without_evidence >= 20, "{without_evidence}");
    let done = centre.runs().into_iter().filter(|run| run.plan.ends_with("外观") && run.state == RunState::Completed);
    assert_eq!(done.count(), 3);
}

const HOURLY: &str = r#"
inspections:
  - name: 机房每小时
    schedule: "0 8 * * *"
    zone: Asia/Shanghai
    due_within: 10h
    missed_after: 12h
    slots: {every: 1h, for: 4h, within: 30m}
    items:
      - {name: 电压, warn: "< 210", manual: {}}
      - {name: 门户, http: {url: "http://127.0.0.1:1/"}}
"#;

#[test]
fn hours_within_a_day_are_one_run_and_are_missed_one_by_one() {
    let mut centre = Centre::open(&format!("{FINDINGS}{HOURLY}"), "2026-03-02T00:00:00");
    centre.at("2026-03-02T08:10:00");
    let volts = |at: &str, value: f64| RunAction::RecordItem {
        item: format!("电压@{at}"),
        outcome: ItemOutcome::Pass,
        evidence: String::new(),
        value: Some(value),
        found: None,
    };
    must(&on_run(&mut centre, "一线甲", 1, volts("08:00", 220.0)));
    probe(&mut centre, 1, "门户@08:00", ItemOutcome::Pass, 12.0);
    // Not asked, and not to be recorded, before its time.
    probe(&mut centre, 1, "门户@11:00", ItemOutcome::Pass, 12.0);
    assert_eq!(
        refused(on_run(&mut centre, "一线甲", 1, volts("09:00", 220.0))),
        "cannot record \"电压@09:00\" of RUN-1: its time begins at 2026-03-02T01:00:00Z"
    );
    let asked =
        |centre: &Centre| centre.engine().pending_probes().into_iter().map(|probe| probe.item).collect::<Vec<_>>();
    centre.at("2026-03-02T09:10:00");
    assert_eq!(asked(&centre), ["门户@09:00"]);
    probe(&mut centre, 1, "门户@09:00", ItemOutcome::Pass, 12.0);
    // Nobody comes at nine.
    centre.at("2026-03-02T09:30:00");
    let missed = run(&centre, 1);
    let nine = item(&missed, "电压@09:00");
    assert_eq!((nine.outcome, nine.evidence.as_str()), (ItemOutcome::NotDone, "not done by 2026-03-02T01:30:00Z"));
    assert_eq!(missed.state, RunState::InProgress);
    let told = of_alert(&centre, "InspectionSlotMissed", "电压");
    assert_eq!(told.iter().map(|one| one.findings.clone()).collect::<Vec<_>>(), [["RUN-1/电压@09:00"]]);
    assert!(refused(on_run(&mut centre, "一线甲", 1, volts("09:00", 220.0))).contains("it was missed at"));
    // At ten somebody does, and low voltage warns whatever was ticked.
    centre.at("2026-03-02T10:05:00");
    must(&on_run(&mut centre, "一线甲", 1, volts("10:00", 205.0)));
    let now = centre.now();
    centre.until(now);
    assert!(!of_alert(&centre, "InspectionSlotMissed", "电压")[0].state.is_open());
    assert_eq!(item(&run(&centre, 1), "电压@10:00").outcome, ItemOutcome::Warn);
    probe(&mut centre, 1, "门户@10:00", ItemOutcome::Pass, 12.0);
    centre.at("2026-03-02T11:20:00");
    must(&on_run(&mut centre, "一线乙", 1, volts("11:00", 221.0)));
    probe(&mut centre, 1, "门户@11:00", ItemOutcome::Pass, 12.0);
    assert_eq!(run(&centre, 1).state, RunState::Completed);
    let day = completion(&centre.runs(), moment("2026-03-02T00:00:00"), moment("2026-03-03T00:00:00"));
    assert_eq!((day[0].completed, day[0].items, day[0].items_done), (1, 8, 7));
    // The next day nobody does anything: the run is missed, since every hour was.
    centre.at("2026-03-03T12:00:00").after(minutes(1));
    let none = run(&centre, 2);
    assert_eq!(
        (none.state, none.reason.as_deref()),
        (RunState::Missed, Some("every time at which it was due passed by"))
    );
}

#[tokio::test]
async fn row_67_a_persons_run_over_rest_demands_evidence_and_shows_what_it_led_to() {
    let rules = format!(
        "{FINDINGS}{}",
        DAILY
            .replace("signers: second-line\n    four_eyes: true\n", "capacity: {hours_a_day: 8h}\n")
            .replace("manual: {}", "minutes: 5, manual: {}")
    );
    let service = Setup::new(&[("rules.yaml", &rules)]).start().await;
    let plan = "%E4%B8%80%E7%BA%BF%E6%97%A5%E5%B7%A1%E6%A3%80";
    let started: Value =
        serde_json::from_str(&service.must_post(&format!("/api/v1/inspections/{plan}/start"), &json!({})).await)
            .unwrap();
    let path = format!("/api/v1/inspections/runs/{}", started["id"].as_str().unwrap());
    let (status, text) = service.post(&format!("{path}/items/空调"), &json!({"outcome": "pass"})).await;
    assert!(status == 409 && text.contains("it needs evidence"), "{status} {text}");
    service.must_post(&format!("{path}/items/空调"), &json!({"outcome": "pass", "evidence": "送风正常"})).await;
    service.must_post(&format!("{path}/items/温度"), &json!({"outcome": "pass", "value": 35})).await;
    service.must_post(&format!("{path}/sign-off"), &json!({})).await;
    let run = until("the run shows its incident", async || {
        let run = service.get(&path).await;
        run["items"][1]["incident"].is_string().then_some(run)
    })
    .await;
    assert_eq!((run["state"].clone(), run["items"][1]["outcome"].clone()), (json!("completed"), json!("fail")));
    let incident = service.get(&format!("/api/v1/incidents/{}", run["items"][1]["incident"].as_str().unwrap())).await;
    assert_eq!(incident["findings"], json!([format!("{}/温度", run["id"].as_str().unwrap())]));
    let capacity = service.get(&format!("/api/v1/inspections/{plan}/capacity")).await;
    assert_eq!((capacity["needed"].clone(), capacity["fits"].clone()), (json!("5m"), json!(true)));
    let done = service.get("/api/v1/inspections/completion?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z").await;
    assert_eq!((done["items"][0]["completed"].clone(), done["items"][0]["rate"].clone()), (json!(1), json!(1.0)));
    let metrics = service.text("/metrics").await;
    assert!(metrics.contains("watchfire_inspection_findings_total{subject=\"item\"} 1"), "{metrics}");
}
