//! The ordered intake on virtual time, against a queue that answers as the test sets.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::super::fakes::{Waiting, keep, open, refuse, surroundings, text};
use super::super::in_flight::InFlightLimit;
use super::super::reader::{MqttMessage, Reader};
use super::{Committed, InFlightMessage, OrderedIntakeSender, lane};
use crate::ingest::QueuedSubmission;

struct Bench {
    sender: OrderedIntakeSender<usize>,
    kept: UnboundedReceiver<Committed<usize>>,
    deliveries: UnboundedReceiver<QueuedSubmission>,
    window: Arc<InFlightLimit>,
    stop: CancellationToken,
    work: tokio::task::JoinHandle<()>,
}

impl Bench {
    fn new(capacity: u32) -> Bench {
        let (surroundings, deliveries) = surroundings(capacity);
        let stop = CancellationToken::new();
        let (kept_sender, kept) = unbounded_channel();
        let (sender, work) = lane(Arc::new(Reader::new(surroundings, 1_000)), kept_sender, stop.clone());
        Bench { sender, kept, deliveries, window: InFlightLimit::new(100, 10_000), stop, work: tokio::spawn(work) }
    }

    fn send(&self, ticket: usize, payload: &str, dup: bool) {
        let mut message = MqttMessage::new("t/x".to_owned(), Bytes::copy_from_slice(payload.as_bytes()), 1_000);
        message.dup = dup;
        let place = self.window.enter(message.bytes());
        assert!(self.sender.send(InFlightMessage { message, ticket, place }).is_ok());
    }

    async fn delivery(&mut self, expected: &str) -> Waiting {
        let (parcel, waiting) = open(self.deliveries.recv().await.unwrap());
        assert_eq!(text(&parcel), expected);
        waiting
    }

    async fn expect_kept(&mut self, tickets: &[usize]) {
        for ticket in tickets {
            assert_eq!(self.kept.recv().await.unwrap().ticket, *ticket);
        }
        assert!(self.kept.try_recv().is_err(), "more than {tickets:?} were confirmed");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_are_confirmed_in_the_order_of_arrival_however_the_answers_come() {
    let mut bench = Bench::new(10);
    for (ticket, payload) in ["firing 一", "firing b", "firing c"].into_iter().enumerate() {
        bench.send(ticket, payload, false);
    }
    let first = bench.delivery("firing 一").await;
    keep(bench.delivery("firing b").await);
    keep(bench.delivery("firing c").await);
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    bench.expect_kept(&[]).await;
    keep(first);
    bench.expect_kept(&[0, 1, 2]).await;
    assert_eq!(bench.window.messages(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_came_behind_a_refused_message_follows_it_again_but_points_do_not() {
    let mut bench = Bench::new(10);
    for (ticket, payload) in ["firing a", "resolved a", "point p"].into_iter().enumerate() {
        bench.send(ticket, payload, false);
    }
    refuse(bench.delivery("firing a").await);
    keep(bench.delivery("resolved a").await);
    keep(bench.delivery("point p").await);
    bench.expect_kept(&[]).await;
    keep(bench.delivery("firing a").await);
    keep(bench.delivery("resolved a").await);
    bench.expect_kept(&[0, 1, 2]).await;
    bench.send(3, "firing b", false);
    keep(bench.delivery("firing b").await);
    bench.expect_kept(&[3]).await;
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_a_store_holds_everything_back_and_loses_nothing() {
    let mut bench = Bench::new(10);
    for ticket in 0..5 {
        bench.send(ticket, &format!("point {ticket}"), false);
    }
    let mut refusals = 0;
    let end = tokio::time::sleep(std::time::Duration::from_secs(3_600));
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            delivery = bench.deliveries.recv() => {
                refuse(open(delivery.unwrap()).1);
                refusals += 1;
            }
        }
    }
    assert!((5 * 1_800..5 * 2_000).contains(&refusals), "{refusals} tries in an hour");
    bench.send(5, "point 5", false);
    let mut waiting = Vec::new();
    while waiting.len() < 5 {
        let (parcel, answer) = open(bench.deliveries.recv().await.unwrap());
        waiting.push(text(&parcel));
        keep(answer);
    }
    assert_eq!(waiting, ["point 0", "point 1", "point 2", "point 3", "point 4"]);
    keep(bench.delivery("point 5").await);
    bench.expect_kept(&[0, 1, 2, 3, 4, 5]).await;
}

#[tokio::test(start_paused = true)]
async fn a_repeat_is_confirmed_only_after_the_first_is_kept_and_handed_in_once() {
    let mut bench = Bench::new(10);
    bench.send(0, "point 门", false);
    bench.send(1, "point 门", true);
    bench.send(2, "numbered 门", false);
    bench.send(3, "numbered 门", true);
    let first = bench.delivery("point 门").await;
    let second = bench.delivery("numbered 门").await;
    keep(bench.delivery("numbered 门").await);
    bench.expect_kept(&[]).await;
    keep(first);
    keep(second);
    bench.expect_kept(&[0, 1, 2, 3]).await;
}

#[tokio::test(start_paused = true)]
async fn after_stop_what_was_handed_in_is_awaited_and_nothing_is_tried_again() {
    let mut bench = Bench::new(10);
    for ticket in 0..3 {
        bench.send(ticket, &format!("firing {ticket}"), false);
    }
    let first = bench.delivery("firing 0").await;
    let second = bench.delivery("firing 1").await;
    let third = bench.delivery("firing 2").await;
    bench.stop.cancel();
    keep(first);
    refuse(second);
    keep(third);
    bench.work.await.unwrap();
    assert_eq!(bench.kept.recv().await.unwrap().ticket, 0);
    assert!(bench.kept.recv().await.is_none(), "what was refused, and what came behind it, stays unconfirmed");
    assert!(bench.deliveries.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_full_intake_makes_messages_wait_and_takes_them_in_order() {
    let mut bench = Bench::new(2);
    for ticket in 0..6 {
        bench.send(ticket, &format!("firing {ticket}"), false);
    }
    let first = bench.delivery("firing 0").await;
    let second = bench.delivery("firing 1").await;
    assert!(bench.deliveries.try_recv().is_err(), "there is room for two");
    keep(first);
    keep(second);
    for ticket in 2..6 {
        keep(bench.delivery(&format!("firing {ticket}")).await);
    }
    bench.expect_kept(&[0, 1, 2, 3, 4, 5]).await;
}
