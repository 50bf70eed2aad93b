//! Alertmanager's API v2: what its clients rely on, row by row.

use std::sync::Arc;

use std::path::PathBuf;

use serde_json::{Value, json};
use watchfire::api::{CommandError, DriverRequest};
use watchfire::core::engine::{CommandRefusal, Effect, Outcome, RecordChange, SilenceChange};
use watchfire::core::model::{Matcher, MatcherOp, Stamp};
use watchfire::store::TokenRole;

use super::house::{House, Reply};
use super::samples::{alert, at, incident, joined, rulebook, silence, silence_id};
use crate::support::service::program;

/// Five alerts: two under INC-1 of `noc`, one under INC-2 of `network`, one silenced and one inhibited without incident.
async fn busy() -> House {
    let house = House::with(rulebook(), |_| {}).await;
    let one = alert(&[("alertname", "LinkDown"), ("site", "GZ01"), ("device", "sw1"), ("job", "snmp")]);
    let two = alert(&[("alertname", "LinkDown"), ("site", "GZ01"), ("device", "sw2"), ("job", "a")]);
    let mut three = alert(&[("alertname", "DiskFull"), ("site", "广州"), ("host", "h1")]);
    three.generator_url = "http://gen.example.org/x".into();
    let mut quiet = alert(&[("alertname", "Noise"), ("site", "SZ01")]);
    quiet.silenced_by = vec![silence_id(1)];
    let mut below = alert(&[("alertname", "HostDown"), ("site", "SZ01")]);
    below.inhibited_by = vec![one.fingerprint];
    let mut gone = alert(&[("alertname", "Ended"), ("site", "SZ01")]);
    gone.ends_at = Stamp::utc(at(-1));
    let effects = vec![
        Effect::Record(RecordChange::Incident(Arc::new(incident(1, &[("site", "GZ01")], "noc")))),
        Effect::Record(RecordChange::Incident(Arc::new(incident(
            2,
            &[("alertname", "DiskFull"), ("host", "h1")],
            "network",
        )))),
        joined(1, &one),
        joined(1, &two),
        joined(2, &three),
    ];
    let alerts = [one, two, three, quiet, below, gone]
        .into_iter()
        .map(|alert| Effect::Record(RecordChange::Alert(Arc::new(alert))));
    house.commit(effects.into_iter().chain(alerts).collect()).await;
    house
}

fn names(reply: &Reply) -> Vec<String> {
    let alerts = reply.json();
    alerts.as_array().unwrap().iter().map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn alerts_are_filtered_as_alertmanager_filters_them() {
    let house = busy().await;
    let check = async |query: &str, expected: &[&str]| {
        let reply = house.get(&format!("/api/v2/alerts{query}")).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text());
        let mut names = names(&reply);
        names.sort();
        assert_eq!(names, expected, "{query}");
    };
    check("", &["DiskFull", "HostDown", "LinkDown", "LinkDown", "Noise"]).await;
    check("?active=false", &["HostDown", "Noise"]).await;
    check("?active=x", &["HostDown", "Noise"]).await;
    check("?active=&silenced=0", &["DiskFull", "HostDown", "LinkDown", "LinkDown"]).await;
    check("?inhibited=no", &["DiskFull", "LinkDown", "LinkDown", "Noise"]).await;
    check("?active=false&inhibited=false&silenced=TRUE&unprocessed=false", &["Noise"]).await;
    check(
        "?active=true&inhibited=false&silenced=false&unprocessed=false&filter=site%3DGZ01",
        &["LinkDown", "LinkDown"],
    )
    .await;
    check("?filter=alertname%3D~%22Disk.%2A%22", &["DiskFull"]).await;
    check("?filter=site%3D%E5%B9%BF%E5%B7%9E", &["DiskFull"]).await;
    check("?filter=site%3DGZ01&filter=device%3Dsw2", &["LinkDown"]).await;
    check("?filter=host%3D%22%22", &["HostDown", "LinkDown", "LinkDown", "Noise"]).await;
    check("?receiver=", &["DiskFull", "HostDown", "LinkDown", "LinkDown", "Noise"]).await;
    check("?receiver=net", &[]).await;
    check("?receiver=net.*", &["DiskFull"]).await;
    check("?receiver=default", &["HostDown", "Noise"]).await;
    check("?an_unknown=parameter", &["DiskFull", "HostDown", "LinkDown", "LinkDown", "Noise"]).await;
}

