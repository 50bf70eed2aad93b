//! The consuming client against a real mosquitto, each pitfall a test, in MQTT 3.1.1 and 5.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{ConnAck, ConnectReturnCode, Packet, SubAck, SubscribeReasonCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use watchfire::ingest::mqtt::{ClientSettings, ClientState, MqttClient, TopicFilters};
use watchfire::mqtt::BrokerAddress;

use super::driver::{Driver, PATIENCE, eventually};
use crate::support::mosquitto::{Mosquitto, publish, publish_lines, run};

pub(super) const VERSIONS: [&str; 2] = ["3.1.1", "5"];

/// What a user is told to set on a broker.
pub(super) const RECOMMENDED: &str =
    "max_queued_messages 0\nmax_inflight_messages 1000\npersistence true\nsys_interval 1\n";

pub(super) struct Client {
    state: tokio::sync::watch::Receiver<ClientState>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Client {
    pub(super) fn start(settings: ClientSettings, driver: &Driver) -> Client {
        let client = MqttClient::new(settings, driver.surroundings.clone()).unwrap();
        let (state, stop) = (client.state(), CancellationToken::new());
        Client { state, task: tokio::spawn(client.run(stop.clone())), stop }
    }

    pub(super) async fn reaches(&mut self, state: ClientState) {
        let reached = self.state.wait_for(|now| *now == state);
        tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("never {state:?}")).unwrap();
    }

    pub(super) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("the client stops").unwrap();
    }

    /// As a kill does: nothing more is said to the broker.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

pub(super) fn settings(port: u16, version: &str) -> ClientSettings {
    let mut settings = ClientSettings::new(format!("mqtt://127.0.0.1:{port}?version={version}").parse().unwrap());
    settings.reconnect = (Duration::from_millis(50), Duration::from_millis(400));
    settings
}

pub(super) async fn subscribed(settings: ClientSettings, driver: &Driver) -> Client {
    let mut client = Client::start(settings, driver);
    client.reaches(ClientState::Subscribed).await;
    client
}

/// Everything up to a marker published now has been kept: what did not come by then does not come.
pub(super) async fn up_to_now(port: u16, driver: &Driver) -> Vec<String> {
    publish(port, "t/marker", "marker").await;
    eventually("the marker is kept", || driver.summaries().iter().any(|summary| summary == "marker")).await;
    driver.summaries().into_iter().take_while(|summary| summary != "marker").collect()
}

fn unacknowledged(driver: &Driver, port: u16) -> f64 {
    driver.metric(&format!("watchfire_mqtt_unacknowledged_messages{{broker=\"127.0.0.1:{port}\"}}"))
}

pub(super) fn reconnects(driver: &Driver, port: u16) -> f64 {
    driver.metric(&format!("watchfire_mqtt_reconnects_total{{broker=\"127.0.0.1:{port}\"}}"))
}

