//! The built-in intake in version 5 of the protocol, against mosquitto_pub, rumqttc and raw sockets.

use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Connect, ConnectProperties, ConnectReturnCode, Disconnect, DisconnectReasonCode, LastWill, Login, Packet,
    PubAckReason, Publish, PublishProperties,
};
use rumqttc::v5::{AsyncClient, Event, Incoming, MqttOptions};
use watchfire::ingest::mqtt::{AuthError, PublishPermission};

use super::driver::{Driver, PATIENCE, eventually};
use super::listener::{Device, Listener, authenticate, refused};
use crate::support::mosquitto::spawn;

fn token(password: &str) -> Result<PublishPermission, AuthError> {
    let may_publish = std::sync::Arc::new(|topic: &str| topic != "t/secret");
    match password {
        "令牌" => Ok(PublishPermission { name: "token 7".to_owned(), may_publish }),
        "viewer" => Err(AuthError::NotAuthorised),
        _ => Err(AuthError::BadCredentials),
    }
}

async fn listener(driver: &Driver) -> Listener {
    Listener::start(driver, |settings| settings.authenticate = authenticate(token)).await
}

fn connect(client_id: &str) -> Connect {
    Connect { keep_alive: 60, client_id: client_id.to_owned(), clean_start: true, properties: None }
}

async fn send(device: &mut Device, packet: Packet) {
    let mut bytes = bytes::BytesMut::new();
    packet.write(&mut bytes, None).unwrap();
    device.send_bytes(&bytes).await;
}

/// The next packet; `None` when the listener closed the connection.
async fn receive(device: &mut Device) -> Option<Packet> {
    device.receive_by(|buffer| Packet::read(buffer, None).ok()).await
}

async fn connected(listener: &Listener, connect: Connect, will: Option<LastWill>) -> Device {
    let mut device = listener.device().await;
    send(&mut device, Packet::Connect(connect, will, Some(Login::new("", "令牌")))).await;
    match receive(&mut device).await {
        Some(Packet::ConnAck(answer)) if answer.code == ConnectReturnCode::Success => device,
        other => panic!("expected to come in, got {other:?}"),
    }
}

async fn ends_with(device: &mut Device, expected: DisconnectReasonCode) {
    match receive(device).await {
        Some(Packet::Disconnect(Disconnect { reason_code, .. })) => assert_eq!(reason_code, expected),
        other => panic!("expected {expected:?}, got {other:?}"),
    }
    assert_eq!(receive(device).await, None);
}

fn publish(topic: &str, qos: QoS, packet_id: u16, properties: Option<PublishProperties>) -> Packet {
    let mut publish = Publish::new(topic, qos, "链路中断", properties);
    publish.pkid = packet_id;
    Packet::Publish(publish)
}

#[tokio::test]
async fn mosquitto_pub_delivers_in_version_5_and_hears_what_is_refused() {
    let driver = Driver::new(100);
    let listener = listener(&driver).await;
    let five = ["-V", "5", "-u", "任何人", "-P", "令牌"];
    for qos in ["0", "1"] {
        let more = [&five[..], &["-q", qos, "-t", "t/广州", "-D", "publish", "user-property", "厂家", "华为"]].concat();
        let output = listener.publish(&more, format!("在 {qos}").as_bytes()).await;
        assert!(output.status.success(), "{output:?}");
    }
    eventually("both are kept", || driver.summaries() == ["在 0", "在 1"]).await;

    let refused_publish = listener.publish(&[&five[..], &["-q", "1", "-t", "t/secret"]].concat(), b"x").await;
    let said = String::from_utf8_lossy(&refused_publish.stderr).into_owned();
    assert!(said.contains("Not authorized"), "{said}");
    assert_eq!(refused(&driver, "not_permitted"), 1.0);
    for (password, words) in [("wrong", "Bad user name or password"), ("viewer", "Not authorized")] {
        let output = listener.publish(&["-V", "5", "-u", "x", "-P", password, "-q", "1", "-t", "t/x"], b"x").await;
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(!output.status.success() && said.contains(&words.to_lowercase()), "{password}: {said}");
    }
    let mut two = spawn(
        "mosquitto_pub",
        &[&["-h", "127.0.0.1", "-p", &listener.port][..], &five, &["-q", "2", "-t", "t/x", "-m", "x"]].concat(),
    );
    // This client reads our maximum and lowers itself, or hears the refusal: either way nothing comes in at QoS 2.
    tokio::time::timeout(PATIENCE, two.wait()).await.map(drop).unwrap_or_default();
    assert!(driver.dead_letters().is_empty());
    listener.stop().await;
}