#[tokio::test]
async fn alerts_stand_sorted_by_fingerprint_with_every_member() {
    let house = busy().await;
    let reply = house.get("/api/v2/alerts").await;
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    let alerts = reply.json();
    let fingerprints: Vec<&str> =
        alerts.as_array().unwrap().iter().map(|alert| alert["fingerprint"].as_str().unwrap()).collect();
    assert!(fingerprints.is_sorted(), "{fingerprints:?}");
    let disk = alerts.as_array().unwrap().iter().find(|alert| alert["labels"]["host"] == "h1").unwrap();
    let expected = json!({
        "annotations": {"summary": "链路中断"},
        "endsAt": "2026-11-21T11:00:00.000Z",
        "fingerprint": disk["fingerprint"],
        "generatorURL": "http://gen.example.org/x",
        "labels": {"alertname": "DiskFull", "host": "h1", "site": "广州"},
        "receivers": [{"name": "network"}],
        "startsAt": "2026-11-21T17:30:00.000+08:00",
        "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": "2026-11-21T10:00:00.000Z",
    });
    assert_eq!(disk, &expected);
    let noise = alerts.as_array().unwrap().iter().find(|alert| alert["labels"]["alertname"] == "Noise").unwrap();
    assert_eq!(noise["status"]["state"], "suppressed");
    assert_eq!(noise["status"]["silencedBy"], json!([silence_id(1).to_string()]));
    assert_eq!(noise["receivers"], json!([{"name": "default"}]));
    assert!(noise.get("generatorURL").is_none());
}

