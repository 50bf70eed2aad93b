//! The courier against receivers that answer, refuse, hang, hang up and lie, with a real store behind it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use watchfire::core::engine::{
    DeliveryOutcome, DeliveryResult, DeskInput, Effect, Input, JournalEntry, Notification, NotificationKind,
    RecordChange, Task,
};
use watchfire::core::model::{Cause, Offset, Partition, Tier, Timestamp};
use watchfire::core::rules::Channel;
use watchfire::metrics::Metrics;
use watchfire::notify::{ChannelConfig, DeliveryReport, NotificationDispatcher, Publish, RetryPolicy};
use watchfire::store::{Batch, Lease, Store};

/// Longer than any of these tests should ever take; reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the courier's clock says.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_770_973_200);

/// Three quick attempts that nothing but a hanging receiver makes time out.
pub(super) const QUICK: RetryPolicy = RetryPolicy {
    first: Duration::from_millis(1),
    factor: 2,
    cap: Duration::from_millis(20),
    attempts: 3,
    mail_attempts: 3,
    timeout: PATIENCE,
};

/// What a receiver does with one request.
#[derive(Clone)]
enum Answer {
    Status(u16),
    Says(u16, Vec<(&'static str, String)>, String),
    Hangs,
    /// Answers 200 as soon as the test says so.
    WhenTold(Arc<Notify>),
}

/// One request as a receiver saw it.
#[derive(Debug)]
struct Got {
    key: String,
    authorization: Option<String>,
    payload: serde_json::Value,
}

/// A local webhook receiver that follows a script, the last answer of it for ever.
struct Receiver {
    address: String,
    got: mpsc::UnboundedReceiver<Got>,
    served: JoinHandle<()>,
}

#[derive(Clone)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    got: mpsc::UnboundedSender<Got>,
}

impl Receiver {
    async fn start(answers: impl IntoIterator<Item = Answer>) -> Receiver {
        let (sender, got) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        let app = axum::Router::new().fallback(receive).with_state(Script { answers, got: sender });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let served = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Receiver { address, got, served }
    }

    fn channel(&self) -> Channel {
        Channel::Webhook { url: format!("http://{}/hook", self.address) }
    }

    async fn next(&mut self) -> Got {
        in_time(self.got.recv()).await.unwrap()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.served.abort();
    }
}

async fn receive(State(script): State<Script>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(text("content-type").as_deref(), Some("application/json"));
    let got = Got {
        key: text("idempotency-key").unwrap(),
        authorization: text("authorization"),
        payload: serde_json::from_slice(&body).unwrap(),
    };
    let answer = {
        let mut answers = script.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    };
    script.got.send(got).ok();
    match answer {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Says(status, headers, body) => {
            let headers = headers.into_iter();
            let headers: HeaderMap =
                headers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
            (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
        }
        Answer::Hangs => std::future::pending().await,
        Answer::WhenTold(told) => {
            told.notified().await;
            StatusCode::OK.into_response()
        }
    }
}

/// A store with an outbox, and the driver's part: it commits results and answers them.
pub(super) struct Desk {
    pub(super) store: Store,
    lease: Lease,
    results: mpsc::Receiver<DeliveryReport>,
    sender: mpsc::Sender<DeliveryReport>,
    next_offset: Offset,
    pub(super) metrics: Arc<Metrics>,
    wake: Arc<Notify>,
    stop: CancellationToken,
    courier: Option<JoinHandle<()>>,
    /// Held until the end: the database is in it.
    folder: Option<tempfile::TempDir>,
}

impl Desk {
    pub(super) async fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("watchfire.db").display());
        let mut desk = Desk::on(&url).await;
        desk.folder = Some(folder);
        desk
    }

    async fn on(url: &str) -> Desk {
        let store = Store::open(url).await.unwrap();
        let lease = store.take_lease("test").await.unwrap();
        let (sender, results) = mpsc::channel(8);
        Desk {
            store,
            lease,
            results,
            sender,
            next_offset: Offset(0),
            metrics: Arc::new(Metrics::new()),
            wake: Arc::new(Notify::new()),
            stop: CancellationToken::new(),
            courier: None,
            folder: None,
        }
    }

    fn send_courier(&mut self, policy: RetryPolicy, publisher: Option<Publish>) {
        self.send_courier_with(policy, ChannelConfig { publisher, ..ChannelConfig::plain(Arc::new(|| NOW)) });
    }

