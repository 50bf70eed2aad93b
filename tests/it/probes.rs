//! Automated checks against real servers: what each says of a healthy, a sick, a slow and a hostile one.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use watchfire::core::inspections::{ItemOutcome, ProbeRequest, ProbeResult};
use watchfire::core::model::{RunId, TimeDelta, Timestamp};
use watchfire::core::rules::{Check, Comparison, Limit};
use watchfire::metrics::Metrics;
use watchfire::mqtt::LinkOptions;
use watchfire::probes::Prober;

use crate::support::mosquitto::{Mosquitto, run};
use crate::support::prometheus::{Prometheus, scraping};

const PATIENT: TimeDelta = TimeDelta::from_seconds(30);
const HASTY: TimeDelta = TimeDelta::from_millis(200);

fn prober_with(broker: Option<LinkOptions>) -> (Prober, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new());
    let now = Arc::new(|| "2026-03-01T00:00:00Z".parse::<Timestamp>().unwrap());
    (Prober::new(broker, Arc::clone(&metrics), now).unwrap(), metrics)
}

async fn look(prober: &Prober, check: Check) -> ProbeResult {
    prober.run(ProbeRequest { run: RunId(1), item: "门户".to_owned(), check }).await
}

/// Runs one check; the evidence must begin and end as told (durations stand between).
async fn check(check: Check, outcome: ItemOutcome, begins: &str, ends: &str) {
    let (prober, metrics) = prober_with(None);
    let kind = check.kind();
    let result = look(&prober, check).await;
    assert_eq!(result.outcome, outcome, "{}", result.evidence);
    assert!(result.evidence.starts_with(begins), "{:?} does not begin with {begins:?}", result.evidence);
    assert!(result.evidence.ends_with(ends), "{:?} does not end with {ends:?}", result.evidence);
    assert_eq!((result.run, result.item.as_str()), (RunId(1), "门户"));
    let counted = metrics
        .render()
        .lines()
        .any(|line| line.contains(&format!("\"{kind}\"")) && line.contains(outcome.as_str()) && line.ends_with(" 1"));
    assert!(counted, "{kind} {} is counted", outcome.as_str());
}

/// Answers by path until the test ends; its address.
async fn web_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let own = address.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let own = own.clone();
            // A client that hangs up early is what some of the tests are about.
            tokio::spawn(async move { answer(stream, &own).await.ok() });
        }
    });
    address
}

async fn answer(mut stream: TcpStream, own: &str) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let body = "门户运行正常";
    let whole = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    };
    match path.split('?').next().unwrap_or_default() {
        "/ok" => stream.write_all(whole("200 OK", body).as_bytes()).await,
        "/down" => stream.write_all(whole("503 Service Unavailable", "维护中").as_bytes()).await,
        "/broken" => stream.write_all(whole("200 OK", body).trim_end_matches("正常").as_bytes()).await,
        "/round" => {
            let moved = format!("HTTP/1.1 302 Found\r\nLocation: http://{own}/round\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(moved.as_bytes()).await
        }
        "/moved" => {
            let moved = format!("HTTP/1.1 302 Found\r\nLocation: http://{own}/ok\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(moved.as_bytes()).await
        }
        "/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'x'; 16_384]).await?;
            }
        }
        "/drip" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx").await?;
            std::future::pending().await
        }
        "/facts" => {
            let facts = r#"{"serial": "SN-2001", "机柜": {"u": 12}}"#;
            stream.write_all(whole("200 OK", facts).as_bytes()).await
        }
        "/hang" => std::future::pending().await,
        "/metrics" => stream.write_all(whole("200 OK", "disk_used{disk=\"数据盘\"} 0.95\n").as_bytes()).await,
        "/large/api/v1/query" => stream.write_all(whole("200 OK", &" ".repeat(2 << 20)).as_bytes()).await,
        _ => stream.write_all(whole("404 Not Found", "").as_bytes()).await,
    }
}

fn http(url: String, status: Option<u16>, contains: Option<&str>, timeout: TimeDelta) -> Check {
    Check::Http { url, status, contains: contains.map(str::to_owned), json: None, timeout }
}