#[tokio::test]
async fn a_group_is_an_incident_and_the_rest_is_one_group_of_default() {
    let house = busy().await;
    let groups = house.get("/api/v2/alerts/groups").await.json();
    let shown: Vec<Value> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            let alerts: Vec<&Value> =
                group["alerts"].as_array().unwrap().iter().map(|alert| &alert["labels"]).collect();
            let first = alerts.first().map(|labels| labels["device"].clone()).unwrap_or_default();
            json!([group["labels"], group["receiver"]["name"], alerts.len(), first])
        })
        .collect();
    let expected = [
        json!([{}, "default", 2, null]),
        // Sorted by job inside: "a" stands before "snmp".
        json!([{"site": "GZ01"}, "noc", 2, "sw2"]),
        json!([{"alertname": "DiskFull", "host": "h1"}, "network", 1, null]),
    ];
    assert_eq!(shown, expected);
    let one = house.get("/api/v2/alerts/groups?receiver=noc&filter=device%3Dsw1").await.json();
    assert_eq!(one.as_array().unwrap().len(), 1, "empty groups are left out");
    assert_eq!(one[0]["alerts"].as_array().unwrap().len(), 1);
    assert_eq!(house.get("/api/v2/alerts/groups?muted=false&active=false").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn silences_are_listed_active_pending_expired() {
    let house = House::open().await;
    let by = |name: &str, op: MatcherOp, value: &str| vec![Matcher::new(name, op, value).unwrap()];
    let silences = [
        silence(1, -7200, -3600, by("host", MatcherOp::Equal, "h1")),
        silence(2, -7200, -60, by("host", MatcherOp::Equal, "h2")),
        silence(3, 600, 1200, by("host", MatcherOp::Equal, "h3")),
        silence(4, 60, 7200, by("host", MatcherOp::Matches, "h.*")),
        silence(5, -60, 7200, by("host", MatcherOp::NotEqual, "h5")),
        silence(6, -60, 60, by("site", MatcherOp::NotMatches, "广.*")),
    ];
    house
        .commit(silences.into_iter().map(|silence| Effect::Record(RecordChange::Silence(Box::new(silence)))).collect())
        .await;
    let listed = async |query: &str| -> Vec<String> {
        let silences = house.get(&format!("/api/v2/silences{query}")).await.json();
        let silences = silences.as_array().unwrap().clone();
        silences.iter().map(|silence| silence["id"].as_str().unwrap().to_owned()).collect()
    };
    let ids = |numbers: &[u64]| -> Vec<String> { numbers.iter().map(|n| silence_id(*n).to_string()).collect() };
    assert_eq!(listed("").await, ids(&[6, 5, 4, 3, 2, 1]));
    assert_eq!(listed("?filter=host%3Dh1").await, ids(&[1]), "matcher against matcher");
    assert_eq!(listed("?filter=host%3D~h1").await, ids(&[]));
    assert_eq!(listed("?filter=host%3D~h.*").await, ids(&[4]));
    let six = house.get(&format!("/api/v2/silence/{}", silence_id(6))).await.json();
    let expected = json!({
        "id": silence_id(6).to_string(),
        "status": {"state": "active"},
        "updatedAt": "2026-11-21T09:59:00.000Z",
        "comment": "计划内割接",
        "createdBy": "值班员",
        "endsAt": "2026-11-21T10:01:00.000Z",
        "matchers": [{"isEqual": false, "isRegex": true, "name": "site", "value": "广.*"}],
        "startsAt": "2026-11-21T09:59:00.000Z",
    });
    assert_eq!(six, expected);
    house.pass(61);
    assert_eq!(listed("").await, ids(&[4, 5, 3, 6, 2, 1]), "state is that of the moment of asking");
    assert_eq!(house.get("/api/v1/silences").await.json()["items"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn silences_are_commands_and_answer_after_the_commit() {
    let house = House::open().await;
    let body = json!({
        "matchers": [{"name": "site", "value": "广.*", "isRegex": true}],
        "startsAt": "2026-11-21T18:00:00+08:00", "endsAt": "2026-11-21T20:00:00+08:00",
        "createdBy": "值班员", "comment": "割接",
    });
    let reply = house.post("/api/v2/silences", &body.to_string()).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({"silenceID": silence_id(99).to_string()})));
    let wishes = house.wishes();
    let [DriverRequest::Silence { actor, role, change: SilenceChange::Put { id: None, draft }, once: None }] =
        &wishes[..]
    else {
        panic!("{wishes:?}")
    };
    assert_eq!((actor.as_str(), role.as_str()), ("anonymous", "admin"));
    assert_eq!(draft.matchers.to_string(), "site=~\"广.*\"");
    assert_eq!(draft.ends_at.to_string(), "2026-11-21T20:00:00.000+08:00");

    let mut update = body.clone();
    update["id"] = json!(silence_id(3).to_string());
    let reply = house.post("/api/v2/silences", &update.to_string()).await;
    assert_eq!(reply.json(), json!({"silenceID": silence_id(3).to_string()}));
    house.wishes();

    let ended = house.send("DELETE", &format!("/api/v2/silence/{}", silence_id(3)), &[], "").await;
    assert_eq!((ended.status.as_u16(), ended.text().as_str()), (200, ""));
    assert!(
        matches!(house.wishes()[..], [DriverRequest::Silence { change: SilenceChange::Expire(id), .. }] if id == silence_id(3))
    );
}

#[tokio::test]
async fn what_the_state_refuses_of_a_silence_is_said_in_alertmanagers_words() {
    let house = House::open().await;
    let body = r#"{"matchers":[{"name":"a","value":"b","isRegex":false}],"startsAt":"2026-11-21T18:00:00Z",
        "endsAt":"2026-11-21T17:00:00Z","createdBy":"","comment":""}"#;
    let check = async |method: &str, outcome: Result<Outcome, CommandError>, status: u16, text: &str| {
        house.answer_with(move |_| outcome.clone());
        let path =
            if method == "POST" { "/api/v2/silences".to_owned() } else { format!("/api/v2/silence/{}", silence_id(1)) };
        let reply = house.send(method, &path, &[("content-type", "application/json")], body).await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (status, text));
        reply
    };
    let refused = |refusal| Ok(Outcome::Refused(refusal));
    let invalid = |reason: &str| CommandRefusal::Invalid { reason: reason.to_owned() };
    let unknown = || CommandRefusal::NotFound { what: "silence".to_owned() };
    check("POST", refused(unknown()), 404, "\"silence not found\"").await;
    check("DELETE", refused(unknown()), 404, "").await;
    let past = "Failed to create silence: end time can't be in the past";
    check("POST", refused(invalid(past)), 400, &format!("{past:?}")).await;
    let reply = check(
        "POST",
        Err(CommandError::Unknown { reason: "the database is locked".to_owned() }),
        503,
        r#"{"code":503,"message":"commit not confirmed: the database is locked; retry with the same Idempotency-Key"}"#,
    )
    .await;
    assert_eq!(reply.header("retry-after"), "1");
}

