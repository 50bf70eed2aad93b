//! Who works when, and who gets what: rows 5, 6, 7, 10, 22, 31, 60.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use watchfire::core::engine::{Action, CommandRefusal, DeskInput, IncidentAction, Outcome, Request, StaffAction};
use watchfire::core::incidents::{Incident, IncidentState, TimelineKind};
use watchfire::core::model::{Heartbeat, HeartbeatWord, IncidentId, Priority, Tier, TimeDelta};
use watchfire::core::on_call::{NewOverride, Overrides, gaps};
use watchfire::core::rules::{FindingKind, RuleText, load, report};
use watchfire::core::simulation::provincial_estate::{BRANCHES, Province, STAFF};

use super::centre::{Centre, minutes, moment, rulebook};
use crate::support::service::{Setup, until};

/// Three on site, each with branches of their own; behind them two experts.
const DESK: &str = r#"
people:
  - {name: 驻场甲, limit: 2, sites: [GZ01, SZ02]}
  - {name: 驻场乙, limit: 2, sites: [GZ01]}
  - {name: 驻场丙, limit: 2, sites: [ZH03], skills: [network, 打印机]}
  - {name: 二线专家, limit: 3}
rosters:
  - name: 驻场
    zone: Asia/Shanghai
    absent_after: 5m
    layers:
      - {name: 轮班, start: "2026-01-05T08:00", every: daily, people: [[驻场甲, 驻场乙, 驻场丙]]}
teams:
  - {name: 驻场, tier: 1, roster: 驻场}
  - {name: 二线, tier: 2, members: [二线专家]}
tiers:
  - name: default
    steps:
      - {tier: 1, team: 驻场, respond_by: 1h, resolve_by: 8h}
      - {tier: 2, team: 二线, respond_by: 2h, resolve_by: 1d}
rules:
  - {name: link, match: alertname="LinkDown", by: [device], title: "{site} {device} 链路中断", notify_delay: 0s, group: false}
"#;

fn open(rules: &str) -> Centre {
    Centre::open(rules, "2026-03-02T09:00:00")
}

fn fire(centre: &mut Centre, device: &str, site: &str) {
    alert(centre, &[("alertname", "LinkDown"), ("device", device), ("site", site)]);
}

/// Fires, and lets what is due at once happen: the first page, and with it dispatch.
fn alert(centre: &mut Centre, labels: &[(&str, &str)]) {
    centre.fire(labels);
    centre.after(TimeDelta::ZERO);
}

fn staff(centre: &mut Centre, actor: &str, action: StaffAction) -> Outcome {
    centre.command(actor, "operator", Action::Staff(action))
}

fn beat(centre: &mut Centre, person: &str, word: HeartbeatWord) -> Outcome {
    staff(centre, person, StaffAction::Presence(Heartbeat { person: person.to_owned(), word }))
}

fn holder(centre: &Centre, id: u64) -> Option<String> {
    centre.incident(id).assignee
}

/// How many open incidents everybody holds.
fn loads(centre: &Centre) -> BTreeMap<String, u32> {
    let mut loads = BTreeMap::new();
    for incident in centre.engine().incidents().filter(|one| one.record.state.is_open()) {
        if let Some(person) = &incident.record.assignee {
            *loads.entry(person.clone()).or_default() += 1;
        }
    }
    loads
}

fn resolve(centre: &mut Centre, id: u64, actor: &str) {
    let resolution = "已处理".to_owned();
    let answer = centre.on_incident(actor, id, IncidentAction::Resolve { resolution });
    assert!(matches!(answer, Outcome::Incident { .. }), "{answer:?}");
}

#[test]
fn row_05_work_goes_to_the_engineer_of_the_site_who_has_the_skill() {
    let mut centre = open(DESK);
    fire(&mut centre, "sw1", "SZ02");
    fire(&mut centre, "sw2", "GZ01");
    alert(&mut centre, &[("alertname", "LinkDown"), ("device", "sw3"), ("site", "ZH03"), ("skill", "打印机")]);
    assert_eq!(holder(&centre, 1).as_deref(), Some("驻场甲"));
    assert_eq!(holder(&centre, 2).as_deref(), Some("驻场乙"), "who holds less");
    assert_eq!(holder(&centre, 3).as_deref(), Some("驻场丙"));
    let line = centre.timeline(1).into_iter().find(|line| line.kind == TimelineKind::Assigned).unwrap();
    assert!(line.text.contains("驻场甲") && line.text.contains("site SZ02"), "{}", line.text);
    // Nobody on site knows databases there: the experts have it at once.
    alert(&mut centre, &[("alertname", "LinkDown"), ("device", "db1"), ("site", "ZH03"), ("skill", "数据库")]);
    let passed_on = centre.incident(4);
    assert_eq!((passed_on.tier, passed_on.team.as_str()), (Tier::Second, "二线"));
}

