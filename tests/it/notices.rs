//! Chats, mails and templates against receivers that answer, refuse in a good answer, hang, and hang up in the middle;
//! and acknowledging by the link of a notice on the running service.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use watchfire::core::engine::Notification;
use watchfire::core::incidents::AckKey;
use watchfire::core::model::TimeDelta;
use watchfire::core::rules::{Channel, Language, RequestMethod, RequestTemplate};
use watchfire::notify::{ChannelConfig, Links, MailServer, RetryPolicy, Secrets};

use super::notify::{Desk, NOW, QUICK, in_time, notice, told};
use super::support::service::{Service, Setup, until};

/// What a robot's key must never be seen as.
const KEY: &str = "0123-机器人的钥匙-4567";
const SIGNING: &str = "SEC这是加签密钥abc";

/// One request as a receiver saw it.
pub(super) struct Got {
    method: Method,
    uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// A parameter of the query, decoded.
    pub(super) fn parameter(&self, name: &str) -> String {
        let url = reqwest::Url::parse(&format!("http://h{}", self.uri)).unwrap();
        let found = url.query_pairs().find(|(key, _)| key == name);
        found.unwrap_or_else(|| panic!("no {name} in {}", self.uri)).1.into_owned()
    }
}

/// A local receiver that follows a script of statuses and bodies, the last of it for ever.
pub(super) struct Receiver {
    address: String,
    got: mpsc::UnboundedReceiver<Got>,
    served: JoinHandle<()>,
}

#[derive(Clone)]
struct Script {
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
    got: mpsc::UnboundedSender<Got>,
}

impl Receiver {
    pub(super) async fn start(answers: &[(u16, &str)]) -> Receiver {
        let (sender, got) = mpsc::unbounded_channel();
        let answers = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let script = Script { answers: Arc::new(Mutex::new(answers)), got: sender };
        let app = axum::Router::new().fallback(receive).with_state(script);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let served = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Receiver { address, got, served }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) async fn next(&mut self) -> Got {
        in_time(self.got.recv()).await.unwrap()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.served.abort();
    }
}

async fn receive(
    State(script): State<Script>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> impl IntoResponse {
    let (status, said) = {
        let mut answers = script.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    };
    script.got.send(Got { method, uri, headers, body }).ok();
    (StatusCode::from_u16(status).unwrap(), said)
}

/// Secrets in files, as a deployment has them.
pub(super) fn secrets() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("noc"), format!("{KEY}\n")).unwrap();
    std::fs::write(dir.path().join("noc-sign"), SIGNING).unwrap();
    std::fs::write(dir.path().join("smtp"), "p@ss/word 密").unwrap();
    dir
}

pub(super) fn reach(secrets: &Path) -> ChannelConfig {
    ChannelConfig {
        secrets: Secrets::new(|_| None, Some(secrets.to_owned())),
        ..ChannelConfig::plain(Arc::new(|| NOW))
    }
}

