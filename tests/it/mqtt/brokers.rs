//! What brokers do otherwise than the client would like: retained messages again, sessions forgotten, a subscription that
//! ends the connection.

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{ConnAck, ConnectReturnCode, Packet, SubAck, SubscribeReasonCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use watchfire::core::model::{SessionFacts, Severity};
use watchfire::ingest::mqtt::ClientState;

use super::client::{Client, RECOMMENDED, VERSIONS, reconnects, settings, subscribed, up_to_now};
use super::driver::{Driver, eventually};
use crate::support::mosquitto::{Mosquitto, run};

#[tokio::test]
async fn a_retained_happening_counts_once_and_a_retained_state_stays_a_state() {
    for version in VERSIONS {
        let broker = Mosquitto::start(RECOMMENDED).await;
        let port = broker.port.to_string();
        for (topic, message) in [("t/happening", "point cold start"), ("t/state", "up")] {
            let published =
                run("mosquitto_pub", &["-p", &port, "-q", "1", "-r", "-t", topic, "-m", message], b"").await;
            assert!(published.status.success(), "{published:?}");
        }
        let mut counted = 0;
        for _ in 0..3 {
            let driver = Driver::new(100);
            let client = subscribed(settings(broker.port, version), &driver).await;
            let told = up_to_now(broker.port, &driver).await;
            counted += told.iter().filter(|summary| *summary == "point cold start").count();
            client.stop().await;
        }
        assert_eq!(counted, 1, "MQTT {version}");
    }
}

#[tokio::test]
async fn a_broker_that_forgot_our_session_is_raised() {
    let broker = Mosquitto::start(RECOMMENDED).await;
    for (facts, expected) in [(None, 0), (Some(SessionFacts::default()), 1)] {
        let driver = Driver::new(100);
        let mut settings = settings(broker.port, "3.1.1");
        settings.address.client_id = format!("watchfire-{expected}");
        settings.facts = facts;
        let client = subscribed(settings, &driver).await;
        let lost = format!("watchfire_mqtt_sessions_lost_total{{broker=\"127.0.0.1:{}\"}}", broker.port);
        assert_eq!(driver.metric(&lost), f64::from(expected));
        up_to_now(broker.port, &driver).await;
        eventually("it is raised", || driver.events_named("BrokerSessionLost").len() == expected as usize).await;
        for event in driver.events_named("BrokerSessionLost") {
            assert_eq!((event.source.as_str(), event.severity), ("watchfire", Some(Severity::Major)));
        }
        client.stop().await;
    }
}

/// A broker that ends the connection when the count of its drops is asked for, and refuses nothing else; the topics that
/// were asked for, connection by connection.
async fn hates_sys() -> (u16, std::sync::Arc<std::sync::Mutex<Vec<Vec<String>>>>) {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            seen.lock().unwrap().push(Vec::new());
            let mut buffer = BytesMut::new();
            'connection: while stream.read_buf(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {
                while let Ok(packet) = Packet::read(&mut buffer, 10_000) {
                    let answer = match packet {
                        Packet::Connect(_) => Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false)),
                        Packet::Subscribe(subscribe) => {
                            let paths = subscribe.filters.iter().map(|filter| filter.path.clone());
                            seen.lock().unwrap().last_mut().unwrap().extend(paths);
                            if subscribe.filters.iter().any(|filter| filter.path.starts_with('$')) {
                                break 'connection;
                            }
                            let taken = SubscribeReasonCode::Success(rumqttc::QoS::AtLeastOnce);
                            Packet::SubAck(SubAck::new(subscribe.pkid, vec![taken; subscribe.filters.len()]))
                        }
                        Packet::PingReq => Packet::PingResp,
                        _ => continue,
                    };
                    let mut bytes = BytesMut::new();
                    answer.write(&mut bytes, 10_000).unwrap();
                    stream.write_all(&bytes).await.unwrap();
                }
            }
        }
    });
    (port, asked)
}

#[tokio::test]
async fn a_subscription_that_ends_the_connection_is_not_asked_again() {
    let (port, asked) = hates_sys().await;
    let driver = Driver::new(100);
    let mut client = Client::start(settings(port, "3.1.1"), &driver);
    eventually("it connects again and asks for less", || {
        let asked = asked.lock().unwrap();
        asked.len() == 2 && asked[1] == ["t/#"]
    })
    .await;
    client.reaches(ClientState::Subscribed).await;
    assert_eq!(asked.lock().unwrap()[0], ["t/#", "$SYS/broker/publish/messages/dropped"]);
    // A new rulebook is asked for on the same connection.
    driver.filters.send_replace(std::sync::Arc::new(watchfire::ingest::mqtt::TopicFilters::parse(["u/#"]).unwrap()));
    eventually("the new filter is asked for", || asked.lock().unwrap()[1].contains(&"u/#".to_owned())).await;
    assert_eq!((asked.lock().unwrap().len(), reconnects(&driver, port)), (2, 1.0));
    client.stop().await;
}
