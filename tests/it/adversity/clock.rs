//! The clock is set back between two runs. Steps while it runs are held by the driver's own tests, with a clock of theirs.

use super::{RULES, event};
use crate::support::service::{Setup, until};
use watchfire::core::engine::{BatchOutput, Engine, Request};
use watchfire::core::model::{TimeDelta, Timestamp};
use watchfire::store::{Batch, Store};

/// A journal whose last input is an hour ahead of the wall clock.
async fn from_the_future(setup: &Setup) -> Timestamp {
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(1)).await;
    let opened = service.incident("the first", |one| one["key"]["n"] == "1").await;
    service.kill().await;
    let opened: Timestamp = opened["opened_at"].as_str().unwrap().parse().unwrap();
    let ahead = opened + TimeDelta::from_minutes(60);
    let store = Store::open(&format!("sqlite:{}", setup.path("data/watchfire.db").display())).await.unwrap();
    let lease = store.take_lease("a run with another clock").await.unwrap();
    let mut engine = Engine::restore(None, Vec::new(), Vec::new()).unwrap();
    let mut work = BatchOutput::default();
    engine.handle(ahead, Request::Resumed { gap: TimeDelta::from_minutes(60) }, &mut work).unwrap();
    for (partition, entry) in &mut work.entries {
        entry.offset = store.head(*partition).await.unwrap();
    }
    store.commit(&lease, &Batch { entries: work.entries, ..Batch::default() }).await.unwrap();
    ahead
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_far_behind_the_journal_needs_a_persons_word_and_time_still_does_not_run_back() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let ahead = from_the_future(&setup).await;
    let service = setup.spawn();
    let words = "behind the journal; set the clock, or start with --accept-clock";
    let ready = format!("{}/-/ready", service.base);
    until("it says what it waits for", async || {
        let answer = service.client.get(&ready).send().await.ok()?;
        (answer.status() == 503 && answer.text().await.ok()?.contains(words)).then_some(())
    })
    .await;
    assert!(service.log().contains(words), "{}", service.log());
    assert_eq!(service.post("/api/v1/events", &event(7)).await.0, 503, "nothing is acknowledged meanwhile");
    assert!(service.terminate().await.success());

    let setup = setup.with(&["--accept-clock"]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(2)).await;
    let second = service.incident("the second", |one| one["key"]["n"] == "2").await;
    let opened: Timestamp = second["opened_at"].as_str().unwrap().parse().unwrap();
    assert!(opened >= ahead, "{opened} is before {ahead}");
    super::exactly(&service, [1, 2]).await;
    // The wall clock stays where it is: an hour behind, and that counts like any other step.
    until("the step counts", async || {
        let metrics = service.text("/metrics").await;
        let offset = metrics.lines().find_map(|line| line.strip_prefix("watchfire_clock_offset_seconds "))?;
        (-3_601.0..-3_500.0).contains(&offset.parse::<f64>().unwrap()).then_some(())
    })
    .await;
}
