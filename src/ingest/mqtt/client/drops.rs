//! Losses at the broker itself: its counter of dropped messages, and the alert on its growth.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::core::model::{Event, Expiry, Labels, Severity, Status, TimeDelta};
use crate::ingest::Submission;
use crate::ingest::mqtt::IntakeContext;
use crate::ingest::mqtt::reader::NO_SOURCE;
use crate::mqtt::BackOff;

/// Mosquitto's count of messages dropped for subscribers that fell behind, retained and updated as it grows.
pub(super) const DROPPED_TOPIC: &str = "$SYS/broker/publish/messages/dropped";

/// Time after the last growth at which the alert ends.
const QUIET: TimeDelta = TimeDelta::from_minutes(15);

/// Follows the counter. Drops before the first reading are unknown, and a counter that fell was reset.
pub(super) struct DropWatch {
    last: Option<u64>,
    /// Messages dropped during our watch.
    total: watch::Sender<u64>,
}

impl DropWatch {
    /// The watch, from the count that an earlier run read last, and the task that submits an alert on each growth, to be spawned.
    pub fn new(
        broker: &str,
        last: Option<u64>,
        surroundings: &IntakeContext,
        stop: CancellationToken,
    ) -> (DropWatch, impl Future<Output = ()> + Send + use<>) {
        let (total, growth) = watch::channel(0);
        let reports = report_all(broker.to_owned(), surroundings.clone(), growth, stop);
        (DropWatch { last, total }, reports)
    }

    /// The counter's payload: a decimal number. Returns a count other than the last one, to be kept.
    pub fn take(&mut self, payload: &[u8]) -> Option<u64> {
        let count = std::str::from_utf8(payload).ok().and_then(|text| text.trim().parse::<u64>().ok());
        let count = count.filter(|count| self.last != Some(*count))?;
        let grown = match self.last {
            Some(last) if count >= last => count - last,
            Some(_) => count,
            None => 0,
        };
        self.last = Some(count);
        if grown > 0 {
            self.total.send_modify(|total| *total += grown);
        }
        Some(count)
    }
}

async fn report_all(
    broker: String,
    surroundings: IntakeContext,
    mut growth: watch::Receiver<u64>,
    stop: CancellationToken,
) {
    let mut reported = 0;
    let mut back_off = BackOff::new(Duration::from_millis(100), Duration::from_secs(5));
    while let Some(Ok(())) = stop.run_until_cancelled(growth.changed()).await {
        loop {
            let total = *growth.borrow_and_update();
            warn!(broker, messages = total - reported, "the broker dropped messages; give it a longer queue");
            let parcel = Submission::Events(vec![alert(&broker, total - reported, &surroundings)]);
            let kept = async { surroundings.intake.push(parcel, None).await.ok()?.await.ok()?.ok() };
            match stop.run_until_cancelled(kept).await {
                None => return,
                Some(Some(_)) => {
                    reported = total;
                    back_off.reset();
                    break;
                }
                Some(None) => {}
            }
            if stop.run_until_cancelled(tokio::time::sleep(back_off.next_wait())).await.is_none() {
                return;
            }
        }
    }
}

fn alert(broker: &str, messages: u64, surroundings: &IntakeContext) -> Event {
    let labels = Labels::from_pairs([("alertname", "BrokerDropsMessages"), ("broker", broker)]);
    let mut event = Event::new(NO_SOURCE, Status::Firing, labels);
    event.severity = Some(Severity::Major);
    event.summary = format!(
        "the MQTT broker dropped {messages} messages that a subscriber had not taken; raise its max_queued_messages"
    );
    event.value = Some(messages as f64);
    event.occurred_at = Some((surroundings.now)());
    event.expiry = Expiry::After(QUIET);
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::mqtt::fakes::{keep, open, refuse, surroundings};

    #[tokio::test(start_paused = true)]
    async fn growth_becomes_one_alert_that_is_handed_in_until_it_is_kept() {
        let (surroundings, mut deliveries) = surroundings(10);
        let stop = CancellationToken::new();
        let (mut drops, reports) = DropWatch::new("广州:1883", None, &surroundings, stop.clone());
        let reports = tokio::spawn(reports);
        for payload in ["1000", "no number", "1000", "1007"] {
            drops.take(payload.as_bytes());
        }
        let (_, first) = open(deliveries.recv().await.unwrap());
        drops.take(b"1010");
        refuse(first);
        let (parcel, second) = open(deliveries.recv().await.unwrap());
        let Submission::Events(events) = &parcel else { panic!("{parcel:?}") };
        assert_eq!(events[0].value, Some(10.0));
        assert_eq!(events[0].labels.get("alertname"), Some("BrokerDropsMessages"));
        assert_eq!(events[0].labels.get("broker"), Some("广州:1883"));
        keep(second);
        drops.take(b"3");
        let (parcel, third) = open(deliveries.recv().await.unwrap());
        let Submission::Events(events) = &parcel else { panic!("{parcel:?}") };
        assert_eq!(events[0].value, Some(3.0), "a restarted broker counts from 0");
        keep(third);
        stop.cancel();
        reports.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_dropped_while_the_service_was_away_is_counted() {
        let (surroundings, mut deliveries) = surroundings(10);
        let stop = CancellationToken::new();
        let (mut drops, reports) = DropWatch::new("b", Some(1_000), &surroundings, stop.clone());
        let reports = tokio::spawn(reports);
        assert_eq!(drops.take(b"1000"), None);
        assert_eq!(drops.take(b"2003"), Some(2_003));
        let (parcel, reply) = open(deliveries.recv().await.unwrap());
        let Submission::Events(events) = &parcel else { panic!("{parcel:?}") };
        assert_eq!(events[0].value, Some(1_003.0));
        keep(reply);
        stop.cancel();
        reports.await.unwrap();
    }
}
