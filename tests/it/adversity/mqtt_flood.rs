//! The built-in MQTT intake is flooded from one address in every way at once: another device is confirmed all the same,
//! and a person acknowledges.

use bytes::BytesMut;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, Packet, Publish};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{RULES, event};
use crate::mqtt::floods::from_elsewhere;
use crate::support::service::{Service, Setup, until};

fn encoded(packet: &Packet) -> BytesMut {
    let mut bytes = BytesMut::new();
    packet.write(&mut bytes, usize::MAX).unwrap();
    bytes
}

fn publish(topic: &str, payload: Vec<u8>) -> Packet {
    let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload);
    publish.pkid = 1;
    Packet::Publish(publish)
}

/// Connects, says it all, and holds on to the connection until the listener ends it; then comes again.
async fn again_and_again(address: std::net::SocketAddr, said: Vec<u8>, reads: bool) {
    loop {
        let mut stream = from_elsewhere(address).await;
        if stream.write_all(&said).await.is_err() {
            continue;
        }
        if reads {
            let mut answers = Vec::new();
            let _ = stream.read_to_end(&mut answers).await;
        } else {
            // Deaf: asks on and on, and reads nothing.
            while stream.write_all(&[0xC0, 0x00].repeat(4_096)).await.is_ok() {}
        }
    }
}

async fn is_confirmed(service: &Setup, number: u64) {
    let mut stream = TcpStream::connect(service.mqtt).await.unwrap();
    stream.write_all(&encoded(&Packet::Connect(Connect::new(format!("honest {number}"))))).await.unwrap();
    stream.write_all(&encoded(&publish("watchfire/events/x", event(number).to_string().into_bytes()))).await.unwrap();
    let mut answers = [0_u8; 8];
    let answered = tokio::time::timeout(crate::support::service::PATIENCE, stream.read_exact(&mut answers)).await;
    answered.expect("the honest device is answered").expect("it is not turned away");
    assert_eq!(answers, [0x20, 2, 0, 0, 0x40, 2, 0, 1]);
}

async fn refusals(service: &Service, reason: &str) -> f64 {
    let series = format!("watchfire_mqtt_refused_total{{reason=\"{reason}\"}} ");
    let text = service.text("/metrics").await;
    text.lines().find_map(|line| line.strip_prefix(&series)).map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn under_every_flood_another_device_is_confirmed_and_a_person_acknowledges() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    is_confirmed(&setup, 1).await;
    let connect = |name: String| encoded(&Packet::Connect(Connect::new(name))).to_vec();
    let mut attack = JoinSet::new();
    for number in 0..150 {
        attack.spawn(again_and_again(setup.mqtt, Vec::new(), true));
        let slow = [connect(format!("slow {number}")), encoded(&publish("t", vec![0; 1_000_000]))[..900_000].to_vec()];
        attack.spawn(again_and_again(setup.mqtt, slow.concat(), true));
        let junk = [connect(format!("junk {number}")), vec![0xFF; 100]].concat();
        attack.spawn(again_and_again(setup.mqtt, junk, true));
        attack.spawn(again_and_again(setup.mqtt, connect(format!("deaf {number}")), false));
    }
    until("the flood is on", async || {
        let turned_away =
            refusals(&service, "address_handshakes").await + refusals(&service, "address_connections").await;
        (turned_away > 1_000.0).then_some(())
    })
    .await;
    for number in 2..6 {
        is_confirmed(&setup, number).await;
        let title = format!("第 {number} 件");
        let incident = service.incident("its incident", |one| one["title"] == title.as_str()).await;
        let path = format!("/api/v1/incidents/{}/acknowledge", incident["id"].as_str().unwrap());
        service.must_post(&path, &json!({"note": "on it"})).await;
    }
    assert_eq!(refusals(&service, "too_many_connections").await, 0.0);
    attack.abort_all();
    assert_eq!(service.terminate().await.code(), Some(0));
}
