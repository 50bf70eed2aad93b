//! Our own REST: lists, records, commands, refusals, and the document that describes all of it.

use std::sync::Arc;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watchfire::api::{CommandError, DriverRequest};
use watchfire::core::engine::{
    Action, AuditEntry, Command, CommandRefusal, DeliveryOutcome, DeliveryResult, Effect, IncidentAction, LiveChange,
    Outcome, ProblemAction, RecordChange, RunAction,
};
use watchfire::core::incidents::{IncidentState, PendingOn};
use watchfire::core::inspections::{ItemOutcome, RunState};
use watchfire::core::model::{BreachReason, CauseParty, ContactBy, Outage};
use watchfire::core::model::{DeadLetter, IncidentId, Matcher, Priority, ProblemId, RunId, Status, Tier};
use watchfire::core::problems::ProblemState;

use super::house::House;
use super::samples::{
    alert, at, bad_name, cause, evidence, incident, joined, notice, problem, rulebook, run, silence, template, timeline,
};

/// Four incidents, two alerts (one past), a problem, two runs, an audit line, a dead letter, notices.
async fn filled() -> House {
    let house = House::with(rulebook(), |_| {}).await;
    let one = alert(&[("alertname", "LinkDown"), ("site", "GZ01")]);
    let mut past = alert(&[("alertname", "DiskFull"), ("site", "深圳")]);
    past.status = Status::Resolved;
    past.summary = "磁盘将满".into();
    let mut second = incident(2, &[("site", "深圳")], "network");
    second.state = IncidentState::InProgress;
    second.tier = Tier::Second;
    second.priority = Priority::P1;
    second.assignee = Some("王工".to_owned());
    second.problem = Some(ProblemId(1));
    second.title = "磁盘将满 — 深圳机房".to_owned();
    let mut third = incident(3, &[("site", "GZ02")], "noc");
    third.state = IncidentState::Closed;
    third.rule = "disk".to_owned();
    let mut missed = run(2);
    missed.state = RunState::Missed;
    let audit = AuditEntry {
        cause: cause(9),
        at: at(0),
        actor: "王工".to_owned(),
        role: "second_line".to_owned(),
        action: "incident.acknowledge".to_owned(),
        subject: "INC-2".to_owned(),
        detail: String::new(),
        refused: None,
        fact: None,
    };
    let delivered = DeliveryResult {
        notice: cause(5),
        subject: "INC-1".to_owned(),
        attempt: 1,
        outcome: DeliveryOutcome::Failed { error: "time-out".to_owned() },
    };
    house
        .commit(vec![
            Effect::Record(RecordChange::Incident(Arc::new(incident(1, &[("site", "GZ01")], "noc")))),
            Effect::Record(RecordChange::Incident(Arc::new(second))),
            Effect::Record(RecordChange::Incident(Arc::new(third))),
            Effect::Record(RecordChange::Incident(Arc::new(incident(4, &[("site", "GZ04")], "noc")))),
            joined(1, &one),
            joined(3, &past),
            timeline(1, "链路中断:1 个告警"),
            evidence(1, &one),
            bad_name("老交换机"),
            template(7, "风扇 <*> 故障"),
            notice(1, "https://chat.example.org/hook/SECRET?key=SECRET"),
            Effect::Record(RecordChange::Alert(Arc::new(one))),
            Effect::Record(RecordChange::Alert(Arc::new(past))),
            Effect::Record(RecordChange::Problem(Box::new(problem(1)))),
            Effect::Record(RecordChange::Run(Box::new(run(1)))),
            Effect::Record(RecordChange::Run(Box::new(missed))),
            Effect::Record(RecordChange::Silence(Box::new(silence(1, -60, 60, vec![Matcher::equal("site", "广州")])))),
            Effect::Record(RecordChange::Audit(audit)),
        ])
        .await;
    house.commit(vec![Effect::Record(RecordChange::Delivery(delivered))]).await;
    house
        .bury(DeadLetter {
            at: at(0),
            source: "zabbix".to_owned(),
            door: "/api/v1/sources/zabbix".to_owned(),
            reason: "not JSON".to_owned(),
            payload: "坏".to_owned(),
            payload_bytes: 3,
        })
        .await;
    house
}