/// A port on which nobody listens.
async fn closed_port() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn http_compares_the_status_and_the_text() {
    use ItemOutcome::{Fail, Pass};
    let host = web_server().await;
    let at = |path: &str| format!("http://{host}{path}");
    let got = |path: &str, code: u16| format!("GET http://{host}{path} answered {code} in ");
    check(http(at("/ok"), None, None, PATIENT), Pass, &got("/ok", 200), " ms").await;
    check(http(at("/ok"), None, Some("运行正常"), PATIENT), Pass, &got("/ok", 200), "and holds \"运行正常\"").await;
    check(http(at("/ok"), None, Some("停机"), PATIENT), Fail, &got("/ok", 200), "but does not hold \"停机\"").await;
    check(http(at("/down"), None, None, PATIENT), Fail, &got("/down", 503), " ms, expected 2xx").await;
    check(http(at("/down"), Some(503), Some("维护"), PATIENT), Pass, &got("/down", 503), "and holds \"维护\"").await;
    check(http(at("/ok"), Some(204), None, PATIENT), Fail, &got("/ok", 200), " ms, expected 204").await;
    check(http(at("/moved"), None, Some("运行"), PATIENT), Pass, &got("/moved", 200), "and holds \"运行\"").await;
    let broken = "end of file before message length reached";
    check(http(at("/broken"), None, Some("停机"), PATIENT), Fail, &got("/broken", 200), broken).await;
}

#[tokio::test]
async fn http_finds_what_stands_at_a_pointer() {
    let host = web_server().await;
    let (prober, _) = prober_with(None);
    let seen = async |pointer: &str| {
        let (url, json) = (format!("http://{host}/facts"), Some(pointer.to_owned()));
        let result = look(&prober, Check::Http { url, status: None, contains: None, json, timeout: PATIENT }).await;
        (result.outcome, result.found, result.value)
    };
    assert_eq!(seen("/serial").await, (ItemOutcome::Pass, Some("SN-2001".to_owned()), None));
    assert_eq!(seen("/机柜/u").await, (ItemOutcome::Pass, Some("12".to_owned()), Some(12.0)));
    assert_eq!(seen("/机柜").await.0, ItemOutcome::Fail);
    assert_eq!(seen("/nothing").await.0, ItemOutcome::Fail);
}

#[tokio::test]
async fn http_survives_servers_that_hang_loop_or_never_end() {
    use ItemOutcome::{Fail, Pass};
    let host = web_server().await;
    let at = |path: &str| format!("http://{host}{path}");
    check(http(at("/hang"), None, None, HASTY), Fail, &at("/hang"), "gave no answer within 200ms").await;
    check(http(at("/drip"), None, Some("y"), HASTY), Fail, &at("/drip"), "gave no answer within 200ms").await;
    check(http(at("/drip"), None, None, PATIENT), Pass, "GET ", " ms").await;
    check(http(at("/round"), None, None, PATIENT), Fail, "GET ", "too many redirects").await;
    let never = "but its first 1048576 bytes do not hold \"y\"";
    check(http(at("/endless"), None, Some("y"), PATIENT), Fail, "GET ", never).await;
    let closed = closed_port().await;
    check(http(format!("http://{closed}/"), None, None, PATIENT), Fail, "GET http://127.0.0.1:", "(os error 111)")
        .await;
    check(http("门户".to_owned(), None, None, PATIENT), Fail, "the check's URL cannot be read", "").await;
}

#[tokio::test]
async fn evidence_shows_neither_login_nor_query() {
    let host = web_server().await;
    let (prober, _) = prober_with(None);
    for url in [format!("http://noc:hunter2@{host}/ok?token=hunter2"), "http://noc:hunter2@127.0.0.1:1/?hunter2".into()]
    {
        let evidence = look(&prober, http(url, None, None, PATIENT)).await.evidence;
        assert!(!evidence.contains("hunter2"), "{evidence}");
    }
}

#[tokio::test]
async fn tcp_says_whether_a_connection_opens() {
    let address = web_server().await;
    let told = format!("connected to {address} in ");
    check(Check::Tcp { address, timeout: PATIENT }, ItemOutcome::Pass, &told, " ms").await;
    let address = closed_port().await;
    let told = format!("cannot connect to {address}: ");
    check(Check::Tcp { address, timeout: PATIENT }, ItemOutcome::Fail, &told, "(os error 111)").await;
}

/// A TLS server whose own certificate ends on that day of 2026; its address.
async fn tls_server(month: u8, day: u8) -> String {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2026, month, day);
    params.distinguished_name.push(rcgen::DnType::CommonName, "门户");
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    stream.read_u8().await.ok();
                }
            });
        }
    });
    format!("127.0.0.1:{port}")
}

fn tls(address: &str, timeout: TimeDelta) -> Check {
    let (warn_below, fail_below) = (TimeDelta::from_days(30), TimeDelta::from_days(7));
    Check::Tls { address: address.to_owned(), warn_below, fail_below, timeout }
}

