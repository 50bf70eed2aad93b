//! The publisher against a real mosquitto, read by mosquitto_sub.

use crate::support::service::until;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use watchfire::metrics::Metrics;
use watchfire::notify::{MqttPublisher, PublishError};

use super::driver::PATIENCE;
use crate::support::mosquitto::{Mosquitto, spawn};

struct Reader {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Reader {
    /// Reads what is published on the filter, as `topic payload retained`; subscribed when it returns.
    async fn new(broker: &Mosquitto, filter: &str) -> Reader {
        let port = broker.port.to_string();
        let mut child = spawn("mosquitto_sub", &["-p", &port, "-q", "1", "-t", filter, "-F", "%t %p %r"]);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let subscription = format!("{filter} (QoS 1)");
        until("mosquitto_sub subscribes", async || broker.log().contains(&subscription).then_some(())).await;
        Reader { _child: child, lines }
    }

    async fn line(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("a line comes").unwrap().unwrap()
    }

    async fn expect(&mut self, line: &str) {
        assert_eq!(self.line().await, line);
    }
}

fn start(port: u16, version: &str) -> (MqttPublisher, CancellationToken, JoinHandle<()>) {
    let address = format!("mqtt://127.0.0.1:{port}?version={version}&client_id=noc").parse().unwrap();
    let (publisher, publishing) = MqttPublisher::new(address, Arc::new(Metrics::new())).unwrap();
    let stop = CancellationToken::new();
    (publisher, stop.clone(), tokio::spawn(publishing.run(stop)))
}

#[tokio::test]
async fn messages_arrive_and_the_status_tells_whether_we_are_there() {
    for version in ["3.1.1", "5"] {
        let broker = Mosquitto::start("").await;
        let mut status = Reader::new(&broker, "watchfire/status").await;
        let mut incidents = Reader::new(&broker, "watchfire/incidents/#").await;
        let (publisher, stop, task) = start(broker.port, version);
        status.expect("watchfire/status online 0").await;
        publisher.publish("watchfire/incidents/INC-1", "{\"标题\":\"链路中断\"}".into(), false).await.unwrap();
        incidents.expect("watchfire/incidents/INC-1 {\"标题\":\"链路中断\"} 0").await;
        publisher.publish("watchfire/incidents/INC-2", "kept".into(), true).await.unwrap();
        let long: String = "x".repeat(200_000);
        publisher.publish("watchfire/incidents/INC-3", long.clone().into(), false).await.unwrap();
        incidents.expect("watchfire/incidents/INC-2 kept 0").await;
        incidents.expect(&format!("watchfire/incidents/INC-3 {long} 0")).await;
        drop(incidents);
        Reader::new(&broker, "watchfire/incidents/+").await.expect("watchfire/incidents/INC-2 kept 1").await;
        stop.cancel();
        tokio::time::timeout(PATIENCE, task).await.expect("the publisher stops").unwrap();
        status.expect("watchfire/status offline 0").await;
        assert_eq!(publisher.publish("t", "late".into(), false).await, Err(PublishError::Stopping));
        let (_publisher, _stop, task) = start(broker.port, version);
        status.expect("watchfire/status online 0").await;
        task.abort();
        status.expect("watchfire/status offline 0").await;
    }
}

#[tokio::test]
async fn many_messages_at_once_are_each_confirmed() {
    for version in ["3.1.1", "5"] {
        let broker = Mosquitto::start("").await;
        let mut reader = Reader::new(&broker, "many/#").await;
        let (publisher, stop, task) = start(broker.port, version);
        let publishes: Vec<_> = (0..250)
            .map(|n| {
                let publisher = publisher.clone();
                tokio::spawn(async move { publisher.publish(&format!("many/{n}"), "x".into(), false).await })
            })
            .collect();
        for publish in publishes {
            assert_eq!(publish.await.unwrap(), Ok(()), "MQTT {version}");
        }
        for _ in 0..250 {
            assert!(reader.line().await.starts_with("many/"));
        }
        stop.cancel();
        tokio::time::timeout(PATIENCE, task).await.expect("the publisher stops").unwrap();
    }
}

#[tokio::test]
async fn without_the_broker_publishing_fails_and_with_it_it_works_again() {
    let mut broker = Mosquitto::start("").await;
    let (publisher, stop, task) = start(broker.port, "3.1.1");
    assert_eq!(publisher.publish("t", "before".into(), false).await, Ok(()));
    broker.kill().await;
    let failure = publisher.publish("t", "meanwhile".into(), false).await.unwrap_err();
    assert!(matches!(failure, PublishError::Lost | PublishError::Unconfirmed), "{failure:?}");
    broker.start_again().await;
    let works = async { while publisher.publish("t", "after".into(), false).await.is_err() {} };
    tokio::time::timeout(PATIENCE, works).await.expect("publishing works again");
    stop.cancel();
    tokio::time::timeout(PATIENCE, task).await.expect("the publisher stops").unwrap();
}

#[tokio::test]
async fn a_broker_that_confirms_nothing_is_left_for_a_new_connection() {
    use rumqttc::mqttbytes::v4::{ConnAck, ConnectReturnCode, Packet};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (publisher, stop, task) = start(socket.local_addr().unwrap().port(), "3.1.1");
    let silent_broker = tokio::spawn(async move {
        let mut published = vec![];
        while published.len() < 2 {
            let (mut stream, _) = socket.accept().await.unwrap();
            let mut buffer = bytes::BytesMut::new();
            while stream.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
                while let Ok(packet) = Packet::read(&mut buffer, 10_000) {
                    match packet {
                        Packet::Connect(_) => {
                            let mut answer = bytes::BytesMut::new();
                            ConnAck::new(ConnectReturnCode::Success, false).write(&mut answer).unwrap();
                            stream.write_all(&answer).await.unwrap();
                        }
                        Packet::Publish(publish) if publish.topic == "t" => published.push(publish.payload),
                        _ => {}
                    }
                }
            }
        }
        published
    });
    assert_eq!(publisher.publish("t", "first".into(), false).await, Err(PublishError::Unconfirmed));
    assert_eq!(publisher.publish("t", "second".into(), false).await, Err(PublishError::Unconfirmed));
    stop.cancel();
    tokio::time::timeout(PATIENCE, task).await.expect("the publisher stops").unwrap();
    let published = tokio::time::timeout(PATIENCE, silent_broker).await.expect("two connections came").unwrap();
    assert_eq!(published, ["first", "second"]);
}
