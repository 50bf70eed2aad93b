//! The HTTP doors for events, against a driver that commits at once, refuses, or lets one wait.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tower::ServiceExt;
use watchfire::core::model::{Event, Timestamp};
use watchfire::core::rules::{Rulebook, RulebookHash};
use watchfire::ingest::http;
use watchfire::ingest::http::{HttpIntake, routes};
use watchfire::ingest::{EventVerdict, Intake, QueuedSubmission, Submission, SubmitError};
use watchfire::metrics::Metrics;

const NOW: Timestamp = Timestamp::from_seconds(1_795_284_000); // 2026-11-21T18:00:00Z
const BODY_MAX_BYTES: usize = 1 << 20;

/// The doors with a queue of `capacity` events behind them, and its receiving end.
fn doors(capacity: u32) -> (Router, UnboundedReceiver<QueuedSubmission>, Arc<Metrics>) {
    doors_taking(BODY_MAX_BYTES, capacity)
}

fn doors_taking(body_max_bytes: usize, capacity: u32) -> (Router, UnboundedReceiver<QueuedSubmission>, Arc<Metrics>) {
    let (intake, receiver) = Intake::new(capacity);
    let metrics = Arc::new(Metrics::new());
    let rulebook = Arc::new(Rulebook {
        hash: RulebookHash([0; 32]),
        sources: crate::sources::shipped(),
        ladders: Default::default(),
        teams: Default::default(),
        plans: Default::default(),
        ..Rulebook::empty()
    });
    let state = HttpIntake {
        intake,
        metrics: Arc::clone(&metrics),
        rulebook: Arc::new(move || Arc::clone(&rulebook)),
        now: Arc::new(|| NOW),
        body_max_bytes,
    };
    (routes(state), receiver, metrics)
}

/// Doors whose driver commits at once and remembers what it was given; an event labelled `seen` is a duplicate,
/// one labelled `poison` is more than its store can take.
struct Desk {
    router: Router,
    metrics: Arc<Metrics>,
    kept: Arc<Mutex<Vec<Event>>>,
}

impl Desk {
    fn open() -> Desk {
        let (router, mut receiver, metrics) = doors(100_000);
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&kept);
        tokio::spawn(async move {
            while let Some(QueuedSubmission { parcel, reply, .. }) = receiver.recv().await {
                let Submission::Events(events) = parcel else { panic!("HTTP hands in events only") };
                let verdict = |event: &Event| match (event.labels.get("seen"), event.labels.get("poison")) {
                    (Some(_), _) => EventVerdict::Duplicate,
                    (_, Some(_)) => EventVerdict::DeadLettered,
                    (None, None) => EventVerdict::Accepted,
                };
                let verdicts = events.iter().map(verdict).collect();
                keep.lock().unwrap().extend(events);
                let _ = reply.send(Ok(verdicts));
            }
        });
        Desk { router, metrics, kept }
    }

    fn kept(&self) -> Vec<String> {
        self.kept.lock().unwrap().drain(..).map(|event| event.labels.to_string()).collect()
    }

    async fn v2(&self, body: &str, status: u16, expected: Value, kept: &[&str]) {
        let answer = send(&self.router, post("/api/v2/alerts", "application/json", body.to_owned())).await;
        let found = (answer.status.as_u16(), answer.json(), self.kept());
        assert_eq!(found, (status, expected, kept.iter().map(|labels| (*labels).to_owned()).collect()), "{body}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }

    async fn v1(&self, path: &str, body: impl Into<Body>, status: u16, expected: Value) {
        let answer = send(&self.router, post(path, "application/json", body)).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (status, expected));
    }

    /// A problem+json whose detail holds these words.
    async fn trouble(&self, path: &str, body: impl Into<Body>, status: u16, words: &str) {
        let answer = send(&self.router, post(path, "application/json", body)).await;
        answer.is_trouble(status, words);
    }
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn is_trouble(&self, status: u16, words: &str) {
        let body = self.json();
        assert_eq!((self.status.as_u16(), self.header("content-type")), (status, "application/problem+json"), "{body}");
        assert_eq!((&body["status"], &body["type"]), (&json!(status), &json!("about:blank")));
        assert!(body["title"].is_string() && body["detail"].as_str().unwrap().contains(words), "{body}");
    }
}

