//! Three lines of support: rows 8, 10, 14, 29, 33, 35, 36, 47, 53, 58, 62, 64.

use serde_json::{Value, json};

use super::centre::{Centre, minutes, moment};
use crate::support::service::{PATIENCE, Service, Setup, until};
use watchfire::api::{Permission, RoleKind};
use watchfire::core::engine::{
    Action, AttentionSource, CommandRefusal, IncidentAction, NotificationKind, Outcome, ProblemAction, WaitingKind,
};
use watchfire::core::incidents::{IncidentState, PendingOn, TimelineKind};
use watchfire::core::inspections::RunState;
use watchfire::core::model::{IncidentId, Priority, ProblemId, Severity, Tier, TimeDelta};
use watchfire::core::problems::ProblemState;
use watchfire::core::rules::{RuleText, load, report};
use watchfire::store::TokenRole;

const DESK: &str = r#"
teams:
  - {name: first, title: 一线服务台, members: [一线值班], notify: [{webhook: {url: "http://127.0.0.1/1"}}]}
  - {name: second, title: 二线专家组, members: [二线专家], notify: [{webhook: {url: "http://127.0.0.1/2"}}]}
  - {name: huaxin, title: 华信驻场, members: [厂商工程师], vendors: [华信], notify: [{webhook: {url: "http://127.0.0.1/3"}}]}
  - {name: managers, members: [值班经理], notify: [{webhook: {url: "http://127.0.0.1/m"}}]}
people:
  - {name: 中心主任, notify: [{by: {mqtt: {topic: noc/director}}}]}
tiers:
  - name: default
    notify_managers:
      - {after: 15m, team: managers, repeat: 1, every: 30m, stop_when: [acknowledged]}
      - {after: 30m, person: 中心主任, priorities: [P1]}
    steps:
      - {tier: 1, team: first, respond_by: 10m, resolve_by: 1h, required_fields: [symptom, tried]}
      - {tier: 2, team: second, kind: visit, respond_by: 20m, resolve_by: 2h}
      - {tier: 3, vendor: true, kind: senior_visit, respond_by: 1h, resolve_by: 1d}
inventory:
  items:
    - {name: 路由器1, class: router, site: 广州01, vendor: 华信, contract: 0000COM1234, contract_until: "2026-12-31"}
    - {name: 路由器2, class: router, site: 广州02, vendor: 华信, contract: 0000COM0001, contract_until: "2025-12-31"}
    - {name: 路由器3, class: router, site: 广州03, vendor: 华信}
playbooks:
  - name: link
    title: 链路中断处置
    steps:
      - {name: 查光功率, evidence: true}
      - {name: 联系运营商}
rules:
  - {name: link, match: alertname="LinkDown", by: [device], title: "{device} 链路中断", notify_delay: 0s, playbook: link}
"#;

const START: &str = "2026-02-13T17:00:00";

fn link_down(device: &str) -> [(&str, &str); 2] {
    [("alertname", "LinkDown"), ("device", device)]
}

/// With one incident open, of that device.
fn opened(device: &str) -> Centre {
    let mut centre = Centre::open(DESK, START);
    centre.fire(&link_down(device));
    centre
}

fn triage(pairs: &[(&str, &str)]) -> IncidentAction {
    IncidentAction::Triage {
        fields: pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
    }
}

fn escalate() -> IncidentAction {
    IncidentAction::Escalate { diagnosis: "光功率低".to_owned() }
}

