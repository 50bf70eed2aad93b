//! A webhook receiver hangs, or fails a few times.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};

use crate::support::service::{Service, Setup, until};

/// A receiver that does what it was told, and the idempotency keys that it saw.
#[derive(Clone, Default)]
struct Receiver {
    keys: Arc<Mutex<Vec<String>>>,
    /// Accepts and never answers.
    hangs: Arc<AtomicBool>,
    /// How many requests are answered 500 first.
    fails: usize,
}

impl Receiver {
    /// Its URL.
    async fn open(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn keys(&self) -> Vec<String> {
        self.keys.lock().unwrap().clone()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap) -> StatusCode {
    let seen = {
        let mut keys = receiver.keys.lock().unwrap();
        keys.push(headers["idempotency-key"].to_str().unwrap().to_owned());
        keys.len()
    };
    if receiver.hangs.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    if seen <= receiver.fails { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
}

/// The delivery to the receiver at that URL.
async fn delivery(service: &Service, id: &str, url: &str) -> Value {
    let listing = service.get(&format!("/api/v1/incidents/{id}/notifications")).await;
    let host = url.trim_end_matches("hook");
    let found = listing["items"].as_array().unwrap().iter().find(|one| one["to"].as_str().unwrap().starts_with(host));
    found.cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_receiver_holds_up_neither_intake_nor_others_and_gets_its_notice_when_it_is_back() {
    let hanging = Receiver { hangs: Arc::new(AtomicBool::new(true)), ..Receiver::default() };
    let flaky = Receiver { fails: 2, ..Receiver::default() };
    let good = Receiver::default();
    let urls = [hanging.open().await, flaky.open().await, good.open().await];
    let rules = format!(
        r#"
teams:
  - name: first-line
    members: [desk]
    notify:
      - webhook: {{url: "{}"}}
      - webhook: {{url: "{}"}}
      - webhook: {{url: "{}"}}
tiers:
  - name: default
    steps:
      - {{ tier: 1, team: first-line, respond_by: 1h, page_every: 1h }}
rules:
  - name: one-each
    match: alertname="Adversity"
    by: [n]
    pattern: each
    title: "第 {{n}} 件"
    notify_delay: 0s
"#,
        urls[0], urls[1], urls[2]
    );
    let setup = Setup::new(&[("rules.yaml", &rules)]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &super::event(1)).await;
    let incident = service.incident("the incident", |one| one["key"]["n"] == "1").await;
    let id = incident["id"].as_str().unwrap().to_owned();
    until("the hanging receiver has its request", async || (!hanging.keys().is_empty()).then_some(())).await;

    // With the request still hanging, everything else goes on.
    until("the good one is served", async || {
        (delivery(&service, &id, &urls[2]).await["state"] == "delivered").then_some(())
    })
    .await;
    for n in 2..=30 {
        service.must_post("/api/v1/events", &super::event(n)).await;
    }
    // At least once: on a busy machine one may come twice, under the same key.
    until("the good one gets all notices", async || {
        let distinct: BTreeSet<String> = good.keys().into_iter().collect();
        (distinct.len() == 30).then_some(())
    })
    .await;

    let flaky_delivery = until("the flaky one is served", async || {
        let found = delivery(&service, &id, &urls[1]).await;
        (found["state"] == "delivered").then_some(found)
    })
    .await;
    let key = flaky_delivery["id"].as_str().unwrap();
    // With what names this installation behind it.
    let is_its = |seen: &&String, key: &str| seen.starts_with(&format!("{key}."));
    let times = flaky.keys().iter().filter(|seen| is_its(seen, key)).count();
    assert_eq!(json!(times), flaky_delivery["attempts"], "the same key on each attempt: {flaky_delivery}");

    let failed = until("the log says that the hanging one failed", async || {
        let found = delivery(&service, &id, &urls[0]).await;
        (found["state"] == "failed").then_some(found)
    })
    .await;
    assert!(failed["attempts"].as_u64().unwrap() >= 1 && failed["error"].is_string(), "{failed}");
    hanging.hangs.store(false, Ordering::SeqCst);
    let delivered = until("it is served when it is back", async || {
        let found = delivery(&service, &id, &urls[0]).await;
        (found["state"] == "delivered").then_some(found)
    })
    .await;
    assert!(delivered["attempts"].as_u64().unwrap() >= 2, "{delivered}");
    let keys = hanging.keys();
    assert!(
        keys.iter().filter(|seen| is_its(seen, delivered["id"].as_str().unwrap())).count() >= 2,
        "{delivered} {keys:?}"
    );
}