#[test]
fn row_05_every_branch_of_the_generated_estate_reaches_its_own_engineer() {
    let (province, rules) = province();
    let mut centre = open(&rules);
    for (number, (code, _)) in BRANCHES.iter().enumerate() {
        let device = format!("{}-sw1", code.to_lowercase());
        // Only the inventory says where it stands.
        alert(&mut centre, &[("alertname", "DeviceFault"), ("device", device.as_str())]);
        let person = holder(&centre, number as u64 + 1).expect("somebody goes there");
        let (_, sites) = province.on_site.iter().find(|(name, _)| *name == person).expect("one of those on site");
        assert!(sites.iter().any(|site| site == code), "{person} goes to {sites:?}, not to {code}");
    }
}

#[test]
fn row_06_a_burst_of_200_puts_nobody_above_the_limit_and_loses_none() {
    let mut centre = open(DESK);
    for n in 0..200 {
        fire(&mut centre, &format!("sw{n}"), if n % 2 == 0 { "GZ01" } else { "ZH03" });
    }
    let limits: BTreeMap<String, u32> = ["驻场甲", "驻场乙", "驻场丙"].map(|name| (name.to_owned(), 2)).into();
    assert_eq!(loads(&centre), limits);
    let waiting = |centre: &Centre| centre.incidents().values().filter(|one| one.waiting.is_some()).count();
    assert_eq!(waiting(&centre), 194);
    let queued = centre.incident(199).waiting.expect("it waits");
    assert!(queued.reason.contains("驻场甲 2/2"), "{}", queued.reason);
    assert_eq!(queued.since, centre.now());
    // Whoever is done gets the next at once, the oldest first; in the end all were somebody's.
    let mut done = 0;
    while done < 200 {
        centre.after(TimeDelta::from_seconds(1));
        let held: Vec<Incident> =
            centre.incidents().into_values().filter(|one| one.state.is_open() && one.assignee.is_some()).collect();
        assert!(!held.is_empty(), "{} wait and nobody has any", waiting(&centre));
        for one in held {
            resolve(&mut centre, one.id.0, one.assignee.as_deref().unwrap());
            done += 1;
            assert!(loads(&centre).values().all(|load| *load <= 2), "{:?}", loads(&centre));
        }
    }
    assert_eq!(waiting(&centre), 0);
    assert!(centre.incidents().values().all(|one| one.state == IncidentState::Resolved && one.assignee.is_some()));
    let assigned = (1..=200).flat_map(|id| centre.timeline(id)).filter(|line| line.kind == TimelineKind::Assigned);
    assert_eq!(assigned.count(), 200);
}

#[test]
fn row_06_the_queue_is_served_by_priority_and_then_age() {
    let mut centre = open(DESK);
    for n in 0..3 {
        fire(&mut centre, &format!("old{n}"), "ZH03");
    }
    centre.after(minutes(1));
    alert(&mut centre, &[("alertname", "LinkDown"), ("device", "urgent"), ("site", "ZH03"), ("severity", "critical")]);
    assert_eq!(centre.incident(4).priority, Priority::P1);
    resolve(&mut centre, 1, "驻场丙");
    assert_eq!(holder(&centre, 4).as_deref(), Some("驻场丙"), "the urgent one first");
    assert!(centre.incident(3).waiting.is_some());
    resolve(&mut centre, 2, "驻场丙");
    assert_eq!(holder(&centre, 3).as_deref(), Some("驻场丙"));
    // By hand nobody gets more than their limit either.
    fire(&mut centre, "more", "ZH03");
    let by_hand = centre.on_incident("组长", 5, IncidentAction::Assign { assignee: "驻场丙".to_owned() });
    let Outcome::Refused(CommandRefusal::NotAllowed { reason }) = by_hand else { panic!("{by_hand:?}") };
    assert!(reason.contains("驻场丙 holds 2 of 2"), "{reason}");
    // A higher limit by reload serves the queue.
    centre.reload(&DESK.replace("{name: 驻场丙, limit: 2", "{name: 驻场丙, limit: 3"));
    assert_eq!(holder(&centre, 5).as_deref(), Some("驻场丙"));
}