#[track_caller]
fn refused(answer: Outcome, words: &str) {
    match answer {
        Outcome::Refused(refusal) => assert!(refusal.to_string().contains(words), "{refusal}"),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn done(answer: Outcome) {
    assert!(!matches!(answer, Outcome::Refused(_)), "{answer:?}");
}

/// Minutes after the start, kind and team of every notice.
fn notices(centre: &Centre) -> Vec<String> {
    let start = moment(START);
    let told = |notice: watchfire::core::engine::Notification| {
        format!("{} {} {}", notice.at.since(start).as_seconds_f64() / 60.0, notice.kind.as_str(), notice.team)
    };
    centre.notices().into_iter().map(told).collect()
}

#[test]
fn row_35_what_nobody_takes_goes_through_all_three_lines_on_time_and_to_the_vendor_under_contract() {
    let mut centre = opened("路由器1");
    assert_eq!(centre.after(minutes(9)).incident(1).tier, Tier::First);
    assert_eq!(centre.after(minutes(1)).incident(1).tier, Tier::Second);
    assert_eq!(centre.after(minutes(20)).incident(1).tier, Tier::Third);
    let incident = centre.incident(1);
    assert_eq!((incident.escalations, incident.team.as_str()), (2, "huaxin"));
    assert!(notices(&centre).contains(&"30 escalated huaxin".to_owned()), "{:#?}", notices(&centre));
}

#[test]
fn row_35_what_is_handed_on_is_the_next_teams_whoever_had_it_before() {
    let expert = "people:\n  - {name: 二线专家, notify: [{by: {mqtt: {topic: noc/expert}}}]}\n";
    let mut centre = Centre::open(&DESK.replace("people:\n", expert), START);
    centre.fire(&link_down("路由器1"));
    let told = |centre: &Centre, line: &str| {
        let persons = |entry: watchfire::core::incidents::TimelineEntry| (entry.kind, entry.text);
        centre.timeline(1).into_iter().map(persons).any(|(kind, text)| kind == TimelineKind::Paged && text == line)
    };
    centre.on_incident("一线值班", 1, IncidentAction::Acknowledge { note: None });
    centre.on_incident("一线值班", 1, triage(&[("symptom", "断"), ("tried", "换纤")]));
    done(centre.on_incident("一线值班", 1, escalate()));
    let incident = centre.incident(1);
    assert_eq!((incident.team.as_str(), incident.assignee), ("second", None));
    assert!(told(&centre, "second at tier 2: handed on from tier 1 (1 channel(s), 二线专家)"));
    centre.on_incident("二线专家", 1, IncidentAction::Acknowledge { note: None });
    assert_eq!(centre.incident(1).assignee.as_deref(), Some("二线专家"));
    done(centre.on_incident("二线专家", 1, IncidentAction::HandBack { reason: "先换模块".to_owned() }));
    assert_eq!(centre.incident(1).assignee, None);
    // By the clock, too; but not from somebody of the next team.
    centre.on_incident("一线值班", 1, IncidentAction::Assign { assignee: "二线专家".to_owned() });
    let climbed = centre.after(minutes(10)).incident(1);
    assert_eq!((climbed.team.as_str(), climbed.assignee.as_deref()), ("second", Some("二线专家")));
}

#[test]
fn row_35_a_vendor_without_a_running_contract_is_skipped_with_the_reason() {
    for (device, reason) in [
        ("路由器2", "the contract 0000COM0001 of 路由器2 with 华信 ended at"),
        ("路由器3", "路由器3 has no contract with 华信"),
        ("不明设备", "no item of the inventory is known of it"),
    ] {
        let mut centre = opened(device);
        centre.after(minutes(31));
        assert_eq!(centre.incident(1).tier, Tier::Second, "{device}");
        let done = centre.on_incident("二线专家", 1, escalate());
        refused(done, "no further tier has anybody on it");
        centre.on_incident("一线值班", 1, IncidentAction::Acknowledge { note: None });
        // The ladder ends at the second line, and says why.
        let mut without_first = Centre::open(
            &DESK
                .replace("members: [一线值班], notify: [{webhook: {url: \"http://127.0.0.1/1\"}}]", "members: []")
                .replace("members: [二线专家], notify: [{webhook: {url: \"http://127.0.0.1/2\"}}]", "members: []"),
            START,
        );
        without_first.fire(&link_down(device));
        let skipped: Vec<String> = without_first
            .timeline(1)
            .into_iter()
            .filter(|line| line.kind == TimelineKind::StepSkipped)
            .map(|line| line.text)
            .collect();
        assert_eq!(skipped.len(), 3, "{skipped:#?}");
        assert!(skipped[2].contains(reason), "{skipped:#?}");
    }
}

#[test]
fn row_08_nobody_hands_it_on_without_the_triage_that_the_step_demands_and_bounces_are_counted() {
    let mut centre = opened("路由器1");
    refused(centre.on_incident("一线值班", 1, escalate()), "write down symptom, tried first");
    done(centre.on_incident("一线值班", 1, triage(&[("symptom", "业务中断")])));
    refused(centre.on_incident("一线值班", 1, escalate()), "write down tried first");
    done(centre.on_incident("一线值班", 1, triage(&[("tried", "重启端口")])));
    done(centre.on_incident("一线值班", 1, escalate()));
    let incident = centre.incident(1);
    assert_eq!((incident.tier, incident.support.bounces), (Tier::Second, 0));
    // The second line sends it back with a reason; the first line has it again, and is paged.
    refused(centre.on_incident("二线专家", 1, IncidentAction::HandBack { reason: " ".to_owned() }), "without why");
    done(centre.on_incident("二线专家", 1, IncidentAction::HandBack { reason: "未查光缆".to_owned() }));
    let incident = centre.incident(1);
    assert_eq!((incident.tier, incident.team.as_str()), (Tier::First, "first"));
    assert_eq!((incident.support.bounces, incident.escalations), (1, 1), "the bounce rate is 1 of 1");
    assert!(notices(&centre).contains(&"0 handed_back first".to_owned()), "{:#?}", notices(&centre));
    refused(
        centre.on_incident("一线值班", 1, IncidentAction::HandBack { reason: "x".to_owned() }),
        "no lower tier has anybody on it",
    );
    let audited: Vec<String> = centre.audit().into_iter().map(|entry| entry.action).collect();
    assert!(audited.contains(&"incident.hand_back".to_owned()), "{audited:?}");
}

#[test]
fn row_08_the_clock_is_not_held_up_by_a_missing_diagnosis_but_says_that_it_is_missing() {
    let mut centre = opened("路由器1");
    centre.on_incident("一线值班", 1, triage(&[("symptom", "业务中断")]));
    centre.after(minutes(10));
    let climbed = centre.timeline(1).into_iter().find(|line| line.kind == TimelineKind::Escalated).unwrap();
    assert_eq!(climbed.text, "from tier 1 to tier 2, without its diagnosis: tried missing");
}

#[test]
fn row_47_functional_and_hierarchical_escalation_both_fire() {
    let mut centre = opened("路由器1");
    centre.after(minutes(46));
    let told = notices(&centre);
    let expected = [
        "0 page first",
        "10 escalated second",
        // The managers are told, and the incident stays with the second line.
        "15 managers_told managers",
        "20 page_again second",
        "30 escalated huaxin",
        "40 page_again huaxin",
        "45 managers_told managers",
    ];
    assert_eq!(told, expected);
    assert_eq!(centre.incident(1).support.managers_told, 2);
}

#[test]
fn row_47_managers_are_told_by_priority_and_not_of_what_somebody_has_taken() {
    let mut urgent = Centre::open(&DESK.replace("notify_delay: 0s,", "notify_delay: 0s, priority: P1,"), START);
    urgent.fire(&link_down("路由器1"));
    urgent.on_incident("一线值班", 1, IncidentAction::Acknowledge { note: None });
    urgent.after(minutes(31));
    // `managers` stops when acknowledged; the director is told of every P1.
    assert_eq!(urgent.incident(1).priority, Priority::P1);
    assert_eq!(notices(&urgent), ["0 page first", "30 managers_told 中心主任"]);
    assert_eq!(urgent.incident(1).tier, Tier::First);
}

#[test]
fn row_53_hot_line_on_site_and_senior_visit_are_three_kinds_of_dispatch() {
    let mut centre = opened("路由器1");
    let mut kinds = vec![centre.incident(1).support.kind.as_str()];
    kinds.push(centre.after(minutes(10)).incident(1).support.kind.as_str());
    kinds.push(centre.after(minutes(20)).incident(1).support.kind.as_str());
    assert_eq!(kinds, ["phone", "visit", "senior_visit"]);
    let rulebook = super::centre::rulebook(DESK);
    let incident = centre.incident(1);
    let item = rulebook.inventory.find("路由器1").map(|index| rulebook.inventory.item(index));
    let with = watchfire::core::incidents::OrderedWith { team: rulebook.teams.get("huaxin"), item };
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
    let order = watchfire::core::incidents::dispatch_order(&incident, with, &zone, centre.now());
    for line in [
        "派工单：INC-1",
        "派工方式：高级工程师紧急上门",
        "发生时间：2026-02-13 17:00",
        "打印时间：2026-02-13 17:30",
        "派往：huaxin 华信驻场（3线）",
        "地点：广州01",
        "[ ] 查光功率",
        "工程师签字",
    ] {
        assert!(order.contains(line), "{line} in\n{order}");
    }
}

#[test]
fn row_62_only_first_line_closes_and_the_others_resolve_or_hand_back() {
    let mut centre = opened("路由器1");
    centre.on_incident("一线值班", 1, IncidentAction::Acknowledge { note: None });
    done(centre.on_incident("二线专家", 1, IncidentAction::Resolve { resolution: "更换光模块".to_owned() }));
    let close = || Action::Incident { id: IncidentId(1), action: IncidentAction::Close { note: None } };
    for (actor, role) in
        [("二线专家", "operator"), ("厂商工程师", "operator"), ("王工", "second_line"), ("x", "third_line")]
    {
        let answer = centre.command(actor, role, close());
        assert!(matches!(answer, Outcome::Refused(CommandRefusal::Forbidden { .. })), "{actor} as {role}: {answer:?}");
    }
    assert_eq!(centre.incident(1).state, IncidentState::Resolved);
    assert!(centre.audit().last().unwrap().refused.as_ref().unwrap().contains("only first line closes"));
    done(centre.command("一线值班", "operator", close()));
    assert_eq!(centre.incident(1).state, IncidentState::Closed);
}

#[test]
fn row_14_a_move_that_the_state_does_not_allow_is_refused_and_audited() {
    let mut centre = opened("路由器1");
    let close = Action::Incident { id: IncidentId(1), action: IncidentAction::Close { note: None } };
    let answer = centre.command("一线值班", "operator", close);
    assert!(matches!(answer, Outcome::Refused(_)), "{answer:?}");
    assert_eq!(centre.incident(1).state, IncidentState::New);
    assert!(centre.audit().last().unwrap().refused.is_some());
}

/// Row by row: what is done, and which roles may do it.
#[test]
fn row_64_each_role_passes_its_own_transitions_and_no_others() {
    let roles = [
        TokenRole::Viewer,
        TokenRole::FirstLine,
        TokenRole::SecondLine,
        TokenRole::ThirdLine,
        TokenRole::IncidentManager,
        TokenRole::ProblemManager,
        TokenRole::ChangeManager,
        TokenRole::ConfigurationManager,
        TokenRole::ProcessManager,
        TokenRole::Admin,
    ];
    // viewer, first, second, third; managers of incidents, problems, changes, configuration; process manager; admin.
    let matrix = [
        (Permission::Work, ".xxxxxx.xx"),
        (Permission::Steer, ".x..x...xx"),
        (Permission::Close, ".x..x...xx"),
        (Permission::Review, "..x..x..xx"),
        (Permission::Conclude, ".....x..xx"),
        (Permission::Silence, ".xx.x.x.xx"),
        (Permission::Reload, ".......xxx"),
        (Permission::Audit, "....xxxxxx"),
        (Permission::Inspect, ".xxx....xx"),
        (Permission::SignOff, "..x.....xx"),
        (Permission::Ingest, ".........x"),
        (Permission::Read, "xxxxxxxxxx"),
    ];
    for (door, expected) in matrix {
        let passed: String = roles.iter().map(|role| if door.admits(role, None) { 'x' } else { '.' }).collect();
        assert_eq!(passed, expected, "{door:?}");
    }
    for role in roles {
        assert_eq!(TokenRole::parse(role.as_str()).unwrap(), role, "a token can have every role");
        assert_eq!(RoleKind::of(&role).as_str(), role.as_str());
    }
}

#[test]
fn row_33_every_rule_that_can_make_a_p1_has_a_playbook() {
    let lint = |rules: &str| -> Vec<String> {
        let text = RuleText { path: "rules.yaml".to_owned(), text: rules.to_owned() };
        let loaded = load(vec![text]).unwrap();
        let found = report(&loaded, 1_000, moment(START));
        found.of_kind(watchfire::core::rules::FindingKind::NoPlaybook).map(|finding| finding.rule.clone()).collect()
    };
    assert_eq!(lint(DESK), Vec::<String>::new());
    assert_eq!(lint(&DESK.replace(", playbook: link}", "}")), ["link"]);
    assert_eq!(lint(&DESK.replace(", playbook: link}", ", priority: P2}")), Vec::<String>::new());
    assert_eq!(lint(&DESK.replace(", playbook: link}", ", severity: critical}")), ["link"]);
    let shipped = load(watchfire::core::rules::builtin()).unwrap();
    let without: Vec<String> = report(&shipped, 100_000, moment(START))
        .of_kind(watchfire::core::rules::FindingKind::NoPlaybook)
        .map(|finding| finding.rule.clone())
        .collect();
    assert_eq!(without, Vec::<String>::new(), "every shipped rule that can make a P1 has one");
}

#[test]
fn row_26_a_ticked_step_of_the_playbook_carries_its_operator_and_time() {
    let mut centre = opened("路由器1");
    let tick =
        |step: &str, note: Option<&str>| IncidentAction::Tick { step: step.to_owned(), note: note.map(str::to_owned) };
    refused(centre.on_incident("一线值班", 1, tick("查光功率", None)), "demands a note");
    centre.after(minutes(1));
    done(centre.on_incident("一线值班", 1, tick("查光功率", Some("-31 dBm"))));
    let playbook = centre.incident(1).support.playbook.unwrap();
    assert_eq!(playbook.title, "链路中断处置");
    let ticked: Vec<(Option<String>, bool)> =
        playbook.steps.iter().map(|step| (step.ticked_by.clone(), step.ticked_at == Some(centre.now()))).collect();
    assert_eq!(ticked, [(Some("一线值班".to_owned()), true), (None, false)]);
}

#[test]
fn row_29_a_source_that_falls_silent_alerts_in_exactly_its_time_and_clears_with_the_next_message() {
    let rules = format!(
        "{DESK}  - {{name: silence, match: alertname=\"SourceSilent\", by: [source], title: \"监控源 {{source}} 无消息\", notify_delay: 0s}}\n\
         sources:\n  - {{name: zabbix, silent_after: 5m, labels: {{alertname: item.name}}}}\n"
    );
    let mut centre = Centre::open(&rules, START);
    let hear = |centre: &mut Centre| {
        let mut event =
            super::centre::event(&[("alertname", "心跳")], watchfire::core::model::Status::Point, centre.now());
        event.source = "zabbix".to_owned();
        centre.give(watchfire::core::engine::Request::Event(Box::new(event)));
    };
    hear(&mut centre);
    centre.after(minutes(3));
    hear(&mut centre);
    centre.after(TimeDelta::from_seconds(299));
    assert!(centre.incidents().is_empty(), "{:#?}", centre.incidents());
    centre.after(TimeDelta::from_seconds(1));
    let incident = centre.incident(1);
    assert_eq!((incident.title.as_str(), incident.opened_at), ("监控源 zabbix 无消息", moment("2026-02-13T17:08:00")));
    assert_eq!(incident.severity, Severity::Major);
    centre.after(minutes(1));
    hear(&mut centre);
    centre.after(minutes(6));
    // Six minutes later it is silent again, and the same incident says so.
    assert_eq!(centre.incident(1).firing, 1);
    hear(&mut centre);
    assert_eq!(centre.incident(1).firing, 0);
}

#[test]
fn row_36_a_recurrence_while_the_fix_is_watched_is_told_to_every_tier() {
    let rules = format!("{DESK}problems:\n  - {{name: returns, count: 2, within: 30d, team: second}}\n");
    let mut centre = Centre::open(&rules, START);
    let fails = |centre: &mut Centre| {
        centre.fire(&link_down("路由器1"));
        centre.after(minutes(1));
        centre.clear(&link_down("路由器1"));
        centre.after(TimeDelta::from_hours(5));
    };
    fails(&mut centre);
    fails(&mut centre);
    let problem = |centre: &mut Centre, action| {
        centre.command("二线专家", "second_line", Action::Problem { id: ProblemId(1), action })
    };
    let text = |text: &str| Some(text.to_owned());
    let described = ProblemAction::Describe {
        root_cause: text("光模块老化"),
        workaround: text("切换备用"),
        fix: text("更换"),
        change: None,
    };
    done(problem(&mut centre, described));
    for to in [ProblemState::KnownError, ProblemState::FixInProgress, ProblemState::Observing] {
        done(problem(&mut centre, ProblemAction::Move { to, reason: None }));
    }
    fails(&mut centre);
    let told: Vec<String> = centre
        .notices()
        .into_iter()
        .filter(|notice| notice.kind == NotificationKind::ProblemReopened)
        .map(|notice| format!("{} {}", notice.team, notice.subject))
        .collect();
    assert_eq!(told, ["first PRB-1", "second PRB-1", "huaxin PRB-1"]);
    assert_eq!(centre.problems()[0].state, ProblemState::Investigating);
}

#[test]
fn semantics_20_a_problem_past_its_review_date_climbs_until_somebody_looks_at_it() {
    let rules =
        format!("{DESK}problems:\n  - {{name: returns, count: 2, within: 30d, review_after: 1d, team: second}}\n");
    let mut centre = Centre::open(&rules, START);
    for _ in 0..2 {
        centre.fire(&link_down("路由器1"));
        centre.after(minutes(1));
        centre.clear(&link_down("路由器1"));
        centre.after(TimeDelta::from_hours(5));
    }
    let due = centre.problems()[0].review_by.unwrap();
    let told = |centre: &Centre| -> Vec<String> {
        let due_notices = centre.notices().into_iter().filter(|notice| notice.kind == NotificationKind::ReviewDue);
        due_notices.map(|notice| format!("{} {}", notice.at.since(due).as_seconds_f64() / 60.0, notice.team)).collect()
    };
    centre.until(due + minutes(19));
    assert_eq!(told(&centre), ["0 second", "10 second"], "its own line first, again and again");
    let own = Action::Problem { id: ProblemId(1), action: ProblemAction::Own { owner: "二线专家".to_owned() } };
    done(centre.command("二线专家", "second_line", own));
    centre.after(minutes(60));
    assert_eq!(told(&centre), ["0 second", "10 second"], "somebody has it");
    let audited: Vec<String> = centre.audit().into_iter().map(|entry| entry.action).collect();
    assert!(audited.contains(&"problem.page".to_owned()), "{audited:?}");
}

/// Flow by flow, what of the service is its one definition: a class of incidents, a kind of dispatch, a reason to wait, or
/// a record of its own.
#[test]
fn row_58_every_flow_of_the_service_has_one_definition() {
    let rules = format!(
        "{DESK}  - {{name: service, match: alertname=\"服务请求\", by: [device], class: request, group: false, notify_delay: 0s}}\n  \
         - {{name: repair, match: alertname=\"报修\", by: [device], class: incident, group: false, notify_delay: 0s}}\n  \
         - {{name: complaint, match: alertname=\"投诉\", by: [device], class: request, tiers: complaints, group: false, notify_delay: 0s}}\n\
         problems:\n  - {{name: returns, count: 2, within: 30d, team: second}}\n\
         inspections:\n  - {{name: 机房, schedule: \"0 18 * * *\", zone: Asia/Shanghai, team: first, due_within: 1h, missed_after: 4h, items: [{{name: 空调, manual: {{}}}}]}}\n"
    );
    let rules = rules.replace(
        "tiers:\n  - name: default",
        "tiers:\n  - {name: complaints, steps: [{tier: 1, team: managers, respond_by: 1h}]}\n  - name: default",
    );
    let mut centre = Centre::open(&rules, START);
    for name in ["服务请求", "报修", "投诉"] {
        centre.fire(&[("alertname", name), ("device", "路由器1")]);
    }
    centre.fire(&link_down("路由器1"));
    let incident = |centre: &Centre, id| centre.incident(id);
    let mut covered = vec![
        ("service", format!("{} {}", incident(&centre, 1).class.as_str(), incident(&centre, 1).team)),
        ("repair", format!("{} {}", incident(&centre, 2).class.as_str(), incident(&centre, 2).team)),
        ("complaint", format!("{} {}", incident(&centre, 3).class.as_str(), incident(&centre, 3).team)),
        ("incident", incident(&centre, 4).state.as_str().to_owned()),
    ];
    centre.after(minutes(10));
    covered.push(("on-site", centre.incident(4).support.kind.as_str().to_owned()));
    for (flow, on) in [("send-in", PendingOn::Vendor), ("change", PendingOn::Change)] {
        done(centre.on_incident("二线专家", 4, IncidentAction::Acknowledge { note: None }));
        done(centre.on_incident("二线专家", 4, IncidentAction::Pend { on, reason: "等待".to_owned() }));
        covered.push((flow, centre.incident(4).pending_on.unwrap().as_str().to_owned()));
        done(centre.on_incident("二线专家", 4, IncidentAction::Resume));
    }
    centre.clear(&link_down("路由器1"));
    centre.after(TimeDelta::from_hours(3));
    centre.fire(&link_down("路由器1"));
    covered.push(("problem", centre.problems()[0].state.as_str().to_owned()));
    covered.push(("inspection", centre.runs()[0].state.as_str().to_owned()));
    centre.reload(&rules.replace("respond_by: 1h}]", "respond_by: 2h}]"));
    covered.push(("configuration", centre.audit().last().unwrap().action.clone()));
    let expected = [
        ("service", "request first"),
        ("repair", "incident first"),
        ("complaint", "request managers"),
        ("incident", "new"),
        ("on-site", "visit"),
        ("send-in", "vendor"),
        ("change", "change"),
        ("problem", "new"),
        ("inspection", "overdue"),
        ("configuration", "rulebook.change"),
    ];
    let covered: Vec<(&str, &str)> = covered.iter().map(|(flow, what)| (*flow, what.as_str())).collect();
    assert_eq!(covered, expected);
}

#[test]
fn semantics_20_what_a_run_owes_climbs_like_any_incident_and_the_auditor_finds_nobody_forgotten() {
    let rules = format!(
        "{DESK}  - {{name: finding, match: '@source=\"inspection\"', by: [plan, item], title: \"{{plan}} {{item}}\", notify_delay: 0s, playbook: link}}\n\
         inspections:\n  - {{name: 机房, schedule: \"0 18 * * *\", zone: Asia/Shanghai, team: first, due_within: 30m, missed_after: 2h, items: [{{name: 空调, manual: {{}}}}]}}\n"
    );
    let mut centre = Centre::open(&rules, START);
    centre.at("2026-02-13T18:31:00");
    assert_eq!(centre.runs()[0].state, RunState::Overdue);
    let incident = centre.incident(1);
    assert_eq!((incident.rule.as_str(), incident.tier), ("finding", Tier::First));
    centre.at("2026-02-13T18:45:00");
    assert_eq!(centre.incident(1).tier, Tier::Second, "nobody took it");
    let desk = centre.engine().freeze().into_iter().find_map(|frozen| frozen.attendance()).unwrap();
    assert_eq!(desk.broken, Vec::<String>::new());
    assert_eq!(desk.count(WaitingKind::Incident, AttentionSource::Deadline), 1);
    assert_eq!(desk.count(WaitingKind::Run, AttentionSource::Deadline), 1);
}

/// Runs `watchfire token …` beside the service; its exit code, what it printed, and what it complained of.
async fn token(setup: &Setup, arguments: &[&str]) -> (i32, String, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_watchfire"));
    command.arg("token").args(arguments).arg("--data-dir").arg(setup.path("data")).current_dir(setup.directory.path());
    let output = command.output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout).trim().to_owned(), text(&output.stderr))
}

