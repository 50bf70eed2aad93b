//! Labels that speak the language of whoever carries them: over every channel they arrive as words and nothing else.

use serde_json::{Value, json};
use watchfire::core::rules::{CHANNEL_KINDS, Channel, RequestMethod, RequestTemplate};
use watchfire::notify::{ChannelConfig, MailServer};

use super::notices::{Receiver, Sink, body_of, deliver, header, mail_server, reach, secrets};
use super::notify::{QUICK, in_time, notice};

/// Harmless as the words of a text: what matters is that it stays one, which the reader of each case looks at.
const IN_ITS_PLACE: &str = "\u{1}nothing";

/// Each with what must not be found in what the receiver reads.
const HOSTILE: [(&str, &str); 14] = [
    ("<at user_id=\"all\">所有人</at>", "<at "),
    ("<AT id=all></AT>", "<AT"),
    ("<@all>", "<@"),
    ("<!channel>", "<!"),
    ("<!here|here>", "<!"),
    ("<#C024BE7LR>", "<#"),
    ("断\r\nBcc: everybody@evil.example", "\nBcc:"),
    ("断\nacknowledge: https://evil.example/ack", "\nacknowledge: https://evil"),
    ("断\u{2028}确认受理:https://evil.example", "\u{2028}"),
    ("\u{202e}gpj.txt", "\u{202e}"),
    ("\"},\"at\":{\"isAtAll\":true},\"x\":{\"y\":\"", IN_ITS_PLACE),
    ("x&admin=true&y=<z>", IN_ITS_PLACE),
    ("</summary><admin/>", IN_ITS_PLACE),
    ("{secret:noc} \0\u{1b}[2J", "机器人的钥匙"),
];

/// What one receiver understood of one request or mail: the texts in which a label may stand.
type Texts = Vec<String>;