#[test]
fn row_07_an_absent_responders_step_is_skipped_at_once_and_audited() {
    let mut centre = open(DESK);
    let lifetime = Some(minutes(5));
    assert_eq!(beat(&mut centre, "驻场丙", HeartbeatWord::Here { lifetime }), Outcome::Staff { id: None });
    fire(&mut centre, "sw1", "ZH03");
    assert_eq!(holder(&centre, 1).as_deref(), Some("驻场丙"));
    // Heartbeats go on, and are no line of the audit each.
    let lines = centre.audit().len();
    centre.after(minutes(3));
    beat(&mut centre, "驻场丙", HeartbeatWord::Here { lifetime });
    assert_eq!(centre.audit().len(), lines);
    centre.after(minutes(4));
    assert_eq!(centre.incident(1).tier, Tier::First);
    // The last one was five minutes ago.
    centre.after(minutes(1));
    let passed_on = centre.incident(1);
    assert_eq!((passed_on.tier, passed_on.assignee), (Tier::Second, None));
    let skipped = centre.audit().into_iter().find(|entry| entry.action == "step.skip").expect("audited");
    assert_eq!((skipped.subject.as_str(), skipped.at), ("INC-1", moment("2026-03-02T09:08:00")));
    assert!(skipped.detail.contains("驻场丙: no heartbeat since"), "{}", skipped.detail);
    assert!(centre.timeline(1).iter().any(|line| line.kind == TimelineKind::StepSkipped));
    // The next one never waits for them, and one that somebody else can take is not passed on.
    fire(&mut centre, "sw2", "ZH03");
    assert_eq!(centre.incident(2).tier, Tier::Second);
    fire(&mut centre, "sw3", "GZ01");
    assert_eq!(holder(&centre, 3).as_deref(), Some("驻场乙"));
    beat(&mut centre, "驻场乙", HeartbeatWord::Lost);
    assert_eq!(holder(&centre, 3).as_deref(), Some("驻场甲"), "a colleague of the same site");
    assert_eq!(centre.incident(3).tier, Tier::First);
    // Who has begun keeps it.
    centre.on_incident("驻场甲", 3, IncidentAction::Acknowledge { note: None });
    beat(&mut centre, "驻场甲", HeartbeatWord::Away);
    assert_eq!(holder(&centre, 3).as_deref(), Some("驻场甲"));
}

#[test]
fn row_07_with_nobody_there_at_any_step_it_waits_for_whoever_comes_first() {
    let rules =
        DESK.replace("  - {name: 二线, tier: 2, members: [二线专家]}", "  - {name: 二线, tier: 2, roster: 驻场}");
    let mut centre = open(&rules);
    for person in ["驻场甲", "驻场乙", "驻场丙"] {
        beat(&mut centre, person, HeartbeatWord::Away);
    }
    fire(&mut centre, "sw1", "GZ01");
    assert!(centre.incident(1).waiting.is_some() && centre.incident(1).assignee.is_none());
    centre.after(minutes(3));
    beat(&mut centre, "驻场乙", HeartbeatWord::Connected);
    let taken = centre.incident(1);
    assert_eq!((taken.assignee.as_deref(), taken.waiting), (Some("驻场乙"), None));
    let unknown = beat(&mut centre, "路人", HeartbeatWord::Connected);
    assert!(matches!(unknown, Outcome::Refused(CommandRefusal::NotFound { .. })), "{unknown:?}");
}

