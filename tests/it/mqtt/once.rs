//! kill -9 of the real service at full speed behind a broker: each transition counts once, and none is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::support::mosquitto::{Mosquitto, publish_lines};
use crate::support::service::{Service, Setup, is_long, until};

/// Pairs of firing and resolved published during each round.
const PAIRS: u32 = 400;

/// A second firing opens a second incident.
const RULES: &str = r#"
rules:
  - name: one-each
    match: alertname="Kill"
    by: [n]
    pattern: each
    notify_delay: 0s
    resolve_after: 0s
    reopen_within: 0s
"#;

fn rounds() -> u32 {
    if is_long() { 20 } else { 5 }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_full_speed_behind_mosquitto_each_transition_counts_once_and_none_is_lost() {
    for version in ["3.1.1", "5"] {
        let broker = Mosquitto::start("max_queued_messages 0\nmax_inflight_messages 1000\n").await;
        survive(broker.port, version).await;
    }
}

async fn survive(port: u16, version: &str) {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let setup = setup.with(&["--mqtt-url", &format!("mqtt://127.0.0.1:{port}?version={version}")]);
    let service = setup.start().await;
    // The session must be there before the load.
    until("it is subscribed", async || service.log().contains("subscribed").then_some(())).await;
    service.kill().await;
    // A fixed sequence: a failure comes again.
    let mut random: u64 = 0x5EED_CAFE;
    for round in 0..rounds() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let service = setup.start().await;
        let load = tokio::spawn(publish_lines(port, "watchfire/events/GZ01", lines(round)));
        let moment = Duration::from_millis(20 + (random >> 33) % 300);
        tokio::time::timeout(moment, std::future::pending::<()>()).await.unwrap_err();
        service.kill().await;
        load.await.unwrap();
    }
    let service = setup.start().await;
    let expected = (rounds() * PAIRS) as usize;
    until("every transition is there", async || (told_in_full(&service).await >= expected).then_some(())).await;
    let mut opened: BTreeMap<String, u32> = BTreeMap::new();
    for incident in everything(&service, "incidents").await {
        *opened.entry(incident["key"]["n"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let twice: Vec<_> = opened.iter().filter(|(_, times)| **times > 1).collect();
    let metrics = service.text("/metrics").await;
    let again = metrics.lines().find(|line| line.contains("reason=\"redelivered\"")).unwrap_or("none redelivered");
    println!("MQTT {version}: {} alerts, the last start: {again}", opened.len());
    assert_eq!((opened.len(), twice), (expected, Vec::new()), "MQTT {version}");
}

fn lines(round: u32) -> Vec<String> {
    let line = |n: u32, status: &str| {
        format!(
            r#"{{"status": "{status}", "severity": "minor", "labels": {{"alertname": "Kill", "n": "{round}-{n}"}}}}"#
        )
    };
    (0..PAIRS).flat_map(|n| [line(n, "firing"), line(n, "resolved")]).collect()
}

/// Number of alerts of which both messages came. Mosquitto 2.0 lets a message that is published while the session comes
/// back overtake those that waited: a resolved event before its firing leaves the alert open, first seen before it began.
async fn told_in_full(service: &Service) -> usize {
    let alerts = everything(service, "alerts").await;
    let both_came = |alert: &&Value| {
        let time = |field: &str| alert[field].as_str().unwrap().to_owned();
        alert["status"] == "resolved" || time("first_seen_at") < time("starts_at")
    };
    alerts.iter().filter(both_came).count()
}

/// All pages of a list of the API.
async fn everything(service: &Service, list: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("/api/v1/{list}?limit=500{cursor}")).await;
        all.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}
