//! Input that misbehaves, through every door: a clear word that names what and where, and a service that stays up and
//! small.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{RULES, event, exactly};
use crate::support::mosquitto::{Mosquitto, run};
use crate::support::postgres;
use crate::support::service::{Service, Setup, until};

/// What the service may hold after all of it, in KiB.
const MEMORY_MAX: u64 = 500 * 1024;

/// A source besides the native one.
const GENERIC: &str = include_str!("../../../rules/sources/generic.yaml");

const DOORS: [&str; 3] = ["/api/v1/events", "/api/v2/alerts", "/api/v1/sources/generic"];

struct Bad {
    name: &'static str,
    body: Vec<u8>,
    /// What each of the three doors says: status, and words.
    told: [(u16, &'static str); 3],
}

fn bad() -> Vec<Bad> {
    let labels: String = (0..10_000).map(|n| format!("\"l{n}\":\"x\",")).collect();
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let item = |inside: &str| format!("[{{\"name\":\"A\",\"labels\":{{\"alertname\":\"A\"{inside}}}}}]").into_bytes();
    let not_utf8 = b"[{\"labels\":{\"alertname\":\"\xff\xfe\"}}]".to_vec();
    vec![
        Bad { name: "not UTF-8", body: not_utf8, told: [(400, "not UTF-8: byte 25 is 0xff"); 3] },
        Bad {
            name: "10,000 levels",
            body: deep.clone().into_bytes(),
            told: [
                (422, "the item is a list; expected an event object"),
                (400, "0 is a list; expected an alert object"),
                (400, "recursion limit exceeded at line 1, column 128"),
            ],
        },
        Bad {
            name: "10,000 levels in a label",
            body: item(&format!(",\"deep\":{deep}")),
            told: [(422, "labels.deep is a list"), (400, "labels.deep"), (400, "recursion limit exceeded at line 1")],
        },
        Bad {
            name: "10,000 labels",
            body: item(&format!(",{}", labels.trim_end_matches(','))),
            told: [
                (422, "10001 labels on one event; at most 64"),
                (400, "10001 labels on one event; at most 64"),
                (422, "labels on one event; at most 64"),
            ],
        },
        Bad { name: "NUL in a label", body: item(",\"n\":\"a\\u0000b\""), told: [(200, ""), (200, ""), (200, "")] },
        Bad {
            name: "raw NUL bytes",
            body: b"[{\"labels\":{\"alertname\":\"\0\"}}]".to_vec(),
            told: [(400, "line 1"), (400, "line 1"), (400, "line 1")],
        },
        Bad { name: "100 MB", body: vec![b' '; 100 << 20], told: [(413, "larger than 16777216 bytes"); 3] },
    ]
}

async fn check_http(service: &Service) {
    for bad in bad() {
        for (path, (expected, words)) in DOORS.into_iter().zip(bad.told) {
            let request = super::client().post(format!("{}{path}", service.base));
            let request = request.header("content-type", "application/json").body(bad.body.clone());
            let answer = request.send().await.unwrap_or_else(|error| panic!("{}, {path}: {error:?}", bad.name));
            let (status, told) = (answer.status().as_u16(), answer.text().await.unwrap());
            assert!(status == expected && told.contains(words), "{}, {path}: {status} {told}", bad.name);
            assert!(told.len() < 2_000, "{}, {path}: an answer of {} bytes", bad.name, told.len());
        }
    }
    for path in DOORS {
        let request =
            super::client().post(format!("{}{path}", service.base)).header("content-type", "application/json");
        let answer = request.header("x-long", "x".repeat(20_000)).body("[]").send().await.unwrap();
        let (status, told) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(
            status == 431 && told.contains("at most 64 headers of 16384 bytes are read"),
            "{path}: {status} {told}"
        );
    }
}

async fn check_mqtt(service: &Service, door: &str, port: u16) {
    let port = port.to_string();
    for bad in bad() {
        let topic = format!("watchfire/events/{door}/{}", bad.name);
        let output = run("mosquitto_pub", &["-p", &port, "-q", "1", "-t", &topic, "-s"], &bad.body).await;
        assert!(output.status.success(), "{}: {output:?}", bad.name);
        if bad.name == "NUL in a label" {
            continue;
        }
        let letter = until(&format!("the dead letter of {topic}"), async || {
            let letters = service.get("/api/v1/dead-letters").await;
            letters["items"].as_array().unwrap().iter().find(|one| one.to_string().contains(&topic)).cloned()
        })
        .await;
        let (_, words) =
            if bad.name == "100 MB" { (0, "104857600 bytes; at most 1048576 are read") } else { bad.told[0] };
        assert!(letter["reason"].as_str().unwrap().contains(words), "{}: {letter}", bad.name);
    }
}

/// In KiB, as the kernel counts it.
fn resident(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.process.id().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_that_misbehave_get_a_clear_answer_through_every_door() {
    let broker = Mosquitto::start("persistence false\n").await;
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let setup = Setup::new(&[("rules.yaml", RULES), ("sources/generic.yaml", GENERIC)]).with(&["--mqtt-url", &url]);
    let service = setup.start().await;
    until("it is subscribed", async || broker.log().contains("SUBACK").then_some(())).await;
    check_http(&service).await;
    check_mqtt(&service, "listener", setup.mqtt.port()).await;
    check_mqtt(&service, "broker", broker.port).await;
    service.must_post("/api/v1/events", &event(1)).await;
    exactly(&service, [1]).await;
    let resident = resident(&service);
    assert!(resident < MEMORY_MAX, "{resident} KiB after all of it");
    let letters = service.get("/api/v1/dead-letters").await;
    let long = letters["items"].as_array().unwrap().iter().find(|one| one["payload_bytes"] == 100 << 20);
    assert!(long.is_some_and(|one: &Value| one["payload"].as_str().unwrap().len() <= 65_536), "{letters}");
    service.kill().await;
    exactly(&setup.start().await, [1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_large_bodies_at_once_do_not_fill_the_memory() {
    let service = Setup::new(&[("rules.yaml", RULES)]);
    let service = (service.start().await, service);
    let sender = |_| {
        let (client, url) = (super::client(), format!("{}/api/v1/events", service.0.base));
        tokio::spawn(
            async move { client.post(url).body(vec![b' '; 100 << 20]).send().await.unwrap().status().as_u16() },
        )
    };
    let senders: Vec<_> = (0..4).map(sender).collect();
    for sender in senders {
        assert_eq!(sender.await.unwrap(), 413);
    }
    let resident = resident(&service.0);
    assert!(resident < MEMORY_MAX, "{resident} KiB after all of it");
}

/// Sends the head of a request a byte now and then, and answers how it ended.
async fn trickle(setup: &Setup, beginning: &str) {
    let mut connection = TcpStream::connect(setup.http).await.unwrap();
    connection.write_all(beginning.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = connection.into_split();
    let writing = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        loop {
            tick.tick().await;
            if writer.write_all(b"x").await.is_err() {
                return;
            }
        }
    });
    let mut told = Vec::new();
    // Closed or reset; both end the wait.
    let ended = tokio::time::timeout(Duration::from_secs(120), reader.read_to_end(&mut told)).await;
    assert!(ended.is_ok(), "{beginning:?} still holds its connection");
    writing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_ends_loses_its_connection() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    tokio::join!(
        trickle(&setup, "POST /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: "),
        trickle(&setup, "POST /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000000\r\n\r\n"),
    );
    service.must_post("/api/v1/events", &event(1)).await;
}

/// PostgreSQL keeps no NUL in a text, and neither store may choke on one.
#[tokio::test(flavor = "multi_thread")]
async fn nul_characters_are_kept_on_both_stores() {
    let url = postgres::database().await;
    for more in [vec![], vec!["--database-url", url.as_str()]] {
        let setup = Setup::new(&[("rules.yaml", &RULES.replace("[n]", "[n, 站]"))]).with(&more);
        let service = setup.start().await;
        let mut bad = event(1);
        bad["labels"]["站"] = json!("广\0州");
        bad["id"] = json!("a\0b");
        bad["summary"] = json!("链路\0中断");
        bad["annotations"] = json!({ "k\0": "v\0" });
        let told = service.must_post("/api/v1/events", &json!([bad, event(2)])).await;
        let told: Value = serde_json::from_str(&told).unwrap();
        let accepted = told["accepted"].as_u64().unwrap();
        assert!(accepted == 2 || told["rejected"].to_string().contains("NUL"), "{told}");
        let expected: Vec<u64> = if accepted == 2 { vec![1, 2] } else { vec![2] };
        exactly(&service, expected.clone()).await;
        assert!(!service.log().contains("refused a block"), "{}", service.log());
        service.kill().await;
        exactly(&setup.start().await, expected).await;
    }
}
