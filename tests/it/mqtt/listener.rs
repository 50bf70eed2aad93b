//! The built-in intake against mosquitto_pub and raw sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, LastWill, Packet, Publish};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use watchfire::ingest::mqtt::{
    AuthError, Authenticate, Binding, Credentials, ListenerSettings, MqttListener, PublishPermission,
};

use super::driver::{Driver, PATIENCE, eventually};
use crate::support::mosquitto::{run, spawn};

pub(super) struct Listener {
    pub(super) address: SocketAddr,
    pub(super) port: String,
    pub(super) stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Listener {
    pub(super) async fn start(driver: &Driver, adapt: impl FnOnce(&mut ListenerSettings)) -> Listener {
        let mut settings = ListenerSettings::new(authenticate(|_| Ok(PublishPermission::everything("anyone"))));
        adapt(&mut settings);
        let any_port = Binding::Exactly("127.0.0.1:0".parse().unwrap());
        let listener = MqttListener::bind(any_port, settings, driver.surroundings.clone()).await.unwrap();
        let (address, stop) = (listener.local_address(), CancellationToken::new());
        let task = tokio::spawn(listener.run(stop.clone()));
        Listener { address, port: address.port().to_string(), stop, task }
    }

    pub(super) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("the listener stops").unwrap();
    }

    pub(super) async fn publish(&self, more: &[&str], payload: &[u8]) -> std::process::Output {
        let arguments = [&["-h", "127.0.0.1", "-p", &self.port, "-s"], more].concat();
        run("mosquitto_pub", &arguments, payload).await
    }

    pub(super) async fn device(&self) -> Device {
        Device { stream: TcpStream::connect(self.address).await.unwrap(), buffer: BytesMut::new() }
    }

    pub(super) async fn connected(&self, client_id: &str) -> Device {
        self.connected_with(Connect::new(client_id)).await
    }

    pub(super) async fn connected_with(&self, connect: Connect) -> Device {
        let mut device = self.device().await;
        device.send(Packet::Connect(connect)).await;
        let Packet::ConnAck(answer) = device.receive().await.unwrap() else { panic!("no CONNACK") };
        assert_eq!(answer.code, ConnectReturnCode::Success);
        device
    }
}

/// Decides by the password alone.
pub(super) fn authenticate(decide: fn(&str) -> Result<PublishPermission, AuthError>) -> Authenticate {
    Arc::new(move |shown: Credentials| Box::pin(std::future::ready(decide(&shown.password))))
}

/// A device that speaks for itself.
pub(super) struct Device {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Device {
    async fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, usize::MAX).unwrap();
        self.send_bytes(&bytes).await;
    }

    pub(super) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.try_send_bytes(bytes).await.unwrap();
    }

    /// An error when the listener has closed the connection.
    pub(super) async fn try_send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    pub(super) async fn publish(&mut self, packet_id: u16, payload: &str) {
        let mut publish = Publish::new("t/x", QoS::AtLeastOnce, payload);
        publish.pkid = packet_id;
        self.send(Packet::Publish(publish)).await;
    }

    /// The next packet; `None` when the listener closed the connection.
    async fn receive(&mut self) -> Option<Packet> {
        self.receive_by(|buffer| Packet::read(buffer, 10_000).ok()).await
    }

    /// The next packet as `read` takes it out of the bytes.
    pub(super) async fn receive_by<P>(&mut self, read: impl Fn(&mut BytesMut) -> Option<P>) -> Option<P> {
        let received = async {
            loop {
                if let Some(packet) = read(&mut self.buffer) {
                    return Some(packet);
                }
                match self.stream.read_buf(&mut self.buffer).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, received).await.expect("an answer or the end comes")
    }

    pub(super) async fn is_confirmed(&mut self, packet_id: u16) {
        match self.receive().await {
            Some(Packet::PubAck(ack)) => assert_eq!(ack.pkid, packet_id),
            other => panic!("expected the confirmation of {packet_id}, got {other:?}"),
        }
    }

    pub(super) async fn is_closed(&mut self) {
        assert_eq!(self.receive().await, None);
    }
}

pub(super) fn refused(driver: &Driver, reason: &str) -> f64 {
    driver.metric(&format!("watchfire_mqtt_refused_total{{reason=\"{reason}\"}}"))
}

