//! Waits for a message on a topic.

use std::time::Duration;

use super::observation::Observation;
use crate::core::model::TimeDelta;
use crate::mqtt::{BrokerLink, LinkOptions, Signal};

/// Maximum time until the broker accepts the subscription; the time for the message counts from then.
const SUBSCRIBED_WITHIN: Duration = Duration::from_secs(15);

/// Subscribes with its own session, which ends with the check.
pub(super) async fn check(options: &LinkOptions, topic: &str, within: TimeDelta) -> Observation {
    let broker = options.address.name();
    let (handle, mut link) = BrokerLink::open(options);
    let subscribed = async {
        loop {
            match link.next().await {
                Ok(Signal::Connected { .. }) => {
                    handle.subscribe(&[topic.to_owned()]).await.map_err(|e| e.to_string())?
                }
                Ok(Signal::Subscribed(taken)) if taken.iter().all(|taken| *taken) => return Ok(()),
                Ok(Signal::Subscribed(_)) => return Err("it refuses the subscription".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    };
    match tokio::time::timeout(SUBSCRIBED_WITHIN, subscribed).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => return Observation::fail(format!("cannot listen to {topic} at {broker}: {problem}")),
        Err(_) => {
            return Observation::fail(format!(
                "cannot listen to {topic} at {broker}: no answer in {SUBSCRIBED_WITHIN:?}"
            ));
        }
    }
    let mut retained = false;
    let message = async {
        loop {
            match link.next().await {
                // A retained message does not prove that a client publishes now.
                Ok(Signal::Message(message)) if message.retained => retained = true,
                Ok(Signal::Message(message)) => return Ok(message),
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
    };
    match tokio::time::timeout(within.to_std(), message).await {
        Ok(Ok(message)) => {
            Observation::pass(format!("a message of {} bytes came on {}", message.payload.len(), message.topic))
        }
        Ok(Err(error)) => Observation::fail(format!("lost {broker} while waiting for {topic}: {error}")),
        Err(_) if retained => {
            Observation::fail(format!("no message came on {topic} within {within}, only a retained one"))
        }
        Err(_) => Observation::fail(format!("no message came on {topic} within {within}")),
    }
}