#[tokio::test]
async fn tls_tells_when_a_certificate_ends_and_that_nobody_would_trust_it() {
    for (month, day, outcome, told) in [
        (6, 1, ItemOutcome::Pass, "expires in 92d, at 2026-06-01T00:00:00Z"),
        (3, 20, ItemOutcome::Warn, "expires in 19d, at 2026-03-20T00:00:00Z"),
        (3, 7, ItemOutcome::Fail, "expires in 6d, at 2026-03-07T00:00:00Z"),
        (2, 1, ItemOutcome::Fail, "expired at 2026-02-01T00:00:00Z"),
    ] {
        let address = tls_server(month, day).await;
        let (prober, _) = prober_with(None);
        let result = look(&prober, tls(&address, PATIENT)).await;
        assert_eq!(result.outcome, outcome, "{}", result.evidence);
        assert!(result.evidence.contains(told), "{}", result.evidence);
        assert!(result.evidence.contains("门户"), "{}", result.evidence);
        assert!(
            result.evidence.contains("; clients would not trust it: ")
                || result.evidence.contains("; trust not checked")
        );
        assert_eq!(result.value.unwrap() < 7.0, outcome == ItemOutcome::Fail);
    }
}

#[tokio::test]
async fn tls_fails_where_there_is_none() {
    let plain = web_server().await;
    check(tls(&plain, HASTY), ItemOutcome::Fail, &plain, "gave no answer within 200ms").await;
    let closed = closed_port().await;
    check(tls(&closed, PATIENT), ItemOutcome::Fail, &format!("cannot connect to {closed}"), "").await;
    check(tls("没有端口", PATIENT), ItemOutcome::Fail, "\"没有端口\" is not an address", "expected host:port").await;
}

#[tokio::test]
async fn promql_lets_the_worst_sample_of_a_real_prometheus_decide() {
    let host = web_server().await;
    let prometheus = Prometheus::start(&scraping(&[("门户", &host), ("gone", "127.0.0.1:1")])).await;
    prometheus.wait_for("disk_used").await;
    prometheus.wait_for("up{job=\"gone\"} == 0").await;
    let ask = |query: &str, warn: Option<f64>, fail: Option<f64>, comparison: Comparison| {
        let limit = |value: Option<f64>| value.map(|value| Limit { comparison, value });
        let (server, query) = (prometheus.url.clone(), query.to_owned());
        Check::Promql { server, query, warn: limit(warn), fail: limit(fail), timeout: PATIENT }
    };
    use Comparison::{Above, Below};
    use ItemOutcome::{Fail, Pass, Warn};
    check(ask("disk_used", Some(0.9), Some(0.99), Above), Warn, "disk_used{disk=\"数据盘\"", "over a limit").await;
    check(ask("disk_used", Some(0.8), Some(0.9), Above), Fail, "disk_used{", "over a limit").await;
    check(ask("disk_used", Some(0.96), None, Above), Pass, "disk_used{", "= 0.95, the worst of 1").await;
    check(ask("up", None, Some(1.0), Below), Fail, "up{", "= 0 is below 1; 1 of 2 samples are over a limit").await;
    check(ask("scalar(sum(up))", None, Some(1.0), Below), Pass, "scalar(sum(up)) = 1", "").await;
    check(ask("nothing_here", None, None, Below), Fail, "nothing_here gave no sample", "").await;
    check(ask("up[5m]", None, None, Below), Fail, "http://127.0.0.1:", "expected a vector or a scalar").await;
    check(ask("up{", None, None, Below), Fail, "http://127.0.0.1:", "").await;
}

#[tokio::test]
async fn promql_fails_when_nobody_or_nonsense_answers() {
    let host = web_server().await;
    let ask = |server: String, timeout: TimeDelta| Check::Promql {
        server,
        query: "up".to_owned(),
        warn: None,
        fail: None,
        timeout,
    };
    let fail = ItemOutcome::Fail;
    check(ask(format!("http://{host}"), PATIENT), fail, "http://127.0.0.1:", "").await;
    let too_long = "answered more than 1048576 bytes; aggregate the query";
    check(ask(format!("http://{host}/large"), PATIENT), fail, "http://127.0.0.1:", too_long).await;
    check(ask("http://127.0.0.1:1".to_owned(), PATIENT), fail, "cannot ask http://127.0.0.1:1/", "(os error 111)")
        .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    check(ask(silent.clone(), HASTY), fail, &silent, "gave no answer within 200ms").await;
}

#[tokio::test]
async fn mqtt_without_a_broker_is_not_done() {
    let listen = Check::Mqtt { topic: "sites/广州01/heartbeat".to_owned(), within: PATIENT };
    check(listen, ItemOutcome::NotDone, "no broker configured", "").await;
}

fn listen(topic: &str, within: TimeDelta) -> Check {
    Check::Mqtt { topic: topic.to_owned(), within }
}