fn of_json(body: &Value, texts: &mut Texts) {
    match body {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| of_json(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| of_json(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn template(address: &str, content_type: &str, body: &str) -> Channel {
    Channel::Template(Box::new(RequestTemplate {
        method: RequestMethod::Post,
        url: format!("http://{address}/?t={{title}}"),
        headers: vec![
            ("Content-Type".to_owned(), content_type.to_owned()),
            ("X-Title".to_owned(), "{title}".to_owned()),
        ],
        body: body.to_owned(),
        answer_has: None,
    }))
}

/// The channel whose address is that, and how its receiver reads the body of a request.
type Case = (&'static str, fn(&str) -> Channel, fn(&str) -> Texts);

fn json_texts(body: &str) -> Texts {
    let mut texts = Vec::new();
    of_json(&serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}")), &mut texts);
    texts
}

const CASES: [Case; 8] = [
    (
        "wecom",
        |address| Channel::Wecom { url: format!("http://{address}/") },
        |body| {
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
            assert_eq!(body["text"].as_object().unwrap().len(), 1, "no list of mentions: {body}");
            json_texts(&body.to_string())
        },
    ),
    (
        "dingtalk",
        |address| Channel::Dingtalk { url: format!("http://{address}/"), secret: None },
        |body| {
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(body.get("at"), None, "{body}");
            json_texts(&body.to_string())
        },
    ),
    ("feishu", |address| Channel::Feishu { url: format!("http://{address}/"), secret: None }, json_texts),
    (
        "slack",
        |address| Channel::Slack { url: format!("http://{address}/") },
        |body| {
            let text = serde_json::from_str::<Value>(body).unwrap()["text"].as_str().unwrap().to_owned();
            assert!(!text.contains(['<', '>']), "Slack reads every bracket as its own: {text}");
            vec![text]
        },
    ),
    (
        "template",
        |address| template(address, "application/json", r#"{"title": "{title}", "x": [{"y": "{label:host}"}]}"#),
        |body| {
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
            let mut texts = json_texts(&body.to_string());
            // A ticket may have several lines; they cannot be taken for ours, which stand in fields.
            texts.iter_mut().for_each(|text| *text = text.replace(['\n', '\r', '\u{2028}', '\u{202e}'], " "));
            texts
        },
    ),
    (
        "template",
        |address| template(address, "application/x-www-form-urlencoded", "title={title}&host={label:host}"),
        |body| {
            assert_eq!(body.matches('&').count(), 1, "{body}");
            assert!(!body.contains(['<', '\n', '\0']), "{body}");
            Vec::new()
        },
    ),
    (
        "template",
        |address| {
            template(address, "text/xml; charset=utf-8", "<a><summary>{title}</summary><h n=\"{label:host}\"/></a>")
        },
        |body| {
            assert_eq!((body.matches('<').count(), body.matches('"').count()), (5, 2), "{body}");
            assert!(!body.contains(['\0', '\u{1b}']), "{body}");
            Vec::new()
        },
    ),
    (
        "webhook",
        |address| Channel::Webhook { url: format!("http://{address}/") },
        |body| {
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(body.as_object().unwrap().len(), 11, "the fields of a notice and no others: {body}");
            // Data for a program, in the form of data: what it holds is what was sent.
            Vec::new()
        },
    ),
];

fn hostile_notice(channel: &Channel, text: &str) -> watchfire::core::engine::Notification {
    let mut notice = notice(7, channel);
    notice.title = format!("端口 {text} 中断");
    notice.body =
        json!({"id": "INC-7", "state": "new", "reason": text, "runbook": text, "labels": {"host": text}}).to_string();
    notice
}

fn holds_nothing_hostile(kind: &str, text: &str, (hostile, forbidden): (&str, &str)) {
    assert!(!text.contains(forbidden), "{kind} carries {hostile:?} as {text:?}");
    assert!(!text.contains(['\0', '\u{1b}']) || kind == "template", "{kind} carries control characters: {text:?}");
}

#[tokio::test]
async fn hostile_labels_arrive_as_words_over_every_channel_of_http() {
    let dir = secrets();
    let mut ran = 0;
    for (kind, channel, texts_of) in CASES {
        for hostile in HOSTILE {
            let answer = r#"{"errcode":0,"code":0,"ok":true}"#;
            let mut receiver = Receiver::start(&[(200, answer)]).await;
            let channel = channel(receiver.address());
            assert_eq!(channel.kind(), kind);
            let outcomes = deliver(hostile_notice(&channel, hostile.0), QUICK, reach(dir.path())).await;
            assert_eq!(outcomes, ["delivered"], "{kind} {hostile:?}");
            let got = receiver.next().await;
            for text in texts_of(&got.body) {
                holds_nothing_hostile(kind, &text, hostile);
            }
            if kind == "template" {
                assert_eq!(got.parameter("t"), format!("端口 {} 中断", hostile.0), "one parameter, whole");
                assert_eq!(got.headers.get_all("x-title").iter().count(), 1);
                assert!(got.headers.get("bcc").is_none(), "{:?}", got.headers);
            }
            ran += 1;
        }
    }
    assert_eq!(ran, CASES.len() * HOSTILE.len());
}

#[tokio::test]
async fn hostile_labels_make_neither_headers_nor_lines_of_a_mail() {
    let dir = secrets();
    for hostile in HOSTILE {
        let (url, mut mails, served) = mail_server(vec![Sink::Takes]).await;
        let mail = MailServer::new(&url, "noc@watch.example").unwrap();
        let notice = hostile_notice(&Channel::Email { to: "ops@noc.example".to_owned() }, hostile.0);
        let outcomes = deliver(notice, QUICK, ChannelConfig { mail: Some(mail), ..reach(dir.path()) }).await;
        assert_eq!(outcomes, ["delivered"], "{hostile:?}");
        let mail = in_time(mails.recv()).await.unwrap();
        let head = mail.split("\r\n\r\n").next().unwrap();
        assert!(!head.contains("\nBcc:") && !head.contains("RCPT TO:<everybody"), "{head}");
        assert!(header(&mail, "Subject").starts_with("Page: 端口"), "{head}");
        let body = body_of(&mail);
        for line_start in
            ["\nBcc:", "\nacknowledge: https://evil", "\u{2028}", "\u{202e}", "\0", "\u{1b}", "机器人的钥匙"]
        {
            assert!(!body.contains(line_start), "{hostile:?}: {body:?}");
        }
        served.abort();
    }
}

#[test]
fn every_kind_of_channel_is_in_the_table() {
    let tested: std::collections::BTreeSet<&str> =
        CASES.iter().map(|(kind, ..)| *kind).chain(["email", "mqtt"]).collect();
    // MQTT carries the webhook's JSON on a topic made of an id alone: tests/it/notify.rs.
    assert_eq!(tested, CHANNEL_KINDS.into_iter().collect());
}
