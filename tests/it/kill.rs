//! kill -9 at random moments under load, on both stores: nothing acknowledged is lost, nothing is applied twice, no
//! timer is forgotten or fired twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::support::postgres;
use crate::support::service::{Service, Setup, until};

const ROUNDS: u64 = 20;

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
    settle: 0s
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
    for _ in 0..ROUNDS {
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