/// POSTs with that token; the status.
async fn ask(service: &Service, secret: &str, path: &str, body: Value) -> u16 {
    let request = service.client.post(format!("{}{path}", service.base)).bearer_auth(secret).json(&body);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn row_64_a_token_of_the_wrong_role_is_answered_403_by_the_running_service() {
    let setup = Setup::new(&[("desk.yaml", DESK)]);
    let service = setup.start().await;
    let event =
        json!({"status": "firing", "labels": {"alertname": "LinkDown", "device": "路由器1"}, "severity": "major"});
    service.must_post("/api/v1/events", &event).await;
    service.incident("the incident", |one| one["rule"] == "link").await;
    let mut secrets = std::collections::BTreeMap::new();
    let roles = [
        "viewer",
        "first_line",
        "second_line",
        "incident_manager",
        "problem_manager",
        "change_manager",
        "configuration_manager",
    ];
    for role in roles {
        let (code, secret, complaint) = token(&setup, &["create", role, "--role", role]).await;
        assert_eq!(code, 0, "{complaint}");
        secrets.insert(role, secret);
    }
    until("the service has seen that there are tokens", async || {
        let answer = service.client.get(format!("{}/api/v1/rules", service.base)).send().await.ok()?;
        (answer.status() == 401).then_some(())
    })
    .await;
    let incident = "/api/v1/incidents/INC-1";
    let check = async |role: &str, path: &str, body: Value, expected: u16| {
        assert_eq!(ask(&service, &secrets[role], path, body).await, expected, "{role} {path}");
    };
    check("viewer", &format!("{incident}/acknowledge"), json!({}), 403).await;
    check("second_line", &format!("{incident}/acknowledge"), json!({}), 200).await;
    check("second_line", &format!("{incident}/cancel"), json!({"reason": "x"}), 403).await;
    check("problem_manager", &format!("{incident}/merge"), json!({"into": "INC-9"}), 403).await;
    check("incident_manager", &format!("{incident}/merge"), json!({"into": "INC-9"}), 404).await;
    check("second_line", &format!("{incident}/resolve"), json!({"resolution": "已更换"}), 200).await;
    check("second_line", &format!("{incident}/close"), json!({}), 403).await;
    check("second_line", "/api/v1/problems/PRB-1/transition", json!({"to": "closed"}), 403).await;
    check("problem_manager", "/api/v1/problems/PRB-1/transition", json!({"to": "closed"}), 404).await;
    check("change_manager", "/-/reload", json!({}), 403).await;
    check("configuration_manager", "/-/reload", json!({}), 200).await;
    check("first_line", &format!("{incident}/close"), json!({}), 200).await;
    service.terminate().await;
}

#[tokio::test]
async fn row_10_whoever_holds_open_work_is_not_removed_before_it_is_handed_over() {
    let people = "people:\n  - {name: 王工}\n  - {name: 李工}\n";
    let setup = Setup::new(&[("desk.yaml", DESK), ("people.yaml", people)]);
    let service = setup.start().await;
    let event =
        json!({"status": "firing", "labels": {"alertname": "LinkDown", "device": "路由器1"}, "severity": "major"});
    service.must_post("/api/v1/events", &event).await;
    service.incident("the incident", |one| one["rule"] == "link").await;
    service.must_post("/api/v1/incidents/INC-1/assign", &json!({"assignee": "王工"})).await;
    let (_, admin, _) = token(&setup, &["create", "admin", "--role", "admin"]).await;
    assert_eq!(token(&setup, &["create", "王工", "--role", "first_line"]).await.0, 0);
    let (code, _, complaint) = token(&setup, &["revoke", "王工"]).await;
    assert_ne!(code, 0);
    assert!(complaint.contains("王工 holds open work: INC-1; assign it to somebody else first"), "{complaint}");
    assert_eq!(ask(&service, &admin, "/api/v1/incidents/INC-1/assign", json!({"assignee": "李工"})).await, 200);
    let (code, _, complaint) = token(&setup, &["revoke", "王工"]).await;
    assert_eq!(code, 0, "{complaint}");
    service.terminate().await;
}

#[tokio::test]
async fn row_29_watchfire_itself_tells_a_watcher_outside_that_it_lives_until_it_does_not() {
    let (sign, mut signs) = tokio::sync::mpsc::unbounded_channel();
    let app = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let sent = sign.send(request.uri().path().to_owned());
        async move { drop(sent) }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ping/secret", listener.local_addr().unwrap());
    let watcher = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let setup = Setup::new(&[]).with(&["--heartbeat-url", &url, "--heartbeat-every", "1s"]);
    let service = setup.start().await;
    for _ in 0..3 {
        let path = tokio::time::timeout(PATIENCE, signs.recv()).await.unwrap().unwrap();
        assert_eq!(path, "/ping/secret");
    }
    let counted = until("the signs of life are counted", async || {
        let metrics = service.text("/metrics").await;
        let line = metrics.lines().find(|line| line.starts_with("watchfire_heartbeats_total{outcome=\"success\"}"))?;
        line.rsplit(' ').next()?.parse::<u32>().ok().filter(|count| *count >= 2)
    });
    counted.await;
    assert!(!service.log().contains("secret"), "{}", service.log());
    service.kill().await;
    watcher.abort();
    // A dead service says nothing: what was on its way is the last.
    let rest = async { while signs.recv().await.is_some() {} };
    tokio::time::timeout(PATIENCE, rest).await.expect("the watcher hears no more");
}