#[test]
fn row_10_a_person_who_holds_open_work_cannot_be_removed() {
    let mut centre = open(DESK);
    fire(&mut centre, "sw1", "SZ02");
    fire(&mut centre, "sw2", "SZ02");
    let rules = rulebook(&DESK.replace("驻场甲", "驻场丁")).hash;
    let remove = || StaffAction::Remove { people: vec!["驻场甲".to_owned()], rules };
    let Outcome::Refused(CommandRefusal::NotAllowed { reason }) = staff(&mut centre, "admin", remove()) else {
        panic!("they hold two")
    };
    assert!(reason.contains("驻场甲 holds INC-1, INC-2"), "{reason}");
    let refused = centre.audit().pop().unwrap();
    assert_eq!((refused.action.as_str(), refused.refused.is_some()), ("people.remove", true));
    resolve(&mut centre, 1, "驻场甲");
    resolve(&mut centre, 2, "驻场甲");
    assert!(matches!(staff(&mut centre, "admin", remove()), Outcome::Rulebook { .. }));
}

#[test]
fn row_10_every_open_incident_of_a_shift_goes_to_somebody_of_the_next() {
    let rules = r#"
people: [{name: 白班甲}, {name: 夜班乙}]
rosters:
  - name: 一线
    zone: Asia/Shanghai
    layers: [{name: 轮班, start: "2026-01-05T08:00", every: 12h, people: [白班甲, 夜班乙]}]
teams: [{name: 一线, roster: 一线}]
tiers: [{name: default, steps: [{tier: 1, team: 一线, respond_by: 20h}]}]
rules: [{name: link, match: alertname="LinkDown", by: [device], notify_delay: 0s, group: false}]
"#;
    let mut centre = open(rules);
    fire(&mut centre, "sw1", "GZ01");
    fire(&mut centre, "sw2", "GZ01");
    centre.on_incident("白班甲", 1, IncidentAction::Acknowledge { note: None });
    centre.at("2026-03-02T19:59:59");
    assert_eq!(holder(&centre, 2).as_deref(), Some("白班甲"));
    centre.at("2026-03-02T20:00:00");
    assert_eq!(holder(&centre, 1).as_deref(), Some("白班甲"), "who has begun hands it on themselves");
    assert_eq!(holder(&centre, 2).as_deref(), Some("夜班乙"), "what nobody has begun changes hands by itself");
    let shift = centre.audit().into_iter().find(|entry| entry.action == "roster.shift").unwrap();
    assert!(shift.detail.starts_with("白班甲 → 夜班乙"), "{}", shift.detail);
    let handed = centre.on_incident("白班甲", 1, IncidentAction::Assign { assignee: "夜班乙".to_owned() });
    assert!(matches!(handed, Outcome::Incident { .. }));
}

