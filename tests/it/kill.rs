//! kill -9 at random moments under load, on both stores: nothing acknowledged is lost, nothing is applied twice, no
//! timer is forgotten or fired twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::support::postgres;
use crate::support::service::{Service, Setup, rounds, until};

/// At the least.
const ROUNDS: u32 = 20;

/// How many senders push at once.
const SENDERS: u64 = 4;

const RULES: &str = r#"
teams:
  - { name: first-line, members: [desk] }
  - { name: second-line, members: [experts] }
tiers:
  - name: default
    steps:
      - { tier: 1, team: first-line, respond_by: 4s, page_every: 10m }
      - { tier: 2, team: second-line, respond_by: 1h, page_every: 1h }
rules:
  - name: one-each
    match: alertname="Kill"
    by: [n]
    pattern: each
    title: "第 {n} 件"
    notify_delay: 0s
"#;

/// What the senders know: acknowledged numbers, and every number ever sent.
#[derive(Default)]
struct Ledger {
    acknowledged: Mutex<BTreeSet<u64>>,
    sent: AtomicU64,
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_and_double_nothing_on_sqlite() {
    survive(Setup::new(&[("rules.yaml", RULES)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_and_double_nothing_on_postgres() {
    let url = postgres::database().await;
    survive(Setup::new(&[("rules.yaml", RULES)]).with(&["--database-url", &url])).await;
}

async fn survive(setup: Setup) {
    let ledger = Arc::new(Ledger::default());
    // A fixed sequence: a failure comes again.
    let mut random: u64 = 0x5EED_CAFE;
    for _ in 0..rounds().max(ROUNDS) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let service = setup.start().await;
        let load = (0..SENDERS).map(|_| tokio::spawn(push(Arc::clone(&ledger), service.base.clone())));
        let load: Vec<_> = load.collect();
        let moment = Duration::from_millis(30 + (random >> 33) % 400);
        // The load runs until the process is gone; only then do the senders see an error and end.
        tokio::time::timeout(moment, std::future::pending::<()>()).await.unwrap_err();
        service.kill().await;
        for sender in load {
            sender.await.unwrap();
        }
    }
    let service = setup.start().await;
    check_incidents(&service, &ledger).await;
    check_timers(&service).await;
}

/// A ladder between two of its steps and a checklist half done: killed there, and again right after the next step, they
/// go on as if nothing had happened.
const HALF_WAY: &str = r#"
teams:
  - { name: 一线, members: [值班] }
  - { name: 二线, members: [专家] }
tiers:
  - name: default
    steps:
      - { tier: 1, team: 一线, respond_by: 6s, page_every: 10m }
      - { tier: 2, team: 二线, respond_by: 1h, page_every: 1h }
rules:
  - { name: link, match: alertname="LinkDown", by: [device], notify_delay: 0s }
inspections:
  - name: 机房巡检
    schedule: "0 0 1 1 *"
    zone: Asia/Shanghai
    team: 一线
    due_within: 8s
    missed_after: 12s
    items:
      - { name: 电源, manual: { evidence: true } }
      - { name: 空调, manual: { evidence: true } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_two_steps_the_next_page_comes_once_and_the_run_keeps_its_answers_on_sqlite() {
    go_on(Setup::new(&[("rules.yaml", HALF_WAY)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_two_steps_the_next_page_comes_once_and_the_run_keeps_its_answers_on_postgres() {
    let url = postgres::database().await;
    go_on(Setup::new(&[("rules.yaml", HALF_WAY)]).with(&["--database-url", &url])).await;
}

async fn go_on(setup: Setup) {
    let service = setup.start().await;
    let started = service.must_post("/api/v1/inspections/机房巡检/start", &json!({})).await;
    let run: Value = serde_json::from_str(&started).unwrap();
    let run = format!("/api/v1/inspections/runs/{}", run["id"].as_str().unwrap());
    let answer = json!({ "outcome": "pass", "evidence": "UPS 负载 41 %" });
    service.must_post(&format!("{run}/items/电源"), &answer).await;
    let event = json!({ "labels": { "alertname": "LinkDown", "device": "sw3" }, "severity": "major" });
    service.must_post("/api/v1/events", &event).await;
    let incident = service.incident("it is paged", |one| one["next_step_at"].is_string()).await;
    assert_eq!((&incident["tier"], paged(&service).await), (&json!(1), 1));
    let before = service.get(&run).await;
    assert_eq!(
        (before["state"].as_str(), outcomes(&before)),
        (Some("in_progress"), ["pass", "not_done"].map(String::from))
    );
    service.kill().await;

    // Between the steps.
    let service = setup.start().await;
    let after = service.get(&run).await;
    for kept in ["items", "scheduled_at", "overdue_at", "missed_at"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    service.incident("it climbs", |one| one["tier"] == 2).await;
    assert_eq!(paged(&service).await, 2);
    service.kill().await;

    // Right after a step; the checklist is late as it would have been.
    let service = setup.start().await;
    let missed = until("the run is missed", async || {
        let run = service.get(&run).await;
        (run["state"] == "missed").then_some(run)
    })
    .await;
    assert!(missed["overdue_since"].is_string(), "{missed}");
    assert_eq!(outcomes(&missed), ["pass", "not_done"].map(String::from));
    assert_eq!(missed["items"][0], before["items"][0]);
    assert_eq!(paged(&service).await, 2, "neither page came again");
    let timeline = service.get("/api/v1/incidents/INC-1/timeline").await;
    let count = |kind: &str| timeline["items"].as_array().unwrap().iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((count("opened"), count("escalated"), count("breached")), (1, 1, 1), "{timeline}");
}

async fn paged(service: &Service) -> usize {
    let timeline = service.get("/api/v1/incidents/INC-1/timeline").await;
    timeline["items"].as_array().unwrap().iter().filter(|line| line["kind"] == "paged").count()
}

fn outcomes(run: &Value) -> [String; 2] {
    [0, 1].map(|index| run["items"][index]["outcome"].as_str().unwrap().to_owned())
}

/// Sends one event after the other until the service is gone.
async fn push(ledger: Arc<Ledger>, base: String) {
    let client = reqwest::Client::new();
    loop {
        let first = ledger.sent.fetch_add(3, Ordering::Relaxed);
        let numbers: Vec<u64> = (first..first + 3).collect();
        let events: Vec<Value> = numbers
            .iter()
            .map(|n| json!({ "labels": { "alertname": "Kill", "n": n.to_string() }, "severity": "minor" }))
            .collect();
        let answer = client.post(format!("{base}/api/v1/events")).json(&events).send().await;
        match answer {
            Ok(answer) if answer.status() == 200 => {
                let receipt: Value = match answer.json().await {
                    Ok(receipt) => receipt,
                    Err(_) => return,
                };
                assert_eq!(receipt["accepted"], 3, "{receipt}");
                ledger.acknowledged.lock().await.extend(numbers);
            }
            Ok(answer) => assert!(matches!(answer.status().as_u16(), 429 | 503), "{}", answer.status()),
            Err(_) => return,
        }
    }
}

async fn all_incidents(service: &Service) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = service.get(&format!("/api/v1/incidents?limit=500{cursor}")).await;
        all.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

async fn check_incidents(service: &Service, ledger: &Ledger) {
    let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
    for incident in all_incidents(service).await {
        let n = incident["key"]["n"].as_str().unwrap().parse().unwrap();
        *seen.entry(n).or_default() += 1;
        assert_eq!(incident["alerts"], 1, "{incident}");
    }
    let acknowledged = ledger.acknowledged.lock().await;
    let lost: Vec<&u64> = acknowledged.iter().filter(|n| !seen.contains_key(n)).collect();
    let twice: Vec<&u64> = seen.iter().filter(|(_, count)| **count > 1).map(|(n, _)| n).collect();
    println!("{} sent, {} acknowledged, {} there", ledger.sent.load(Ordering::Relaxed), acknowledged.len(), seen.len());
    assert!(acknowledged.len() > 100, "hardly any load: {}", acknowledged.len());
    assert!(lost.is_empty(), "acknowledged but lost: {lost:?}");
    assert!(twice.is_empty(), "applied twice: {twice:?}");
}

/// Every incident climbs to tier 2 exactly once, whenever its timer fell into a kill or a pause.
async fn check_timers(service: &Service) {
    until("every incident is at tier 2", async || {
        let listing = service.get("/api/v1/incidents?tier=1&limit=1").await;
        listing["items"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
    let incidents = all_incidents(service).await;
    assert!(incidents.iter().all(|one| one["escalations"] == 1), "an escalation was forgotten or doubled");
    for incident in incidents.iter().step_by(incidents.len() / 50 + 1) {
        let path = format!("/api/v1/incidents/{}/timeline", incident["id"].as_str().unwrap());
        let timeline = service.get(&path).await;
        let lines = timeline["items"].as_array().unwrap();
        for (kind, times) in [("opened", 1), ("escalated", 1), ("breached", 1), ("paged", 2)] {
            let found = lines.iter().filter(|line| line["kind"] == kind).count();
            assert_eq!(found, times, "{kind}: {timeline}");
        }
    }
}