async fn publish(broker: &Mosquitto, topic: &str, more: &[&str]) {
    let port = broker.port.to_string();
    let arguments = [["-p", &port, "-q", "1", "-t", topic, "-m", "心跳"].as_slice(), more].concat();
    let output = run("mosquitto_pub", &arguments, b"").await;
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn mqtt_waits_for_a_message_that_is_published_now() {
    let broker = Mosquitto::start("").await;
    for version in ["3.1.1", "5"] {
        let url = format!("mqtt://127.0.0.1:{}?version={version}&client_id=noc-{version}", broker.port);
        let (prober, _) = prober_with(Some(LinkOptions::new(url.parse().unwrap()).unwrap()));
        let topic = format!("sites/广州01/heartbeat/{version}");
        publish(&broker, &topic, &["-r"]).await;
        let kept = look(&prober, listen(&topic, HASTY)).await;
        let told = format!("no message came on {topic} within 200ms");
        assert_eq!(kept.outcome, ItemOutcome::Fail, "a kept message says nothing of now: {}", kept.evidence);
        assert!(kept.evidence.starts_with(&told), "{}", kept.evidence);
        let none = look(&prober, listen("sites/gone/#", HASTY)).await;
        assert_eq!(
            (none.outcome, none.evidence.as_str()),
            (ItemOutcome::Fail, "no message came on sites/gone/# within 200ms")
        );

        let live = listen(&format!("sites/+/heartbeat/{version}"), PATIENT);
        let publishing = async {
            // The broker's log says when the check listens.
            let listens = format!("SUBSCRIBE from noc-{version}-probe-2");
            while !broker.log().contains(&listens) {
                tokio::task::yield_now().await;
            }
            publish(&broker, &topic, &[]).await;
        };
        let (seen, ()) = tokio::join!(look(&prober, live), publishing);
        let told = format!("a message of 6 bytes came on {topic}");
        assert_eq!((seen.outcome, seen.evidence), (ItemOutcome::Pass, told));
    }
}

#[tokio::test]
async fn mqtt_says_why_it_cannot_listen_and_keeps_the_password_to_itself() {
    let closed = Mosquitto::start("listener {port} 127.0.0.1\nallow_anonymous false").await;
    let gone = closed_port().await;
    for place in [format!("127.0.0.1:{}", closed.port), gone] {
        let url = format!("mqtt://noc:hunter2@{place}");
        let (prober, _) = prober_with(Some(LinkOptions::new(url.parse().unwrap()).unwrap()));
        let result = look(&prober, listen("sites/广州01/heartbeat", PATIENT)).await;
        assert_eq!(result.outcome, ItemOutcome::Fail);
        let told = format!("cannot listen to sites/广州01/heartbeat at {place}: ");
        assert!(result.evidence.starts_with(&told) && !result.evidence.contains("hunter2"), "{}", result.evidence);
    }
}

#[tokio::test]
async fn requests_run_side_by_side_and_stop_with_the_service() {
    let host = web_server().await;
    let (prober, _) = prober_with(None);
    let (ask, requests) = mpsc::unbounded_channel();
    let (results, mut answers) = mpsc::channel(8);
    let cancel = CancellationToken::new();
    let serving = tokio::spawn(Arc::new(prober).serve(requests, results, cancel.clone()));
    let request = |item: &str, path: &str| ProbeRequest {
        run: RunId(7),
        item: item.to_owned(),
        check: http(format!("http://{host}{path}"), None, None, PATIENT),
    };
    // Fifteen hang for good and take all turns but one.
    for n in 0..15 {
        ask.send(request(&format!("hangs {n}"), "/hang")).unwrap();
    }
    for n in 0..20 {
        ask.send(request(&format!("答 {n}"), "/ok")).unwrap();
        let answer = answers.recv().await.unwrap();
        assert_eq!((answer.item, answer.outcome), (format!("答 {n}"), ItemOutcome::Pass));
    }
    cancel.cancel();
    serving.await.unwrap();
    assert!(answers.recv().await.is_none(), "what was cut short has no result");
}

#[tokio::test]
async fn serving_ends_by_itself_when_nobody_can_ask_any_more() {
    let host = web_server().await;
    let (prober, _) = prober_with(None);
    let (ask, requests) = mpsc::unbounded_channel();
    let (results, mut answers) = mpsc::channel(8);
    let check = http(format!("http://{host}/ok"), None, None, PATIENT);
    ask.send(ProbeRequest { run: RunId(7), item: "a".to_owned(), check }).unwrap();
    drop(ask);
    Arc::new(prober).serve(requests, results, CancellationToken::new()).await;
    assert_eq!(answers.recv().await.unwrap().item, "a");
    assert!(answers.recv().await.is_none());
}
