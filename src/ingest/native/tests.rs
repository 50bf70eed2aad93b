//! The native API: accepted events of a request, and the errors of the rest.

use super::*;
use crate::core::model::{Event, Labels, Severity, Status};

fn check(payload: &str, expected: &[&str]) {
    let decoded = decode(payload.as_bytes()).unwrap_or_else(|why| panic!("{payload}: {why}"));
    let describe = |event: &Event| format!("{} {} {}", event.status.as_str(), event.labels, event.annotations);
    let rejected = decoded.rejected.iter().map(|rejected| format!("{}: {}", rejected.index, rejected.error));
    let found: Vec<String> = decoded.events.iter().map(describe).chain(rejected).collect();
    assert_eq!(found, expected, "{payload}");
}

#[test]
fn every_member_of_an_event_is_kept() {
    let payload = r#"{"id": 7, "status": "resolved", "labels": {"alertname": "LinkDown", "site": "广州"},
        "severity": "Major", "summary": "链路\u0000中断", "occurred_at": "2026-02-13T17:00:00+08:00", "value": 0.93,
        "annotations": {"note": "x", "n": 1}, "generator_url": "https://noc.example.org/7", "rack": "r7", "port": 12,
        "up": false, "nothing": null, "tree": {"a": [1, "二"]}}"#;
    let event = decode(payload.as_bytes()).unwrap().events.remove(0);
    let expected = Event {
        id: Some("7".to_owned()),
        severity: Some(Severity::Major),
        summary: "链路中断".to_owned(),
        annotations: Labels::from_pairs([
            ("note", "x"),
            ("n", "1"),
            ("rack", "r7"),
            ("port", "12"),
            ("up", "false"),
            ("tree", r#"{"a": [1, "二"]}"#),
        ]),
        occurred_at: Some("2026-02-13T09:00:00Z".parse().unwrap()),
        value: Some(0.93),
        generator_url: "https://noc.example.org/7".to_owned(),
        ..Event::new("native", Status::Resolved, Labels::from_pairs([("alertname", "LinkDown"), ("site", "广州")]))
    };
    assert_eq!(event, expected);
}