    pub(super) fn send_courier_with(&mut self, policy: RetryPolicy, reach: ChannelConfig) {
        let courier = NotificationDispatcher::new(
            self.store.clone(),
            self.sender.clone(),
            reach,
            Arc::clone(&self.metrics),
            Arc::clone(&self.wake),
            policy,
            self.stop.clone(),
        );
        self.courier = Some(tokio::spawn(courier.unwrap().run()));
    }

    pub(super) async fn put(&mut self, notices: Vec<Notification>) {
        let effects = notices.into_iter().map(|notice| Effect::Do(Task::Notice(Box::new(notice)))).collect();
        self.store.commit(&self.lease, &Batch { effects, ..Batch::default() }).await.unwrap();
        self.wake.notify_one();
    }

    /// Takes the next result without committing it.
    async fn take(&mut self) -> DeliveryReport {
        in_time(self.results.recv()).await.unwrap()
    }

    async fn commit(&mut self, report: DeliveryReport) -> DeliveryResult {
        let DeliveryReport { result, committed } = report;
        let input = Input::Desk(DeskInput::Delivery(result.clone()));
        let entry = JournalEntry { offset: self.next_offset, now: Timestamp::from_seconds(1_770_973_200), input };
        self.next_offset = self.next_offset.next();
        let batch = Batch {
            entries: vec![(Partition::DESK, entry)],
            effects: vec![Effect::Record(RecordChange::Delivery(result.clone()))],
            ..Batch::default()
        };
        self.store.commit(&self.lease, &batch).await.unwrap();
        // The courier need not listen: only last results are waited for.
        committed.send(()).ok();
        result
    }

    pub(super) async fn next_result(&mut self) -> DeliveryResult {
        let report = self.take().await;
        self.commit(report).await
    }

    pub(super) async fn results_until_settled(&mut self) -> Vec<DeliveryResult> {
        let mut results = Vec::new();
        loop {
            let result = self.next_result().await;
            let settled = !matches!(result.outcome, DeliveryOutcome::Failed { .. });
            results.push(result);
            if settled {
                return results;
            }
        }
    }

    pub(super) async fn waiting(&self) -> usize {
        self.store.outbox(None, 10_000).await.unwrap().len()
    }

    /// As a crash does: whatever is under way is cut off.
    async fn crash_courier(&mut self) {
        let courier = self.courier.take().unwrap();
        courier.abort();
        assert!(in_time(courier).await.unwrap_err().is_cancelled());
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(courier) = self.courier.take() {
            courier.abort();
        }
    }
}

pub(super) async fn in_time<T>(wanted: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wanted).await.expect("this should have happened long ago")
}

pub(super) fn notice(number: u64, channel: &Channel) -> Notification {
    Notification {
        cause: Cause { partition: Partition::DESK, offset: Offset(number), n: 0 },
        at: Timestamp::from_seconds(1_770_973_200),
        kind: NotificationKind::Page,
        channel: channel.clone(),
        team: "noc".to_owned(),
        person: None,
        tier: Some(Tier::First),
        subject: format!("INC-{number}"),
        title: format!("广州 GZ{number:02} 链路中断"),
        language: watchfire::core::rules::Language::En,
        body: format!(r#"{{"id":"INC-{number}","state":"new"}}"#),
    }
}

/// `delivered`, `failed: …`, `given up: …`
pub(super) fn told(result: &DeliveryResult) -> String {
    match &result.outcome {
        DeliveryOutcome::Delivered => "delivered".to_owned(),
        DeliveryOutcome::Failed { error } => format!("failed: {error}"),
        DeliveryOutcome::DeadLettered { error } => format!("given up: {error}"),
        DeliveryOutcome::Unreached(unreached) => format!("given up: {}", unreached.error),
    }
}

/// `expected` as `told` says it; an ending `…` stands for anything.
async fn check_outcomes(channel: &Channel, policy: RetryPolicy, expected: &[&str]) -> Vec<String> {
    let mut desk = Desk::new().await;
    desk.put(vec![notice(7, channel)]).await;
    desk.send_courier(policy, None);
    let results = desk.results_until_settled().await;
    let outcomes: Vec<String> = results.iter().map(told).collect();
    let fits = |(outcome, expected): (&String, &&str)| match expected.strip_suffix('…') {
        Some(beginning) => outcome.starts_with(beginning),
        None => outcome == expected,
    };
    assert!(
        outcomes.len() == expected.len() && outcomes.iter().zip(expected).all(fits),
        "{outcomes:#?}\n{expected:#?}"
    );
    let attempts: Vec<u32> = results.iter().map(|result| result.attempt).collect();
    assert_eq!(attempts, (1..=expected.len() as u32).collect::<Vec<_>>());

    assert_eq!(desk.waiting().await, 0);
    let log = desk.store.deliveries("INC-7").await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].attempts as usize, expected.len());
    assert_eq!(log[0].outcome, results.last().map(|result| result.outcome.clone()));
    outcomes
}

