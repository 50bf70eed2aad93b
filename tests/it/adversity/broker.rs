//! The broker goes away and comes back.

use super::{RULES, event, exactly, status};
use crate::support::mosquitto::{Mosquitto, publish, publish_lines};
use crate::support::service::{Setup, until};

async fn subscribed(broker: &Mosquitto) {
    until("it is subscribed", async || broker.log().contains("SUBACK").then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broker_was_told_while_it_came_and_went_arrives_once() {
    let mut broker = Mosquitto::start("persistence true\n").await;
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let setup = Setup::new(&[("rules.yaml", RULES)]).with(&["--mqtt-url", &url]);
    let service = setup.start().await;
    subscribed(&broker).await;
    publish(broker.port, "watchfire/events/广州", &event(1).to_string()).await;
    exactly(&service, [1]).await;

    broker.stop().await;
    assert_eq!(status(&service, "/-/ready").await, 200, "HTTP goes on without the broker");
    service.must_post("/api/v1/events", &event(2)).await;
    until("the log names the broker's absence", async || service.log().to_lowercase().contains("broker").then_some(()))
        .await;
    broker.start_again().await;
    // Whether or not the service is back yet: its session is the broker's to keep.
    publish_lines(broker.port, "watchfire/events/x", (3..=50).map(|n| event(n).to_string())).await;
    exactly(&service, 1..=50).await;

    // The service away: the broker holds what comes, and hands it over at the start.
    service.kill().await;
    publish_lines(broker.port, "watchfire/events/x", (51..=70).map(|n| event(n).to_string())).await;
    let service = setup.start().await;
    exactly(&service, 1..=70).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_forgot_everything_is_subscribed_to_again() {
    let mut broker = Mosquitto::start("persistence false\n").await;
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let service = Setup::new(&[("rules.yaml", RULES)]).with(&["--mqtt-url", &url]);
    let service = (service.start().await, service);
    subscribed(&broker).await;
    broker.kill().await;
    broker.start_again().await;
    subscribed(&broker).await;
    publish(broker.port, "watchfire/events/x", &event(1).to_string()).await;
    exactly(&service.0, [1]).await;
}