#[test]
fn one_object_a_list_and_lines_hold_the_same() {
    let a = r#"{"labels":{"a":"x"}}"#;
    let b = r#"{"labels":{"b":"y"},"status":"point"}"#;
    let (ka, kb) = (r#"firing {a="x"} {}"#, r#"point {b="y"} {}"#);
    check(a, &[ka]);
    check(&format!("[{a}, {b}]"), &[ka, kb]);
    check(&format!("{a}\n{b}"), &[ka, kb]);
    check(&format!("\n{a}\r\n\r\n{b}\n\0"), &[ka, kb]);
    check("{\n \"labels\": {\n  \"a\": \"x\"\n }\n}", &[ka]);
    check("[]", &[]);
    check(&format!("{a}\n{{\"labels\" 1}}\n{b}"), &[ka, kb, "1: not valid JSON: expected `:` at line 2, column 11"]);
    check(&format!("{{broken\n{a}"), &[ka, "0: not valid JSON: key must be a string at line 1, column 2"]);
}

#[test]
fn an_item_that_is_wrong_is_rejected_alone_and_says_why() {
    let reject = |item: &str, why: &str| {
        let good = r#"{"labels":{"a":"x"}}"#;
        check(
            &format!("[{good}, {item}, {good}]"),
            &[r#"firing {a="x"} {}"#, r#"firing {a="x"} {}"#, &format!("1: {why}")],
        );
    };
    reject("{}", "labels is missing; every event needs at least one label");
    reject(r#"{"labels":null}"#, "labels is missing; every event needs at least one label");
    reject(r#"{"labels":{}}"#, "labels is empty; every event needs at least one label");
    reject(r#"{"labels":{"a":""}}"#, "labels is empty; every event needs at least one label");
    reject(r#"{"labels":[]}"#, "labels is a list; expected an object of names and texts");
    reject(r#"{"labels":{"port":8080}}"#, "labels.port is a number; expected text in quotes");
    reject(r#"{"labels":{"up":null}}"#, "labels.up is null; expected text in quotes");
    reject(r#"{"labels":{"a":"1","a":"2"}}"#, "the label \"a\" stands twice");
    reject(
        r#"{"labels":{"a":"x"},"status":"burning"}"#,
        "status \"burning\" is not known; expected firing, resolved or point",
    );
    reject(r#"{"labels":{"a":"x"},"status":1}"#, "status is a number; expected firing, resolved or point");
    reject(
        r#"{"labels":{"a":"x"},"severity":"很坏"}"#,
        "severity \"很坏\" is not known; expected critical, major, minor, warning, indeterminate or cleared",
    );
    reject(
        r#"{"labels":{"a":"x"},"occurred_at":"gestern"}"#,
        "occurred_at: \"gestern\" is not a time; expected RFC 3339, for example 2026-02-13T17:00:00+08:00",
    );
    reject(r#"{"labels":{"a":"x"},"occurred_at":1795284616}"#, "occurred_at is a number; expected text in quotes");
    reject(r#"{"labels":{"a":"x"},"value":"hot"}"#, "value is text; expected a number");
    reject(r#"{"labels":{"a":"x"},"summary":{}}"#, "summary is an object; expected text in quotes");
    reject("null", "the item is null; expected an event object");
    reject("\"x\"", "the item is text; expected an event object");
    reject(&format!(r#"{{"labels":{{"a":"x"}},"id":"{}"}}"#, "i".repeat(257)), "id is 257 bytes long; at most 256");
    let labels = (0..10_000).map(|n| format!(r#""l{n}":"x""#)).collect::<Vec<_>>().join(",");
    reject(&format!(r#"{{"labels":{{{labels}}}}}"#), "10000 labels on one event; at most 64");
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    reject(&deep, "the item is a list; expected an event object");
    reject(&format!(r#"{{"labels":{{"a":{deep}}}}}"#), "labels.a is a list; expected text in quotes");
}

#[test]
fn without_a_status_a_cleared_severity_means_resolved() {
    check(r#"{"labels":{"a":"x"},"severity":"cleared"}"#, &[r#"resolved {a="x"} {}"#]);
    check(r#"{"labels":{"a":"x"},"severity":"OK","status":"firing"}"#, &[r#"firing {a="x"} {}"#]);
    check(r#"{"labels":{"a":"x"},"severity":null,"status":null}"#, &[r#"firing {a="x"} {}"#]);
}

#[test]
fn a_payload_that_cannot_be_read_says_where() {
    let check = |payload: &[u8], expected: &str| {
        let told = decode(payload).unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
    };
    check(b"", "the body is empty");
    check(b"\0", "the body is empty");
    check(b"{\"labels\":{\"a\":\"x\"}", "not valid JSON: EOF while parsing an object at line 1, column 19");
    check(b"[{\"labels\":{\"a\":\"x\"}},", "not valid JSON: EOF while parsing a value at line 1, column 22");
    check(b"{\"labels\":{\"a\":\"\xe5\xb9\"}}", "not UTF-8: byte 16 is 0xe5 at line 1, column 17");
    check(b"alarm!", "not valid JSON: expected value at line 1, column 1");
    check(b"7", "expected an event object or a list of them");
    check(format!("[{}]", vec!["{}"; 10_001].join(",")).as_bytes(), "more than 10000 events in one request");
    check(vec!["{}"; 10_001].join("\n").as_bytes(), "more than 10000 lines in one request");
}

#[test]
fn a_request_key_names_the_items_that_have_no_id() {
    let mut decoded =
        decode(br#"[{"labels":{"a":"x"}}, {}, {"labels":{"b":"x"},"id":"own"}, {"labels":{"c":"x"}}]"#).unwrap();
    decoded.identify("k");
    let ids: Vec<Option<&str>> = decoded.events.iter().map(|event| event.id.as_deref()).collect();
    assert_eq!(ids, [Some("k/0"), Some("own"), Some("k/3")]);
}

#[test]
fn a_time_may_be_called_ts_and_what_is_no_time_is_an_annotation() {
    let check = |members: &str, time: Option<&str>, annotations: &[(&str, &str)]| {
        let event = decode(format!(r#"{{"labels":{{"a":"x"}},{members}}}"#).as_bytes()).unwrap().events.remove(0);
        assert_eq!(event.occurred_at, time.map(|time| time.parse().unwrap()), "{members}");
        assert_eq!(event.annotations, Labels::from_pairs(annotations.iter().copied()), "{members}");
    };
    let (one, other) = ("2026-02-13T09:00:00Z", "2026-02-13T10:00:00Z");
    check(r#""ts":"2026-02-13T17:00:00+08:00""#, Some(one), &[]);
    check(r#""occurred_at":"2026-02-13T10:00:00Z","ts":"2026-02-13T09:00:00Z""#, Some(other), &[]);
    check(r#""ts":1770973200"#, None, &[("ts", "1770973200")]);
    check(r#""ts":"昨天""#, None, &[("ts", "昨天")]);
}