fn post(path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(path);
    let request = if content_type.is_empty() { request } else { request.header("content-type", content_type) };
    request.body(body.into()).unwrap()
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, usize::MAX).await.unwrap() }
}

/// Takes the delivery, so that its place in the queue is free afterwards.
fn reply(delivery: QueuedSubmission, answer: Result<Vec<EventVerdict>, SubmitError>) {
    delivery.reply.send(answer).unwrap();
}

fn nothing_taken(why: &str) -> Value {
    let detail = format!("nothing of it was taken: {why}");
    let (index, error) = why.strip_prefix("item ").unwrap().split_once(": ").unwrap();
    let rejected = json!([{"index": index.parse::<u64>().unwrap(), "error": error}]);
    let mut answer = receipt(0, 0, rejected);
    let problem = json!({"type": "about:blank", "title": "Unprocessable Entity", "status": 422, "detail": detail});
    answer.as_object_mut().unwrap().extend(problem.as_object().unwrap().clone());
    answer
}

fn receipt(accepted: usize, duplicates: usize, rejected: Value) -> Value {
    json!({"accepted": accepted, "duplicates": duplicates, "rejected": rejected})
}

const GOOD: &str = r#"{"labels":{"a":"x"}}"#;
const KEPT: &str = r#"{a="x"}"#;

#[tokio::test]
async fn alertmanagers_door_answers_as_alertmanager() {
    let desk = Desk::open();
    desk.v2(&format!("[{GOOD}]"), 200, Value::Null, &[KEPT]).await;
    desk.v2("[]", 200, Value::Null, &[]).await;
    desk.v2("null", 200, Value::Null, &[]).await;
    desk.v2("", 422, json!({"code": 602, "message": "alerts in body is required"}), &[]).await;
    desk.v2("[null]", 422, json!({"code": 602, "message": "0 in body is required"}), &[]).await;
    desk.v2("[{}]", 422, json!({"code": 602, "message": "0.labels in body is required"}), &[]).await;
    let message = r#"0.generatorURL in body must be of type uri: "not a url""#;
    let body = r#"[{"labels":{"a":"x"},"generatorURL":"not a url"}]"#;
    desk.v2(body, 422, json!({"code": 601, "message": message}), &[]).await;
    desk.v2(r#"[{"labels":{}}]"#, 400, json!("at least one label pair required"), &[]).await;
    let far = r#"[{"labels":{"a":"x"},"startsAt":"2030-01-01T00:00:00Z"}]"#;
    desk.v2(far, 400, json!("start time must be before end time"), &[]).await;
    let answer = send(&desk.router, post("/api/v2/alerts", "application/json", "{}")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!(400)));
    assert!(answer.json()["message"].as_str().unwrap().contains("expected a list of alerts"));
}