fn words(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[tokio::test]
async fn what_is_kept_is_confirmed_at_once_and_what_comes_while_we_are_away_waits_at_the_broker() {
    for version in VERSIONS {
        let broker = Mosquitto::start(RECOMMENDED).await;
        let driver = Driver::new(100);
        let client = subscribed(settings(broker.port, version), &driver).await;
        publish(broker.port, "t/广州/交换机", "链路中断").await;
        eventually("it is kept", || driver.distinct() == words(&["链路中断"])).await;
        client.stop().await;
        assert_eq!(unacknowledged(&driver, broker.port), 0.0);

        publish(broker.port, "t/x", "while away").await;
        let driver = Driver::new(100);
        let client = subscribed(settings(broker.port, version), &driver).await;
        assert_eq!(up_to_now(broker.port, &driver).await, ["while away"], "MQTT {version}");
        client.stop().await;
    }
}

#[tokio::test]
async fn what_was_not_committed_when_we_were_killed_comes_again() {
    for version in VERSIONS {
        let broker = Mosquitto::start(RECOMMENDED).await;
        let driver = Driver::holding(100);
        driver.allow(1);
        let client = subscribed(settings(broker.port, version), &driver).await;
        publish_lines(broker.port, "t/x", ["a", "b", "point c"].map(str::to_owned)).await;
        eventually("one is kept, two wait", || driver.distinct() == words(&["a"]) && driver.waiting() == 2).await;
        eventually("one is confirmed", || unacknowledged(&driver, broker.port) == 2.0).await;
        client.stop.cancel();
        client.kill().await;

        let driver = Driver::new(100);
        let client = subscribed(settings(broker.port, version), &driver).await;
        let again: BTreeSet<String> = up_to_now(broker.port, &driver).await.into_iter().collect();
        assert!(again.is_superset(&words(&["b", "point c"])), "MQTT {version}: {again:?}");
        client.stop().await;
    }
}

#[tokio::test]
async fn a_store_that_refuses_holds_the_messages_back_until_it_keeps_them() {
    for version in VERSIONS {
        let broker = Mosquitto::start(RECOMMENDED).await;
        let driver = Driver::new(100);
        driver.refuse(true);
        let client = subscribed(settings(broker.port, version), &driver).await;
        publish_lines(broker.port, "t/x", (0..20).map(|n| format!("point {n}"))).await;
        eventually("all are received", || unacknowledged(&driver, broker.port) == 20.0).await;
        assert!(driver.summaries().is_empty());
        driver.refuse(false);
        let expected: Vec<String> = (0..20).map(|n| format!("point {n}")).collect();
        eventually("all are kept", || driver.summaries().len() >= 20).await;
        assert_eq!(up_to_now(broker.port, &driver).await, expected, "in order and once, MQTT {version}");
        client.stop().await;
    }
}

#[tokio::test]
async fn a_broker_that_goes_away_and_forgets_us_is_subscribed_to_again() {
    for version in VERSIONS {
        let mut broker = Mosquitto::start("persistence false\n").await;
        let driver = Driver::new(100);
        let mut client = subscribed(settings(broker.port, version), &driver).await;
        publish(broker.port, "t/x", "before").await;
        eventually("it is kept", || driver.distinct().contains("before")).await;
        for kill in [true, false] {
            if kill {
                broker.kill().await
            } else {
                broker.stop().await
            }
            client.reaches(ClientState::Away).await;
            broker.start_again().await;
            client.reaches(ClientState::Subscribed).await;
            publish(broker.port, "t/x", &format!("after {kill}")).await;
            eventually("it is kept", || driver.distinct().contains(&format!("after {kill}"))).await;
        }
        assert!(reconnects(&driver, broker.port) >= 2.0, "MQTT {version}");
        client.stop().await;
    }
}

#[tokio::test]
async fn a_broker_with_a_memory_delivers_what_came_before_it_went_away() {
    let mut broker = Mosquitto::start(RECOMMENDED).await;
    let driver = Driver::holding(100);
    let mut client = subscribed(settings(broker.port, "3.1.1"), &driver).await;
    publish_lines(broker.port, "t/x", ["point a", "point b"].map(str::to_owned)).await;
    eventually("both wait", || driver.waiting() == 2).await;
    broker.stop().await;
    client.reaches(ClientState::Away).await;
    broker.start_again().await;
    client.reaches(ClientState::Subscribed).await;
    driver.allow(100);
    let kept = up_to_now(broker.port, &driver).await;
    assert_eq!(kept, ["point a", "point b"], "redelivered points without id are known again");
    client.stop().await;
}

#[tokio::test]
async fn acknowledgements_of_a_lost_session_do_not_confirm_messages_of_the_next_one() {
    for version in VERSIONS {
        let mut broker = Mosquitto::start("persistence false\n").await;
        let driver = Driver::holding(100);
        let mut client = subscribed(settings(broker.port, version), &driver).await;
        publish_lines(broker.port, "t/x", ["a1", "a2", "a3"].map(str::to_owned)).await;
        eventually("the first three wait", || driver.waiting() == 3).await;
        broker.kill().await;
        client.reaches(ClientState::Away).await;
        broker.start_again().await;
        client.reaches(ClientState::Subscribed).await;
        // The new session numbers its messages from 1 again: 1, 2 and 3 are other messages now.
        publish_lines(broker.port, "t/x", ["b1", "b2", "b3"].map(str::to_owned)).await;
        eventually("all six wait, and the event of the lost session", || driver.waiting() == 7).await;
        driver.allow(3);
        eventually("the first three are settled", || unacknowledged(&driver, broker.port) == 3.0).await;
        client.kill().await;

        let driver = Driver::new(100);
        let client = subscribed(settings(broker.port, version), &driver).await;
        assert_eq!(up_to_now(broker.port, &driver).await, ["b1", "b2", "b3"], "MQTT {version}");
        client.stop().await;
    }
}

#[tokio::test]
async fn long_messages_neither_break_the_connection_nor_come_round_again() {
    for version in VERSIONS {
        let broker = Mosquitto::start(RECOMMENDED).await;
        let driver = Driver::new(100);
        let client = subscribed(settings(broker.port, version), &driver).await;
        let twenty_kilobytes = "警".repeat(20_000 / 3);
        publish(broker.port, "t/long", &twenty_kilobytes).await;
        publish(broker.port, "t/too/long", &"x".repeat(2 << 20)).await;
        assert!(up_to_now(broker.port, &driver).await == [twenty_kilobytes], "MQTT {version}");
        let letters = driver.dead_letters();
        assert_eq!(letters.len(), 1, "MQTT {version}");
        assert_eq!((letters[0].door.as_str(), letters[0].payload_bytes), ("t/too/long", 2 << 20));
        assert!(letters[0].reason.contains("2097152 bytes"), "{}", letters[0].reason);
        assert_eq!(reconnects(&driver, broker.port), 0.0);
        client.stop().await;

        let driver = Driver::new(100);
        let client = subscribed(settings(broker.port, version), &driver).await;
        assert!(up_to_now(broker.port, &driver).await.is_empty(), "MQTT {version}");
        assert!(driver.dead_letters().is_empty(), "MQTT {version}");
        client.stop().await;
    }
}

#[tokio::test]
async fn poison_is_kept_as_a_dead_letter_and_never_comes_again() {
    for version in VERSIONS {
        let broker = Mosquitto::start(RECOMMENDED).await;
        let driver = Driver::new(100);
        let client = subscribed(settings(broker.port, version), &driver).await;
        publish(broker.port, "t/x", "poison 毒").await;
        assert!(up_to_now(broker.port, &driver).await.is_empty());
        assert_eq!(driver.dead_letters().len(), 1);
        assert_eq!(driver.dead_letters()[0].payload, "poison 毒");
        client.stop().await;

        let driver = Driver::new(100);
        let client = subscribed(settings(broker.port, version), &driver).await;
        up_to_now(broker.port, &driver).await;
        assert!(driver.dead_letters().is_empty(), "MQTT {version}");
        client.stop().await;
    }
}

#[tokio::test]
async fn a_slow_consumer_loses_nothing_at_a_broker_that_is_set_up_for_it() {
    for version in VERSIONS {
        let broker = Mosquitto::start(RECOMMENDED).await;
        let driver = Driver::holding(50);
        let mut settings = settings(broker.port, version);
        settings.unacknowledged_max = 100;
        let client = subscribed(settings, &driver).await;
        let expected: BTreeSet<String> = (0..5_000).map(|n| format!("alarm {n}")).collect();
        let publishing = tokio::spawn(publish_lines(broker.port, "t/x", expected.clone()));
        let mut most: f64 = 0.0;
        while driver.distinct() != expected {
            let before = driver.summaries().len();
            driver.allow(250);
            eventually("some are kept", || driver.summaries().len() > before).await;
            most = most.max(unacknowledged(&driver, broker.port));
        }
        publishing.await.unwrap();
        assert!(most <= 100.0, "MQTT {version}: {most} messages unacknowledged at once, 100 are asked for");
        driver.allow(1 << 20);
        client.stop().await;
        assert!(driver.events_named("BrokerDropsMessages").is_empty());
    }
}

#[tokio::test]
async fn what_a_broker_with_its_defaults_drops_becomes_an_alert() {
    for version in VERSIONS {
        let broker = Mosquitto::start("sys_interval 1\n").await;
        let driver = Driver::holding(50);
        let mut settings = settings(broker.port, version);
        settings.unacknowledged_max = 20;
        let client = subscribed(settings, &driver).await;
        publish_lines(broker.port, "t/x", (0..5_000).map(|n| format!("alarm {n}"))).await;
        driver.allow(1 << 20);
        eventually("the alert comes", || !driver.events_named("BrokerDropsMessages").is_empty()).await;
        let alert = driver.events_named("BrokerDropsMessages").remove(0);
        assert_eq!(alert.labels.get("broker"), Some(format!("127.0.0.1:{}", broker.port).as_str()));
        assert!(alert.value.unwrap() > 0.0, "{alert:?}");
        up_to_now(broker.port, &driver).await;
        let kept = driver.distinct().iter().filter(|summary| summary.starts_with("alarm")).count();
        assert!(kept < 5_000, "MQTT {version}: nothing was dropped, so this test shows nothing");
        client.stop().await;
    }
}

#[tokio::test]
async fn a_store_that_is_away_for_some_keep_alives_costs_neither_the_connection_nor_a_message() {
    for version in VERSIONS {
        let broker = Mosquitto::start(RECOMMENDED).await;
        let driver = Driver::holding(5);
        let mut settings = settings(broker.port, version);
        settings.unacknowledged_max = 10;
        settings.keep_alive = Duration::from_secs(5);
        let client = subscribed(settings, &driver).await;
        let expected: BTreeSet<String> = (0..300).map(|n| format!("alarm {n}")).collect();
        publish_lines(broker.port, "t/x", expected.clone()).await;
        eventually("there is no more room", || unacknowledged(&driver, broker.port) == 10.0).await;
        let pings = || broker.log().matches("Received PINGREQ from watchfire").count();
        let before = pings();
        eventually("two keep-alives pass", || pings() >= before + 2).await;
        assert_eq!((*client.state.borrow(), reconnects(&driver, broker.port)), (ClientState::Subscribed, 0.0));
        driver.allow(1 << 20);
        eventually("all are kept", || driver.distinct() == expected).await;
        assert!(driver.summaries().iter().eq(&expected), "once and in order, MQTT {version}");
        assert_eq!(reconnects(&driver, broker.port), 0.0);
        client.stop().await;
    }
}

#[tokio::test]
async fn what_comes_at_qos_0_without_room_is_counted() {
    let broker = Mosquitto::start(RECOMMENDED).await;
    let driver = Driver::holding(5);
    let mut settings = settings(broker.port, "3.1.1");
    settings.unacknowledged_max = 1;
    let client = subscribed(settings, &driver).await;
    publish(broker.port, "t/x", "a").await;
    eventually("there is no more room", || unacknowledged(&driver, broker.port) == 1.0).await;
    let port = broker.port.to_string();
    let published = run("mosquitto_pub", &["-p", &port, "-q", "0", "-t", "t/x", "-m", "b"], b"").await;
    assert!(published.status.success(), "{published:?}");
    let series = "watchfire_events_refused_total{protocol=\"mqtt\",reason=\"no_room_at_qos_0\",source=\"mqtt\"}";
    eventually("it is counted", || driver.metric(series) == 1.0).await;
    driver.allow(100);
    assert_eq!(up_to_now(broker.port, &driver).await, ["a"]);
    client.stop().await;
}

#[tokio::test]
async fn a_new_rulebook_changes_the_subscriptions_of_a_standing_connection() {
    for version in VERSIONS {
        let broker = Mosquitto::start(RECOMMENDED).await;
        let driver = Driver::new(100);
        driver.filters.send_replace(Arc::new(TopicFilters::parse(["t/old", "t/marker"]).unwrap()));
        let client = subscribed(settings(broker.port, version), &driver).await;
        publish(broker.port, "t/old", "old").await;
        eventually("the old topic arrives", || driver.distinct() == words(&["old"])).await;
        driver.filters.send_replace(Arc::new(TopicFilters::parse(["t/新/+", "t/marker"]).unwrap()));
        eventually("the old one is taken back and the new one asked for", || {
            let log = broker.log();
            log.contains("t/新/+ (QoS 1)") && log.contains("Received UNSUBSCRIBE")
        })
        .await;
        publish(broker.port, "t/old", "not taken").await;
        publish(broker.port, "t/新/x", "new").await;
        assert_eq!(up_to_now(broker.port, &driver).await, ["old", "new"], "MQTT {version}");
        assert_eq!(reconnects(&driver, broker.port), 0.0);
        client.stop().await;
    }
}

#[tokio::test]
async fn a_filter_that_the_broker_refuses_is_not_counted_as_subscribed() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let refusing_broker = tokio::spawn(async move {
        let (mut stream, _) = socket.accept().await.unwrap();
        let mut buffer = BytesMut::new();
        let mut asked = 0;
        while stream.read_buf(&mut buffer).await.unwrap() > 0 {
            while let Ok(packet) = Packet::read(&mut buffer, 10_000) {
                let answer = match packet {
                    Packet::Connect(_) => Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false)),
                    Packet::Subscribe(subscribe) => {
                        asked += 1;
                        Packet::SubAck(SubAck::new(subscribe.pkid, vec![SubscribeReasonCode::Failure]))
                    }
                    _ => continue,
                };
                let mut bytes = BytesMut::new();
                answer.write(&mut bytes, 10_000).unwrap();
                stream.write_all(&bytes).await.unwrap();
            }
            if asked == 2 {
                return stream;
            }
        }
        panic!("the client left");
    });
    let driver = Driver::new(100);
    let mut client = Client::start(settings(port, "3.1.1"), &driver);
    let mut states = vec![];
    while !refusing_broker.is_finished() {
        let _ = tokio::time::timeout(Duration::from_millis(20), client.state.changed()).await;
        states.push(*client.state.borrow_and_update());
    }
    assert!(states.contains(&ClientState::Connected) && !states.contains(&ClientState::Subscribed), "{states:?}");
    let refused = format!("watchfire_mqtt_filters_refused{{broker=\"127.0.0.1:{port}\"}}");
    assert_eq!(driver.metric(&refused), 1.0);
    client.stop().await;
}