/// Method, path, headers as `name: value`, status, body (its beginning).
#[tokio::test]
async fn requests_out_of_shape_are_refused_as_by_the_framework() {
    let house = House::open().await;
    let id = silence_id(1);
    let check = async |method: &str, path: &str, header: &str, status: u16, body: &str| {
        let header = header.split_once(": ").unwrap_or_default();
        let reply = house.send(method, path, &[header], "").await;
        let text = reply.text();
        assert_eq!((reply.status.as_u16(), text.starts_with(body)), (status, true), "{method} {path}: {text}");
        assert_eq!(reply.header("cache-control"), "no-store", "{method} {path}");
        reply
    };
    let allowed = async |method: &str, path: &str, allow: &str| {
        let body = format!(r#"{{"code":405,"message":"method {method} is not allowed, but [{allow}] are"}}"#);
        let body = if method == "HEAD" { String::new() } else { body };
        let reply = check(method, path, "", 405, &body).await;
        assert_eq!(reply.header("allow"), allow, "{method} {path}");
    };
    allowed("PUT", "/api/v2/alerts", "GET,POST").await;
    allowed("DELETE", "/api/v2/silences", "GET,POST").await;
    allowed("POST", "/api/v2/status", "GET").await;
    allowed("POST", "/api/v2/alerts/groups", "GET").await;
    allowed("POST", &format!("/api/v2/silence/{id}"), "DELETE,GET").await;
    allowed("OPTIONS", "/api/v2/receivers", "GET").await;
    allowed("HEAD", "/api/v2/receivers", "GET").await;
    check("GET", "/api/v2/nope", "", 404, r#"{"code":404,"message":"path /api/v2/nope was not found"}"#).await;
    let unsupported =
        r#"{"code":406,"message":"unsupported media type requested, only [application/json] are available"}"#;
    check("GET", "/api/v2/alerts", "accept: text/html", 406, unsupported).await;
    check("GET", "/api/v2/alerts", "accept: text/html, */*;q=0.1", 200, "[]").await;
    check("GET", "/api/v2/alerts", "accept: application/*", 200, "[]").await;
    check("GET", "/api/v2/alerts?filter=foo", "", 400, "\"bad matcher format: foo\"").await;
    check("GET", "/api/v2/alerts?filter=", "", 400, "\"bad matcher format: \"").await;
    check("GET", "/api/v2/alerts/groups?filter=%7Ba%3D%22b%22%7D", "", 400, "\"").await;
    check("GET", "/api/v2/silences?filter=foo", "", 400, "\"bad matcher format: foo\"").await;
    check("GET", "/api/v2/alerts?receiver=(", "", 400, "\"failed to parse receiver param: ").await;
    let uuid = r#"{"code":601,"message":"silenceID in path must be of type uuid: \"nope\""}"#;
    check("GET", "/api/v2/silence/nope", "", 422, uuid).await;
    check("DELETE", "/api/v2/silence/nope", "", 422, uuid).await;
    let missing = check("GET", &format!("/api/v2/silence/{id}"), "", 404, "").await;
    assert!(missing.body.is_empty());
    check(
        "POST",
        "/api/v2/silences",
        "content-type: application/json",
        422,
        r#"{"code":602,"message":"silence in body"#,
    )
    .await;
    let large = "x".repeat(100_000);
    let reply = house.post("/api/v2/silences", &large).await;
    assert_eq!((reply.status.as_u16(), reply.json()["code"].clone()), (413, json!(413)));
    let reply = house.get("/api/v2/silence/%FF").await;
    assert_eq!((reply.status.as_u16(), reply.json()["code"].clone()), (422, json!(601)));
    assert!(house.wishes().is_empty(), "nothing of it reached the queue");
}

#[tokio::test]
async fn other_pages_may_neither_read_nor_write() {
    let house = House::open().await;
    let origin = ("origin", "http://karma.example.org");
    let read = house.send("GET", "/api/v2/alerts", &[origin], "").await;
    assert_eq!((read.status.as_u16(), read.header("access-control-allow-origin")), (200, ""));
    assert_eq!(read.header("vary"), "Origin");
    for method in ["GET", "POST", "DELETE"] {
        let asked = [origin, ("access-control-request-method", method)];
        let preflight = house.send("OPTIONS", "/api/v2/silences", &asked, "").await;
        assert_eq!((preflight.status.as_u16(), preflight.header("access-control-allow-origin")), (405, ""));
    }
    let write = house.send("POST", "/api/v2/silences", &[origin, ("content-type", "application/json")], "{}").await;
    assert_eq!((write.status.as_u16(), write.json()["code"].clone()), (403, json!(403)));
    assert!(house.wishes().is_empty());
}

/// A silence in Alertmanager's words, from now, for so many hours.
fn posted(name: &str, value: &str, is_regex: bool, hours: i64) -> String {
    let ends =
        watchfire::core::model::Stamp::utc(super::house::START + watchfire::core::model::TimeDelta::from_hours(hours));
    json!({
        "matchers": [{"name": name, "value": value, "isRegex": is_regex}],
        "startsAt": "2026-11-21T10:00:00Z", "endsAt": ends.to_string(), "createdBy": "张三", "comment": "割接",
    })
    .to_string()
}

#[tokio::test]
async fn a_silence_goes_as_far_as_the_role_and_no_further() {
    let house = busy().await;
    let forever = 24 * 365 * 7_000;
    // Role; matcher; hours; passes.
    let cases = [
        ("first_line", "alertname", ".+", true, 1, false),
        ("first_line", "alertname", ".+", true, forever, false),
        ("first_line", "alertname", "LinkDown", false, 24, true),
        ("first_line", "alertname", "LinkDown", false, 25, false),
        ("first_line", "alertname", "LinkDown", false, forever, false),
        ("first_line", "severity", "critical", false, 1, false),
        ("first_line", "site", "广.*", true, 1, true),
        ("second_line", "site", "广.*", true, 24 * 7, true),
        ("second_line", "site", "广.*", true, 24 * 8, false),
        ("second_line", "alertname", "...+", true, 1, false),
        ("incident_manager", "site", "GZ01", false, 24 * 7, true),
        ("change_manager", "site", "GZ01", false, 24 * 90, true),
        ("change_manager", "site", "GZ01", false, 24 * 91, false),
        ("change_manager", "site", ".*.", true, 1, false),
        ("process_manager", "site", ".+", true, 24 * 90, true),
        ("process_manager", "site", ".+", true, forever, false),
        ("admin", "alertname", ".+", true, forever, true),
    ];
    for role in ["first_line", "second_line", "incident_manager", "change_manager", "process_manager", "admin"] {
        house.token(role, TokenRole::parse(role).unwrap()).await;
    }
    for (role, name, value, is_regex, hours, passes) in cases {
        let bearer = format!("Bearer secret-{role}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = posted(name, value, is_regex, hours);
        let reply = house.send("POST", "/api/v2/silences", &headers, &body).await;
        let place = format!("{role} {name} {value} {hours} h: {}", reply.text());
        assert_eq!(reply.status.as_u16(), if passes { 200 } else { 403 }, "{place}");
        assert!(passes || reply.text().contains(&format!("silences.{role} in watchfire.yaml")), "{place}");
        assert_eq!(house.wishes().len(), usize::from(passes), "{place}");
    }
}

#[tokio::test]
async fn the_token_made_the_silence_and_what_its_client_says_stands_beside_it() {
    let house = House::open().await;
    let secret = house.token("karma", TokenRole::FirstLine).await;
    let bearer = format!("Bearer {secret}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let reply = house.send("POST", "/api/v2/silences", &headers, &posted("a", "b", false, 1)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let wishes = house.wishes();
    let [DriverRequest::Silence { actor, change: SilenceChange::Put { draft, .. }, .. }] = &wishes[..] else {
        panic!("{wishes:?}")
    };
    assert_eq!((actor.as_str(), draft.created_by.as_str()), ("karma", "karma"));
    assert_eq!(draft.annotations.get("createdBy"), Some("张三"));
}

#[tokio::test]
async fn the_status_is_whole_and_its_configuration_loads_in_the_real_amtool() {
    let house = House::with(rulebook(), |_| {}).await;
    let status = house.get("/api/v2/status").await.json();
    assert_eq!(status["cluster"], json!({"peers": [], "status": "disabled"}));
    assert_eq!(status["uptime"], "2026-11-21T10:00:00.000Z");
    for member in ["branch", "buildDate", "buildUser", "goVersion", "revision", "version"] {
        assert!(status["versionInfo"][member].is_string(), "{member}");
    }
    assert_eq!(status["versionInfo"]["version"], "0.28.0");
    assert_eq!(
        house.get("/api/v2/receivers").await.json(),
        json!([{"name": "default"}, {"name": "network"}, {"name": "noc"}])
    );
    let original = status["config"]["original"].as_str().unwrap();
    assert!(original.contains("# rule \"worst\" is left out"), "{original}");
    assert!(original.contains("# rule \"facts\\nhere\" is left out"), "{original}");
    assert!(original.contains("# inhibition \"graded\" is left out"), "{original}");
    assert!(original.contains("# inhibition \"x\" is left out"), "{original}");
    let amtool = program("amtool");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("alertmanager.yml");
    std::fs::write(&file, original).unwrap();
    let run = async |arguments: &[&str]| {
        let output = tokio::process::Command::new(&amtool).args(arguments).output().await.unwrap();
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {said}{complained}\n{original}");
        said.into_owned()
    };
    let said = run(&["check-config", file.to_str().unwrap()]).await;
    assert!(said.contains("1 inhibit rules") && said.contains("3 receivers"), "{said}");
    let config = format!("--config.file={}", file.display());
    let routed = async |labels: &[&str]| {
        let arguments: Vec<&str> =
            ["config", "routes", "test", &config].into_iter().chain(labels.iter().copied()).collect();
        run(&arguments).await.trim().to_owned()
    };
    assert_eq!(routed(&["alertname=LinkDown", "site=GZ01"]).await, "noc,noc", "continue: the next rule sees it too");
    assert_eq!(routed(&["alertname=Other"]).await, "noc");
    println!("amtool loaded the generated configuration and routed 2 alerts");
}

/// Labels that a rule wants, made of its own matchers: the first alternative of a pattern, something for `!=""`.
fn wanted_by(rule: &watchfire::core::rules::Rule) -> Vec<(String, String)> {
    let value = |matcher: &Matcher| match matcher.op() {
        MatcherOp::Equal => matcher.value().to_owned(),
        MatcherOp::Matches => matcher.value().split('|').next().unwrap().replace("[A-Z].*", "Own"),
        MatcherOp::NotEqual | MatcherOp::NotMatches => "something".to_owned(),
    };
    rule.matchers.iter().map(|matcher| (matcher.name().to_owned(), value(matcher))).collect()
}

#[tokio::test]
async fn the_real_amtool_routes_as_the_shipped_rules_do() {
    let amtool = program("amtool");
    let mut rulebook = watchfire::core::rules::load(watchfire::core::rules::builtin()).unwrap().rulebook;
    for (number, rule) in rulebook.rules.iter_mut().enumerate() {
        // A team of its own shows which rule was taken.
        rule.ladder = format!("ladder-{number}");
        let mut ladder = super::samples::rulebook().ladders["default"].clone();
        ladder.steps[0].team = format!("team-{number}");
        rulebook.ladders.insert(rule.ladder.clone(), ladder);
    }
    let said: Vec<(usize, watchfire::core::rules::Rule)> = rulebook
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.when.is_none() && rule.matchers.iter().all(|m| !m.name().contains(['@', '.'])))
        .map(|(number, rule)| (number, rule.clone()))
        .collect();
    let left_out = rulebook.rules.len() - said.len();
    let house = House::with(rulebook, |_| {}).await;
    let status = house.get("/api/v2/status").await.json();
    let original = status["config"]["original"].as_str().unwrap();
    assert_eq!(original.matches("# rule ").count() - original.matches("  - receiver: ").count(), left_out);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("alertmanager.yml");
    std::fs::write(&file, original).unwrap();
    let config = format!("--config.file={}", file.display());
    for (_, rule) in &said {
        let pairs = wanted_by(rule);
        let labels = watchfire::core::model::Labels::from_pairs(pairs.iter().map(|(name, value)| (name, value)));
        let mut expected = Vec::new();
        for (number, candidate) in &said {
            if candidate.matchers.matches(&labels) {
                expected.push(format!("team-{number}"));
                if !candidate.continues {
                    break;
                }
            }
        }
        assert!(!expected.is_empty(), "{} wants none of {labels}", rule.name);
        let labels: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let command = ["config", "routes", "test", &config].into_iter().chain(labels.iter().map(String::as_str));
        let output = tokio::process::Command::new(&amtool).args(command).output().await.unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected.join(","), "{labels:?}");
    }
    println!("{} alerts routed alike, {left_out} rules cannot be said", said.len());
}

#[tokio::test]
async fn the_real_amtool_works_unmodified() {
    let amtool = program("amtool");
    let house = busy().await;
    // amtool leaves out what is over by its own clock.
    let kept = silence(1, -60, 4_000_000_000, vec![Matcher::equal("site", "广州")]);
    house.commit(vec![Effect::Record(RecordChange::Silence(Box::new(kept)))]).await;
    let secret = house.token("operator", TokenRole::Admin).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://anybody:{secret}@{}", listener.local_addr().unwrap());
    let service = house.router.clone().into_make_service_with_connect_info::<std::net::SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await });
    let run = async |arguments: &str| {
        let url = format!("--alertmanager.url={url}");
        let all = std::iter::once(url.as_str()).chain(arguments.split(' '));
        let output = tokio::process::Command::new(&amtool).args(all).output().await.unwrap();
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "amtool {arguments}: {said}{complained}");
        said.into_owned()
    };
    let id = silence_id(1);
    let cases = [
        ("alert query", "DiskFull"),
        ("alert query -o json alertname=DiskFull", "network"),
        ("alert query --silenced", "Noise"),
        ("alert query --inhibited", "HostDown"),
        ("alert query --receiver=noc -o simple", "LinkDown"),
        ("alert add alertname=Added site=GZ09", ""),
        ("silence query", "广州"),
        ("silence query -o json", "计划内割接"),
        ("silence add --comment=割接 --duration=1h site=GZ01 host=~h.*", &silence_id(99).to_string()),
        (&format!("silence update --duration=2h {id}"), "site"),
        (&format!("silence expire {id}"), ""),
        ("config show", "receiver: \"default\""),
        ("config routes show", "receiver: noc"),
        ("config routes test alertname=LinkDown", "noc"),
        ("cluster show", "disabled"),
    ];
    for (arguments, expected) in cases {
        let said = run(arguments).await;
        assert!(said.contains(expected), "amtool {arguments}: {said:?} does not hold {expected:?}");
    }
    let wishes = house.wishes();
    let [
        DriverRequest::Silence { actor, change: SilenceChange::Put { id: None, draft }, .. },
        DriverRequest::Silence { change: SilenceChange::Put { id: Some(updated), .. }, .. },
        DriverRequest::Silence { change: SilenceChange::Expire(expired), .. },
    ] = &wishes[..]
    else {
        panic!("{wishes:?}")
    };
    assert_eq!((actor.as_str(), *updated, *expired), ("operator", id, id));
    assert_eq!(draft.matchers.to_string(), "site=\"GZ01\", host=~\"h.*\"");
    server.abort();
    println!("{} amtool commands worked", cases.len());
}