/// The sheet of the running service says of each open incident which promises run, until when, and which are broken.
#[tokio::test]
async fn row_10_the_hand_over_sheet_says_which_promises_run_pause_and_are_broken() {
    let rules = r#"
rosters:
  - {name: 值班, zone: Asia/Shanghai, layers: [{name: 轮班, start: "2026-01-05T08:00", every: 12h, people: [白班甲, 夜班乙]}]}
people: [{name: 白班甲}, {name: 夜班乙}]
teams: [{name: 一线, roster: 值班}]
tiers: [{name: default, steps: [{tier: 1, team: 一线, respond_by: 20h}]}]
sla:
  - {name: 急, version: 1, match: 'site="广州"', tto: {within: 1s}, ttr: {within: 4h}}
  - {name: 标准, version: 1, tto: {within: 1h}, ttr: {within: 8h}, pauses: [vendor]}
rules: [{name: link, match: alertname="LinkDown", by: [site], title: "{site} 链路中断", notify_delay: 0s, group: false}]
"#;
    let service = Setup::new(&[("rules.yaml", rules)]).start().await;
    for site in ["广州", "深圳"] {
        let event = json!({"labels": {"alertname": "LinkDown", "site": site}});
        service.must_post("/api/v1/events", &event).await;
    }
    service.must_post("/api/v1/incidents/INC-2/contact", &json!({"by": "phone"})).await;
    service.must_post("/api/v1/incidents/INC-2/acknowledge", &json!({})).await;
    service.must_post("/api/v1/incidents/INC-2/hold", &json!({"on": "vendor", "reason": "等备件"})).await;
    let sheet = until("the first promise is broken", async || {
        let sheet = service.get("/api/v1/on-call/handover").await["items"][0].clone();
        (sheet["open"][0]["clocks"][0]["state"] == "breached").then_some(sheet)
    })
    .await;
    let shown = |index: usize| {
        let clocks = sheet["open"][index]["clocks"].as_array().unwrap().iter();
        let faces = clocks.map(|clock| [&clock["clock"], &clock["state"], &clock["target"]].map(Value::to_string));
        faces.map(|face| face.join(" ").replace('"', "")).collect::<Vec<_>>()
    };
    assert_eq!(shown(0), ["tto breached 急", "ttr running 急"]);
    assert_eq!(shown(1), ["ttr paused 标准"], "the contact was made: nothing is left of that promise");
    assert!(sheet["open"][0]["clocks"][1]["deadline"].is_string(), "{sheet:#}");
    let text = service.text("/api/v1/on-call/handover?format=text").await;
    for part in ["响应时限 respond 已超时 breached at 20", "解决时限 resolve due 20", "暂停 paused: waits for a vendor"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Every time on it is that of the roster's clock on the wall, to the second.
    let is_utc = |word: &str| word.starts_with("20") && word.ends_with('Z');
    assert!(!text.split_whitespace().any(is_utc), "{text}");
    assert!(text.matches(" +08:00").count() >= 5, "{text}");
}

#[test]
fn row_10_overrides_are_checked_audited_and_in_force_when_they_say() {
    let mut centre = open(DESK);
    let asked = |from: &str, until: &str| NewOverride {
        person: "二线专家".to_owned(),
        instead_of: Some("驻场丙".to_owned()),
        from: moment(from),
        until: moment(until),
        reason: "替班".to_owned(),
    };
    let put = |asked| StaffAction::PutOverride { roster: "驻场".to_owned(), asked };
    let backwards = put(asked("2026-03-03T08:00:00", "2026-03-02T08:00:00"));
    assert!(matches!(staff(&mut centre, "组长", backwards), Outcome::Refused(CommandRefusal::Invalid { .. })));
    let action = put(asked("2026-03-02T09:30:00", "2026-03-02T09:50:00"));
    assert_eq!(staff(&mut centre, "组长", action), Outcome::Staff { id: Some(1) });
    fire(&mut centre, "sw1", "ZH03");
    assert_eq!(holder(&centre, 1).as_deref(), Some("驻场丙"));
    centre.at("2026-03-02T09:30:00");
    assert_eq!(holder(&centre, 1).as_deref(), Some("二线专家"));
    fire(&mut centre, "sw2", "ZH03");
    assert_eq!(holder(&centre, 2).as_deref(), Some("二线专家"));
    centre.at("2026-03-02T09:50:00");
    assert_eq!(holder(&centre, 2).as_deref(), Some("驻场丙"));
    assert_eq!(centre.engine().overrides().count(), 0, "what is over is let go");
    let gone = StaffAction::DeleteOverride { roster: "驻场".to_owned(), id: 1 };
    assert!(matches!(staff(&mut centre, "组长", gone), Outcome::Refused(CommandRefusal::NotFound { .. })));
    let put = centre.audit().into_iter().find(|entry| entry.action == "override.put" && entry.refused.is_none());
    assert!(put.unwrap().detail.contains("二线专家 instead of 驻场丙"));
}

#[test]
fn row_22_a_full_roster_has_no_coverage_gap_and_others_exactly_theirs() {
    let text = |people: &str, hours: &str| {
        format!(
            "people: [{{name: 一线值班, organisation: 外包服务商}}]\nrosters:\n  - name: 一线\n    zone: Asia/Shanghai\n    layers: [{{name: 轮班, start: \"2026-01-05T08:00\", every: 12h, people: [{people}]{hours}}}]\n"
        )
    };
    let found = |text: &str| {
        let rulebook = rulebook(text);
        let (from, until) = (moment("2026-03-02T00:00:00"), moment("2026-03-04T00:00:00"));
        gaps(&rulebook.rosters["一线"], &rulebook.calendars, &Overrides::default(), from, until)
    };
    assert_eq!(found(&text("一线值班", "")), []);
    let gaps = found(&text("一线值班", ", hours: \"08:00-20:00\""));
    let shown: Vec<_> = gaps.iter().map(|gap| (gap.from, gap.until)).collect();
    let gap = |from, until| (moment(from), moment(until));
    assert_eq!(
        shown,
        [
            gap("2026-03-02T00:00:00", "2026-03-02T08:00:00"),
            gap("2026-03-02T20:00:00", "2026-03-03T08:00:00"),
            gap("2026-03-03T20:00:00", "2026-03-04T00:00:00"),
        ]
    );
    let province = rulebook(&province().1);
    for roster in province.rosters.values() {
        let (from, until) = (moment("2026-01-01T00:00:00"), moment("2027-01-01T00:00:00"));
        assert_eq!(self::gaps(roster, &province.calendars, &Overrides::default(), from, until), [], "{}", roster.name);
    }
}

#[test]
fn row_31_a_site_that_no_first_line_covers_fails_the_lint() {
    let check = |inventory: &str, expected: &[&str]| {
        let texts = vec![RuleText { path: "r.yaml".to_owned(), text: format!("{DESK}\n{inventory}") }];
        let loaded = load(texts).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let report = report(&loaded, 1_000, moment("2026-03-02T09:00:00"));
        let found: Vec<&str> = report.of_kind(FindingKind::OrphanSite).map(|one| one.message.as_str()).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}");
        }
    };
    check("inventory: {items: [{name: sw1, site: GZ01}, {name: sw2, site: ZH03}]}", &[]);
    check(
        "inventory: {items: [{name: sw1, site: 汕头04}, {name: sw2, site: 汕头04}, {name: sw3, site: GZ01}]}",
        &["site \"汕头04\" with 2 items"],
    );
    let (_, rules) = province();
    let report = report(
        &load(vec![RuleText { path: "p.yaml".to_owned(), text: rules }]).unwrap(),
        1_000,
        moment("2026-03-02T09:00:00"),
    );
    assert_eq!(report.of_kind(FindingKind::OrphanSite).count(), 0);
}

