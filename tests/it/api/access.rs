//! Who may pass: tokens at every door, the table of roles, open mode, hosts and origins, rates, and the doors that ask
//! nobody.

use serde_json::json;
use watchfire::api::{CommandError, DriverRequest, new_token};
use watchfire::core::model::IncidentId;
use watchfire::core::rules::Rulebook;
use watchfire::store::{Readiness, TokenRole};

use super::house::House;
use super::samples::{at, silence_id};

fn roles() -> Vec<(&'static str, TokenRole)> {
    vec![
        ("ingest", TokenRole::Ingest { source: "native".to_owned() }),
        ("viewer", TokenRole::Viewer),
        ("first", TokenRole::FirstLine),
        ("second", TokenRole::SecondLine),
        ("third", TokenRole::ThirdLine),
        ("manager", TokenRole::ProcessManager),
        ("admin", TokenRole::Admin),
    ]
}

/// Which of ingest, viewer, first, second, third, manager and admin pass, door by door. What the managers of single
/// processes pass is row 64's matrix.
#[tokio::test]
async fn every_role_passes_exactly_its_doors() {
    let house = House::open().await;
    for (name, role) in roles() {
        house.token(name, role).await;
    }
    let silence = format!("/api/v2/silence/{}", silence_id(1));
    let table = [
        ("GET", "/", "xxxxxxx"),
        ("GET", "/-/healthy", "xxxxxxx"),
        ("GET", "/-/live", "xxxxxxx"),
        ("GET", "/-/ready", "xxxxxxx"),
        ("GET", "/ack", "xxxxxxx"),
        ("POST", "/ack", "xxxxxxx"),
        ("GET", "/metrics", ".xxxxxx"),
        ("POST", "/-/reload", ".....xx"),
        ("GET", "/api/v2/status", ".xxxxxx"),
        ("GET", "/api/v2/receivers", ".xxxxxx"),
        ("GET", "/api/v2/alerts", ".xxxxxx"),
        ("GET", "/api/v2/alerts/groups", ".xxxxxx"),
        ("GET", "/api/v2/silences", ".xxxxxx"),
        ("GET", silence.as_str(), ".xxxxxx"),
        ("POST", "/api/v2/silences", "..xx.xx"),
        ("DELETE", silence.as_str(), "..xx.xx"),
        ("POST", "/api/v2/alerts", "......x"),
        ("POST", "/api/v1/events", "x.....x"),
        ("POST", "/api/v1/sources/zabbix", "......x"),
        ("POST", "/api/v1/sources/native", "x.....x"),
        ("GET", "/api/v1/reports/service", ".xxxxxx"),
        ("GET", "/api/v1/reports/billing", ".xxxxxx"),
        ("GET", "/api/v1/incidents", ".xxxxxx"),
        ("GET", "/api/v1/incidents/1", ".xxxxxx"),
        ("GET", "/api/v1/incidents/1/timeline", ".xxxxxx"),
        ("GET", "/api/v1/incidents/1/alerts", ".xxxxxx"),
        ("GET", "/api/v1/incidents/1/evidence", ".xxxxxx"),
        ("GET", "/api/v1/incidents/1/notifications", ".xxxxxx"),
        ("GET", "/api/v1/incidents/1/explain", ".xxxxxx"),
        ("GET", "/api/v1/events/0-1/explain", ".xxxxxx"),
        ("POST", "/api/v1/events/explain", ".xxxxxx"),
        ("POST", "/api/v1/incidents/1/acknowledge", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/assign", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/contact", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/breach-reason", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/outage", "..xxxxx"),
        ("GET", "/api/v1/sla", ".xxxxxx"),
        ("GET", "/api/v1/outages", ".xxxxxx"),
        ("POST", "/api/v1/incidents/1/comment", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/hold", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/resume", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/escalate", "..xxxxx"),
        ("GET", "/api/v1/incidents/1/dispatch-order", ".xxxxxx"),
        ("POST", "/api/v1/incidents/1/triage", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/deescalate", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/playbook-steps/a/complete", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/resolve", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/close", "..x..xx"),
        ("POST", "/api/v1/incidents/1/reopen", "..x..xx"),
        ("POST", "/api/v1/incidents/1/merge", "..x..xx"),
        ("POST", "/api/v1/incidents/1/cancel", "..x..xx"),
        ("GET", "/api/v1/alerts", ".xxxxxx"),
        ("POST", "/api/v1/alerts", "......x"),
        ("GET", "/api/v1/alerts/0123456789abcdef", ".xxxxxx"),
        ("GET", "/api/v1/alerts/0123456789abcdef/explain", ".xxxxxx"),
        ("GET", "/api/v1/problems", ".xxxxxx"),
        ("GET", "/api/v1/problems/1", ".xxxxxx"),
        ("GET", "/api/v1/problems/monthly-digest?month=2026-05", ".xxxxxx"),
        ("GET", "/api/v1/problems/1/evidence", ".xxxxxx"),
        ("POST", "/api/v1/problems/1/accept", "...x.xx"),
        ("POST", "/api/v1/problems/1/reject", "...x.xx"),
        ("POST", "/api/v1/problems/1/merge", "...x.xx"),
        ("POST", "/api/v1/problems/1/split", "...x.xx"),
        ("POST", "/api/v1/problems/1/review", "...x.xx"),
        ("GET", "/api/v1/incidents/1/similar", ".xxxxxx"),
        ("POST", "/api/v1/incidents/1/workaround", "..xxxxx"),
        ("POST", "/api/v1/incidents/1/parent", "..xxxxx"),
        ("POST", "/api/v1/problems/1/comment", "..xxxxx"),
        ("POST", "/api/v1/problems/1/assign", "...x.xx"),
        ("POST", "/api/v1/problems/1/transition", "...x.xx"),
        ("PATCH", "/api/v1/problems/1", "...x.xx"),
        ("POST", "/api/v1/problems/1/link", "...x.xx"),
        ("GET", "/api/v1/inspections", ".xxxxxx"),
        ("GET", "/api/v1/inspections/completion", ".xxxxxx"),
        ("GET", "/api/v1/inspections/plan/capacity", ".xxxxxx"),
        ("GET", "/api/v1/inspections/runs", ".xxxxxx"),
        ("GET", "/api/v1/inspections/runs/1", ".xxxxxx"),
        ("POST", "/api/v1/inspections/plan/start", "..xxxxx"),
        ("POST", "/api/v1/inspections/runs/1/items/a", "..xxxxx"),
        ("POST", "/api/v1/inspections/runs/1/sign-off", "...x.xx"),
        ("POST", "/api/v1/inspections/runs/1/reject", "...x.xx"),
        ("POST", "/api/v1/inspections/runs/1/skip", "...x.xx"),
        ("GET", "/api/v1/escalation-policies", ".xxxxxx"),
        ("GET", "/api/v1/on-call/schedules", ".xxxxxx"),
        ("GET", "/api/v1/on-call/schedules/a", ".xxxxxx"),
        ("POST", "/api/v1/on-call/schedules/a/overrides", "..xxxxx"),
        ("DELETE", "/api/v1/on-call/schedules/a/overrides/1", "..xxxxx"),
        ("GET", "/api/v1/on-call/presence", ".xxxxxx"),
        ("POST", "/api/v1/on-call/presence", "..xxxxx"),
        ("GET", "/api/v1/incidents/queue", ".xxxxxx"),
        ("GET", "/api/v1/on-call/handover", ".xxxxxx"),
        ("GET", "/api/v1/rules", ".xxxxxx"),
        ("POST", "/api/v1/rules/reload", ".....xx"),
        ("GET", "/api/v1/sources", ".xxxxxx"),
        ("GET", "/api/v1/naming-violations", ".xxxxxx"),
        ("GET", "/api/v1/templates", ".xxxxxx"),
        ("GET", "/api/v1/silences", ".xxxxxx"),
        ("POST", "/api/v1/silences", "..xx.xx"),
        ("GET", "/api/v1/audit", ".....xx"),
        ("GET", "/api/v1/dead-letters", ".xxxxxx"),
        ("GET", "/api/v1/stream?kind=none", ".xxxxxx"),
        ("GET", "/api/v1/openapi.json", ".xxxxxx"),
    ];
    for (method, path, expected) in table {
        let mut passed = String::new();
        for (name, _) in roles() {
            let bearer = format!("Bearer secret-{name}");
            let reply = house.send(method, path, &[("authorization", &bearer)], "").await;
            assert_ne!(reply.status, 401, "{method} {path} {name}");
            assert_ne!(reply.status, 429, "{method} {path} {name}");
            assert!(reply.status != 404 || !reply.text().contains("was not found"), "{method} {path} is no route");
            passed.push(if reply.status == 403 { '.' } else { 'x' });
        }
        assert_eq!(passed, expected, "{method} {path}");
    }
    let document = house.send("GET", "/api/v1/openapi.json", &[("x-api-key", "secret-viewer")], "").await.json();
    let operations: usize =
        document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    // Both sources paths are one route.
    assert_eq!(operations, table.len() - 1, "every route stands in this table");
}

#[tokio::test]
async fn one_token_opens_by_bearer_basic_and_key_and_names_the_actor() {
    let house = House::open().await;
    let secret = house.token("王工", TokenRole::SecondLine).await;
    let bearer = format!("Bearer {secret}");
    // any-user:secret-王工 in base64.
    let basic = "Basic YW55LXVzZXI6c2VjcmV0LeeOi+W3pQ==";
    for headers in [[("authorization", basic)], [("authorization", basic)]] {
        let reply = house.send("POST", "/api/v1/incidents/1/resume", &headers, "").await;
        assert_eq!(reply.status, 200, "{headers:?} {}", reply.text());
        let wishes = house.wishes();
        let [DriverRequest::Command(command)] = &wishes[..] else { panic!("{wishes:?}") };
        assert_eq!((command.actor.as_str(), command.role.as_str()), ("王工", "second_line"));
    }
    let reply = house.send_bytes("GET", "/api/v1/rules", &[("authorization", &bearer)], Vec::new()).await;
    assert_eq!(reply.status, 401, "a token in a header is plain ASCII; ours are");
    let (secret, digest) = new_token().unwrap();
    let row = watchfire::store::TokenRow {
        name: "karma".to_owned(),
        role: TokenRole::Viewer,
        sha256: digest,
        created_at: at(0),
        revoked_at: None,
    };
    house.store.add_token(&row).await.unwrap();
    for (name, value) in [("authorization", format!("bearer {secret}")), ("x-api-key", secret.clone())] {
        assert_eq!(house.send("GET", "/api/v2/status", &[(name, &value)], "").await.status, 200, "{name}");
    }
    assert_eq!(house.keyring.authenticate(&secret).await, Some(("karma".to_owned(), TokenRole::Viewer)));
    assert_eq!(house.keyring.authenticate("wf_nobody").await, None);
}

#[tokio::test]
async fn without_a_good_token_each_family_of_paths_says_so_in_its_own_words() {
    let house = House::open().await;
    house.token("admin", TokenRole::Admin).await;
    let reply = house.get("/api/v1/incidents").await;
    reply.is_problem(401, "a token is needed here");
    assert_eq!(reply.header("www-authenticate"), r#"Bearer realm="watchfire", Basic realm="watchfire""#);
    let wrong = [("authorization", "Bearer wf_wrong")];
    house.send("GET", "/api/v1/incidents", &wrong, "").await.is_problem(401, "not known here");
    let reply = house.send("GET", "/api/v2/alerts", &wrong, "").await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (401, json!({"code": 401, "message": "this token is not known here"}))
    );
    let reply = house.get("/metrics").await;
    assert_eq!((reply.status.as_u16(), reply.text().as_str()), (401, "a token is needed here\n"));
    assert_eq!(house.get("/-/healthy").await.status, 200);
    assert_eq!(house.get("/-/ready").await.status, 200);
    house.get("/api/v1/nothing").await.is_problem(404, "was not found");
    house.post("/api/v1/events", r#"{"labels":{"a":"b"}}"#).await.is_problem(401, "a token is needed here");
}

#[tokio::test]
async fn a_service_without_tokens_is_open_until_the_first_one_and_never_again() {
    let house = House::open().await;
    assert!(house.keyring.is_open().await);
    assert_eq!(house.get("/api/v1/audit").await.status, 200);
    let secret = house.token("first", TokenRole::Admin).await;
    house.pass(4);
    assert!(!house.keyring.is_open().await);
    assert_eq!(house.get("/api/v1/audit").await.status, 401);
    let bearer = format!("Bearer {secret}");
    assert_eq!(house.send("GET", "/api/v1/audit", &[("authorization", &bearer)], "").await.status, 200);
    assert!(house.store.revoke_token("first", at(5)).await.unwrap());
    assert_eq!(house.send("GET", "/api/v1/audit", &[("authorization", &bearer)], "").await.status, 200);
    house.pass(4);
    assert_eq!(house.send("GET", "/api/v1/audit", &[("authorization", &bearer)], "").await.status, 401, "revoked");
    assert_eq!(house.get("/api/v1/audit").await.status, 401, "a revoked token keeps the doors shut");
}

#[tokio::test]
async fn a_new_token_works_at_once_and_a_guesser_is_slowed_down() {
    let house = House::open().await;
    house.token("old", TokenRole::Viewer).await;
    let try_with = async |secret: &str| {
        let bearer = format!("Bearer {secret}");
        house.send("GET", "/api/v1/rules", &[("authorization", &bearer)], "").await
    };
    assert_eq!(try_with("secret-old").await.status, 200);
    let fresh = house.token("new", TokenRole::Viewer).await;
    assert_eq!(try_with(&fresh).await.status, 200, "a miss looks into the store");
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(try_with("wf_guess").await.status.as_u16());
    }
    assert_eq!((answers.iter().filter(|status| **status == 401).count(), answers[29]), (20, 429));
    let slowed = try_with("wf_guess").await;
    slowed.is_problem(429, "slow down");
    assert_eq!(slowed.header("retry-after"), "1");
    assert_eq!(try_with(&fresh).await.status, 200, "a good token passes beside a guesser");
    // The guesses used up the looks into the store: a token made now waits for the next reading.
    let late = house.token("late", TokenRole::Viewer).await;
    assert_eq!(try_with(&late).await.status, 429);
    house.pass(30);
    assert_eq!(try_with(&late).await.status, 200);
}

#[tokio::test]
async fn a_busy_caller_is_held_back_but_never_its_events() {
    let house = House::with(Rulebook::empty(), |settings| settings.requests.per_second = 5).await;
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(house.get("/api/v1/rules").await.status.as_u16());
    }
    assert_eq!(answers, [[200; 10].as_slice(), &[429; 2]].concat());
    for _ in 0..20 {
        assert_eq!(house.post("/api/v1/events", r#"{"labels":{"a":"b"}}"#).await.status, 200);
    }
    house.pass(1);
    assert_eq!(house.get("/api/v1/rules").await.status, 200);
}

#[tokio::test]
async fn unknown_names_are_not_answered_and_foreign_pages_may_not_write_even_when_all_is_open() {
    let house = House::with(Rulebook::empty(), |settings| {
        settings.external_url = Some("https://watch.example.org".to_owned());
        settings.allowed_hosts = vec!["noc-1".to_owned()];
        settings.allowed_origins = vec!["https://portal.example.org".to_owned()];
        settings.listen = Some("10.1.2.3".parse().unwrap());
    })
    .await;
    let event = r#"{"labels":{"a":"b"}}"#;
    let json_type = ("content-type", "application/json");
    let check = async |headers: &[(&str, &str)], refused: Option<u16>| {
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain([json_type]).collect();
        for path in ["/api/v1/incidents/1/comment", "/api/v1/events", "/-/reload", "/api/v2/silences"] {
            let body = if path.ends_with("comment") { r#"{"text":"x"}"# } else { event };
            let reply = house.send("POST", path, &headers, body).await;
            let found = Some(reply.status.as_u16()).filter(|status| [403, 421].contains(status));
            assert_eq!(found, refused, "{path} {headers:?}: {} {}", reply.status, reply.text());
        }
        for path in ["/api/v1/incidents", "/api/v2/alerts", "/metrics", "/api/v1/openapi.json"] {
            let expected = if refused == Some(421) { 421 } else { 200 };
            let read = house.send("GET", path, &headers, "").await;
            assert_eq!(read.status, expected, "{path} {headers:?}");
            let allowed = headers.contains(&("origin", "https://portal.example.org"));
            let said = read.header("access-control-allow-origin");
            assert_eq!(said, if allowed { "https://portal.example.org" } else { "" }, "{path} {headers:?}");
        }
        assert_eq!(house.send("GET", "/-/ready", &headers, "").await.status, 200, "load balancers know no name");
    };
    check(&[], None).await;
    check(&[("host", "noc-1:7247")], None).await;
    check(&[("host", "10.1.2.3:7247")], None).await;
    check(&[("host", "watch.example.org"), ("origin", "https://watch.example.org")], None).await;
    check(&[("host", "watch.example.org"), ("origin", "https://portal.example.org")], None).await;
    check(&[("origin", "http://127.0.0.1:7247")], None).await;
    check(&[("host", "evil.example")], Some(421)).await;
    check(&[("host", "10.9.9.9")], Some(421)).await;
    check(&[("origin", "http://evil.example")], Some(403)).await;
    check(&[("origin", "http://127.0.0.1:3000")], Some(403)).await;
    check(&[("origin", "null")], Some(403)).await;
    let refused = house.send("POST", "/api/v1/events", &[("host", "evil.example"), json_type], event).await;
    refused.is_problem(421, "Host \"evil.example\" is not known here");
    refused.is_problem(421, "allowed_hosts");
    let asked = [("origin", "https://portal.example.org"), ("access-control-request-method", "POST")];
    let preflight = house.send("OPTIONS", "/api/v1/incidents/1/comment", &asked, "").await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").contains("Authorization"));
    let metrics = house.get("/metrics").await.text();
    for reason in ["host", "origin"] {
        let zero = format!("watchfire_http_refused_total{{reason=\"{reason}\"}} 0");
        assert!(!metrics.contains(&zero), "{reason} is not counted");
    }
}

#[tokio::test]
async fn health_readiness_and_reload_speak_to_machines() {
    let house = House::open().await;
    let healthy = house.get("/-/healthy").await;
    assert_eq!((healthy.status.as_u16(), healthy.text().as_str()), (200, "OK"));
    assert!(healthy.header("content-type").starts_with("text/plain"));
    assert_eq!(house.send("HEAD", "/-/ready", &[], "").await.status, 200);
    let front = house.get("/").await;
    assert_eq!(front.header("content-type"), "text/plain; charset=utf-8");
    for part in ["/api/v1/openapi.json", "/metrics", "/-/ready", "README.md"] {
        assert!(front.text().contains(part), "{part}: {}", front.text());
    }
    house.live.set_readiness(Readiness::NotReady { reason: "the state is being put back".to_owned() });
    let ready = house.get("/-/ready").await;
    assert_eq!((ready.status.as_u16(), ready.text().as_str()), (503, "the state is being put back\n"));
    assert_eq!(house.get("/-/healthy").await.status, 200);
    assert_eq!(house.get("/-/live").await.text(), "OK");
    let reload = house.send("POST", "/-/reload", &[], "").await;
    assert_eq!((reload.status.as_u16(), reload.text().as_str()), (200, ""));
    assert!(
        matches!(&house.wishes()[..], [DriverRequest::Reload { by: Some(by) }] if by.actor == "anonymous" && by.role == "admin")
    );
    house.answer_with(|_| Err(CommandError::BadRules { report: "rules/网络.yaml:3:5: 未知的键".to_owned() }));
    let reload = house.send("POST", "/-/reload", &[], "").await;
    assert_eq!((reload.status.as_u16(), reload.text().as_str()), (500, "rules/网络.yaml:3:5: 未知的键\n"));
    house.post("/api/v1/rules/reload", "").await.is_problem(422, "rules/网络.yaml:3:5: 未知的键");
    let get = house.get("/-/reload").await;
    assert_eq!((get.status.as_u16(), get.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn requests_are_counted_by_route_and_a_panic_is_a_500_not_a_hole() {
    let house = House::open().await;
    house.get("/api/v1/incidents/INC-5").await.is_problem(404, &IncidentId(5).to_string());
    house.get("/nowhere").await.is_problem(404, "");
    let text = house.get("/metrics").await.text();
    assert!(house.get("/metrics").await.header("content-type").starts_with("text/plain; version=0.0.4"));
    for line in [
        r#"watchfire_http_requests_total{code="404",method="GET",route="/api/v1/incidents/{id}"} 1"#,
        r#"watchfire_http_requests_total{code="404",method="GET",route="unmatched"} 1"#,
    ] {
        assert!(text.to_lowercase().contains(&line.to_lowercase()), "{line} is not in\n{text}");
    }
    assert!(text.contains("alertmanager_build_info{"), "karma asks for it");
    house.break_clock();
    let broken = house.get("/api/v1/incidents").await;
    broken.is_problem(500, "a fault of watchfire");
}