#[tokio::test]
async fn valid_alerts_are_kept_though_their_neighbours_are_not() {
    let desk = Desk::open();
    let joined = "at least one label pair required (alert 0); start time must be before end time (alert 2)";
    let late = r#"{"labels":{"b":"y"},"startsAt":"2026-11-21T18:00:02Z","endsAt":"2026-11-21T18:00:01Z"}"#;
    desk.v2(&format!(r#"[{{"labels":{{}}}},{GOOD},{late}]"#), 400, json!(joined), &[KEPT]).await;
    let message = "1 in body is required; and 1 more";
    desk.v2(&format!(r#"[{GOOD},null,{late}]"#), 422, json!({"code": 602, "message": message}), &[KEPT]).await;
    let message = "0.labels.a is a number; expected text in quotes";
    desk.v2(&format!(r#"[{{"labels":{{"a":1}}}},{GOOD}]"#), 400, json!({"code": 400, "message": message}), &[KEPT])
        .await;
    let many = vec![r#"{"labels":{}}"#; 1000].join(",");
    let answer = send(&desk.router, post("/api/v2/alerts", "application/json", format!("[{many}]"))).await;
    let told = answer.json().as_str().unwrap().to_owned();
    assert!(told.ends_with("(alert 19); and 980 more"), "{told}");
    assert!(desk.metrics.render().contains(r#"reason="invalid",source="v2""#));
}

#[tokio::test]
async fn alertmanagers_door_takes_json_only() {
    let desk = Desk::open();
    for (content_type, status) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let answer = send(&desk.router, post("/api/v2/alerts", content_type, format!("[{GOOD}]"))).await;
        assert_eq!(answer.status.as_u16(), status, "{content_type:?}");
        if status == 415 {
            let told = answer.json();
            assert_eq!(told["code"], 415);
            assert!(told["message"].as_str().unwrap().contains("only [application/json] are allowed"), "{told}");
        }
    }
    assert_eq!(send(&desk.router, post("/api/v2/alerts", "", "")).await.status.as_u16(), 422);
}

#[tokio::test]
async fn native_events_get_a_verdict_each() {
    let desk = Desk::open();
    let path = "/api/v1/events";
    desk.v1(path, GOOD, 200, receipt(1, 0, json!([]))).await;
    desk.v1(path, "[]", 200, receipt(0, 0, json!([]))).await;
    desk.v1(path, format!("{GOOD}\n{GOOD}\n"), 200, receipt(2, 0, json!([]))).await;
    let body = format!(r#"[{GOOD}, {{"labels":{{"seen":"1"}}}}, {{"labels":{{"port":1}}}}]"#);
    let rejected = json!([{"index": 2, "error": "labels.port is a number; expected text in quotes"}]);
    desk.v1(path, body, 200, receipt(1, 1, rejected)).await;
    desk.v1(path, "{}", 422, nothing_taken("item 0: labels is missing; every event needs at least one label")).await;
    desk.trouble(path, "", 400, "the body is empty").await;
    desk.trouble(path, "{\"labels\": ", 400, "at line 1, column 10").await;
    desk.trouble(path, &b"{\"labels\":{\"a\":\"\xff\"}}"[..], 400, "not UTF-8: byte 16 is 0xff at line 1, column 17")
        .await;
    let form = post(path, "application/x-www-form-urlencoded", GOOD);
    assert_eq!(send(&desk.router, form).await.status.as_u16(), 200, "curl -d says so without being asked");
}

#[tokio::test]
async fn an_idempotency_key_names_every_item_of_its_request() {
    let desk = Desk::open();
    let send_with = async |path: &str, key: &str, body: &str| {
        let request = Request::post(path).header("idempotency-key", key).body(Body::from(body.to_owned())).unwrap();
        let status = send(&desk.router, request).await.status.as_u16();
        let ids = desk.kept.lock().unwrap().drain(..).map(|event| event.id.unwrap_or_default()).collect::<Vec<_>>();
        (status, ids)
    };
    let own = r#"{"labels":{"a":"x"},"id":"own"}"#;
    let two = |ids: [&str; 2]| (200, ids.map(str::to_owned).to_vec());
    assert_eq!(send_with("/api/v1/events", "k1", &format!("[{GOOD},{own}]")).await, two(["k1/0", "own"]));
    let alerts = r#"{"alerts":[{"name":"A"},{"name":"B","id":7}]}"#;
    assert_eq!(send_with("/api/v1/sources/generic", "k2", alerts).await, two(["k2/0", "7"]));
    assert_eq!(send_with("/api/v1/events", "", GOOD).await.0, 400);
    assert_eq!(send_with("/api/v1/events", &"k".repeat(200), GOOD).await.0, 400);
}

#[tokio::test]
async fn a_tools_own_payload_goes_through_its_source() {
    let desk = Desk::open();
    let zabbix =
        r#"payload={"Event_ID":"1","Subject":"Problem: 链路中断","Trigger_Status":"PROBLEM","Hostname":"sw3"}"#;
    desk.v1("/api/v1/sources/zabbix", zabbix, 200, receipt(1, 0, json!([]))).await;
    assert_eq!(desk.kept(), [r#"{alertname="链路中断", host="sw3"}"#]);
    let soft = r#"{"type":"StateChange","host":"h","service":"s","state":1,"state_type":0}"#;
    let skipped = json!({"accepted": 0, "duplicates": 0, "skipped": 1, "rejected": []});
    desk.v1("/api/v1/sources/icinga2", soft, 200, skipped).await;
    let why = "item 0: status: parts.state: No such key: state";
    desk.v1("/api/v1/sources/nagios", "NAGIOS_HOSTNAME=db-01", 422, nothing_taken(why)).await;
    desk.trouble("/api/v1/sources/alertmanager", "{}", 400, "no list of items: payload.alerts").await;
    desk.trouble("/api/v1/sources/grafana", "{,}", 400, "not valid JSON: key must be a string at line 1, column 2")
        .await;
    desk.trouble("/api/v1/sources/acme", "{}", 404, "no source \"acme\"; known are alertmanager, alibabacloud-cms, ")
        .await;
    let large = json!({"alerts": vec![json!({"name": "A", "text": "x".repeat(100)}); 1_000]}).to_string();
    desk.v1("/api/v1/sources/generic", large, 200, receipt(1_000, 0, json!([]))).await;
    let counted = desk.metrics.render();
    for reason in ["skipped", "invalid", "unreadable", "unknown_source"] {
        assert!(counted.contains(&format!("reason=\"{reason}\"")), "{reason} is not counted");
    }
}

#[tokio::test]
async fn what_the_store_does_not_take_is_told_with_its_place() {
    let desk = Desk::open();
    let poison = r#"{"name":"A","labels":{"poison":"1"}}"#;
    let why = "the store does not take its content; it is kept as a dead letter";
    let missing = "labels is missing; every event needs at least one label";
    let rejected = json!([{"index": 0, "error": missing}, {"index": 1, "error": why}, {"index": 3, "error": missing}]);
    desk.v1("/api/v1/events", format!("[{{}},{poison},{GOOD},{{}}]"), 200, receipt(1, 0, rejected)).await;
    let rejected = json!([{"index": 1, "error": why}]);
    desk.v1("/api/v1/sources/generic", format!("[{GOOD},{poison}]"), 200, receipt(1, 0, rejected)).await;
    desk.kept();
    desk.v2(&format!("[{GOOD},{poison}]"), 400, json!(format!("{why} (alert 1)")), &[KEPT, r#"{poison="1"}"#]).await;
}

#[tokio::test]
async fn payloads_that_misbehave_get_a_clear_answer() {
    let desk = Desk::open();
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let labels: String = (0..10_000).map(|n| format!("\"l{n}\":\"x\",")).collect();
    let crowded = format!(r#"{{"name":"A","labels":{{{labels}"z":"x"}}}}"#);
    let too_many = nothing_taken("item 0: 10001 labels on one event; at most 64");
    desk.v1("/api/v1/events", crowded.clone(), 422, too_many).await;
    let too_many = nothing_taken("item 0: 10002 labels on one event; at most 64");
    desk.v1("/api/v1/sources/generic", crowded.clone(), 422, too_many).await;
    let told = "invalid label set: 10001 labels on one event; at most 64";
    desk.v2(&format!("[{crowded}]"), 400, json!(told), &[]).await;
    let not_an_object = nothing_taken("item 0: the item is a list; expected an event object");
    desk.v1("/api/v1/events", deep.clone(), 422, not_an_object).await;
    desk.trouble("/api/v1/sources/generic", deep.clone(), 400, "recursion limit exceeded at line 1, column 128").await;
    let told = json!({"code": 400, "message": "0 is a list; expected an alert object"});
    desk.v2(&deep, 400, told, &[]).await;
    let not_utf8 =
        send(&desk.router, post("/api/v2/alerts", "application/json", &b"[{\"labels\":{\"a\":\"\xff\"}}]"[..])).await;
    let told = "parsing alerts body failed: not UTF-8: byte 17 is 0xff at line 1, column 18";
    assert_eq!((not_utf8.status.as_u16(), not_utf8.json()), (400, json!({"code": 400, "message": told})));
}

/// A body of 100 MB that is made while it is read.
fn hundred_megabytes() -> Body {
    let chunk = Bytes::from(vec![b' '; 1 << 20]);
    Body::from_stream(futures_util::stream::iter((0..100).map(move |_| Ok::<_, std::io::Error>(chunk.clone()))))
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_413_on_every_door() {
    let desk = Desk::open();
    let told = "the body is larger than 1048576 bytes; send fewer events at once";
    desk.trouble("/api/v1/events", hundred_megabytes(), 413, told).await;
    desk.trouble("/api/v1/sources/generic", hundred_megabytes(), 413, told).await;
    let answer = send(&desk.router, post("/api/v2/alerts", "application/json", hundred_megabytes())).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (413, json!({"code": 413, "message": told})));
    let announced =
        Request::post("/api/v1/events").header("content-length", "104857600").header("expect", "100-continue");
    send(&desk.router, announced.body(Body::empty()).unwrap()).await.is_trouble(413, told);
    let just_fits = format!("{GOOD}{}", " ".repeat(BODY_MAX_BYTES - GOOD.len()));
    desk.v1("/api/v1/events", just_fits, 200, receipt(1, 0, json!([]))).await;
    assert!(desk.metrics.render().contains("reason=\"too_large\""));
}

#[tokio::test]
async fn a_sender_of_100_mb_reads_why_it_is_refused_on_a_real_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (router, _receiver, _) = doors_taking(http::BODY_MAX_BYTES, 10);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 104857600\r\n\r\n";
    connection.write_all(head.as_bytes()).await.unwrap();
    let chunk = vec![b' '; 1 << 20];
    // All of it is read and thrown away: a sender that is cut off while it writes never sees why.
    for _ in 0..100 {
        connection.write_all(&chunk).await.unwrap();
    }
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("larger than 16777216 bytes"), "{answer}");
    server.abort();
}

#[tokio::test]
async fn a_body_in_an_unknown_encoding_is_415_on_every_door_and_a_broken_one_400() {
    let desk = Desk::open();
    for path in ["/api/v1/events", "/api/v1/sources/generic", "/api/v2/alerts"] {
        for (encoding, status, piece) in [("br", 415, "gzip, zstd or deflate"), ("gzip", 400, "cannot be expanded")] {
            let request =
                Request::post(path).header("content-type", "application/json").header("content-encoding", encoding);
            let answer = send(&desk.router, request.body(Body::from("x")).unwrap()).await;
            let told = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!(answer.status.as_u16(), status, "{path}");
            assert!(told.contains(piece), "{path}: {told}");
        }
    }
}

#[tokio::test]
async fn a_full_queue_is_429_and_a_store_that_is_gone_503_with_when_to_try_again() {
    let (router, mut receiver, metrics) = doors(1);
    let holding = {
        let router = router.clone();
        tokio::spawn(async move { send(&router, post("/api/v1/events", "application/json", GOOD)).await })
    };
    let held = receiver.recv().await.unwrap();
    for (path, body) in [("/api/v1/events", GOOD.to_owned()), ("/api/v2/alerts", format!("[{GOOD}]"))] {
        let answer = send(&router, post(path, "application/json", body)).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "1"), "{path}");
    }
    let unavailable = SubmitError::Unavailable { reason: "the database is locked".to_owned() };
    reply(held, Err(unavailable.clone()));
    let answer = holding.await.unwrap();
    answer.is_trouble(503, "the database is locked");
    assert_eq!(answer.header("retry-after"), "5");
    let holding = tokio::spawn(async move {
        send(&router, post("/api/v2/alerts", "application/json", format!("[{GOOD},null]"))).await
    });
    reply(receiver.recv().await.unwrap(), Err(unavailable));
    let answer = holding.await.unwrap();
    let told = "nothing can be kept now: the database is locked; send again later";
    assert_eq!((answer.status.as_u16(), answer.json()), (503, json!({"code": 503, "message": told})));
    let counted = metrics.render();
    assert!(counted.contains("reason=\"overloaded\"") && counted.contains("reason=\"unavailable\""));
}

#[tokio::test]
async fn no_answer_is_given_before_the_commit() {
    let (router, mut receiver, _) = doors(10);
    for path in ["/api/v1/events", "/api/v1/sources/generic", "/api/v2/alerts"] {
        let router = router.clone();
        let body = r#"[{"name":"A","labels":{"a":"x"}}]"#;
        let answer = tokio::spawn(async move { send(&router, post(path, "application/json", body)).await });
        let QueuedSubmission { parcel, reply, .. } = receiver.recv().await.unwrap();
        // The sender's task has had every chance to run while nothing was replied.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!answer.is_finished(), "{path} answered before the commit");
        assert!(matches!(parcel, Submission::Events(events) if events.len() == 1));
        reply.send(Ok(vec![EventVerdict::Accepted])).unwrap();
        assert_eq!(answer.await.unwrap().status.as_u16(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_driver_that_is_gone_is_503() {
    let (router, receiver, _) = doors(10);
    drop(receiver);
    send(&router, post("/api/v1/events", "application/json", GOOD)).await.is_trouble(503, "the service is stopping");
}