/// Every member that the real answer has stands in ours, with the same kind of value.
#[track_caller]
fn covers(ours: &Value, theirs: &Value, place: &str) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, value) in theirs {
                // Label and annotation names are the senders' own.
                if ["labels", "annotations"].iter().any(|free| place.ends_with(free)) {
                    continue;
                }
                let own = ours.get(name).unwrap_or_else(|| panic!("{place}.{name} is missing in ours"));
                covers(own, value, &format!("{place}.{name}"));
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            if let (Some(own), Some(value)) = (ours.first(), theirs.first()) {
                covers(own, value, &format!("{place}[]"));
            }
        }
        (ours, theirs) => {
            assert_eq!(std::mem::discriminant(ours), std::mem::discriminant(theirs), "{place}: {ours} {theirs}");
            if place.ends_with("At") {
                let (ours, theirs) = (ours.as_str().unwrap(), theirs.as_str().unwrap());
                let millis = |text: &str| text.split_once('.').map(|(_, rest)| rest.trim_end_matches('Z').len().min(3));
                assert_eq!(millis(ours), millis(theirs), "{place}: {ours} {theirs}");
            }
        }
    }
}

#[tokio::test]
async fn answers_have_every_member_of_the_recorded_answers_of_the_real_one() {
    let shared =
        std::env::var("WATCHFIRE_SHARED").unwrap_or_else(|_| format!("{}/../shared", env!("CARGO_MANIFEST_DIR")));
    let payloads = PathBuf::from(shared).join("data/payloads");
    if !payloads.exists() {
        println!("{} is absent: no recorded answer was compared", payloads.display());
        return;
    }
    let house = busy().await;
    let mut quiet = silence(1, -60, 600, vec![Matcher::equal("alertname", "x")]);
    quiet.comment = "planned".to_owned();
    house.commit(vec![Effect::Record(RecordChange::Silence(Box::new(quiet)))]).await;
    let recorded = |file: &str| -> Value {
        let text = std::fs::read_to_string(payloads.join(file)).unwrap();
        let body = text.split_once("\r\n\r\n").or(text.split_once("\n\n")).filter(|_| file.ends_with(".http"));
        let body = body.map_or(text.as_str(), |(_, body)| body);
        let start = body.find(['[', '{']).unwrap();
        serde_json::Deserializer::from_str(&body[start..]).into_iter().next().unwrap().unwrap()
    };
    let cases = [
        ("amtool/live-alert-query-filter.answer.http", "/api/v2/alerts?filter=host%3Dh1"),
        ("amtool/live-alert-query-json.answer.http", "/api/v2/alerts"),
        ("amtool/live-alert-query-silenced.answer.http", "/api/v2/alerts?active=false"),
        ("amtool/live-silence-query.answer.http", "/api/v2/silences"),
        ("amtool/live-status.answer.http", "/api/v2/status"),
        ("alertmanager-api-answers/src-karma-0.25.0-alerts-groups.json", "/api/v2/alerts/groups?filter=host%3Dh1"),
        ("alertmanager-api-answers/src-karma-0.31.0-alerts-groups.json", "/api/v2/alerts/groups?filter=host%3Dh1"),
        ("alertmanager-api-answers/src-karma-0.25.0-silences.json", "/api/v2/silences"),
        ("alertmanager-api-answers/src-karma-0.31.0-silences.json", "/api/v2/silences"),
    ];
    for (file, path) in cases {
        covers(&house.get(path).await.json(), &recorded(file), path);
    }
    println!("{} recorded answers compared", cases.len());
}