async fn check(script: Vec<Answer>, expected: &[&str]) {
    let mut receiver = Receiver::start(script).await;
    check_outcomes(&receiver.channel(), QUICK, expected).await;
    for _ in expected {
        let got = receiver.next().await;
        assert_eq!(got.key, "64-7-0", "every attempt has the notice's own key");
        assert_eq!(got.payload["title"], "广州 GZ07 链路中断");
        assert_eq!(got.payload["record"]["state"], "new");
    }
    assert!(receiver.got.try_recv().is_err(), "one request an attempt");
}

#[tokio::test]
async fn what_the_receiver_answers_decides_whether_it_is_tried_again() {
    use Answer::{Says, Status};
    check(vec![Status(200)], &["delivered"]).await;
    check(vec![Status(202)], &["delivered"]).await;
    let twice_down = ["failed: the receiver answered 500", "failed: the receiver answered 503", "delivered"];
    check(vec![Status(500), Status(503), Status(204)], &twice_down).await;
    let down = "failed: the receiver answered 502";
    let gone = "given up: given up after 3 attempts: the receiver answered 502";
    check(vec![Status(502)], &[down, down, gone]).await;
    check(vec![Status(408), Status(200)], &["failed: the receiver answered 408", "delivered"]).await;
    let later = Says(429, vec![("retry-after", "0".to_owned())], "稍后再试".to_owned());
    check(vec![later, Status(200)], &["failed: the receiver answered 429: 稍后再试", "delivered"]).await;
    let unknown = Says(404, Vec::new(), " no such hook: 没有\n".to_owned());
    check(vec![unknown], &["given up: the receiver answered 404: no such hook: 没有"]).await;
    let long = Says(400, Vec::new(), "告".repeat(1_000));
    let cut = format!("given up: the receiver answered 400: {}", "告".repeat(66));
    check(vec![long], &[&cut]).await;
}

#[tokio::test]
async fn a_retry_after_is_bounded_by_the_cap() {
    let tomorrow = Answer::Says(503, vec![("retry-after", "86400".to_owned())], String::new());
    check(vec![tomorrow, Answer::Status(200)], &["failed: the receiver answered 503", "delivered"]).await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let mut elsewhere = Receiver::start([Answer::Status(200)]).await;
    let headers = vec![("location", format!("http://{}/", elsewhere.address))];
    let moved = Answer::Says(307, headers, String::new());
    check(vec![moved, Answer::Status(200)], &["failed: the receiver answered 307", "delivered"]).await;
    assert!(elsewhere.got.try_recv().is_err());
}

#[tokio::test]
async fn a_receiver_that_hangs_is_given_up() {
    let receiver = Receiver::start([Answer::Hangs]).await;
    let policy = RetryPolicy { timeout: Duration::from_millis(100), attempts: 2, ..QUICK };
    let expected = ["failed: no answer within 0.1 s", "given up: given up after 2 attempts: no answer within 0.1 s"];
    check_outcomes(&receiver.channel(), policy, &expected).await;
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_and_not_asked_for_twice() {
    let told = Arc::new(Notify::new());
    let mut receiver = Receiver::start([Answer::WhenTold(Arc::clone(&told)), Answer::Status(200)]).await;
    let mut desk = Desk::new().await;
    desk.put(vec![notice(1, &receiver.channel())]).await;
    desk.send_courier(QUICK, None);
    assert_eq!(receiver.next().await.key, "64-1-0");
    desk.put(vec![notice(2, &receiver.channel())]).await;
    assert_eq!(receiver.next().await.key, "64-2-0");
    assert_eq!(desk.next_result().await.notice.offset, Offset(2));
    told.notify_one();
    assert_eq!(told_of(&desk.next_result().await), (1, "delivered".to_owned()));
    assert!(receiver.got.try_recv().is_err());
}

fn told_of(result: &DeliveryResult) -> (u64, String) {
    (result.notice.offset.0, told(result))
}

#[tokio::test]
async fn a_receiver_that_hangs_up_or_is_away_is_tried_again_and_its_secrets_are_not_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hangs_up = tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
        }
    });
    let channel = Channel::Webhook { url: format!("http://noc:hunter2@127.0.0.1:{port}/hook?token=s3cret") };
    let both = ["failed: error sending request…", "failed: error sending request…", "given up: given up after 3…"];
    check_secretly(&channel, &both).await;
    hangs_up.abort();
    assert!(hangs_up.await.unwrap_err().is_cancelled());
    check_secretly(&channel, &both).await;
}

