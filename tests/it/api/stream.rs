//! The stream of committed changes.

use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use watchfire::core::engine::{Effect, RecordChange};

use super::house::House;
use super::samples::{alert, incident, problem, run};

struct Listener {
    body: BodyDataStream,
    text: String,
}

impl Listener {
    async fn open(house: &House, query: &str) -> Listener {
        let response = house.respond("GET", &format!("/api/v1/stream{query}"), &[], Vec::new()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut listener = Listener { body: Body::into_data_stream(response.into_body()), text: String::new() };
        let greeting = listener.next().await.unwrap();
        assert!(greeting.contains("retry:"), "{greeting}");
        listener
    }

    /// The next event as it stands on the wire; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        while !self.text.contains("\n\n") {
            let chunk = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        let (event, rest) = self.text.split_once("\n\n").unwrap();
        let (event, rest) = (event.to_owned(), rest.to_owned());
        self.text = rest;
        Some(event)
    }

    async fn named(&mut self) -> (String, serde_json::Value) {
        let event = self.next().await.unwrap();
        let line =
            |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
        (line("event:"), serde_json::from_str(&line("data:")).unwrap())
    }
}

#[tokio::test]
async fn listeners_hear_what_was_committed_and_only_what_they_asked_for() {
    let house = House::open().await;
    let mut all = Listener::open(&house, "").await;
    let mut some = Listener::open(&house, "?kind=problem,run").await;
    let one = alert(&[("site", "广州")]);
    house
        .commit(vec![
            Effect::Record(RecordChange::Alert(Arc::new(one.clone()))),
            Effect::Record(RecordChange::Incident(Arc::new(incident(1, &[("site", "广州")], "noc")))),
            Effect::Record(RecordChange::Problem(Box::new(problem(1)))),
            Effect::Record(RecordChange::Run(Box::new(run(1)))),
        ])
        .await;
    let (name, data) = all.named().await;
    assert_eq!((name.as_str(), data["fingerprint"].as_str()), ("alert", Some(one.fingerprint.to_string().as_str())));
    let (name, data) = all.named().await;
    assert_eq!((name.as_str(), &data["id"], &data["key"]["site"]), ("incident", &"INC-1".into(), &"广州".into()));
    assert_eq!(all.named().await.1["id"], "PRB-1");
    assert_eq!(all.named().await.1["id"], "RUN-1");
    assert_eq!(some.named().await.1["id"], "PRB-1");
    assert_eq!(some.named().await.1["id"], "RUN-1");
    house.get("/api/v1/stream?kind=rain").await.is_problem(400, "none of alert, incident, problem, run");
}

#[tokio::test]
async fn a_slow_listener_is_told_how_much_it_missed() {
    let house = House::open().await;
    let mut slow = Listener::open(&house, "").await;
    let flood: Vec<Effect> =
        (0..5000).map(|_| Effect::Record(RecordChange::Incident(Arc::new(incident(1, &[], "noc"))))).collect();
    house.live.apply(flood);
    let (name, data) = slow.named().await;
    assert_eq!((name.as_str(), data["missed"].as_u64()), ("lagged", Some(5000 - 4096)));
    assert_eq!(slow.named().await.0, "incident", "it goes on after what it missed");
}

#[tokio::test]
async fn streams_end_with_the_service_and_their_number_is_bounded() {
    let house = House::with(watchfire::core::rules::Rulebook::empty(), |settings| settings.requests.streams = 2).await;
    let mut first = Listener::open(&house, "").await;
    let second = Listener::open(&house, "").await;
    let full = house.get("/api/v1/stream").await;
    full.is_problem(503, "too many streams");
    assert_eq!(full.header("retry-after"), "1");
    drop(second);
    let mut third = Listener::open(&house, "").await;
    house.stop.cancel();
    assert_eq!(first.next().await, None);
    assert_eq!(third.next().await, None);
}
