//! The running service, durable, on SQLite: events a second over HTTP and MQTT, memory, and the start after a kill -9.
//!
//! `cargo bench --bench served`; figures stand in benches/README.md. Everything binds to 127.0.0.1 and ends with the run.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rumqttc::{AsyncClient, Event as Polled, MqttOptions, Packet, QoS};
use serde_json::{Value, json};
use watchfire::metrics::Stopwatch;

const CONNECTIONS: u64 = 8;
/// Sent again and again.
const SERIES: [u64; 2] = [1_000, 100_000];
/// Never sent before, for each size of batch: enough for some seconds.
const FIRST_SEEN: [(u64, u64); 3] = [(1, 10_000), (10, 30_000), (100, 100_000)];
const SECONDS: f64 = 6.0;
const MQTT_MESSAGES: u64 = 50_000;
const ACTIVE: u64 = 100_000;

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir().expect("a directory for the data");
    let mut service = Service::start(directory.path());
    service.ready().await;
    let mut next = SERIES[1];
    for (batch, count) in FIRST_SEEN {
        let rate = http(&service, batch, next..next + count, f64::INFINITY).await;
        next += count;
        println!("HTTP /api/v2/alerts, first seen, batches of {batch:>3}: {rate:>8.0} alerts/s");
    }
    for series in SERIES {
        http(&service, 100, 0..series, f64::INFINITY).await;
        for batch in [1, 10, 100] {
            let rate = http(&service, batch, 0..series, SECONDS).await;
            println!("HTTP /api/v2/alerts, {series} series re-sent, batches of {batch:>3}: {rate:>8.0} alerts/s");
        }
    }
    println!("one alert of {} by a filter: {:.1} ms", service.active().await, filtered(&service).await * 1e3);
    let rate = mqtt(&service).await;
    println!("MQTT built-in intake, QoS 1, 4 publishers: {rate:>8.0} events/s");
    let before = service.resident_bytes();
    fill(&service).await;
    let after = service.resident_bytes();
    println!("{ACTIVE} more active alerts: {} B each resident", after.saturating_sub(before) / ACTIVE);
    service.kill();
    let watch = Stopwatch::start();
    service = Service::start(directory.path());
    service.ready().await;
    println!("ready {:.2} s after a kill -9 with over {ACTIVE} active alerts", watch.seconds());
    service.kill();
}

struct Service {
    process: Child,
    http: SocketAddr,
    mqtt: SocketAddr,
    client: reqwest::Client,
}

impl Service {
    fn start(directory: &std::path::Path) -> Service {
        let (http, mqtt) = (free(), free());
        let process = Command::new(env!("CARGO_BIN_EXE_watchfire"))
            .args(["serve", "--data-dir", "data", "--listen", &http.to_string(), "--mqtt-listen", &mqtt.to_string()])
            .current_dir(directory)
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .spawn()
            .expect("watchfire starts");
        drop(rustls::crypto::ring::default_provider().install_default());
        Service { process, http, mqtt, client: reqwest::Client::new() }
    }

    async fn ready(&self) {
        let url = format!("http://{}/-/ready", self.http);
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        loop {
            tick.tick().await;
            if self.client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
        }
    }

    async fn active(&self) -> usize {
        let url = format!("http://{}/api/v2/alerts", self.http);
        let answer = self.client.get(&url).send().await.expect("an answer");
        answer.json::<Vec<Value>>().await.expect("a list").len()
    }

    fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/statm", self.process.id())).unwrap_or_default();
        status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
    }

    fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }
}

fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

fn alert(n: u64) -> Value {
    json!({
        "labels": {
            "alertname": format!("Check{}", n % 50), "instance": format!("host-{n}.example.org:9100"), "job": "node",
            "site": format!("GZ{:02}", n % 17), "device": format!("sw{}", n % 97), "team": "network",
            "region": "south", "severity": "warning",
        },
        "annotations": { "summary": format!("磁盘使用率过高 host-{n}"), "runbook_url": "https://runbooks.example.org/disk" },
    })
}

/// Acknowledged alerts a second, closed loop: the series in order, once if `seconds` is infinite, else over and over.
async fn http(service: &Service, batch: u64, series: std::ops::Range<u64>, seconds: f64) -> f64 {
    let bodies: Vec<String> = (series.start..series.end)
        .step_by(batch as usize)
        .map(|first| Value::from((first..(first + batch).min(series.end)).map(alert).collect::<Vec<_>>()).to_string())
        .collect();
    let (bodies, next) = (Arc::new(bodies), Arc::new(AtomicU64::new(0)));
    let watch = Stopwatch::start();
    let senders = (0..CONNECTIONS).map(|_| {
        let (bodies, next) = (Arc::clone(&bodies), Arc::clone(&next));
        let url = format!("http://{}/api/v2/alerts", service.http);
        tokio::spawn(async move {
            let (client, mut sent) = (reqwest::Client::new(), 0);
            while watch.seconds() < seconds {
                let n = next.fetch_add(1, Ordering::Relaxed) as usize;
                if seconds.is_infinite() && n >= bodies.len() {
                    break;
                }
                let body = bodies[n % bodies.len()].clone();
                let request = client.post(&url).header("content-type", "application/json").body(body);
                let answer = request.send().await.expect("an answer");
                assert!(answer.status().is_success(), "{}", answer.status());
                sent += batch;
            }
            sent
        })
    });
    let mut sent = 0;
    for sender in senders.collect::<Vec<_>>() {
        sent += sender.await.expect("a sender ends");
    }
    sent as f64 / watch.seconds()
}

/// Seconds that a read of one alert by a label takes: the median of some.
async fn filtered(service: &Service) -> f64 {
    let url = format!("http://{}/api/v2/alerts?filter=instance%3D%22host-7.example.org%3A9100%22", service.http);
    let mut took = Vec::new();
    for _ in 0..51 {
        let watch = Stopwatch::start();
        let answer = service.client.get(&url).send().await.expect("an answer");
        let found: Vec<Value> = answer.json().await.expect("a list");
        took.push(watch.seconds());
        assert_eq!(found.len(), 1);
    }
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

/// Acknowledged messages a second from four publishers.
async fn mqtt(service: &Service) -> f64 {
    let watch = Stopwatch::start();
    let publishers = (0..4).map(|publisher| {
        let address = service.mqtt;
        tokio::spawn(async move {
            let mut options = MqttOptions::new(format!("bench-{publisher}"), address.ip().to_string(), address.port());
            options.set_inflight(500);
            let (client, mut events) = AsyncClient::new(options, 1_000);
            let share = MQTT_MESSAGES / 4;
            tokio::spawn(async move {
                for n in 0..share {
                    let event = json!({ "status": "firing", "labels": alert(n % SERIES[0])["labels"] }).to_string();
                    client.publish("watchfire/events/bench", QoS::AtLeastOnce, false, event).await.expect("published");
                }
            });
            let mut acknowledged = 0;
            while acknowledged < share {
                if let Polled::Incoming(Packet::PubAck(_)) = events.poll().await.expect("a connection") {
                    acknowledged += 1;
                }
            }
        })
    });
    for publisher in publishers.collect::<Vec<_>>() {
        publisher.await.expect("a publisher ends");
    }
    MQTT_MESSAGES as f64 / watch.seconds()
}

async fn fill(service: &Service) {
    let url = format!("http://{}/api/v1/events", service.http);
    for block in 0..ACTIVE / 1_000 {
        let events: Vec<Value> = (0..1_000).map(|n| alert(1_000_000 + block * 1_000 + n)).collect();
        let answer = service.client.post(&url).json(&events).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }
}
