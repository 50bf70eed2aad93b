//! When things go wrong: each promise of how the service then behaves, on the running binary.

mod broker;
mod clock;
mod database;
mod failover;
mod files;
mod flood;
mod mqtt_flood;
mod payloads;
mod receivers;
mod rule_files;
mod standby;
mod starting;
mod stopping;
mod wall_clock;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::service::{Service, until};

/// One incident for each number, so that a lost or doubled event is seen.
const RULES: &str = r#"
rules:
  - name: one-each
    match: alertname="Adversity"
    by: [n]
    pattern: each
    title: "第 {n} 件"
    notify_delay: 0s
"#;

fn event(n: u64) -> Value {
    json!({ "labels": { "alertname": "Adversity", "n": n.to_string() }, "severity": "minor" })
}

/// How often each number became an incident.
async fn numbers(service: &Service) -> BTreeMap<u64, u32> {
    let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = service.get(&format!("/api/v1/incidents?limit=500{cursor}")).await;
        for incident in page["items"].as_array().unwrap() {
            let Some(n) = incident["key"]["n"].as_str() else { continue };
            assert_eq!(incident["alerts"], 1, "{incident}");
            *seen.entry(n.parse().unwrap()).or_default() += 1;
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
    }
}

/// Waits until exactly these numbers are there, each once.
async fn exactly(service: &Service, expected: impl IntoIterator<Item = u64>) {
    let expected: BTreeMap<u64, u32> = expected.into_iter().map(|n| (n, 1)).collect();
    until("all events are there", async || (numbers(service).await.len() >= expected.len()).then_some(())).await;
    assert_eq!(numbers(service).await, expected);
}

/// A POST's status, its Retry-After, and its body.
async fn post(base: &str, path: &str, body: &Value) -> Option<(u16, Option<String>, String)> {
    let answer = client().post(format!("{base}{path}")).json(body).send().await.ok()?;
    let status = answer.status().as_u16();
    let after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    Some((status, after, answer.text().await.ok()?))
}

async fn status(service: &Service, path: &str) -> u16 {
    service.client.get(format!("{}{path}", service.base)).send().await.unwrap().status().as_u16()
}

/// 503, with the reason and with when to come again.
async fn is_unavailable(service: &Service, n: u64) {
    let (status, after, told) = post(&service.base, "/api/v1/events", &event(n)).await.unwrap();
    assert_eq!(status, 503, "{told}");
    let seconds: u64 = after.expect("Retry-After").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert!(told.contains("nothing can be kept now") && told.contains("send again"), "{told}");
}

/// A client of its own for each question: a connection to a process that is gone is of no use.
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(crate::support::service::PATIENCE).build().unwrap()
}

/// Senders that push until told to end, and what they know: every number that was acknowledged.
struct Load {
    acknowledged: Arc<Mutex<BTreeSet<u64>>>,
    refused: Arc<Mutex<BTreeMap<u16, u64>>>,
    end: CancellationToken,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    /// Each sender sends requests of so many events, and a refused one again until it is taken, as Prometheus does.
    fn start(service: &Service, senders: u64, events: u64) -> Load {
        let next = Arc::new(AtomicU64::new(1_000));
        let end = CancellationToken::new();
        let (acknowledged, refused) = (Arc::default(), Arc::default());
        let mut load = Load { acknowledged, refused, end, senders: Vec::new() };
        for _ in 0..senders {
            let (next, end, base) = (Arc::clone(&next), load.end.clone(), service.base.clone());
            let (acknowledged, refused) = (Arc::clone(&load.acknowledged), Arc::clone(&load.refused));
            load.senders.push(tokio::spawn(async move {
                let client = client();
                let mut again = tokio::time::interval(Duration::from_millis(20));
                while !end.is_cancelled() {
                    let first = next.fetch_add(events, Ordering::Relaxed);
                    let numbers: Vec<u64> = (first..first + events).collect();
                    let body: Vec<Value> = numbers.iter().copied().map(event).collect();
                    while !end.is_cancelled() {
                        let answer = client.post(format!("{base}/api/v1/events")).json(&body).send().await;
                        // A service that is gone ends its senders.
                        let Ok(answer) = answer else { return };
                        let status = answer.status().as_u16();
                        if status == 200 {
                            let Ok(receipt) = answer.json::<Value>().await else { return };
                            let kept = receipt["accepted"].as_u64().unwrap() + receipt["duplicates"].as_u64().unwrap();
                            assert_eq!(kept, events, "{receipt}");
                            acknowledged.lock().await.extend(numbers);
                            break;
                        }
                        assert!(matches!(status, 429 | 503), "{status}");
                        assert!(answer.headers().contains_key("retry-after"), "{status} without Retry-After");
                        *refused.lock().await.entry(status).or_default() += 1;
                        again.tick().await;
                    }
                }
            }));
        }
        load
    }

    async fn acknowledged(&self) -> usize {
        self.acknowledged.lock().await.len()
    }

    async fn refused(&self, status: u16) -> u64 {
        self.refused.lock().await.get(&status).copied().unwrap_or_default()
    }

    /// Waits until so many more are acknowledged.
    async fn goes_on(&self, more: usize) {
        let before = self.acknowledged().await;
        until("more events are acknowledged", async || (self.acknowledged().await >= before + more).then_some(()))
            .await;
    }

    /// Ends the senders, and answers what was acknowledged.
    async fn end(self) -> BTreeSet<u64> {
        self.end.cancel();
        for sender in self.senders {
            sender.await.unwrap();
        }
        std::mem::take(&mut *self.acknowledged.lock().await)
    }
}

/// Every acknowledged number is there, and none twice. What was sent but not acknowledged may be there as well.
async fn none_lost_none_twice(service: &Service, acknowledged: &BTreeSet<u64>) {
    let seen = numbers(service).await;
    let lost: Vec<&u64> = acknowledged.iter().filter(|n| !seen.contains_key(n)).collect();
    assert!(lost.is_empty(), "acknowledged but lost: {lost:?}");
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "applied twice: {twice:?}");
}