#[tokio::test]
async fn mosquitto_pub_delivers_at_qos_0_and_1_and_is_refused_at_qos_2() {
    let driver = Driver::new(100);
    let listener = Listener::start(&driver, |_| ()).await;
    let zero = listener.publish(&["-q", "0", "-t", "t/x"], "零".as_bytes()).await;
    assert!(zero.status.success(), "{zero:?}");
    let one = listener.publish(&["-q", "1", "-t", "t/广州"], "链路中断".as_bytes()).await;
    assert!(one.status.success(), "{one:?}");
    eventually("both are kept", || driver.summaries().len() == 2).await;
    assert_eq!(driver.distinct(), ["零", "链路中断"].map(str::to_owned).into());

    let mut two = spawn("mosquitto_pub", &["-p", &listener.port, "-q", "2", "-t", "t/x", "-m", "x"]);
    eventually("QoS 2 is refused", || refused(&driver, "qos2") >= 1.0).await;
    two.kill().await.unwrap();
    assert_eq!(driver.summaries().len(), 2);
    listener.stop().await;
}

#[tokio::test]
async fn a_publish_is_confirmed_only_after_the_commit() {
    let driver = Driver::holding(100);
    driver.refuse(true);
    let listener = Listener::start(&driver, |_| ()).await;
    let mut device = listener.connected("sw3").await;
    device.publish(1, "a").await;
    device.publish(2, "b").await;
    device.send(Packet::PingReq).await;
    assert_eq!(device.receive().await, Some(Packet::PingResp), "while nothing can be kept, nothing is confirmed");
    driver.refuse(false);
    eventually("one waits for its commit", || driver.waiting() >= 1).await;
    device.send(Packet::PingReq).await;
    assert_eq!(device.receive().await, Some(Packet::PingResp));
    driver.allow(1);
    device.is_confirmed(1).await;
    driver.allow(1);
    device.is_confirmed(2).await;
    assert_eq!(driver.summaries(), ["a", "b"]);
    listener.stop().await;
}

#[tokio::test]
async fn what_a_token_may_not_publish_is_not_confirmed_and_ends_the_connection() {
    let driver = Driver::new(100);
    let authenticate = authenticate(|_| {
        let may_publish = Arc::new(|topic: &str| topic != "t/secret");
        Ok(PublishPermission { name: "token 7".to_owned(), may_publish })
    });
    let listener = Listener::start(&driver, |settings| settings.authenticate = authenticate).await;
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce] {
        let mut device = listener.connected("sw3").await;
        device.publish(1, "alarm").await;
        let mut publish = Publish::new("t/secret", qos, "x");
        publish.pkid = if qos == QoS::AtMostOnce { 0 } else { 2 };
        device.send(Packet::Publish(publish)).await;
        device.is_confirmed(1).await;
        device.is_closed().await;
    }
    assert_eq!((refused(&driver, "not_permitted"), driver.dead_letters().len()), (2.0, 0));
    assert_eq!(driver.summaries(), ["alarm", "alarm"]);
    let mut connect = Connect::new("sw4");
    connect.last_will = Some(LastWill::new("t/secret", "x", QoS::AtLeastOnce, false));
    let mut device = listener.device().await;
    device.send(Packet::Connect(connect)).await;
    let Some(Packet::ConnAck(answer)) = device.receive().await else { panic!("no CONNACK") };
    assert_eq!(answer.code, ConnectReturnCode::NotAuthorized);
    listener.stop().await;
}

#[tokio::test]
async fn what_no_source_takes_and_what_is_too_long_is_a_dead_letter_and_confirmed() {
    let driver = Driver::new(100);
    let listener = Listener::start(&driver, |_| ()).await;
    for (topic, payload, reason) in [
        ("other/机房", vec![b'x'; 3], "no source takes the topic other/机房"),
        ("t/long", vec![b'x'; 2 << 20], "the payload has 2097152 bytes; at most 1048576 are read"),
        ("t/x", b"poison".to_vec(), "no event in it"),
    ] {
        let published = listener.publish(&["-q", "1", "-t", topic], &payload).await;
        assert!(published.status.success(), "{topic}: {published:?}");
        let letter = driver.dead_letters().pop().unwrap();
        assert_eq!((letter.door.as_str(), letter.reason.as_str()), (topic, reason));
        assert_eq!(letter.payload_bytes, payload.len() as u64);
    }
    assert_eq!(driver.dead_letters().len(), 3);
    assert!(driver.summaries().is_empty());
    let series = "watchfire_events_refused_total{protocol=\"mqtt\",reason=\"no_source_for_topic\",source=\"mqtt\"}";
    assert_eq!(driver.metric(series), 1.0);
    listener.stop().await;
}