#[tokio::test]
async fn alerts_pushed_at_the_same_path_reach_ingest() {
    let house = House::open().await;
    let reply = house.post("/api/v2/alerts", r#"[{"labels":{"alertname":"A","站点":"广州"}}]"#).await;
    assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, ""));
    let reply = house.post("/api/v1/events", r#"{"labels":{"alertname":"A"}}"#).await;
    assert_eq!(reply.json(), json!({"accepted": 1, "duplicates": 0, "rejected": []}));
}

#[tokio::test]
async fn a_slash_at_the_end_is_the_same_path_and_the_removed_api_is_gone() {
    let house = busy().await;
    for path in ["alerts", "alerts/groups", "silences", "receivers", "status"] {
        let (plain, slashed) =
            (house.get(&format!("/api/v2/{path}")).await, house.get(&format!("/api/v2/{path}/")).await);
        assert_eq!((plain.status.as_u16(), slashed.status.as_u16()), (200, 200), "{path}");
        assert_eq!(plain.json(), slashed.json(), "{path}");
    }
    let pushed = house.post("/api/v2/alerts/", r#"[{"labels":{"alertname":"A"}}]"#).await;
    assert_eq!((pushed.status.as_u16(), pushed.text().as_str()), (200, ""));
    let wrong = house.send("DELETE", "/api/v2/alerts/", &[], "").await;
    assert_eq!((wrong.status.as_u16(), wrong.header("allow")), (405, "GET,POST"));
    let removed = house.post("/api/v1/alerts", r#"[{"labels":{"alertname":"A"}}]"#).await;
    assert_eq!((removed.status.as_u16(), removed.json()["status"].as_str()), (410, Some("deprecated")));
    assert_eq!(house.get("/api/v1/alerts").await.status, 200);
}