#[test]
fn row_60_the_estate_is_generated_and_its_rule_files_load() {
    let (province, rules) = province();
    let loaded = load(vec![RuleText { path: "p.yaml".to_owned(), text: rules }]).unwrap();
    assert!(loaded.warnings.is_empty(), "{:#?}", loaded.warnings);
    assert_eq!(loaded.rulebook.people.len(), STAFF);
    assert_eq!(loaded.rulebook.inventory.len(), province.items.len());
    let count = |class: &str| loaded.rulebook.inventory.items().filter(|(_, item)| item.class == class).count();
    let of = ["client", "printer", "server", "minicomputer", "storage", "network", "application"].map(count);
    assert_eq!(of, [2_600, 800, 70, 4, 2, 200, 20]);
}

/// What one branch says when it is cut off, and all the others: everybody keeps to their limit, nothing is lost.
#[test]
fn row_60_its_storm_is_dispatched_within_everybodys_limit() {
    let (province, rules) = province();
    let mut centre = open(&rules);
    let network: Vec<_> = province.items.iter().filter(|item| item.class == "network").collect();
    for item in &network {
        alert(&mut centre, &[("alertname", "LinkDown"), ("device", item.name.as_str()), ("site", item.site.as_str())]);
    }
    let open: Vec<Incident> = centre.incidents().into_values().filter(|one| one.state.is_open()).collect();
    assert_eq!(open.len(), network.len());
    assert!(open.iter().all(|one| one.assignee.is_some() != one.waiting.is_some()));
    assert!(loads(&centre).values().all(|load| *load <= 10), "{:?}", loads(&centre));
}

fn province() -> (Province, String) {
    let province = Province::build(60);
    // The files of any one directory may stand in one.
    let rules = province.rule_files().into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n");
    (province, rules)
}

#[derive(Clone, Debug)]
enum Act {
    Fire(u8, u8),
    Clear(u8),
    Resolve(u8),
    Acknowledge(u8),
    HandOn(u8, u8),
    Beat(u8, u8),
    Override(u8, u8),
    Reload(u8),
    Wait(u16),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0_u8..40, 0_u8..3).prop_map(|(device, site)| Act::Fire(device, site)),
        2 => (0_u8..40).prop_map(Act::Clear),
        3 => (0_u8..40).prop_map(Act::Resolve),
        2 => (0_u8..40).prop_map(Act::Acknowledge),
        1 => (0_u8..40, 0_u8..4).prop_map(|(id, person)| Act::HandOn(id, person)),
        3 => (0_u8..4, 0_u8..4).prop_map(|(person, word)| Act::Beat(person, word)),
        1 => (0_u8..4, 0_u8..4).prop_map(|(person, of)| Act::Override(person, of)),
        1 => (1_u8..4).prop_map(Act::Reload),
        3 => (0_u16..400).prop_map(Act::Wait),
    ]
}