/// A certificate authority, what it signed for the broker on 127.0.0.1 and for us, all in PEM files.
fn certificates(directory: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    let authority = |name: &str| {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let ours = authority("the test's authority");
    std::fs::write(directory.join("ca.pem"), ours.pem()).unwrap();
    std::fs::write(directory.join("stranger.pem"), authority("a stranger").pem()).unwrap();
    for (name, subject) in [("server", "127.0.0.1"), ("client", "watchfire")] {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![subject.to_owned()]).unwrap().signed_by(&key, &ours).unwrap();
        std::fs::write(directory.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(directory.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

#[tokio::test]
async fn tls_with_passwords_and_certificates_lets_in_only_who_has_them() {
    let tls = "listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {dir}/passwords\n\
               cafile {dir}/ca.pem\ncertfile {dir}/server.pem\nkeyfile {dir}/server.key\nrequire_certificate true\n";
    let passwords = tempfile::NamedTempFile::new().unwrap();
    let made = run("mosquitto_passwd", &["-b", passwords.path().to_str().unwrap(), "noc", "p@ss:密码"], b"").await;
    assert!(made.status.success(), "{made:?}");
    let broker = Mosquitto::start_prepared(tls, |directory| {
        certificates(directory);
        std::fs::copy(passwords.path(), directory.join("passwords")).unwrap();
    })
    .await;
    let file = |name: &str| broker.path(name).display().to_string();
    let address = |password: &str, authority: &str, version: &str| {
        let (certificate, key) = (file("client.pem"), file("client.key"));
        let query = format!("version={version}&ca={}&certificate={certificate}&key={key}", file(authority));
        format!("mqtts://noc:{password}@127.0.0.1:{}?{query}", broker.port).parse::<BrokerAddress>().unwrap()
    };
    for version in VERSIONS {
        let driver = Driver::new(100);
        let mut settings = settings(broker.port, version);
        settings.address = address("p%40ss%3A密码", "ca.pem", version);
        let client = subscribed(settings.clone(), &driver).await;
        let port = broker.port.to_string();
        let (ca, certificate, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
        let published = run(
            "mosquitto_pub",
            &[
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "--cafile",
                &ca,
                "--cert",
                &certificate,
                "--key",
                &key,
                "-u",
                "noc",
                "-P",
                "p@ss:密码",
                "-q",
                "1",
                "-t",
                "t/x",
                "-m",
                "over TLS",
            ],
            b"",
        )
        .await;
        assert!(published.status.success(), "{published:?}");
        eventually("it is kept", || driver.distinct() == words(&["over TLS"])).await;
        client.stop().await;

        for (wrong, why) in [
            (address("wrong", "ca.pem", version), "a wrong password"),
            (address("p%40ss%3A密码", "stranger.pem", version), "an authority that we do not trust"),
        ] {
            settings.address = wrong;
            let driver = Driver::new(100);
            let client = Client::start(settings.clone(), &driver);
            eventually(why, || reconnects(&driver, broker.port) >= 2.0).await;
            assert_eq!(*client.state.borrow(), ClientState::Away, "{why}");
            client.stop().await;
        }
    }
}
