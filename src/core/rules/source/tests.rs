//! A source's events from payloads, and the errors of a wrong source.

use serde_json::{Value, json};

use super::*;
use crate::core::model::{Event, Expiry};
use crate::core::model::{Severity, Status};

fn source(text: &str) -> Result<Source, Vec<SourceMistake>> {
    let text: SourceSyntax = serde_saphyr::from_str(text).unwrap_or_else(|why| panic!("{text}\n{why}"));
    Source::compile(text)
}

fn context(topic: &str) -> PayloadContext {
    PayloadContext { topic: topic.to_owned(), headers: json!({"x-site": "广州"}), query: json!({"team": "net"}) }
}

/// The events of a payload, each as `status severity labels annotations`; rejections and skips follow.
fn run(text: &str, topic: &str, payload: &Value) -> Vec<String> {
    let source = source(text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let mapped = source.map(payload, &context(topic)).unwrap();
    let describe = |event: &Event| {
        let severity = event.severity.map_or("-", Severity::as_str);
        format!("{} {severity} {} {}", event.status.as_str(), event.labels, event.annotations)
    };
    let rejected = mapped.rejected.iter().map(|(index, why)| format!("{index}: {why}"));
    let skipped = std::iter::repeat_n("skipped".to_owned(), mapped.skipped);
    mapped.events.iter().map(describe).chain(rejected).chain(skipped).collect()
}

const ACME: &str = r#"
name: acme
mqtt: {topics: ['acme/{site}/alarms/#']}
each: payload.alarms
parts:
  full: item.name + '/' + item.device
  loud: parts.full.upperAscii()
skip_when: [item.kind == 'comment', parts.full == 'x/y']
status: item.state
statuses: {'1': firing, '0': resolved, LOG: point}
labels_from: item.tags
drop_labels: [state]
labels:
  alertname: item.name
  device: [item.device, payload.host]
annotations_from: item.more
annotations: {full: parts.loud, team: query.team, from: "headers['x-site']", on: topic}
severity: item.level
severities: {'5': critical}
expires: 10m
"#;

#[test]
fn items_become_events_by_their_expressions() {
    let check = |topic: &str, item: Value, expected: &str| {
        let payload = json!({"host": "hub", "alarms": [item]});
        assert_eq!(run(ACME, topic, &payload), [expected], "{payload}");
    };
    check(
        "acme/广州/alarms/7",
        json!({"name": "LinkDown", "device": "sw3", "state": 1, "level": 5, "tags": {"port": 7, "up": false, "state": "x",
            "none": null, "list": [1]}, "more": {"text": "链路", "list": [1], "none": null}}),
        "firing critical {alertname=\"LinkDown\", device=\"sw3\", port=\"7\", site=\"广州\", up=\"false\"} \
         {from=\"广州\", full=\"LINKDOWN/SW3\", list=\"[1]\", on=\"acme/广州/alarms/7\", team=\"net\", text=\"链路\"}",
    );
    check(
        "",
        json!({"name": "LinkDown", "device": "", "state": "0", "level": "Disaster"}),
        "resolved critical {alertname=\"LinkDown\", device=\"hub\"} {from=\"广州\", full=\"LINKDOWN/\", team=\"net\"}",
    );
    check("", json!({"kind": "comment"}), "skipped");
    check("", json!({"name": "x", "device": "y"}), "skipped");
    check(
        "",
        json!({"name": "Reload", "state": "log"}),
        "point - {alertname=\"Reload\", device=\"hub\"} {from=\"广州\", team=\"net\"}",
    );
    check("", json!({"name": "A", "state": "2"}), "0: status \"2\" is not known; expected one of 0, 1, log");
    check("", json!({"name": "A"}), "0: status: item.state: No such key: state");
    check(
        "",
        json!({"name": "A", "state": 1, "tags": {"x": "v".repeat(5000)}}),
        "0: the value of label \"x\" is 5000 bytes long; at most 4096",
    );
}

#[test]
fn what_the_source_leaves_open_has_a_default() {
    let text = "name: a\nlabels: {alertname: item.name}\nseverity: item.level\nannotations_from: item\nvalue: item.reading\n\
                occurred_at: item.at\n";
    let event = |payload: Value| {
        let mut mapped = source(text).unwrap().map(&payload, &context("")).unwrap();
        mapped.events.remove(0)
    };
    let firing = event(json!({"name": "A", "level": "major", "message": "磁盘", "reading": "0.93", "at": "gestern"}));
    assert_eq!((firing.status, firing.expiry), (Status::Firing, Expiry::Never));
    assert_eq!((firing.summary.as_str(), firing.value, firing.occurred_at), ("磁盘", Some(0.93), None));
    assert_eq!(firing.annotations.get("occurred_at"), Some("gestern"));
    assert_eq!(event(json!({"name": "A", "level": "OK"})).status, Status::Resolved);
    assert_eq!(run(text, "", &json!([{"name": "A"}, {"name": "B"}])).len(), 2, "a list is its items");
    assert_eq!(
        run(text, "", &json!({})),
        ["0: no label could be read from it (alertname: item.name: No such key: name)"]
    );
    let many: serde_json::Map<String, Value> = (0..500).map(|n| (format!("k{n:03}"), json!(n))).collect();
    let mut payload = Value::Object(many);
    payload["name"] = json!("A");
    let crowded = event(payload);
    assert_eq!(crowded.annotations.len(), 64);
    assert_eq!(crowded.annotations.get("annotations_left_out"), Some("438"));
    assert!(crowded.raw.is_some_and(|raw| raw.starts_with(r#"{"k000":0"#)));
}

#[test]
fn a_payload_whose_items_cannot_be_told_apart_is_refused_whole() {
    let check = |payload: Value, expected: &str| {
        let why = source(ACME).unwrap().map(&payload, &context("")).unwrap_err();
        assert!(why.contains(expected), "{why}");
    };
    check(json!({}), "no list of items: payload.alarms: No such key");
    check(json!({"alarms": "many"}), "each gives text; expected a list of items");
    check(json!({"alarms": vec![json!({}); 10_001]}), "10001 items in one payload; at most 10000");
}

#[test]
fn mistakes_are_all_told_with_their_places() {
    let check = |text: &str, expected: &[(usize, usize, &str)]| {
        let mistakes = source(text).err().unwrap_or_default();
        assert_eq!(mistakes.len(), expected.len(), "{mistakes:#?}");
        for (mistake, (line, column, piece)) in mistakes.iter().zip(expected) {
            assert!(mistake.message.contains(piece), "{mistake:?} has no {piece:?}");
            assert_eq!((mistake.line, mistake.column), (*line, *column), "{mistake:?}");
        }
    };
    check("name: Bad Name\nlabels: {a: item.a}\n", &[(1, 7, "is not a source's name")]);
    check("name: v2\nlabels: {a: item.a}\n", &[(1, 7, "taken by a built-in source")]);
    check("name: a\n", &[(1, 7, "labels are missing")]);
    check(
        "name: a\nlabels:\n  x: itm.a\n  y: [item.a, payload.b +]\nformat: toml\nexpires: soon\n",
        &[
            (3, 6, "unknown name \"itm\""),
            (4, 26, "not a CEL expression"),
            (5, 9, "is not a format"),
            (6, 10, "is not a length of time"),
        ],
    );
    check(
        "name: a\nlabels: {a: item.a}\nstatuses: {'1': burning}\nseverities: {x: bad}\ntime_zone: Mars/Base\n",
        &[(3, 17, "is not a status"), (4, 17, "is not a severity"), (5, 12, "is not a time zone")],
    );
    check("name: a\nlabels: {a: item.a}\nmqtt: {topics: ['a/#/b']}\n", &[(3, 17, "only at the end")]);
    check("name: a\nformat: text\nunwrap: x\nlabels: {a: item.a}\n", &[(3, 9, "format: json only")]);
    check("name: a\nlabels: {a: item.a}\neach: item.x\n", &[(3, 7, "unknown name \"item\"")]);
}

#[test]
fn samples_hold_a_source_to_one_identity() {
    let check = |samples: &str, expected: &str| {
        let text =
            format!("name: a\nstatus: item.s\nlabels: {{alertname: item.n, level: item.l}}\nsamples:\n  - {samples}\n");
        let mistakes = source(&text).err().unwrap_or_default();
        let told: Vec<&str> = mistakes.iter().map(|mistake| mistake.message.as_str()).collect();
        match expected {
            "" => assert!(told.is_empty(), "{told:?}"),
            piece => assert!(told.len() == 1 && told[0].contains(piece) && mistakes[0].line == 5, "{mistakes:?}"),
        }
    };
    check("{firing: {n: A, l: x, s: firing}, resolved: {n: A, l: x, s: resolved}}", "");
    check(
        "{firing: {n: A, l: high, s: firing}, resolved: {n: A, l: ok, s: resolved}}",
        "fires as {alertname=\"A\", level=\"high\"} but resolves as {alertname=\"A\", level=\"ok\"}",
    );
    check("{firing: {n: A, s: resolved}}", "the firing sample: gives the status resolved");
    check("{firing: {n: A}}", "the firing sample: item 0: status: item.s");
    check("{point: {n: A, s: point}}", "");
    check("{firing: []}", "the firing sample: gives no event");
}

#[test]
fn an_unknown_key_is_a_mistake_of_the_file() {
    let why = serde_saphyr::from_str::<SourceSyntax>("name: a\nlabel: {a: item.a}\n").unwrap_err().to_string();
    assert!(why.contains("unknown field `label`") && why.contains("2"), "{why}");
}

/// A word that nobody knows is kept and told, and never makes an event harmless.
#[test]
fn a_severity_word_that_nobody_knows_never_sinks() {
    let text =
        "name: a\nlabels: {alertname: item.n}\nstatus: item.s\nseverity: item.l\nseverities: {Rouge: critical}\n";
    let check = |status: &str, level: &str, expected: &str| {
        let payload = json!({"n": "A", "s": status, "l": level});
        assert_eq!(run(text, "", &payload), [expected], "{status} {level}");
    };
    check("firing", "rouge", "firing critical {alertname=\"A\"} {}");
    check("firing", "紧急", "firing critical {alertname=\"A\"} {}");
    check("firing", "P2", "firing major {alertname=\"A\"} {}");
    check("firing", "violet", "firing minor {alertname=\"A\"} {severity_word=\"violet\"}");
    check("down", "violet", "firing critical {alertname=\"A\"} {severity_word=\"violet\"}");
    check("warning", "17", "firing warning {alertname=\"A\"} {severity_word=\"17\"}");
    check("ok", "violet", "resolved minor {alertname=\"A\"} {severity_word=\"violet\"}");
    let sampled = format!("{text}samples:\n  - firing: {{n: A, s: firing, l: violet}}\n");
    assert_eq!(source(&sampled).unwrap().unknown_severity_words, ["violet"]);
}
