//! The main job end to end, on the running binary: a message becomes an incident, climbs, is a problem when it returns.

use serde_json::{Value, json};
use tokio::io::AsyncBufReadExt;

use crate::support::service::{PATIENCE, Setup, program, until};

/// A ladder in seconds, so that a test sees all of it.
const FAST: &str = r#"
teams:
  - { name: first-line, members: [desk] }
  - { name: second-line, members: [experts] }
  - { name: third-line, members: [vendor] }
tiers:
  - name: default
    steps:
      - { tier: 1, team: first-line, respond_by: 2s, page_every: 1s }
      - { tier: 2, team: second-line, respond_by: 2s, page_every: 1s }
      - { tier: 3, team: third-line, respond_by: 1m, page_every: 30s }
rules:
  - name: link-down
    match: alertname="LinkDown"
    by: [site, device]
    pattern: each
    title: "{site} {device} 链路中断"
    notify_delay: 0s
    resolve_after: 0s
    reopen_within: 1ms
problems:
  - { name: returns, count: 3, within: 1h, apart: 0s, team: second-line }
inspections:
  - name: round
    title: 例行巡检
    schedule: "0 9 * * *"
    zone: Asia/Shanghai
    team: first-line
    due_within: 4h
    missed_after: 8h
    sign_off: true
    items:
      - { name: nobody-listens, title: 端口, tcp: { address: "127.0.0.1:9", timeout: 1s } }
      - { name: room, title: 机房, manual: { evidence: true } }
"#;