/// Delivers one notice and says what became of each attempt. No outcome, no outbox row and no metric shows a secret.
pub(super) async fn deliver(notice: Notification, policy: RetryPolicy, reach: ChannelConfig) -> Vec<String> {
    let mut desk = Desk::new().await;
    let kept = serde_json::to_string(&notice).unwrap();
    desk.put(vec![notice]).await;
    desk.send_courier_with(policy, reach);
    let outcomes: Vec<String> = desk.results_until_settled().await.iter().map(told).collect();
    assert_eq!(desk.waiting().await, 0);
    for text in outcomes.iter().chain([&kept, &desk.metrics.render()]) {
        for secret in [KEY, SIGNING, "p@ss/word 密"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    outcomes
}

async fn check(channel: Channel, expected: &[&str]) {
    let dir = secrets();
    let outcomes = deliver(notice(7, &channel), QUICK, reach(dir.path())).await;
    let fits = |(outcome, expected): (&String, &&str)| match expected.strip_suffix('…') {
        Some(beginning) => outcome.starts_with(beginning),
        None => outcome == expected,
    };
    assert!(
        outcomes.len() == expected.len() && outcomes.iter().zip(expected).all(fits),
        "{outcomes:#?}\n{expected:#?}"
    );
}

fn wecom(address: &str) -> Channel {
    Channel::Wecom { url: format!("http://{address}/cgi-bin/webhook/send?key={{secret:noc}}") }
}

fn dingtalk(address: &str) -> Channel {
    let url = format!("http://{address}/robot/send?access_token={{secret:noc}}");
    Channel::Dingtalk { url, secret: Some("noc-sign".to_owned()) }
}

fn feishu(address: &str) -> Channel {
    let url = format!("http://{address}/open-apis/bot/v2/hook/{{secret:noc}}");
    Channel::Feishu { url, secret: Some("noc-sign".to_owned()) }
}

fn slack(address: &str) -> Channel {
    Channel::Slack { url: format!("http://{address}/services/{{secret:noc}}") }
}

/// HMAC-SHA256 as RFC 2104 says it, from the hash alone.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([pad(0x36), message.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}

#[tokio::test]
async fn each_chat_gets_its_own_message_with_its_key_from_a_secret() {
    let ok = r#"{"errcode":0,"errmsg":"ok"}"#;
    let mut receiver = Receiver::start(&[(200, ok)]).await;
    check(wecom(&receiver.address), &["delivered"]).await;
    let got = receiver.next().await;
    assert_eq!((got.uri.path(), got.parameter("key").as_str()), ("/cgi-bin/webhook/send", KEY));
    assert_eq!(got.json()["msgtype"], "text");
    let text = got.json()["text"]["content"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Page: 广州 GZ07 链路中断\n"), "{text}");

    let mut receiver = Receiver::start(&[(200, ok)]).await;
    check(dingtalk(&receiver.address), &["delivered"]).await;
    let got = receiver.next().await;
    assert_eq!(got.parameter("access_token"), KEY);
    let millis = NOW.as_micros() / 1_000;
    assert_eq!(got.parameter("timestamp"), millis.to_string());
    let expected = STANDARD.encode(hmac(SIGNING.as_bytes(), format!("{millis}\n{SIGNING}").as_bytes()));
    assert_eq!(got.parameter("sign"), expected);
    assert_eq!(got.json()["text"]["content"].as_str(), Some(text.as_str()));

    let mut receiver = Receiver::start(&[(200, r#"{"code":0,"msg":"success"}"#)]).await;
    check(feishu(&receiver.address), &["delivered"]).await;
    let got = receiver.next().await;
    let body = got.json();
    let seconds = (NOW.as_micros() / 1_000_000).to_string();
    let expected = STANDARD.encode(hmac(format!("{seconds}\n{SIGNING}").as_bytes(), b""));
    assert_eq!((body["timestamp"].as_str(), body["sign"].as_str()), (Some(seconds.as_str()), Some(expected.as_str())));
    assert_eq!((&body["msg_type"], &body["content"]["text"]), (&json!("text"), &json!(text)));

    let mut receiver = Receiver::start(&[(200, "ok")]).await;
    check(slack(&receiver.address), &["delivered"]).await;
    let body = receiver.next().await.json();
    assert_eq!((&body["text"], &body["mrkdwn"], &body["link_names"]), (&json!(text), &json!(false), &json!(false)));
}

#[tokio::test]
async fn a_refusal_inside_a_good_answer_is_a_failure() {
    let busy = (200, r#"{"errcode":-1,"errmsg":"系统繁忙"}"#);
    let ok = (200, r#"{"errcode":0,"errmsg":"ok"}"#);
    let receiver = Receiver::start(&[busy, ok]).await;
    check(wecom(&receiver.address), &["failed: the receiver refused with code -1: 系统繁忙", "delivered"]).await;
    let gone = (200, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#);
    let receiver = Receiver::start(&[gone]).await;
    check(wecom(&receiver.address), &["given up: the receiver refused with code 93000: invalid webhook url"]).await;
    let unsigned = (200, r#"{"errcode":310000,"errmsg":"sign not match"}"#);
    let receiver = Receiver::start(&[unsigned]).await;
    check(dingtalk(&receiver.address), &["given up: the receiver refused with code 310000…"]).await;
    let limited = (200, r#"{"code":11232,"msg":"frequency limited"}"#);
    let receiver = Receiver::start(&[limited, (200, r#"{"code":0}"#)]).await;
    check(feishu(&receiver.address), &["failed: the receiver refused with code 11232…", "delivered"]).await;
    let receiver = Receiver::start(&[(200, "<html>portal</html>"), (500, "down"), (429, ""), (200, "ok")]).await;
    // The fourth attempt would be one too many.
    let expected = [
        "failed: the receiver answered 200 without saying…",
        "failed: the receiver answered 500: down",
        "given up: given up after 3 attempts: the receiver answered 429",
    ];
    check(slack(&receiver.address), &expected).await;
    let receiver = Receiver::start(&[(404, "no_team")]).await;
    check(slack(&receiver.address), &["given up: the receiver answered 404: no_team"]).await;
    // An answer that repeats the key does not put it into the log.
    let echo = format!(r#"{{"errcode":-1,"errmsg":"no robot {KEY}"}}"#);
    let receiver = Receiver::start(&[(200, &echo), ok]).await;
    check(wecom(&receiver.address), &["failed: the receiver refused with code -1: no robot …", "delivered"]).await;
}

/// Answers with the beginning of an answer, then closes; the last of these answers is whole.
async fn breaks_off(answers: Vec<&'static str>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            // The head and the body may come apart; what is read is enough to answer.
            let _ = stream.read(&mut buffer).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.ok();
        }
    });
    (address, served)
}

#[tokio::test]
async fn an_answer_that_breaks_off_in_the_middle_is_no_answer() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"errcode\":0,";
    let whole = "HTTP/1.1 200 OK\r\ncontent-length: 13\r\nconnection: close\r\n\r\n{\"errcode\":0}";
    let (address, served) = breaks_off(vec![cut, whole]).await;
    check(wecom(&address), &["failed: …", "delivered"]).await;
    in_time(served).await.unwrap();
}

#[tokio::test]
async fn a_chat_that_hangs_is_given_up_and_a_missing_secret_waits_for_its_file() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let held = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    let dir = secrets();
    let policy = RetryPolicy { timeout: Duration::from_millis(100), attempts: 2, ..QUICK };
    let outcomes = deliver(notice(7, &dingtalk(&address)), policy, reach(dir.path())).await;
    let expected = ["failed: no answer within 0.1 s", "given up: given up after 2 attempts: no answer within 0.1 s"];
    assert_eq!(outcomes, expected);
    held.abort();

    let receiver = Receiver::start(&[(200, "ok")]).await;
    let empty = tempfile::tempdir().unwrap();
    let mut desk = Desk::new().await;
    desk.put(vec![notice(7, &slack(&receiver.address))]).await;
    desk.send_courier_with(RetryPolicy { attempts: 1_000, ..QUICK }, reach(empty.path()));
    let first = told(&desk.next_result().await);
    assert!(first.contains("the secret noc is not set; set WATCHFIRE_SECRET_NOC"), "{first}");
    std::fs::write(empty.path().join("noc"), KEY).unwrap();
    let last = desk.results_until_settled().await.pop().unwrap();
    assert_eq!(told(&last), "delivered");
}

fn template(address: &str) -> RequestTemplate {
    RequestTemplate {
        method: RequestMethod::Put,
        url: format!("http://{address}/tickets/{{id}}?who={{team}}"),
        headers: vec![
            ("X-Token".to_owned(), "{secret:noc-ascii}".to_owned()),
            ("X-Kind".to_owned(), "{kind}".to_owned()),
        ],
        body: r#"{"标题": "{title}", "站点": "{label:站点}", "ack": "{acknowledge}", "text": "{text}"}"#.to_owned(),
        answer_has: Some(r#""ok":true"#.to_owned()),
    }
}

#[tokio::test]
async fn a_template_makes_any_request() {
    let mut receiver = Receiver::start(&[(200, r#"{"ok":false}"#), (200, r#"{"ok":true}"#)]).await;
    let dir = secrets();
    std::fs::write(dir.path().join("noc-ascii"), "token-1").unwrap();
    let mut notice = notice(7, &Channel::Template(Box::new(template(&receiver.address))));
    notice.title = "链路 \"sw3\"\n中断".to_owned();
    notice.body = json!({"labels": {"站点": "广州\\01"}, "severity": "major"}).to_string();
    let links =
        Links { base: "https://watch.example".to_owned(), key: AckKey([1; 32]), valid_for: TimeDelta::from_hours(1) };
    let outcomes = deliver(notice, QUICK, ChannelConfig { links: Some(links), ..reach(dir.path()) }).await;
    assert_eq!(outcomes, [r#"failed: the answer does not contain "\"ok\":true": {"ok":false}"#, "delivered"]);
    let got = receiver.next().await;
    assert_eq!((got.method.clone(), got.uri.to_string()), (Method::PUT, "/tickets/INC-7?who=noc".to_owned()));
    assert_eq!(
        (&got.headers["x-token"], &got.headers["x-kind"]),
        (&"token-1".parse().unwrap(), &"page".parse().unwrap())
    );
    assert_eq!(got.headers["content-type"], "application/json");
    assert_eq!(got.headers["idempotency-key"], "64-7-0");
    let body = got.json();
    assert_eq!((&body["标题"], &body["站点"]), (&json!("链路 \"sw3\"\n中断"), &json!("广州\\01")));
    assert!(body["ack"].as_str().unwrap().starts_with("https://watch.example/ack?t=7."), "{body}");
    assert!(body["text"].as_str().unwrap().contains("severity: major"), "{body}");
}

/// What a mail server does with one connection.
#[derive(Clone, Copy)]
pub(super) enum Sink {
    Takes,
    /// Answers that to the recipient.
    Recipient(&'static str),
    /// Closes in the middle of the mail.
    HangsUp,
    Silent,
}

/// Speaks just enough SMTP. Each mail that it took comes out whole.
pub(super) async fn mail_server(script: Vec<Sink>) -> (String, mpsc::UnboundedReceiver<String>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (sender, mails) = mpsc::unbounded_channel();
    let served = tokio::spawn(async move {
        let mut held = Vec::new();
        for one in script {
            let (stream, _) = listener.accept().await.unwrap();
            if let Sink::Silent = one {
                held.push(stream);
            } else {
                let _ = converse(stream, one, &sender).await;
            }
        }
        std::future::pending::<()>().await;
    });
    (url, mails, served)
}

/// Until the client has no more mails; each comes out with the commands before it.
async fn converse(stream: TcpStream, sink: Sink, mails: &mpsc::UnboundedSender<String>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut commands = String::new();
    stream.write_all("220 邮件 ready\r\n".as_bytes()).await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        commands.push_str(&line);
        let verb = line.split([' ', ':']).next().unwrap().trim().to_ascii_uppercase();
        let answer = match (verb.as_str(), sink) {
            ("EHLO", _) => "250-sink\r\n250 8BITMIME\r\n",
            ("RCPT", Sink::Recipient(answer)) => answer,
            ("DATA", _) => "354 go on\r\n",
            ("QUIT", _) => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
        if verb == "DATA" {
            if let Sink::HangsUp = sink {
                return None;
            }
            mails.send(std::mem::take(&mut commands) + &read_mail(&mut stream).await?).ok()?;
            stream.write_all(b"250 taken\r\n").await.ok()?;
        }
    }
}

async fn read_mail(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        if line == ".\r\n" {
            return Some(mail);
        }
        mail.push_str(&line);
    }
}

/// A header with its encoded words decoded.
pub(super) fn header(mail: &str, name: &str) -> String {
    let head = mail.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")))
        .unwrap_or_else(|| panic!("{name}: {mail}"));
    let words =
        line.split(' ').map(|word| match word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?=")) {
            Some(encoded) => (true, String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()),
            None => (false, word.to_owned()),
        });
    let mut decoded = String::new();
    let mut before = true;
    for (encoded, word) in words {
        // What stands between two encoded words is not meant.
        if !(decoded.is_empty() || before && encoded) {
            decoded.push(' ');
        }
        decoded.push_str(&word);
        before = encoded;
    }
    decoded
}

pub(super) fn body_of(mail: &str) -> String {
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Type: text/plain; charset=utf-8"), "{head}");
    if head.contains("Content-Transfer-Encoding: base64") {
        String::from_utf8(STANDARD.decode(body.replace("\r\n", "")).unwrap()).unwrap()
    } else {
        body.to_owned()
    }
}

fn email() -> Channel {
    Channel::Email { to: "ops@noc.example".to_owned() }
}

fn by_mail(url: &str, secrets: &Path) -> ChannelConfig {
    let mail = MailServer::new(url, "值班台 <noc@watch.example>").unwrap();
    ChannelConfig { mail: Some(mail), ..reach(secrets) }
}

#[tokio::test]
async fn a_mail_says_all_of_it_in_utf_8_and_every_attempt_is_the_same_mail() {
    let (url, mut mails, served) = mail_server(vec![Sink::Takes]).await;
    let dir = secrets();
    let mut notice = notice(7, &email());
    notice.language = Language::Zh;
    assert_eq!(deliver(notice, QUICK, by_mail(&url, dir.path())).await, ["delivered"]);
    let mail = in_time(mails.recv()).await.unwrap();
    assert_eq!(header(&mail, "Subject"), "【告警】 广州 GZ07 链路中断");
    assert_eq!(header(&mail, "From"), "值班台 <noc@watch.example>");
    assert_eq!(header(&mail, "To"), "ops@noc.example");
    assert_eq!(header(&mail, "Message-ID"), "<64-7-0.watchfire@watch.example>");
    assert_eq!(header(&mail, "References"), "<INC-7.watchfire@watch.example>");
    assert_eq!(header(&mail, "Auto-Submitted"), "auto-generated");
    assert!(header(&mail, "Date").starts_with("Fri, 13 Feb 2026 09:00:00"), "{mail}");
    let body = body_of(&mail);
    assert!(body.starts_with("【告警】 广州 GZ07 链路中断") && body.contains("状态:new"), "{body}");
    served.abort();
}

#[tokio::test]
async fn a_mail_server_decides_what_is_tried_again() {
    let dir = secrets();
    let check = async |script: Vec<Sink>, expected: &[&str]| {
        let (url, _mails, served) = mail_server(script).await;
        let outcomes = deliver(notice(7, &email()), QUICK, by_mail(&url, dir.path())).await;
        let fits = |(outcome, expected): (&String, &&str)| outcome.starts_with(expected);
        assert!(outcomes.len() == expected.len() && outcomes.iter().zip(expected).all(fits), "{outcomes:#?}");
        served.abort();
    };
    let greylisted = Sink::Recipient("451 4.7.1 try again later\r\n");
    check(vec![greylisted, Sink::Takes], &["failed: the mail server answered 451", "delivered"]).await;
    let unknown = Sink::Recipient("550 5.1.1 no such user\r\n");
    check(vec![unknown], &["given up: the mail server answered 550"]).await;
    check(vec![Sink::HangsUp, Sink::Takes], &["failed: ", "delivered"]).await;
    let (url, _mails, served) = mail_server(vec![Sink::Silent, Sink::Silent]).await;
    let policy = RetryPolicy { timeout: Duration::from_millis(100), mail_attempts: 2, ..QUICK };
    let outcomes = deliver(notice(7, &email()), policy, by_mail(&url, dir.path())).await;
    assert_eq!(outcomes[0], "failed: no answer within 0.1 s");
    served.abort();
    let nowhere = deliver(notice(7, &email()), QUICK, reach(dir.path())).await;
    assert_eq!(nowhere, ["given up: no mail server is configured (smtp: in watchfire.yaml, or --smtp-url)"]);
}

#[tokio::test]
async fn names_domains_and_one_connection_for_several_mails() {
    let (url, mut mails, served) = mail_server(vec![Sink::Takes]).await;
    let dir = secrets();
    let mail = MailServer::new(&url, "值班台 <noc@监控.example>").unwrap();
    let mail = mail.with_hello_name("watch.internal.example").unwrap().with_message_id_domain("告警.example").unwrap();
    let mut desk = Desk::new().await;
    desk.send_courier_with(QUICK, ChannelConfig { mail: Some(mail), ..reach(dir.path()) });
    let to = Channel::Email { to: "ops@例子.中国".to_owned() };
    for number in [7, 8] {
        desk.put(vec![notice(number, &to)]).await;
        assert_eq!(told(&desk.next_result().await), "delivered");
        let mail = in_time(mails.recv()).await.unwrap();
        assert_eq!(mail.contains("EHLO watch.internal.example\r\n"), number == 7, "one connection: {mail}");
        assert!(mail.contains("MAIL FROM:<noc@xn--izun04b.example>"), "{mail}");
        assert!(mail.contains("RCPT TO:<ops@xn--fsqu00a.xn--fiqs8s>"), "{mail}");
        assert_eq!(header(&mail, "Message-ID"), format!("<64-{number}-0.watchfire@xn--4rr859j.example>"));
    }
    served.abort();
}

#[tokio::test]
async fn an_address_that_this_server_can_never_take_is_refused_at_once() {
    let dir = secrets();
    for to in ["值班@noc.example", "nobody at all"] {
        let (url, _mails, served) = mail_server(vec![Sink::Takes]).await;
        let channel = Channel::Email { to: to.to_owned() };
        let outcomes = deliver(notice(7, &channel), QUICK, by_mail(&url, dir.path())).await;
        assert!(outcomes.len() == 1 && outcomes[0].starts_with("given up: "), "{to}: {outcomes:#?}");
        served.abort();
    }
}

#[tokio::test]
async fn the_password_of_the_mail_server_comes_from_a_secret_and_is_never_told() {
    let dir = secrets();
    // Nobody speaks TLS there; what matters is that neither the attempt nor its failure shows the password.
    let (url, _mails, served) = mail_server(vec![Sink::Takes, Sink::Takes, Sink::Takes]).await;
    let url = url.replace("smtp://", "smtp://noc:{secret:smtp}@") + "?tls=required";
    let outcomes = deliver(notice(7, &email()), QUICK, by_mail(&url, dir.path())).await;
    assert_eq!(outcomes.len(), 3, "{outcomes:#?}");
    assert!(outcomes[2].starts_with("given up: given up after 3 attempts"), "{outcomes:#?}");
    let url = url.replace("{secret:smtp}", "{secret:none}");
    let outcomes = deliver(notice(7, &email()), QUICK, by_mail(&url, dir.path())).await;
    assert!(outcomes[0].contains("the secret none is not set"), "{outcomes:#?}");
    served.abort();
}

/// Pages a webhook of the test at once.
fn rules(address: &str) -> String {
    format!(
        r#"
people:
  - name: 张三
    notify: [{{by: {{template: {{url: "http://{address}/person", body: '{{"ack": "{{acknowledge}}"}}'}}}}}}]
teams:
  - {{name: first-line, members: [张三], notify: [{{webhook: {{url: "http://{address}/team"}}}}]}}
tiers:
  - {{name: default, steps: [{{tier: 1, team: first-line, respond_by: 10m, page_every: 5m}}]}}
rules:
  - {{name: link, match: alertname="LinkDown", by: [site], title: "{{site}} <链路> 中断", notify_delay: 0s}}
"#
    )
}

async fn links(receiver: &mut Receiver) -> (String, String) {
    let (mut team, mut person) = (String::new(), String::new());
    while team.is_empty() || person.is_empty() {
        let got = receiver.next().await;
        match got.uri.path() {
            "/team" => team = got.json()["acknowledge"].as_str().unwrap().to_owned(),
            _ => person = got.json()["ack"].as_str().unwrap().to_owned(),
        }
    }
    (team, person)
}

/// The page behind a link, on the service as it really listens.
async fn open_link(service: &Service, link: &str) -> (u16, String) {
    let path = link.strip_prefix("https://watch.example/centre").unwrap();
    let answer = service.client.get(format!("{}{path}", service.base)).send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn press(service: &Service, token: &str) -> (u16, String) {
    let request = service.client.post(format!("{}/ack", service.base)).header("origin", "null");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(format!("t={token}"));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_acknowledges_one_incident_as_whoever_was_told_and_looking_changes_nothing() {
    let mut receiver = Receiver::start(&[(200, "ok")]).await;
    let setup = Setup::new(&[("rules.yaml", &rules(&receiver.address))]);
    let setup = setup.with(&["--external-url", "https://watch.example/centre/"]);
    let service = setup.start().await;
    let fire = async |site: &str| {
        let event = json!({"labels": {"alertname": "LinkDown", "site": site}, "severity": "major"});
        service.must_post("/api/v1/events", &event).await;
    };
    fire("广州01").await;
    let (team, person) = links(&mut receiver).await;
    for link in [&team, &person] {
        let (status, page) = open_link(&service, link).await;
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("广州01 &lt;链路&gt; 中断") && page.contains("method=\"post\""), "{page}");
    }
    assert_eq!(service.incidents().await[0]["acknowledged_at"], Value::Null, "looking changes nothing");

    let token = person.rsplit_once("?t=").unwrap().1;
    let forged = token.replacen("1.", "2.", 1);
    assert_eq!(press(&service, &forged).await.0, 400);
    assert_eq!(press(&service, "").await.0, 400);
    let (status, page) = press(&service, token).await;
    assert!(status == 200 && page.contains("Acknowledged"), "{status} {page}");
    let incident = service.get("/api/v1/incidents/INC-1").await;
    assert_eq!((&incident["assignee"], &incident["acknowledged"]), (&json!("张三"), &json!(true)));
    let audit = service.get("/api/v1/audit").await;
    let entry =
        audit["items"].as_array().unwrap().iter().find(|entry| entry["action"] == "incident.acknowledge").unwrap();
    assert_eq!((&entry["actor"], &entry["detail"]), (&json!("张三"), &json!("by link")));
    let (status, page) = open_link(&service, &team).await;
    assert!(status == 200 && page.contains("Nothing to acknowledge") && !page.contains("<form"), "{page}");

    let delivered = until("both are delivered", async || {
        let log = service.get("/api/v1/incidents/INC-1/notifications").await;
        let items = log["items"].as_array().unwrap().clone();
        (items.len() == 2 && items.iter().all(|one| one["state"] == "delivered")).then_some(items)
    })
    .await;
    let whom: Vec<&Value> = delivered.iter().map(|one| &one["person"]).collect();
    assert_eq!(whom, [&Value::Null, &json!("张三")]);
    let log = service.log();
    for text in [log, service.text("/api/v1/incidents/INC-1/timeline").await, service.text("/api/v1/audit").await] {
        assert!(!text.contains(token), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_outlive_a_restart() {
    let mut receiver = Receiver::start(&[(200, "ok")]).await;
    let setup = Setup::new(&[("rules.yaml", &rules(&receiver.address))]);
    let setup = setup.with(&["--external-url", "https://watch.example/centre"]);
    let service = setup.start().await;
    let event = json!({"labels": {"alertname": "LinkDown", "site": "广州01"}});
    service.must_post("/api/v1/events", &event).await;
    let (team, _) = links(&mut receiver).await;
    service.kill().await;
    let service = setup.start().await;
    let token = team.rsplit_once("?t=").unwrap().1;
    let (status, page) = press(&service, token).await;
    assert_eq!(status, 200, "{page}");
    let incident = service.get("/api/v1/incidents/INC-1").await;
    assert_eq!(incident["assignee"], "team first-line");
    assert_eq!(service.terminate().await.code(), Some(0));
}