async fn check_secretly(channel: &Channel, expected: &[&str]) {
    for text in check_outcomes(channel, QUICK, expected).await {
        assert!(!text.contains("hunter2") && !text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn user_and_password_of_the_url_are_sent_as_basic_authentication() {
    let mut receiver = Receiver::start([Answer::Status(200)]).await;
    let channel = Channel::Webhook { url: format!("http://noc:hunter2@{}/hook", receiver.address) };
    check_outcomes(&channel, QUICK, &["delivered"]).await;
    assert_eq!(receiver.next().await.authorization.as_deref(), Some("Basic bm9jOmh1bnRlcjI="));
}

#[tokio::test]
async fn what_can_never_arrive_is_given_up_at_once() {
    let unreadable = Channel::Webhook { url: "广州".to_owned() };
    check_outcomes(&unreadable, QUICK, &["given up: the URL cannot be read…"]).await;
    let no_broker = Channel::Mqtt { topic: "noc/{id}".to_owned() };
    check_outcomes(&no_broker, QUICK, &["given up: no MQTT broker is configured (--mqtt-url)"]).await;
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let channel = Channel::Webhook { url: format!("https://{}/", listener.local_addr().unwrap()) };
    let served = tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            assert!(acceptor.accept(connection).await.is_err(), "the courier must not trust this certificate");
        }
    });
    let mut desk = Desk::new().await;
    desk.put(vec![notice(1, &channel)]).await;
    desk.send_courier(QUICK, None);
    let results = desk.results_until_settled().await;
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|result| told(result).contains("certificate")), "{results:?}");
    assert!(!served.is_finished());
    served.abort();
}

#[tokio::test]
async fn one_hanging_receiver_does_not_hold_up_the_others() {
    let mut hanging = Receiver::start([Answer::Hangs]).await;
    let mut working = Receiver::start([Answer::Status(200)]).await;
    let mut desk = Desk::new().await;
    // More than the courier carries to one receiver, all before those to the other.
    let mut notices: Vec<Notification> = (0..450).map(|number| notice(number, &hanging.channel())).collect();
    notices.extend((450..500).map(|number| notice(number, &working.channel())));
    desk.put(notices).await;
    desk.send_courier(QUICK, None);
    let mut delivered = BTreeSet::new();
    for _ in 0..50 {
        let result = desk.next_result().await;
        assert_eq!(told(&result), "delivered");
        delivered.insert(result.notice.offset.0);
    }
    assert_eq!(delivered, (450..500).collect());
    for _ in 0..50 {
        working.next().await;
    }
    assert!(working.got.try_recv().is_err());
    hanging.next().await;
    let mut tried = 1;
    while hanging.got.try_recv().is_ok() {
        tried += 1;
    }
    assert!(tried <= 4, "{tried} attempts at once to one receiver");
    assert_eq!(desk.waiting().await, 450);
}

#[tokio::test]
async fn a_long_queue_to_one_receiver_is_delivered_in_full_and_each_notice_once() {
    check_long_queue(Desk::new().await).await;
    check_long_queue(Desk::on(&super::support::postgres::database().await).await).await;
}

async fn check_long_queue(mut desk: Desk) {
    let mut receiver = Receiver::start([Answer::Status(200)]).await;
    desk.put((0..450).map(|number| notice(number, &receiver.channel())).collect()).await;
    desk.send_courier(QUICK, None);
    let mut keys = BTreeSet::new();
    for _ in 0..450 {
        assert_eq!(told(&desk.next_result().await), "delivered");
        keys.insert(receiver.next().await.key);
    }
    assert_eq!(keys.len(), 450);
    assert_eq!(desk.waiting().await, 0);
    assert!(receiver.got.try_recv().is_err());
}

#[tokio::test]
async fn after_a_crash_the_notice_is_sent_again_with_its_key_and_recorded_once() {
    let mut receiver = Receiver::start([Answer::Status(200)]).await;
    let mut desk = Desk::new().await;
    desk.put(vec![notice(7, &receiver.channel())]).await;
    desk.send_courier(QUICK, None);
    let lost = desk.take().await;
    desk.crash_courier().await;
    drop(lost);
    desk.send_courier(QUICK, None);
    assert_eq!(told(&desk.next_result().await), "delivered");
    assert_eq!([receiver.next().await.key, receiver.next().await.key], ["64-7-0", "64-7-0"]);
    assert_eq!(desk.waiting().await, 0);
    assert_eq!(desk.store.deliveries("INC-7").await.unwrap().len(), 1);
}