fn link_down(site: &str, status: &str) -> Value {
    json!({ "status": status, "labels": { "alertname": "LinkDown", "site": site, "device": "sw3" }, "severity": "major" })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_nobody_touches_climbs_in_real_seconds_and_an_acknowledged_one_stays() {
    let setup = Setup::new(&[("fast.yaml", FAST)]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &json!([link_down("GZ01", "firing"), link_down("SZ02", "firing")])).await;
    let kept = service.incident("the second incident", |one| one["key"]["site"] == "SZ02").await;
    let path = format!("/api/v1/incidents/{}/acknowledge", kept["id"].as_str().unwrap());
    service.must_post(&path, &json!({ "note": "我来处理" })).await;
    for tier in 1..=3 {
        let seen =
            service.incident(&format!("tier {tier}"), |one| one["key"]["site"] == "GZ01" && one["tier"] == tier).await;
        assert_eq!(seen["title"], "GZ01 sw3 链路中断");
    }
    let kept = service.get(&format!("/api/v1/incidents/{}", kept["id"].as_str().unwrap())).await;
    assert_eq!((&kept["tier"], &kept["state"]), (&json!(1), &json!("in_progress")), "{kept}");
    let timeline = service.get("/api/v1/incidents/INC-1/timeline").await;
    let kinds: Vec<&str> =
        timeline["items"].as_array().unwrap().iter().filter_map(|one| one["kind"].as_str()).collect();
    for kind in ["opened", "paged", "breached", "escalated"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_return_of_a_fault_opens_one_problem() {
    let setup = Setup::new(&[("fast.yaml", FAST)]);
    let service = setup.start().await;
    for round in 1..=3 {
        service.must_post("/api/v1/events", &link_down("GZ01", "firing")).await;
        service.must_post("/api/v1/events", &link_down("GZ01", "resolved")).await;
        until("the incident resolves", async || {
            let resolved = service.incidents().await.iter().filter(|one| one["state"] == "resolved").count();
            (resolved == round).then_some(())
        })
        .await;
    }
    let problems = service.get("/api/v1/problems").await;
    let problems = problems["items"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0]["occurrences"], 3);
    let incidents = service.incidents().await;
    assert!(incidents.iter().all(|one| one["problem"] == problems[0]["id"]), "{incidents:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_pub_of_the_default_payload_opens_an_incident() {
    let setup = Setup::new(&[("fast.yaml", FAST)]);
    let service = setup.start().await;
    let payload = link_down("广州01", "firing").to_string();
    let status = tokio::process::Command::new(program("mosquitto_pub"))
        .args(["-h", "127.0.0.1", "-p", &setup.mqtt.port().to_string(), "-q", "1"])
        .args(["-t", "watchfire/events/GZ01", "-m", &payload])
        .status()
        .await
        .unwrap();
    assert!(status.success());
    let incident = service.incident("an incident over MQTT", |one| one["rule"] == "link-down").await;
    assert_eq!(incident["key"]["site"], "广州01");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspection_run_finds_a_fault_that_becomes_an_incident_and_waits_for_its_signature() {
    let setup = Setup::new(&[("fast.yaml", FAST)]);
    let service = setup.start().await;
    service.must_post("/api/v1/inspections/round/start", &json!({})).await;
    let run = until("the probe's result", async || {
        let listing = service.get("/api/v1/inspections/runs").await;
        let started = |one: &&Value| one["items"][0]["outcome"] == "fail";
        listing["items"].as_array().unwrap().iter().find(started).cloned()
    })
    .await;
    let finding =
        service.incident("the finding's incident", |one| one["labels"]["alertname"] == "InspectionItemFailed").await;
    assert_eq!(finding["labels"]["item"], "nobody-listens");
    let id = run["id"].as_str().unwrap();
    let item = format!("/api/v1/inspections/runs/{id}/items/room");
    let (status, refused) = service.post(&item, &json!({ "outcome": "pass" })).await;
    assert_eq!(status, 409, "{refused}");
    service.must_post(&item, &json!({ "outcome": "pass", "evidence": "温度 23℃, 无异响" })).await;
    let waiting = service.get(&format!("/api/v1/inspections/runs/{id}")).await;
    assert_eq!(waiting["state"], "awaiting_signoff", "{waiting}");
    service.must_post(&format!("/api/v1/inspections/runs/{id}/sign-off"), &json!({})).await;
    assert_eq!(service.get(&format!("/api/v1/inspections/runs/{id}")).await["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_reloaded_while_it_runs_and_broken_ones_never_replace_good_ones() {
    let setup = Setup::new(&[("fast.yaml", FAST)]);
    let service = setup.start().await;
    setup.write_rule("broken.yaml", "rules:\n  - name: x\n    matsch: a=\"b\"\n");
    let (status, report) = service.post("/-/reload", &json!({})).await;
    assert!(status >= 400, "{status}");
    assert!(report.contains("broken.yaml:3"), "{report}");
    service.must_post("/api/v1/events", &link_down("GZ01", "firing")).await;
    service.incident("the old rules still work", |one| one["rule"] == "link-down").await;
    setup.write_rule(
        "broken.yaml",
        "rules:\n  - name: fan\n    match: alertname=\"Fan\"\n    pattern: each\n    title: 风扇\n",
    );
    service.must_post("/-/reload", &json!({})).await;
    service.must_post("/api/v1/events", &json!({ "status": "firing", "labels": { "alertname": "Fan" } })).await;
    service.incident("the new rule works", |one| one["rule"] == "fan").await;
    // The first incident went on through the reload.
    assert_eq!(service.incidents().await.iter().filter(|one| one["rule"] == "link-down").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_ends_with_success_and_a_second_writer_is_refused() {
    let setup = Setup::new(&[("fast.yaml", FAST)]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &link_down("GZ01", "firing")).await;
    assert!(service.terminate().await.success());
    let service = setup.start().await;
    service.incident("it is still there", |one| one["key"]["site"] == "GZ01").await;
    assert!(service.log().contains("replayed=0"), "a clean stop leaves nothing to replay: {}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_demo_leaves_the_first_ones_database_alone() {
    let directory = tempfile::tempdir().unwrap();
    let demo = || {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_watchfire"));
        command.args(["demo", "--listen", "127.0.0.1:0"]).current_dir(directory.path());
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()).kill_on_drop(true);
        command
    };
    let mut first = demo().spawn().unwrap();
    let mut told = tokio::io::BufReader::new(first.stdout.take().unwrap());
    let mut line = String::new();
    tokio::time::timeout(PATIENCE, told.read_line(&mut line)).await.expect("it comes up").unwrap();
    assert!(line.starts_with("watchfire is up"), "{line}");
    let database = directory.path().join("watchfire-data/demo/watchfire.db");
    let of = |path: &std::path::Path| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let before = of(&database);
    let second = demo().arg("--exit").stderr(std::process::Stdio::piped()).output().await.unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("is in use by process"), "{said}");
    assert_eq!(of(&database), before);
    first.kill().await.unwrap();
}

/// The README's first command: the story, told by the running binary, shows every part of the main job.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_incidents_at_several_tiers_a_problem_and_an_inspection_run() {
    let directory = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(["demo", "--exit", "--listen", "127.0.0.1:0"])
        .current_dir(directory.path())
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let tiers: std::collections::BTreeSet<&str> = told
        .lines()
        .filter(|line| line.starts_with("INC-"))
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert!(tiers.len() >= 2 && tiers.contains("3"), "{told}");
    assert!(told.lines().any(|line| line.starts_with("PRB-1") && line.contains("光模块误码")), "{told}");
    assert!(told.lines().any(|line| line.starts_with("RUN-") && line.contains("fail")), "{told}");
}