#[tokio::test]
async fn only_the_token_opens_the_door() {
    let driver = Driver::new(100);
    let authenticate = authenticate(|password| match password {
        "令牌" => Ok(PublishPermission::everything("token 1")),
        "viewer" => Err(AuthError::NotAuthorised),
        _ => Err(AuthError::BadCredentials),
    });
    let listener = Listener::start(&driver, |settings| settings.authenticate = authenticate).await;
    let publish = async |more: &[&str]| {
        let published = listener.publish(&[&["-q", "1", "-t", "t/x"], more].concat(), b"x").await;
        (published.status.success(), String::from_utf8_lossy(&published.stderr).into_owned())
    };
    assert_eq!(publish(&["-u", "anyone", "-P", "令牌"]).await, (true, String::new()));
    for (login, words) in [
        (&["-u", "anyone", "-P", "wrong"][..], "bad user name or password"),
        (&[], "bad user name or password"),
        (&["-u", "anyone", "-P", "viewer"], "not authorised"),
    ] {
        let (success, said) = publish(login).await;
        assert!(!success && said.contains(words), "{login:?}: {said}");
    }
    assert_eq!((refused(&driver, "bad_credentials"), refused(&driver, "not_authorised")), (2.0, 1.0));
    assert_eq!(driver.summaries(), ["x"]);
    listener.stop().await;
}

#[tokio::test]
async fn a_subscription_is_refused_in_the_words_of_the_protocol() {
    let driver = Driver::new(100);
    let listener = Listener::start(&driver, |_| ()).await;
    let output = run("mosquitto_sub", &["-h", "127.0.0.1", "-p", &listener.port, "-t", "t/#"], b"").await;
    assert!(String::from_utf8_lossy(&output.stderr).contains("denied"), "{output:?}");
    assert_eq!(refused(&driver, "subscribe"), 1.0);
    listener.stop().await;
}

#[tokio::test]
async fn many_publishes_are_under_way_at_once_and_confirmed_in_order() {
    let driver = Driver::new(10_000);
    let listener = Listener::start(&driver, |_| ()).await;
    let mut device = listener.connected("sw3").await;
    for packet_id in 1..=2_000 {
        device.publish(packet_id, &format!("alarm {packet_id}")).await;
    }
    for packet_id in 1..=2_000 {
        device.is_confirmed(packet_id).await;
    }
    let expected: Vec<String> = (1..=2_000).map(|packet_id| format!("alarm {packet_id}")).collect();
    assert_eq!(driver.summaries(), expected);
    listener.stop().await;
}

#[tokio::test]
async fn a_connection_is_read_no_further_than_its_unconfirmed_messages_allow() {
    let driver = Driver::holding(1_000);
    let listener = Listener::start(&driver, |settings| settings.unacknowledged_max = 10).await;
    let mut device = listener.connected("sw3").await;
    let mut neighbour = listener.connected("sw4").await;
    for packet_id in 1..=200 {
        device.publish(packet_id, &format!("alarm {packet_id}")).await;
    }
    eventually("ten are handed in", || driver.waiting() == 10).await;
    neighbour.publish(1, "from the neighbour").await;
    eventually("the neighbour is still read", || driver.waiting() == 11).await;
    driver.allow(5);
    eventually("five more are read", || driver.summaries().len() == 5 && driver.waiting() == 11).await;
    driver.allow(1 << 20);
    for packet_id in 1..=200 {
        device.is_confirmed(packet_id).await;
    }
    neighbour.is_confirmed(1).await;
    listener.stop().await;
}

#[tokio::test]
async fn a_last_will_is_taken_in_when_its_device_vanishes_and_only_then() {
    let driver = Driver::new(100);
    let listener = Listener::start(&driver, |_| ()).await;
    let with_will = |client_id: &str, will: &str| {
        let mut connect = Connect::new(client_id);
        connect.last_will = Some(LastWill::new("t/status", will, QoS::AtLeastOnce, true));
        connect
    };
    let mut polite = listener.connected_with(with_will("polite", "polite is gone")).await;
    polite.publish(1, "hello").await;
    polite.is_confirmed(1).await;
    polite.send(Packet::Disconnect).await;
    polite.is_closed().await;

    let mut before = listener.connected_with(with_will("sw3", "sw3 was replaced")).await;
    let after = listener.connected_with(with_will("sw3", "交换机失联")).await;
    before.is_closed().await;
    eventually("the takeover is counted", || refused(&driver, "taken_over") == 1.0).await;
    drop(after);
    eventually("the will is kept", || driver.distinct().contains("交换机失联")).await;

    let _connected = listener.connected_with(with_will("sw5", "we stop, not sw5")).await;
    listener.stop().await;
    assert_eq!(driver.summaries(), ["hello", "交换机失联"]);
}

