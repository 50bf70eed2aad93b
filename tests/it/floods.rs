//! The impolite at the HTTP door, with real sockets: whatever they do, a person's acknowledgement passes, what was
//! acknowledged stays, and the service says what happens to it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use watchfire::metrics::Stopwatch;

use crate::support::service::{PATIENCE, Service, Setup, until};

/// The promise is a second, on a fresh connection; a busy machine may take three.
const PROMISE: Duration = Duration::from_secs(3);

const RULES: &str = r#"
rules:
  - {name: one, match: alertname="Down", by: [n], pattern: each, title: "{n}", notify_delay: 0s}
"#;

/// Few places, so that few sockets are a flood. `WATCHFIRE_TEST_FLOOD=4096` makes it as many as are shipped.
fn places() -> usize {
    std::env::var("WATCHFIRE_TEST_FLOOD").map_or(128, |number| number.parse().unwrap())
}

fn setup(settings: &str) -> Setup {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let text = format!("http:\n  connections: {}\n{settings}", places());
    std::fs::write(setup.path("watchfire.yaml"), text).unwrap();
    setup
}

/// A service with one incident.
async fn start(setup: &Setup) -> Service {
    let service = setup.start().await;
    service.must_post("/api/v1/events", &json!({"labels": {"alertname": "Down", "n": "1"}})).await;
    service.incident("the incident", |one| one["rule"] == "one").await;
    service
}

/// A person who comes now: a client of its own, so a connection of its own.
async fn acknowledges(service: &Service, token: Option<&str>) {
    let request = reqwest::Client::new().post(format!("{}/api/v1/incidents/INC-1/acknowledge", service.base));
    let request = request.json(&json!({"note": "on it"}));
    let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
    let watch = Stopwatch::start();
    let answer = tokio::time::timeout(PROMISE, request.send()).await.expect("in time").unwrap();
    println!("acknowledged in {:.3} s", watch.seconds());
    let status = answer.status();
    assert!(status.is_success(), "{status} {}", answer.text().await.unwrap());
    assert_eq!(answer.json::<Value>().await.unwrap()["acknowledged"], true);
}

/// Until the first token is known to it.
async fn is_closed(service: &Service) {
    until("the service is closed", async || {
        let answer = service.client.get(format!("{}/api/v1/incidents", service.base)).send().await.unwrap();
        (answer.status() == 401).then_some(())
    })
    .await;
}

/// Connections that each say this and then nothing.
async fn connections(setup: &Setup, count: usize, said: &[u8]) -> Vec<TcpStream> {
    let mut open = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect(setup.http).await.unwrap();
        // One that had to give way already is as good a flood.
        drop(stream.write_all(said).await);
        open.push(stream);
    }
    open
}

async fn metric(service: &Service, name: &str) -> u64 {
    let text = service.client.get(format!("{}/metrics", service.base)).send().await;
    let Ok(answer) = text else { return 0 };
    let text = answer.text().await.unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or_default()
}

/// The event about it, and what became of the acknowledgement after a power cut.
async fn is_told_and_nothing_is_lost(setup: &Setup, service: Service, flood: &str) {
    until("it is told as an event", async || {
        let answer = service.client.get(format!("{}/api/v1/alerts?firing=true&source=watchfire", service.base)).send();
        let listing: Value = answer.await.ok()?.json().await.ok()?;
        listing["items"].as_array()?.iter().any(|one| one["labels"]["flood"] == flood).then_some(())
    })
    .await;
    assert!(
        service.log().contains("HTTP") && service.log().contains(&format!("flood=\"{flood}\"")),
        "{}",
        service.log()
    );
    service.kill().await;
    let again = setup.start().await;
    assert_eq!(again.get("/api/v1/incidents/INC-1").await["acknowledged"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_sent_heads_keep_nobody_waiting() {
    let setup = setup("");
    let service = start(&setup).await;
    let flood = connections(&setup, places() + 64, b"GET /api/v1/incidents HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ").await;
    acknowledges(&service, None).await;
    assert!(metric(&service, r#"watchfire_http_connections_cut_total{reason="made_room"}"#).await > 0);
    assert!(metric(&service, "watchfire_http_connections ").await <= places() as u64);
    drop(flood);
    is_told_and_nothing_is_lost(&setup, service, "connections").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_and_slow_bodies_keep_nobody_waiting() {
    let setup = setup("");
    let service = start(&setup).await;
    let half = b"POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 200000\r\n\r\n[";
    let flood = connections(&setup, places() + 64, half).await;
    acknowledges(&service, None).await;
    drop(flood);
    is_told_and_nothing_is_lost(&setup, service, "connections").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_never_read_are_let_go() {
    let setup = setup("  write_timeout: 2s\n");
    let service = start(&setup).await;
    let asked = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(100);
    let mut flood = connections(&setup, 16, asked.as_bytes()).await;
    acknowledges(&service, None).await;
    until("they are let go", async || {
        let cut = metric(&service, r#"watchfire_http_connections_cut_total{reason="write_timeout"}"#).await;
        (cut >= 16).then_some(())
    })
    .await;
    // What was sent before is still there to be read; then there is an end.
    let mut read = Vec::new();
    drop(tokio::time::timeout(PATIENCE, flood.pop().unwrap().read_to_end(&mut read)).await.expect("it has an end"));
    assert!(read.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_asks_too_often_does_not_use_up_what_people_command_with() {
    let setup = setup("  requests_per_second: 20\n");
    let service = start(&setup).await;
    let reads = (0..200).map(|_| service.client.get(format!("{}/api/v1/incidents", service.base)).send());
    let answers = futures_util::future::join_all(reads).await;
    let refused = answers.into_iter().filter(|answer| answer.as_ref().is_ok_and(|one| one.status() == 429)).count();
    assert!(refused > 0);
    acknowledges(&service, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guesser_is_slowed_down_and_a_good_token_passes_beside_it() {
    let setup = setup("");
    let service = start(&setup).await;
    let token = crate::support::service::token(&setup, "张三", "first_line").await;
    is_closed(&service).await;
    let guess = |n: usize| {
        service.client.get(format!("{}/api/v1/incidents", service.base)).bearer_auth(format!("wf_{n}")).send()
    };
    let answers = futures_util::future::join_all((0..200).map(guess)).await;
    let slowed = answers.into_iter().filter(|answer| answer.as_ref().is_ok_and(|one| one.status() == 429)).count();
    assert!(slowed > 100, "{slowed}");
    acknowledges(&service, Some(&token)).await;
    until("the flood is told", async || service.log().contains("flood=\"guessing\"").then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_cannot_take_every_stream() {
    let setup = setup("  streams: 8\n  streams_per_caller: 4\n");
    let service = start(&setup).await;
    let greedy = crate::support::service::token(&setup, "wallboard", "viewer").await;
    is_closed(&service).await;
    let other = crate::support::service::token(&setup, "李四", "first_line").await;
    let listen = |token: &str| service.client.get(format!("{}/api/v1/stream", service.base)).bearer_auth(token).send();
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(listen(&greedy).await.unwrap());
    }
    assert!(open.iter().all(|answer| answer.status() == 200));
    let refused = listen(&greedy).await.unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.text().await.unwrap().contains("streams_per_caller"));
    assert_eq!(listen(&other).await.unwrap().status(), 200);
    acknowledges(&service, Some(&other)).await;
    drop(open);
    until("the places come back", async || (listen(&greedy).await.unwrap().status() == 200).then_some(())).await;
}