#[tokio::test]
async fn attempts_before_a_crash_count() {
    let receiver = Receiver::start([Answer::Status(500)]).await;
    let mut desk = Desk::new().await;
    desk.put(vec![notice(7, &receiver.channel())]).await;
    let patient = RetryPolicy { first: PATIENCE, cap: PATIENCE, ..QUICK };
    desk.send_courier(patient, None);
    assert_eq!(told(&desk.next_result().await), "failed: the receiver answered 500");
    desk.crash_courier().await;
    desk.send_courier(QUICK, None);
    let attempts: Vec<u32> = desk.results_until_settled().await.iter().map(|result| result.attempt).collect();
    assert_eq!(attempts, [2, 3]);
}

#[tokio::test]
async fn a_result_whose_commit_failed_is_handed_in_again_and_the_notice_is_not_sent_again() {
    let mut receiver = Receiver::start([Answer::Status(200)]).await;
    let mut desk = Desk::new().await;
    desk.put(vec![notice(1, &receiver.channel())]).await;
    desk.send_courier(QUICK, None);
    let uncommitted = desk.take().await;
    // While its result is on the way, another look at the outbox shows the notice still waiting.
    desk.put(vec![notice(2, &receiver.channel())]).await;
    let second = desk.take().await;
    assert_eq!(told_of(&second.result), (2, "delivered".to_owned()));
    desk.commit(second).await;
    drop(uncommitted);
    assert_eq!(told_of(&desk.next_result().await), (1, "delivered".to_owned()));
    desk.put(vec![notice(3, &receiver.channel())]).await;
    assert_eq!(told_of(&desk.next_result().await), (3, "delivered".to_owned()));
    assert_eq!(
        [receiver.next().await.key, receiver.next().await.key, receiver.next().await.key],
        ["64-1-0", "64-2-0", "64-3-0"]
    );
    assert!(receiver.got.try_recv().is_err());
    assert_eq!(desk.waiting().await, 0);
}

#[tokio::test]
async fn mqtt_notices_are_published_on_the_topic_of_their_subject() {
    let (sender, mut published) = mpsc::unbounded_channel();
    let first = Arc::new(Mutex::new(true));
    let publisher: Publish = Arc::new(move |topic, payload| {
        let (sender, first) = (sender.clone(), Arc::clone(&first));
        Box::pin(async move {
            sender.send((topic, serde_json::from_slice::<serde_json::Value>(&payload).unwrap())).unwrap();
            if std::mem::take(&mut *first.lock().unwrap()) { Err("the broker is away".to_owned()) } else { Ok(()) }
        })
    });
    let mut desk = Desk::new().await;
    desk.put(vec![notice(7, &Channel::Mqtt { topic: "noc/事件/{id}".to_owned() })]).await;
    desk.send_courier(QUICK, Some(publisher));
    let outcomes: Vec<String> = desk.results_until_settled().await.iter().map(told).collect();
    assert_eq!(outcomes, ["failed: the broker is away", "delivered"]);
    for _ in 0..2 {
        let (topic, payload) = in_time(published.recv()).await.unwrap();
        assert_eq!(topic, "noc/事件/INC-7");
        assert_eq!((&payload["id"], &payload["kind"]), (&"64-7-0".into(), &"page".into()));
    }
    let exposition = desk.metrics.render();
    for line in [
        r#"watchfire_deliveries_total{channel="mqtt",outcome="failed"} 1"#,
        r#"watchfire_deliveries_total{channel="mqtt",outcome="delivered"} 1"#,
        r#"watchfire_delivery_duration_seconds_count{channel="mqtt"} 2"#,
    ] {
        assert!(exposition.lines().any(|shown| shown == line), "{line}");
    }
}

#[tokio::test]
async fn a_stop_ends_the_courier_and_what_waits_stays_in_the_outbox() {
    let receiver = Receiver::start([Answer::Status(500)]).await;
    let mut desk = Desk::new().await;
    desk.put(vec![notice(1, &receiver.channel())]).await;
    desk.send_courier(RetryPolicy { first: PATIENCE, cap: PATIENCE, ..QUICK }, None);
    assert_eq!(told(&desk.next_result().await), "failed: the receiver answered 500");
    desk.stop.cancel();
    in_time(desk.courier.take().unwrap()).await.unwrap();
    assert_eq!(desk.waiting().await, 1);
}