#[tokio::test]
async fn whoever_wastes_a_connection_loses_it_with_a_counted_reason() {
    let driver = Driver::new(100);
    let listener = Listener::start(&driver, |settings| settings.patience = Duration::from_secs(2)).await;
    let sends = async |bytes: &[u8], reason: &str| {
        let before = refused(&driver, reason);
        let mut device = listener.device().await;
        device.stream.write_all(bytes).await.unwrap();
        while let Some(answer) = device.receive().await {
            assert!(matches!(answer, Packet::ConnAck(_)), "{answer:?}");
        }
        eventually(reason, || refused(&driver, reason) == before + 1.0).await;
    };
    sends(b"", "no_connect").await;
    sends(b"\x10\x20\x00\x04MQTT", "slow_sender").await;
    sends(b"GET / HTTP/1.1\r\n\r\n", "unexpected_packet").await;
    sends(b"\x10\x10GET / HTTP/1.1\r\n\r\n", "malformed").await;
    sends(&[0x30, 0x05, 0, 1, b't', b'x', b'x'], "unexpected_packet").await;
    sends(&[0x10, 0xFF, 0xFF, 0xFF, 0x7F], "too_large").await;
    sends(b"\x10\x0c\x00\x04MQTT\x04\x00\x00\x00\x00\x00", "client_id").await;

    let mut connect = Connect::new("silent");
    connect.keep_alive = 1;
    let mut silent = listener.connected_with(connect).await;
    silent.is_closed().await;
    eventually("keep-alive", || refused(&driver, "keep_alive") == 1.0).await;
    let mut wild = listener.connected("wild").await;
    let mut publish = Publish::new("t/#", QoS::AtLeastOnce, "x");
    publish.pkid = 1;
    wild.send(Packet::Publish(publish)).await;
    wild.is_closed().await;
    eventually("a topic with wildcards", || refused(&driver, "topic") == 1.0).await;
    let mut twice = listener.connected("twice").await;
    twice.send(Packet::Connect(Connect::new("twice"))).await;
    twice.is_closed().await;

    let mut honest = listener.connected("honest").await;
    honest.publish(1, "still here").await;
    honest.is_confirmed(1).await;
    listener.stop().await;
}

#[tokio::test]
async fn a_device_that_never_reads_its_answers_is_let_go() {
    let driver = Driver::new(100);
    let listener = Listener::start(&driver, |settings| settings.patience = Duration::from_millis(300)).await;
    let mut deaf = listener.connected("deaf").await;
    let pings = [0xC0_u8, 0x00].repeat(32_768);
    let flooding = async { while deaf.stream.write_all(&pings).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, flooding).await.expect("the connection is closed");
    eventually("it is counted", || refused(&driver, "slow_receiver") == 1.0).await;
    listener.stop().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_turned_away_until_one_leaves() {
    let driver = Driver::new(100);
    let listener = Listener::start(&driver, |settings| settings.connections_max = 2).await;
    let first = listener.connected("a").await;
    let _second = listener.connected("b").await;
    listener.device().await.is_closed().await;
    assert_eq!(refused(&driver, "too_many_connections"), 1.0);
    drop(first);
    let comes_in = async {
        loop {
            let mut device = listener.device().await;
            let mut bytes = BytesMut::new();
            Packet::Connect(Connect::new("c")).write(&mut bytes, usize::MAX).unwrap();
            let _ = device.stream.write_all(&bytes).await;
            if device.receive().await.is_some() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, comes_in).await.expect("a place is free again");
    listener.stop().await;
}

#[tokio::test]
async fn a_stop_confirms_what_is_being_committed_and_takes_nothing_new() {
    let driver = Driver::holding(100);
    let listener = Listener::start(&driver, |_| ()).await;
    let mut device = listener.connected("sw3").await;
    device.publish(1, "a").await;
    device.publish(2, "b").await;
    eventually("both wait for their commit", || driver.waiting() == 2).await;
    listener.stop.cancel();
    driver.allow(100);
    device.is_confirmed(1).await;
    device.is_confirmed(2).await;
    device.is_closed().await;
    assert!(TcpStream::connect(listener.address).await.is_err());
    listener.stop().await;
    assert_eq!(driver.summaries(), ["a", "b"]);
}

#[tokio::test]
async fn random_bytes_from_many_connections_leave_the_listener_as_it_was() {
    let driver = Driver::new(1_000);
    let listener = Listener::start(&driver, |settings| settings.patience = Duration::from_millis(100)).await;
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    for _ in 0..200 {
        let mut device = if seed & 1 == 0 { listener.device().await } else { listener.connected("chance").await };
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed as u8
        })
        .take(400)
        .collect();
        // The listener may close before it has read everything.
        let _ = device.stream.write_all(&bytes).await;
    }
    let mut honest = listener.connected("honest").await;
    honest.publish(1, "still here").await;
    honest.is_confirmed(1).await;
    listener.stop().await;
}
