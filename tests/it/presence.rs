//! Presence over a real broker: whoever's client vanishes is gone the moment the broker says so, and their work goes on
//! to others.

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::mosquitto::{Mosquitto, run, spawn};
use crate::support::service::{PATIENCE, Service, Setup, until};

const RULES: &str = r#"
people:
  - {name: 一线值班甲}
  - {name: 二线专家}
rosters:
  - name: 一线
    zone: Asia/Shanghai
    presence_required: true
    layers: [{name: 全天, start: "2026-01-05T00:00", every: daily, people: [一线值班甲]}]
teams:
  - {name: first, roster: 一线}
  - {name: second, members: [二线专家]}
tiers:
  - name: default
    steps:
      - {tier: 1, team: first, respond_by: 15m}
      - {tier: 2, team: second, respond_by: 30m}
rules:
  - {name: link, match: alertname="LinkDown", by: [site], title: "{site} 链路中断", notify_delay: 0s}
"#;

const TOPIC: &str = "watchfire/presence/一线值班甲";

async fn stands(service: &Service, standing: &str) {
    until(standing, async || {
        let heard = service.get("/api/v1/on-call/presence").await;
        let one = heard["items"].as_array().unwrap().iter().find(|one| one["person"] == "一线值班甲")?.clone();
        (one["standing"] == standing).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_will_of_a_persons_client_takes_their_unbegun_work_to_the_next_line() {
    let mosquitto = Mosquitto::start("").await;
    let (url, port) = (format!("mqtt://127.0.0.1:{}", mosquitto.port), mosquitto.port.to_string());
    let setup = Setup::new(&[("rules.yaml", RULES)]).with(&["--mqtt-url", &url]);
    let service = setup.start().await;
    let will = ["--will-topic", TOPIC, "--will-payload", "offline", "--will-qos", "1", "--will-retain"];
    let arguments = [&["-p", &port, "-q", "1", "-t", TOPIC], will.as_slice()].concat();
    let mut client = spawn("mosquitto_sub", &arguments);
    let online = run("mosquitto_pub", &["-p", &port, "-q", "1", "-r", "-t", TOPIC, "-m", "online"], b"").await;
    assert!(online.status.success(), "{online:?}");
    // Its own word has come back to it, so the broker has its will.
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("the broker answers").unwrap();
    assert_eq!(line.as_deref(), Some("online"));
    stands(&service, "present").await;

    let event = json!({"labels": {"alertname": "LinkDown", "site": "广州"}, "severity": "major"});
    service.must_post("/api/v1/events", &event).await;
    service.incident("it is given to whoever is there", |one| one["assignee"] == "一线值班甲").await;

    client.kill().await.unwrap();
    stands(&service, "lost").await;
    let passed_on = service.incident("the second line has it", |one| one["team"] == "second").await;
    assert_eq!((&passed_on["tier"], &passed_on["assignee"]), (&json!(2), &json!(null)));
}