#[tokio::test]
async fn rumqttc_publishes_in_version_5_and_is_confirmed_with_a_reason() {
    let driver = Driver::new(100);
    let listener = listener(&driver).await;
    let mut options = MqttOptions::new("交换机", "127.0.0.1", listener.address.port());
    options.set_credentials("任何人", "令牌").set_keep_alive(Duration::from_secs(60));
    let (client, mut events) = AsyncClient::new(options, 10);
    client.publish("t/广州", QoS::AtLeastOnce, false, "链路中断").await.unwrap();
    client.publish("t/secret", QoS::AtLeastOnce, false, "x").await.unwrap();
    client.publish("t/广州", QoS::AtLeastOnce, false, "恢复").await.unwrap();
    let mut reasons = Vec::new();
    let listening = async {
        while reasons.len() < 3 {
            match events.poll().await {
                Ok(Event::Incoming(Incoming::PubAck(ack))) => reasons.push(ack.reason),
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, listening).await.expect("three confirmations come");
    assert_eq!(reasons, [PubAckReason::Success, PubAckReason::NotAuthorized, PubAckReason::Success]);
    eventually("both that are permitted are kept", || driver.distinct().len() == 2).await;
    listener.stop().await;
}

#[tokio::test]
async fn what_version_5_has_words_for_is_said_in_them() {
    let driver = Driver::new(100);
    let listener = listener(&driver).await;
    let mut device = connected(&listener, connect("qos 2"), None).await;
    send(&mut device, publish("t/x", QoS::ExactlyOnce, 1, None)).await;
    ends_with(&mut device, DisconnectReasonCode::QoSNotSupported).await;

    let mut device = connected(&listener, connect("alias"), None).await;
    let alias = PublishProperties { topic_alias: Some(1), ..PublishProperties::default() };
    send(&mut device, publish("t/x", QoS::AtLeastOnce, 1, Some(alias))).await;
    ends_with(&mut device, DisconnectReasonCode::TopicAliasInvalid).await;

    let mut device = connected(&listener, connect("qos 0"), None).await;
    send(&mut device, publish("t/secret", QoS::AtMostOnce, 0, None)).await;
    ends_with(&mut device, DisconnectReasonCode::NotAuthorized).await;

    let mut before = connected(&listener, connect("sw3"), None).await;
    let mut after = connected(&listener, connect("sw3"), None).await;
    ends_with(&mut before, DisconnectReasonCode::SessionTakenOver).await;

    send(&mut after, publish("t/secret", QoS::AtLeastOnce, 1, None)).await;
    send(&mut after, publish("t/x", QoS::AtLeastOnce, 2, None)).await;
    for (packet_id, expected) in [(1, PubAckReason::NotAuthorized), (2, PubAckReason::Success)] {
        match receive(&mut after).await {
            Some(Packet::PubAck(ack)) => assert_eq!((ack.pkid, ack.reason), (packet_id, expected)),
            other => panic!("expected a PUBACK, got {other:?}"),
        }
    }
    listener.stop.cancel();
    ends_with(&mut after, DisconnectReasonCode::ServerShuttingDown).await;
    listener.stop().await;
    assert_eq!(driver.summaries(), ["链路中断"]);
    assert!(driver.dead_letters().is_empty());
}

#[tokio::test]
async fn a_nameless_client_gets_a_name_and_whoever_wants_more_than_a_token_stays_outside() {
    let driver = Driver::new(100);
    let listener = listener(&driver).await;
    let mut device = listener.device().await;
    let asks = ConnectProperties { session_expiry_interval: Some(3_600), ..ConnectProperties::new() };
    let nameless = Connect { properties: Some(asks), ..connect("") };
    send(&mut device, Packet::Connect(nameless, None, Some(Login::new("", "令牌")))).await;
    let Some(Packet::ConnAck(answer)) = receive(&mut device).await else { panic!("no CONNACK") };
    let said = answer.properties.unwrap();
    assert_eq!((said.session_expiry_interval, said.max_qos), (Some(0), Some(1)));
    assert!(said.assigned_client_identifier.is_some_and(|name| name.starts_with("watchfire-")));

    let stays_outside = async |connect: Connect, will: Option<LastWill>, expected: ConnectReturnCode| {
        let mut device = listener.device().await;
        send(&mut device, Packet::Connect(connect, will, Some(Login::new("", "令牌")))).await;
        let Some(Packet::ConnAck(answer)) = receive(&mut device).await else { panic!("no CONNACK") };
        assert_eq!(answer.code, expected);
        assert_eq!(receive(&mut device).await, None);
    };
    let method =
        ConnectProperties { authentication_method: Some("SCRAM-SHA-256".to_owned()), ..ConnectProperties::new() };
    let challenge = Connect { properties: Some(method), ..connect("a") };
    stays_outside(challenge, None, ConnectReturnCode::BadAuthenticationMethod).await;
    let will = |topic: &str, qos| Some(LastWill::new(topic, "x", qos, false, None));
    stays_outside(connect("a"), will("t/secret", QoS::AtMostOnce), ConnectReturnCode::NotAuthorized).await;
    stays_outside(connect("a"), will("t/x", QoS::ExactlyOnce), ConnectReturnCode::QoSNotSupported).await;
    listener.stop().await;
}

#[tokio::test]
async fn a_will_is_said_when_its_sender_asks_for_it_at_its_goodbye() {
    let driver = Driver::new(100);
    let listener = listener(&driver).await;
    let will = |words: &str| Some(LastWill::new("t/status", words.to_owned(), QoS::AtLeastOnce, false, None));
    let goodbye = |reason_code| Packet::Disconnect(Disconnect { reason_code, properties: None });
    let mut asks = connected(&listener, connect("a"), will("说出来")).await;
    send(&mut asks, goodbye(DisconnectReasonCode::DisconnectWithWillMessage)).await;
    assert_eq!(receive(&mut asks).await, None);
    let mut polite = connected(&listener, connect("b"), will("不说")).await;
    send(&mut polite, goodbye(DisconnectReasonCode::NormalDisconnection)).await;
    assert_eq!(receive(&mut polite).await, None);
    let mut terse = connected(&listener, connect("c"), will("不说")).await;
    terse.send_bytes(&[0xE0, 0x00]).await;
    assert_eq!(receive(&mut terse).await, None);
    eventually("the will is kept", || driver.summaries() == ["说出来"]).await;
    listener.stop().await;
    assert_eq!(driver.summaries(), ["说出来"]);
}