const PEOPLE: [&str; 4] = ["驻场甲", "驻场乙", "驻场丙", "二线专家"];
const SITES: [&str; 3] = ["GZ01", "SZ02", "ZH03"];

fn perform(centre: &mut Centre, act: &Act) {
    let name = |index: u8| PEOPLE[index as usize % PEOPLE.len()].to_owned();
    let device = |index: u8| format!("sw{index}");
    let known = |centre: &Centre, index: u8| {
        let count = centre.engine().incidents().count() as u64;
        (count > 0).then(|| 1 + u64::from(index) % count)
    };
    match act {
        Act::Fire(index, site) => fire(centre, &device(*index), SITES[*site as usize]),
        Act::Clear(index) => {
            let device = device(*index);
            for site in SITES {
                centre.clear(&[("alertname", "LinkDown"), ("device", device.as_str()), ("site", site)]);
            }
        }
        Act::Resolve(index) => {
            if let Some(id) = known(centre, *index) {
                centre.on_incident("组长", id, IncidentAction::Resolve { resolution: "好了".to_owned() });
            }
        }
        Act::Acknowledge(index) => {
            if let Some(id) = known(centre, *index) {
                let actor = holder(centre, id).unwrap_or_else(|| name(*index));
                centre.on_incident(&actor, id, IncidentAction::Acknowledge { note: None });
            }
        }
        Act::HandOn(index, person) => {
            if let Some(id) = known(centre, *index) {
                centre.on_incident("组长", id, IncidentAction::Assign { assignee: name(*person) });
            }
        }
        Act::Beat(person, word) => {
            let word = match word {
                0 => HeartbeatWord::Here { lifetime: None },
                1 => HeartbeatWord::Connected,
                2 => HeartbeatWord::Away,
                _ => HeartbeatWord::Lost,
            };
            beat(centre, &name(*person), word);
        }
        Act::Override(person, of) => {
            let (from, until) = (centre.now() + minutes(10), centre.now() + minutes(90));
            let (person, instead_of) = (name(*person), Some(name(*of)));
            let asked = NewOverride { person, instead_of, from, until, reason: "替班".to_owned() };
            staff(centre, "组长", StaffAction::PutOverride { roster: "驻场".to_owned(), asked });
        }
        Act::Reload(limit) => centre.reload(&DESK.replace("limit: 2", &format!("limit: {limit}"))),
        Act::Wait(span) => drop(centre.after(minutes(i64::from(*span)))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// The engine's own invariants are asked after every input: nobody is given more than their limit, nothing is
    /// lost, nothing waits that somebody could take.
    #[test]
    fn dispatch_keeps_limits_and_loses_nothing_whatever_happens(acts in prop::collection::vec(act(), 1..120)) {
        let mut centre = open(DESK);
        for act in &acts {
            perform(&mut centre, act);
        }
        // A start from nothing but the journal's inputs ends in the same state.
        for incident in centre.engine().incidents() {
            let record = &incident.record;
            prop_assert!(record.waiting.is_none() || record.assignee.is_none(), "{}", record.id);
        }
        prop_assert!(centre.engine().incidents().all(|one| one.record.id != IncidentId(0)));
    }
}

#[test]
fn a_heartbeat_enters_as_any_other_command() {
    let mut centre = open(DESK);
    let heartbeat = Heartbeat { person: "驻场甲".to_owned(), word: HeartbeatWord::Away };
    let action = Action::Staff(StaffAction::Presence(heartbeat));
    let command = watchfire::core::engine::Command {
        actor: "驻场甲".to_owned(),
        role: "presence".to_owned(),
        idempotency_key: None,
        if_match: None,
        action,
    };
    centre.give(Request::Desk(DeskInput::Command(Box::new(command))));
    fire(&mut centre, "sw1", "SZ02");
    assert_eq!(centre.incident(1).tier, Tier::Second, "the only one of that site is away");
}