async fn ids(house: &House, path: &str, member: &str) -> Vec<String> {
    let reply = house.get(path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    let items = reply.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_are_filtered_by_what_was_asked() {
    let house = filled().await;
    let check = async |path: &str, member: &str, expected: &[&str]| {
        assert_eq!(ids(&house, path, member).await, expected, "{path}");
    };
    check("/api/v1/incidents", "id", &["INC-4", "INC-3", "INC-2", "INC-1"]).await;
    check("/api/v1/incidents?state=new", "id", &["INC-4", "INC-1"]).await;
    check("/api/v1/incidents?state=open", "id", &["INC-4", "INC-2", "INC-1"]).await;
    check("/api/v1/incidents?state=in_progress,closed", "id", &["INC-3", "INC-2"]).await;
    check("/api/v1/incidents?state=in_progress&state=closed", "id", &["INC-3", "INC-2"]).await;
    check("/api/v1/incidents?tier=2", "id", &["INC-2"]).await;
    check("/api/v1/incidents?priority=P1", "id", &["INC-2"]).await;
    check("/api/v1/incidents?team=network&assignee=%E7%8E%8B%E5%B7%A5", "id", &["INC-2"]).await;
    check("/api/v1/incidents?rule=disk", "id", &["INC-3"]).await;
    check("/api/v1/incidents?problem=PRB-1", "id", &["INC-2"]).await;
    check("/api/v1/incidents?team=", "id", &["INC-4", "INC-3", "INC-2", "INC-1"]).await;
    check("/api/v1/incidents?opened_after=2026-11-21T18:00:02%2B08:00", "id", &["INC-4", "INC-3"]).await;
    check("/api/v1/incidents?opened_before=2026-11-21T10:00:02Z", "id", &["INC-1"]).await;
    check("/api/v1/incidents?q=%E6%B7%B1%E5%9C%B3%E6%9C%BA%E6%88%BF", "id", &["INC-2"]).await;
    check("/api/v1/incidents?q=%25", "id", &[]).await;
    let one = alert(&[("alertname", "LinkDown"), ("site", "GZ01")]).fingerprint;
    check(&format!("/api/v1/incidents?alert={one}"), "id", &["INC-1"]).await;
    check("/api/v1/alerts?firing=true", "summary", &["链路中断"]).await;
    check("/api/v1/alerts?firing=false", "summary", &["磁盘将满"]).await;
    check("/api/v1/alerts?source=v2&rule=link-down&q=%E7%A3%81%E7%9B%98", "summary", &["磁盘将满"]).await;
    check("/api/v1/problems?state=new&team=network&q=%E5%8F%8D%E5%A4%8D", "id", &["PRB-1"]).await;
    check("/api/v1/problems?state=closed", "id", &[]).await;
    check("/api/v1/inspections/runs", "id", &["RUN-2", "RUN-1"]).await;
    check("/api/v1/inspections/runs?state=missed&plan=machine-room", "id", &["RUN-2"]).await;
    check(
        "/api/v1/audit?subject=INC-2&actor=%E7%8E%8B%E5%B7%A5&action=incident.acknowledge",
        "action",
        &["incident.acknowledge"],
    )
    .await;
    check("/api/v1/dead-letters", "payload", &["坏"]).await;
    check("/api/v1/naming-violations", "name", &["老交换机"]).await;
    check("/api/v1/templates", "text", &["风扇 <*> 故障"]).await;
    check("/api/v1/incidents/INC-1/timeline", "text", &["链路中断:1 个告警"]).await;
    check("/api/v1/incidents/inc-1/evidence", "raw", &["{\"端口\": 3}"]).await;
    check("/api/v1/incidents/1/alerts", "summary", &["链路中断"]).await;
    check("/api/v1/incidents/INC-1/notifications", "to", &["https://chat.example.org/…"]).await;
    check("/api/v1/rules", "name", &["link-down", "odd 'quoted' \"规则\"", "worst", "facts\nhere", "everything"]).await;
    check("/api/v1/inspections", "title", &["机房巡检"]).await;
    check("/api/v1/silences", "createdBy", &["值班员"]).await;
    check("/api/v1/sources", "name", &[]).await;
}

#[tokio::test]
async fn a_live_alert_shows_its_incident_and_a_row_its_newest_times() {
    let house = filled().await;
    let one = alert(&[("alertname", "LinkDown"), ("site", "GZ01")]);
    let touched = Effect::Live(LiveChange::AlertTouched {
        fingerprint: one.fingerprint,
        ends_at: "2026-11-21T21:00:00+08:00".parse().unwrap(),
        updated_at: at(60),
    });
    house.live.apply(vec![touched]);
    let shown = house.get(&format!("/api/v1/alerts/{}", one.fingerprint)).await.json();
    assert_eq!(shown["incident"], "INC-1");
    assert_eq!(shown["team"], "noc");
    assert_eq!(shown["ends_at"], "2026-11-21T21:00:00.000+08:00");
    assert_eq!(shown["updated_at"], "2026-11-21T10:01:00.000Z");
    let member = house.get("/api/v1/incidents/INC-1/alerts").await.json()["items"][0].clone();
    assert_eq!((member["linked"].clone(), member["updated_at"].clone()), (json!(false), shown["updated_at"].clone()));
    house.get("/api/v1/alerts/0123456789abcdef").await.is_problem(404, "alert 0123456789abcdef is not known here");
}

#[tokio::test]
async fn a_list_is_walked_page_by_page_without_gap_or_double() {
    let house = House::open().await;
    let all: Vec<Effect> =
        (1..=25).map(|n| Effect::Record(RecordChange::Incident(Arc::new(incident(n, &[("n", "x")], "noc"))))).collect();
    house.commit(all).await;
    let (mut seen, mut path, mut pages) = (Vec::new(), "/api/v1/incidents?limit=10".to_owned(), 0);
    loop {
        let page = house.get(&path).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        pages += 1;
        // What opens meanwhile stands before the first page and disturbs nothing.
        house
            .commit(vec![Effect::Record(RecordChange::Incident(Arc::new(incident(100 + pages, &[("n", "x")], "noc"))))])
            .await;
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/incidents?limit=10&cursor={next}");
    }
    let expected: Vec<String> = (1..=25).rev().map(|n| format!("INC-{n}")).collect();
    assert_eq!((seen, pages), (expected, 3));
}

#[tokio::test]
async fn hostile_queries_and_ids_are_named_and_refused() {
    let house = filled().await;
    let check = async |path: &str, status: u16, words: &str| house.get(path).await.is_problem(status, words);
    check("/api/v1/incidents?limit=0", 400, "limit 0 is out of range; expected 1 to 500").await;
    check("/api/v1/incidents?limit=501", 400, "limit 501").await;
    check("/api/v1/incidents?limit=x", 400, "parameter limit").await;
    check("/api/v1/incidents?limit=-1", 400, "parameter limit").await;
    check("/api/v1/incidents?cursor=nonsense", 400, "is not a cursor of this list").await;
    check("/api/v1/incidents?cursor=%00", 400, "NUL").await;
    check("/api/v1/incidents?state=broken", 400, "parameter state: \"broken\" is none of new, assigned").await;
    check("/api/v1/incidents?tier=4", 400, "parameter tier").await;
    check("/api/v1/incidents?stat=new", 400, "parameter \"stat\" is not known here; expected state, tier").await;
    check("/api/v1/incidents?team=a&team=b", 400, "parameter team stands 2 times").await;
    check("/api/v1/incidents?opened_after=yesterday", 400, "is not a time").await;
    check("/api/v1/incidents?problem=INC-1", 400, "is not an id; expected PRB-<number>").await;
    check("/api/v1/incidents?alert=1", 400, "16 hex digits").await;
    check(&format!("/api/v1/incidents?q={}", "a".repeat(257)), 400, "longer than 256").await;
    check(&format!("/api/v1/incidents?{}", "a=1&".repeat(65)), 400, "at most 64").await;
    check("/api/v1/incidents/INC-99", 404, "INC-99 is not known here").await;
    check("/api/v1/incidents/PRB-1", 400, "expected INC-<number>").await;
    check("/api/v1/incidents/99999999999999999999999", 400, "is not an id").await;
    check("/api/v1/incidents/%00", 400, "NUL").await;
    check("/api/v1/incidents/%FF", 400, "path").await;
    check("/api/v1/incidents/INC-1/timeline?x=1", 400, "parameter \"x\"").await;
    check("/api/v1/incidents/INC-99/timeline", 404, "INC-99").await;
    check("/api/v1/incidents/INC-99/notifications", 404, "INC-99").await;
    check("/api/v1/problems/PRB-9", 404, "PRB-9").await;
    check("/api/v1/inspections/runs/RUN-9", 404, "RUN-9").await;
    check("/api/v1/on-call/schedules/a?from=9999-12-30T00:00:00Z", 400, "from must lie at most").await;
    check("/api/v1/on-call/schedules/a?from=-009999-01-03T00:00:00Z", 400, "from must lie at most").await;
    check("/api/v1/nothing", 404, "path /api/v1/nothing was not found").await;
    check("/nothing", 404, "path /nothing was not found").await;
    let unreadable = house.send("DELETE", "/api/v1/on-call/schedules/%FF/overrides/1", &[], "").await;
    unreadable.is_problem(400, "the path cannot be read");
    let wrong = house.send("DELETE", "/api/v1/incidents/INC-1", &[], "").await;
    wrong.is_problem(405, "method DELETE is not allowed, but [GET] are");
    assert_eq!(wrong.header("allow"), "GET");
    let brewed = house.send("BREW", "/api/v1/incidents/INC-1/close", &[], "").await;
    brewed.is_problem(405, "method BREW");
    let many: Vec<(String, String)> = (0..70).map(|n| (format!("x-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    house.send("GET", "/api/v1/incidents", &many, "").await.is_problem(431, "at most 64 headers");
    let large = "x".repeat(20_000);
    house.send("GET", "/api/v1/incidents", &[("x-large", &large)], "").await.is_problem(431, "16384 bytes");
}

fn taken(house: &House) -> Command {
    let mut wishes = house.wishes();
    match (wishes.pop(), wishes.len()) {
        (Some(DriverRequest::Command(command)), 0) => command,
        (other, more) => panic!("{other:?} and {more} more"),
    }
}

#[tokio::test]
async fn every_command_reaches_the_queue_as_it_was_meant() {
    let house = filled().await;
    let check = async |path: &str, body: &str, expected: Action| {
        let reply = house.post(path, body).await;
        assert!(reply.status.is_success(), "{path}: {}", reply.text());
        let command = taken(&house);
        assert_eq!(command.action, expected, "{path}");
        assert_eq!((command.actor.as_str(), command.role.as_str()), ("anonymous", "admin"));
        assert_eq!((command.if_match, command.idempotency_key), (None, None));
        reply
    };
    let text = || "查明原因".to_owned();
    let late = || BreachReason { code: "vendor".to_owned(), text: text() };
    let out = || Outage {
        customer: String::new(),
        service: "平台".to_owned(),
        party: CauseParty::ThirdParty,
        from: "2026-11-21T00:00:00Z".parse().unwrap(),
        to: None,
    };
    let incident = |action| Action::Incident { id: IncidentId(1), action };
    let cases = [
        ("acknowledge", "", IncidentAction::Acknowledge { note: None }),
        ("acknowledge", r#"{"note":"查明原因"}"#, IncidentAction::Acknowledge { note: Some(text()) }),
        ("assign", r#"{"assignee":"王工"}"#, IncidentAction::Assign { assignee: "王工".to_owned() }),
        ("comment", r#"{"note":"查明原因"}"#, IncidentAction::Comment { text: text() }),
        ("comment", r#"{"text":"查明原因"}"#, IncidentAction::Comment { text: text() }),
        (
            "pend",
            r#"{"on":"vendor","reason":"查明原因"}"#,
            IncidentAction::Pend { on: PendingOn::Vendor, reason: text() },
        ),
        (
            "hold",
            r#"{"on":"vendor","note":"查明原因"}"#,
            IncidentAction::Pend { on: PendingOn::Vendor, reason: text() },
        ),
        ("resume", "{}", IncidentAction::Resume),
        ("escalate", r#"{"note":"查明原因"}"#, IncidentAction::Escalate { diagnosis: text() }),
        ("escalate", r#"{"diagnosis":"查明原因"}"#, IncidentAction::Escalate { diagnosis: text() }),
        (
            "triage",
            r#"{"fields":{"symptom":"查明原因"}}"#,
            IncidentAction::Triage { fields: [("symptom".to_owned(), text())].into() },
        ),
        ("hand-back", r#"{"reason":"查明原因"}"#, IncidentAction::HandBack { reason: text() }),
        ("deescalate", r#"{"note":"查明原因"}"#, IncidentAction::HandBack { reason: text() }),
        (
            "playbook-steps/%E6%9F%A5/complete",
            r#"{"note":"查明原因"}"#,
            IncidentAction::Tick { step: "查".to_owned(), note: Some(text()) },
        ),
        ("tick", r#"{"step":"查光功率"}"#, IncidentAction::Tick { step: "查光功率".to_owned(), note: None }),
        ("resolve", r#"{"resolution":"查明原因"}"#, IncidentAction::Resolve { resolution: text() }),
        ("resolve", r#"{"note":"查明原因"}"#, IncidentAction::Resolve { resolution: text() }),
        ("close", "", IncidentAction::Close { note: None }),
        ("reopen", r#"{"note":"查明原因"}"#, IncidentAction::Reopen { reason: text() }),
        ("reopen", r#"{"reason":"查明原因"}"#, IncidentAction::Reopen { reason: text() }),
        ("merge", r#"{"into":"INC-2"}"#, IncidentAction::Merge { into: IncidentId(2) }),
        ("cancel", r#"{"reason":"查明原因"}"#, IncidentAction::Cancel { reason: text() }),
        (
            "workaround",
            r#"{"helped":true,"note":"查明原因"}"#,
            IncidentAction::WorkaroundHelped { helped: true, note: Some(text()) },
        ),
        ("parent", r#"{"parent":"INC-2"}"#, IncidentAction::FoundDuring { incident: IncidentId(2) }),
        ("found_during", r#"{"incident":"INC-2"}"#, IncidentAction::FoundDuring { incident: IncidentId(2) }),
        (
            "contact",
            r#"{"by":"phone","note":"查明原因"}"#,
            IncidentAction::Contact { by: ContactBy::Phone, note: text() },
        ),
        ("breach-reason", r#"{"code":"vendor","note":"查明原因"}"#, IncidentAction::ExplainBreach { reason: late() }),
        ("breach-reason", r#"{"code":"vendor","text":"查明原因"}"#, IncidentAction::ExplainBreach { reason: late() }),
        (
            "resolve",
            r#"{"resolution":"查明原因","breach_reason":{"code":"vendor","text":"查明原因"}}"#,
            IncidentAction::ResolveBreached { resolution: text(), reason: late() },
        ),
        (
            "outage",
            r#"{"service":"平台","party":"third_party","from":"2026-11-21T00:00:00Z"}"#,
            IncidentAction::Outage { outage: out() },
        ),
    ];
    for (verb, body, action) in cases {
        let reply = check(&format!("/api/v1/incidents/INC-1/{verb}"), body, incident(action)).await;
        assert_eq!((reply.json()["id"].clone(), reply.header("etag")), (json!("INC-1"), "\"1\""));
    }
    let problem = |action| Action::Problem { id: ProblemId(1), action };
    let described = ProblemAction::Describe { root_cause: None, workaround: Some(text()), fix: None, change: None };
    let moved = ProblemAction::Move { to: ProblemState::KnownError, reason: None };
    let cases = [
        ("comment", r#"{"text":"查明原因"}"#, ProblemAction::Comment { text: text() }),
        ("assign", r#"{"assignee":"王工"}"#, ProblemAction::Own { owner: "王工".to_owned() }),
        ("own", r#"{"owner":"王工"}"#, ProblemAction::Own { owner: "王工".to_owned() }),
        ("move", r#"{"to":"known_error"}"#, moved.clone()),
        ("transition", r#"{"to":"known_error"}"#, moved),
        ("describe", r#"{"workaround":"查明原因"}"#, described),
        ("accept", "{}", ProblemAction::Accept),
        ("reject", r#"{"reason":"查明原因"}"#, ProblemAction::Reject { reason: text() }),
        (
            "merge",
            r#"{"into":"PRB-2","reason":"查明原因"}"#,
            ProblemAction::Merge { into: ProblemId(2), reason: text() },
        ),
        (
            "split",
            r#"{"incidents":["INC-3"],"reason":"查明原因"}"#,
            ProblemAction::Split { incidents: vec![IncidentId(3)], reason: text() },
        ),
        ("review", r#"{"note":"查明原因"}"#, ProblemAction::Review { note: text() }),
        ("link", r#"{"incident":"INC-3"}"#, ProblemAction::LinkIncident { incident: IncidentId(3) }),
    ];
    for (verb, body, action) in cases {
        let reply = check(&format!("/api/v1/problems/PRB-1/{verb}"), body, problem(action)).await;
        assert_eq!((reply.json()["id"].clone(), reply.header("etag")), (json!("PRB-1"), "\"3\""));
    }
    let run = |action| Action::Run { id: RunId(1), action };
    let recorded = RunAction::RecordItem {
        item: "温度".to_owned(),
        outcome: ItemOutcome::NotApplicable,
        evidence: text(),
        value: Some(21.5),
        found: Some("SN-1".to_owned()),
    };
    let cases = [
        (
            "items/%E6%B8%A9%E5%BA%A6",
            r#"{"outcome":"n/a","evidence":"查明原因","value":21.5,"found":"SN-1"}"#,
            recorded,
        ),
        ("sign-off", "", RunAction::SignOff { note: None }),
        ("reject", r#"{"reason":"查明原因"}"#, RunAction::Reject { reason: text() }),
        ("skip", r#"{"reason":"查明原因"}"#, RunAction::Skip { reason: text() }),
    ];
    for (verb, body, action) in cases {
        check(&format!("/api/v1/inspections/runs/RUN-1/{verb}"), body, run(action)).await;
    }
    let plan = "machine-room".to_owned();
    let reply = check("/api/v1/inspections/machine-room/start", "", Action::StartRun { plan }).await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (201, "/api/v1/inspections/runs/RUN-7"));
    // Run 7 was answered by the fake driver but never committed: what is known of it is said all the same.
    assert_eq!(reply.json(), json!({"id": "RUN-7", "version": 1}));
}

#[tokio::test]
async fn the_version_seen_and_the_key_of_a_repeat_travel_with_the_command() {
    let house = filled().await;
    let json_type = ("content-type", "application/json");
    let check = async |tag: &str, expected: Option<u64>| {
        let headers = [json_type, ("if-match", tag), ("idempotency-key", "割接-1"), ("", "")];
        let plain = [json_type, ("if-match", tag), ("idempotency-key", "key-1")];
        let refused = house.send("POST", "/api/v1/incidents/INC-1/close", &headers, "{}").await;
        refused.is_problem(400, "header idempotency-key is not plain ASCII");
        let reply = house.send("POST", "/api/v1/incidents/INC-1/close", &plain, "{}").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let command = taken(&house);
        assert_eq!((command.if_match, command.idempotency_key.as_deref()), (expected, Some("key-1")), "{tag}");
    };
    check("\"7\"", Some(7)).await;
    check("7", Some(7)).await;
    check("W/\"7\"", Some(7)).await;
    check("*", None).await;
    let bad = async |headers: &[(&str, &str)], words: &str| {
        house.send("POST", "/api/v1/incidents/INC-1/close", headers, "").await.is_problem(400, words);
    };
    bad(&[("if-match", "\"x\"")], "is not a version").await;
    bad(&[("if-match", "1"), ("if-match", "2")], "header if-match stands more than once").await;
    bad(&[("idempotency-key", "")], "Idempotency-Key of 0 bytes").await;
    bad(&[("idempotency-key", &"k".repeat(201))], "Idempotency-Key of 201 bytes").await;
    assert!(house.wishes().is_empty());
}

#[tokio::test]
async fn a_silence_carries_its_idempotency_key_with_what_was_written() {
    let house = House::open().await;
    let mut asked = Vec::new();
    for comment in ["割接", "割接", "演练"] {
        let body = json!({"matchers": "site=\"广州\"", "ends_at": "2026-11-21T20:00:00+08:00", "comment": comment});
        let headers = [("content-type", "application/json"), ("idempotency-key", "k-1")];
        let reply = house.send("POST", "/api/v1/silences", &headers, &body.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        match &house.wishes()[..] {
            [DriverRequest::Silence { once: Some(once), .. }] => asked.push(once.clone()),
            other => panic!("{other:?}"),
        }
    }
    assert!(asked.iter().all(|once| once.key == "k-1"), "{asked:?}");
    assert!(asked[0] == asked[1] && asked[0] != asked[2], "{asked:?}");
}

#[tokio::test]
async fn what_the_state_refuses_is_a_problem_of_its_status() {
    let house = filled().await;
    let check = async |outcome: Result<Outcome, CommandError>, status: u16, words: &str| {
        house.answer_with(move |_| outcome.clone());
        let reply = house.post("/api/v1/incidents/INC-1/close", "").await;
        reply.is_problem(status, words);
        reply
    };
    let refused = |refusal| Ok(Outcome::Refused(refusal));
    check(refused(CommandRefusal::NotFound { what: "INC-1".to_owned() }), 404, "INC-1 is not known here").await;
    let reason = "a new incident cannot be closed; resolve it first".to_owned();
    check(refused(CommandRefusal::NotAllowed { reason: reason.clone() }), 409, &reason).await;
    check(refused(CommandRefusal::VersionMismatch { seen: 1, current: 3 }), 412, "you saw version 1, it is at 3 now")
        .await;
    check(refused(CommandRefusal::Invalid { reason: "没有这个人".to_owned() }), 400, "没有这个人").await;
    let unknown = Err(CommandError::Unknown { reason: "the database is locked".to_owned() });
    let reply = check(unknown, 503, "retry with the same Idempotency-Key").await;
    assert_eq!(reply.header("retry-after"), "1");
    check(Ok(Outcome::Run { id: RunId(1), version: 1 }), 500, "another kind of outcome").await;
}

#[tokio::test]
async fn bodies_that_cannot_be_meant_never_reach_the_queue() {
    let house = filled().await;
    let check = async |path: &str, kind: &str, body: &str, status: u16, words: &str| {
        let reply = house.send("POST", path, &[("content-type", kind)], body).await;
        reply.is_problem(status, words);
    };
    let (json, assign, comment) =
        ("application/json", "/api/v1/incidents/INC-1/assign", "/api/v1/incidents/INC-1/comment");
    check(assign, "application/x-www-form-urlencoded", "assignee=x", 415, "Content-Type: application/json").await;
    check(assign, json, "", 400, "missing field `assignee`").await;
    check(assign, json, "{", 400, "line 1 column").await;
    check(assign, json, "[]", 400, "the body cannot be used").await;
    check(assign, json, r#"{"assignee":5}"#, 400, "expected a string").await;
    check(assign, json, r#"{"assignee":" "}"#, 400, "a text is empty").await;
    check(assign, json, r#"{"assignee":"x","more":1}"#, 400, "unknown field `more`").await;
    check(assign, json, &format!(r#"{{"assignee":"{}"}}"#, "x".repeat(201)), 400, "at most 200").await;
    check(assign, json, r#"{"assignee":"王工\u0007"}"#, 400, "without control characters").await;
    check(assign, json, r#"{"assignee":"王工\u202e"}"#, 400, "nobody here is named").await;
    check(assign, json, r#"{"assignee":"ghost"}"#, 400, "nobody here is named \"ghost\"").await;
    check("/api/v1/problems/PRB-1/assign", json, r#"{"assignee":"ghost"}"#, 400, "nobody here is named").await;
    check(comment, json, r#"{"note":"a\u0000b"}"#, 400, "NUL").await;
    check(comment, json, &format!(r#"{{"note":"{}"}}"#, "x".repeat(8193)), 400, "at most 8192").await;
    check(comment, json, &"x".repeat(70_000), 413, "").await;
    check(comment, json, &"[".repeat(10_000), 400, "the body cannot be used").await;
    check("/api/v1/incidents/INC-1/hold", json, r#"{"on":"rain","note":"x"}"#, 400, "unknown variant `rain`").await;
    check("/api/v1/incidents/INC-1/merge", json, r#"{"into":"PRB-1"}"#, 400, "expected INC-<number>").await;
    check("/api/v1/incidents/x/close", json, "", 400, "is not an id").await;
    check("/api/v1/inspections/runs/RUN-1/items/%00", json, r#"{"outcome":"pass"}"#, 400, "NUL").await;
    check("/api/v1/inspections/runs/x/items/a", json, r#"{"outcome":"pass"}"#, 400, "is not an id").await;
    let bytes = b"{\"text\":\"\xff\xfe\"}".to_vec();
    let reply = house.send_bytes("POST", comment, &[("content-type", json)], bytes).await;
    reply.is_problem(400, "the body cannot be used");
    assert!(house.wishes().is_empty());
}

#[tokio::test]
async fn a_path_by_its_old_name_answers_the_same_and_says_that_it_is_deprecated() {
    let house = filled().await;
    let renamed = [
        ("/api/v1/incidents/INC-1/deliveries", "/api/v1/incidents/INC-1/notifications"),
        ("/api/v1/targets", "/api/v1/sla"),
        ("/api/v1/tiers", "/api/v1/escalation-policies"),
        ("/api/v1/rosters", "/api/v1/on-call/schedules"),
        ("/api/v1/presence", "/api/v1/on-call/presence"),
        ("/api/v1/queue", "/api/v1/incidents/queue"),
        ("/api/v1/handover", "/api/v1/on-call/handover"),
        ("/api/v1/quarantine", "/api/v1/naming-violations"),
        ("/api/v1/problems/draft?month=2026-05", "/api/v1/problems/monthly-digest?month=2026-05"),
    ];
    let document = house.get("/api/v1/openapi.json").await.json();
    for (old, new) in renamed {
        let (before, now) = (house.get(old).await, house.get(new).await);
        assert!(before.status == 200 && now.status == 200, "{old} {new}");
        assert_eq!(before.text(), now.text(), "{old}");
        assert!(before.header("deprecation").starts_with('@'), "{old}");
        assert_eq!(now.header("deprecation"), "", "{new}");
        let path = old.split('?').next().unwrap().replace("INC-1", "{id}");
        assert!(document["paths"][&path].is_null(), "{path} is in the document");
    }
    let described =
        house.send("PATCH", "/api/v1/problems/PRB-1", &[("content-type", "application/json")], r#"{"fix":"x"}"#);
    assert_eq!(described.await.status, 200);
    let wished = taken(&house).action;
    let before = house.post("/api/v1/problems/PRB-1/describe", r#"{"fix":"x"}"#).await;
    assert!(before.header("deprecation").starts_with('@'));
    assert_eq!(taken(&house).action, wished);
}

#[tokio::test]
async fn the_document_names_every_route_with_its_verbs_and_nothing_else() {
    let house = filled().await;
    let document = house.get("/api/v1/openapi.json").await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    let (mut operations, mut names) = (0, BTreeSet::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        let verbs: BTreeSet<String> = item.as_object().unwrap().keys().map(|verb| verb.to_uppercase()).collect();
        let place = path.replace("{id}", "1").replace("{fingerprint}", "0123456789abcdef").replace(['{', '}'], "");
        let refused = house.send("BREW", &place, &[], "").await;
        assert_eq!(refused.status, 405, "{place}");
        let allowed: BTreeSet<String> = refused.header("allow").split(',').map(str::to_owned).collect();
        assert_eq!(allowed, verbs, "{path}");
        for operation in item.as_object().unwrap().values() {
            operations += 1;
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} stands twice");
            assert!(operation["summary"].is_string() || operation["description"].is_string(), "{name}");
        }
    }
    assert!(operations > 50, "{operations}");
    println!("{operations} operations on {} paths", document["paths"].as_object().unwrap().len());
    let refer = document.to_string();
    for reference in refer.split("\"#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(document["components"]["schemas"][reference].is_object(), "{reference} is referred to and not there");
    }
}

/// A value against a schema of the document; every member must be described, and every described one be there.
#[track_caller]
fn fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return fits(document, &document["components"]["schemas"][name], value, &format!("{place}:{name}"));
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind), "{place} is {kind}, described as {kinds:?}");
    if let Value::Array(items) = value {
        items.iter().for_each(|item| fits(document, &schema["items"], item, &format!("{place}[]")));
    }
    if let (Some(described), Some(members)) = (schema["properties"].as_object(), value.as_object()) {
        let described_names: BTreeSet<&String> = described.keys().collect();
        let names: BTreeSet<&String> = members.keys().collect();
        assert_eq!(names, described_names, "{place}");
        for (name, value) in members {
            fits(document, &described[name], value, &format!("{place}.{name}"));
        }
    }
}

#[tokio::test]
async fn what_is_answered_is_what_the_document_describes() {
    let house = filled().await;
    let document = house.get("/api/v1/openapi.json").await.json();
    let fingerprint = alert(&[("alertname", "LinkDown"), ("site", "GZ01")]).fingerprint.to_string();
    let (mut compared, mut empty) = (0, Vec::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        let schema = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        // This house has no roster.
        if !schema["$ref"].is_string() || path.contains("{name}") {
            continue;
        }
        let id = if path.contains("inspections") { "1" } else { "INC-1" };
        let id = if path.contains("problems") { "PRB-1" } else { id };
        let path = if path.ends_with("/monthly-digest") { &format!("{path}?month=2026-05") } else { path };
        let year = format!("{path}?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z");
        let path = if path.starts_with("/api/v1/reports/") { &year } else { path };
        let reply = house
            .get(&path.replace("{id}", id).replace("{plan}", "machine-room").replace("{fingerprint}", &fingerprint))
            .await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
        let value = reply.json();
        if value["items"].as_array().is_some_and(Vec::is_empty) {
            empty.push(path.to_owned());
        }
        fits(&document, schema, &value, path);
        compared += 1;
    }
    assert!(compared >= 18, "{compared}");
    println!("{compared} answers compared with their description; without an item to compare: {empty:?}");
    assert!(empty.len() <= 9 && compared - empty.len() >= 18, "{empty:?}");
    let secret = [
        house.get("/api/v1/escalation-policies").await.text(),
        house.get("/api/v1/incidents/INC-1/notifications").await.text(),
    ];
    assert!(secret.iter().all(|text| text.contains("chat.example.org") && !text.contains("SECRET")));
}

#[tokio::test]
async fn plans_show_their_next_run_and_rules_their_text() {
    let house = filled().await;
    let plan = house.get("/api/v1/inspections").await.json()["items"][0].clone();
    // 2026-11-21 is a Saturday: next is Monday 09:30 in Shanghai.
    assert_eq!(plan["next_run_at"], "2026-11-23T01:30:00.000Z");
    assert_eq!((plan["schedule"].clone(), plan["zone"].clone()), (json!("30 9 * * 1-5"), json!("Asia/Shanghai")));
    assert_eq!(plan["items"][0]["kind"], "manual");
    let rules = house.get("/api/v1/rules").await.json();
    assert_eq!(rules["hash"], "ab".repeat(32));
    assert_eq!(rules["files"], json!(["rules/网络.yaml"]));
    assert_eq!(rules["items"][0]["matchers"], "alertname=\"LinkDown\"");
    assert_eq!(rules["items"][0]["by"], json!(["site", "device"]));
    assert_eq!(rules["items"][0]["continue"], true);
    let tiers = house.get("/api/v1/escalation-policies").await.json();
    assert_eq!(
        tiers["ladders"][0]["steps"][1],
        json!({"tier": 2, "team": "network", "respond_by": "15m", "page_every": "5m", "resolve_by": null,
            "vendor": false, "kind": "phone", "calendar": null, "demands": []})
    );
    assert_eq!(tiers["teams"][0]["channels"], json!([{"kind": "webhook", "to": "https://chat.example.org/…"}]));
}
