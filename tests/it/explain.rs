//! `watchfire explain`, by command and over REST, on a running service and on its data without it.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::service::{Service, Setup};

const RULES: &str = r#"
rules:
  - name: link flapping
    match: 'alertname="LinkDown", site=~"GZ.*"'
    by: [site, device]
    pattern: {threshold: {count: 3, within: 10m}}
    pass_on_after: 5m
  - name: 机房断电
    match: alertname="PowerFailure"
    by: site
    title: "市电中断 {site}"
    notify_delay: 0s
inhibitions:
  - name: no mains explains what is dark
    source: alertname="PowerFailure"
    target: alertname="DeviceDown"
    equal: [site]
"#;

/// What the command prints; it must succeed.
async fn explain(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .arg("explain")
        .args(arguments)
        .env("TZ", "Asia/Shanghai")
        .env_remove("WATCHFIRE_URL")
        .output()
        .await
        .unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {error}");
    out.into_owned()
}

#[track_caller]
fn holds(text: &str, pieces: &[&str]) {
    for piece in pieces {
        assert!(text.contains(piece), "{piece:?} is missing in\n{text}");
    }
}

async fn push(service: &Service, status: &str, labels: Value) {
    service.must_post("/api/v1/events", &json!({"status": status, "severity": "major", "labels": labels})).await;
}

fn link_down() -> Value {
    json!({"alertname": "LinkDown", "site": "GZ01", "device": "sw3"})
}

#[tokio::test]
async fn the_chain_from_message_to_notice_is_told_and_why_there_is_none() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    push(&service, "firing", json!({"alertname": "PowerFailure", "site": "广州三楼"})).await;
    push(&service, "firing", json!({"alertname": "DeviceDown", "site": "广州三楼", "device": "核心交换机"})).await;
    for status in ["firing", "resolved", "firing"] {
        push(&service, status, link_down()).await;
    }
    let url = ["--url", &service.base];

    let incident = explain(&[&["INC-1"], &url[..]].concat()).await;
    holds(
        &incident,
        &["INC-1  市电中断 广州三楼", "机房断电 (each) by site", "0-1", "opened", "paged", "Asia/Shanghai (+08:00)"],
    );

    let alerts = service.get("/api/v1/alerts?q=DeviceDown").await;
    let held = alerts["items"][0]["fingerprint"].as_str().unwrap().to_owned();
    let alert = explain(&[&[held.as_str()], &url[..]].concat()).await;
    holds(&alert, &["核心交换机", "raised nothing so far", r#"inhibition "no mains explains what is dark" by alert"#]);

    let file = setup.path("事件.json");
    std::fs::write(&file, json!({"labels": {"alertname": "LinkDown", "site": "BJ01", "device": "sw3"}}).to_string())
        .unwrap();
    let event = explain(&[&[file.to_str().unwrap(), "--rule", "机房断电"], &url[..]].concat()).await;
    holds(&event, &["the alert begins to fire", "catch-all (each) owns it"]);
    holds(&event, &["机房断电 (each) does not fit", r#"alertname="PowerFailure": alertname is "LinkDown""#]);
    holds(&event, &[r#"site=~"GZ.*": site is "BJ01""#]);

    let dry = service.must_post("/api/v1/events/explain", &json!({"severity": "major", "labels": link_down()})).await;
    let dry: Value = serde_json::from_str(&dry).unwrap();
    let explanation = &dry["items"][0]["explanation"];
    assert_eq!(explanation["meaning"], "repeats");
    assert_eq!(explanation["rules"][0]["stand"], "owner");
    let progress = &explanation["rules"][0]["window"]["progress"];
    assert_eq!((&progress["counted"], &progress["needed"]), (&json!(2), &json!(3)), "{progress}");
    assert_eq!(progress["text"], "2 of 3 within 10m");
    let (status, text) = service.post("/api/v1/events/explain?source=nagios9", &json!({})).await;
    assert!(status == 400 && text.contains("nagios9"), "{status} {text}");

    // A question is no input: the journal and the counters know nothing of it.
    assert_eq!(service.get("/api/v1/alerts?q=BJ01").await["items"], json!([]));

    let recorded = explain(&[&["0-1", "--json"], &url[..]].concat()).await;
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    assert_eq!(recorded["event"]["labels"]["alertname"], "PowerFailure");

    assert!(service.terminate().await.success());
    let data = setup.path("data");
    let offline = ["--data-dir", data.to_str().unwrap()];
    let again = explain(&[&["INC-1"], &offline[..]].concat()).await;
    assert_eq!(again, incident, "the data tell the same as the service did");
    holds(&explain(&[&[held.as_str()], &offline[..]].concat()).await, &["no mains explains what is dark"]);
}

#[tokio::test]
async fn what_cannot_be_explained_is_said_and_fails() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    let base = service.base.as_str();
    let check = async |arguments: &[&str], piece: &str| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_watchfire")).arg("explain").args(arguments).output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(piece), "{arguments:?}: {error}");
    };
    check(&["INC-7", "--url", base], "INC-7 is not known here").await;
    check(&["0123456789abcdef", "--url", base], "alert 0123456789abcdef is not known here").await;
    check(&["0-99999", "--url", base], "event 0-99999 is not known here").await;
    check(&["告警", "--url", base], "neither an incident").await;
    let nowhere = setup.path("nowhere");
    check(&["INC-1", "--data-dir", nowhere.to_str().unwrap()], "no database of watchfire there").await;
    assert!(!nowhere.exists(), "looking made a database");
}
