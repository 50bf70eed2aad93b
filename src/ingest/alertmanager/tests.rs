//! The v2 API: accepted alerts of a request, and the faults of the rest.

use super::*;
use crate::core::model::{LABEL_MAX_BYTES, TEXT_MAX_BYTES};

const NOW: Timestamp = Timestamp::from_seconds(1_795_284_000); // 2026-11-21T18:00:00Z

/// Each alert kept as `labels starts..ends`, then each fault as `kind message`.
fn run(body: &str) -> Vec<String> {
    let decoded = decode(body.as_bytes(), NOW).unwrap_or_else(|why| panic!("{body}: {why:?}"));
    let time = |stamp: Option<Stamp>| stamp.map_or_else(|| "-".to_owned(), |stamp| stamp.to_string());
    let kept = decoded
        .events
        .iter()
        .map(|event| format!("{} {}..{}", event.labels, time(event.starts_at), time(event.ends_at)));
    let faults = decoded.faults.iter().map(|fault| format!("{:?} {}", fault.kind, fault.message));
    kept.chain(faults).collect()
}

fn check(body: &str, expected: &[&str]) {
    assert_eq!(run(body), expected, "{body}");
}

#[test]
fn an_alert_is_kept_as_it_was_sent() {
    let body = r#"[{"labels":{"alertname":"磁盘","b":"x\ty","empty":"","null":null},"annotations":{"summary":"满","z":null},
        "startsAt":"2026-11-21T17:59:48.345678+08:00","endsAt":"2026-11-21T18:03:00Z",
        "generatorURL":"http://prom.example.org:9090/graph?g0.expr=up+%3D%3D+0","unknown":[[{"deep":1}]]}]"#;
    let decoded = decode(body.as_bytes(), NOW).unwrap();
    let event = &decoded.events[0];
    assert_eq!(event.labels, Labels::from_pairs([("alertname", "磁盘"), ("b", "x\ty")]));
    assert_eq!(event.annotations, Labels::from_pairs([("summary", "满")]));
    assert_eq!((event.source.as_str(), event.status, event.expiry), ("v2", Status::Firing, Expiry::AlertmanagerV2));
    assert_eq!((event.summary.as_str(), event.severity, &event.raw), ("满", None, &None));
    assert_eq!(event.generator_url, "http://prom.example.org:9090/graph?g0.expr=up+%3D%3D+0");
    assert_eq!(event.starts_at.unwrap().to_string(), "2026-11-21T17:59:48.345+08:00");
    assert_eq!(event.ends_at.unwrap().to_string(), "2026-11-21T18:03:00.000Z");
}

#[test]
fn null_empty_and_the_zero_time_all_mean_unset() {
    for unset in [r#""startsAt":null"#, r#""startsAt":"""#, r#""startsAt":"0001-01-01T00:00:00.000Z""#, r#""x":1"#] {
        check(&format!(r#"[{{"labels":{{"a":"x"}},{unset}}}]"#), &[r#"{a="x"} -..-"#]);
    }
    check("[]", &[]);
    check("null", &[]);
    check(" [ ] ", &[]);
}

#[test]
fn each_alert_is_judged_alone_and_in_alertmanagers_words() {
    let good = r#"{"labels":{"a":"x"}}"#;
    let kept = r#"{a="x"} -..-"#;
    check(r#"[{"labels":{}}]"#, &["Invalid at least one label pair required"]);
    check(r#"[{"labels":{"a":""}}]"#, &["Invalid at least one label pair required"]);
    check(&format!(r#"[{good},{{"labels":{{}}}}]"#), &[kept, "Invalid at least one label pair required (alert 1)"]);
    check(&format!("[{good},null]"), &[kept, "Required 1 in body is required"]);
    check("[null]", &["Required 0 in body is required"]);
    check("[{}]", &["Required 0.labels in body is required"]);
    check(r#"[{"labels":null}]"#, &["Required 0.labels in body is required"]);
    check(r#"[{"labels":{"":"x"}}]"#, &["Invalid invalid label set: invalid name \"\": a name must not be empty"]);
    check(
        &format!(r#"[{{"labels":{{"a":1}}}},{good}]"#),
        &[kept, "Malformed 0.labels.a is a number; expected text in quotes"],
    );
    check(r#"[{"labels":"a"}]"#, &["Malformed 0.labels is text; expected an object of names and texts"]);
    check(
        r#"[7,["x"]]"#,
        &["Malformed 0 is a number; expected an alert object", "Malformed 1 is a list; expected an alert object"],
    );
    check(
        r#"[{"labels":{"a":"x"},"startsAt":"2026-11-21"}]"#,
        &[
            "Malformed 0.startsAt: \"2026-11-21\" is not a time; expected RFC 3339, for example 2026-02-13T17:00:00+08:00",
        ],
    );
    check(r#"[{"labels":{"a":"x"},"endsAt":5}]"#, &["Malformed 0.endsAt is a number; expected a time as text"]);
    check(
        r#"[{"labels":{"a":"x"},"startsAt":"2026-11-21T18:00:02Z","endsAt":"2026-11-21T18:00:01Z"}]"#,
        &["Invalid start time must be before end time"],
    );
    check(
        r#"[{"labels":{"a":"x"},"startsAt":"2030-01-01T00:00:00Z"}]"#,
        &["Invalid start time must be before end time"],
    );
    check(r#"[{"labels":{"a":"x"},"startsAt":"2026-11-21T18:05:00Z"}]"#, &[r#"{a="x"} 2026-11-21T18:05:00.000Z..-"#]);
    check(r#"[{"labels":{"a":"x"},"endsAt":"2020-01-01T00:00:00Z"}]"#, &[r#"{a="x"} -..2020-01-01T00:00:00.000Z"#]);
    check(r#"[{"labels":{"a":"b\u0000c"}}]"#, &[r#"{a="bc"} -..-"#]);
    // As encoding/json does: the last one counts; vmalert 1.79 sends `alertname` twice.
    check(r#"[{"labels":{"a":"1","a":"2"}}]"#, &[r#"{a="2"} -..-"#]);
    check(r#"[{"labels":{"b":"x","a":"1","c":"y","a":"2","a":"3"}}]"#, &[r#"{a="3", b="x", c="y"} -..-"#]);
}

#[test]
fn what_exceeds_a_bound_says_which() {
    let labels = |count: usize| (0..count).map(|n| format!(r#""l{n}":"x""#)).collect::<Vec<_>>().join(",");
    check(
        &format!(r#"[{{"labels":{{{}}}}}]"#, labels(10_000)),
        &["Invalid invalid label set: 10000 labels on one event; at most 64"],
    );
    let long = "v".repeat(LABEL_MAX_BYTES + 1);
    check(
        &format!(r#"[{{"labels":{{"a":"{long}"}}}}]"#),
        &["Invalid invalid label set: the value of label \"a\" is 4097 bytes long; at most 4096"],
    );
    let body = format!(r#"[{{"labels":{{"a":"x"}},"annotations":{{"text":"{}"}}}}]"#, "v".repeat(100_000));
    let text = decode(body.as_bytes(), NOW).unwrap().events[0].annotations.get("text").unwrap().to_owned();
    assert!(text.len() <= TEXT_MAX_BYTES && text.ends_with("(cut)"));
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    check(
        &format!(r#"[{{"labels":{{"a":{deep}}}}},{{"labels":{{"b":"x"}},"other":{deep}}}]"#),
        &[r#"{b="x"} -..-"#, "Malformed 0.labels.a is a list; expected text in quotes"],
    );
}

#[test]
fn generator_urls_are_what_may_follow_get() {
    for good in [
        "",
        "/graph?x=a b",
        "http://h:9090/graph",
        "https://[::1]:9/a",
        "mailto:x",
        "http://用户.cn/磁盘",
        "http://u@h/p%20q?%zz",
    ] {
        assert!(is_uri(good), "{good:?}");
    }
    for bad in [
        "not a url",
        "?orgId=1",
        "graph",
        "http://a b/",
        "http://h:port/",
        "http://h/%zz",
        "1http://h",
        "http://h/\u{7}",
    ] {
        assert!(!is_uri(bad), "{bad:?}");
    }
    check(
        r#"[{"labels":{"a":"x"},"generatorURL":"not a url"}]"#,
        &["Format 0.generatorURL in body must be of type uri: \"not a url\""],
    );
}

#[test]
fn a_body_that_cannot_be_read_says_where() {
    let check = |body: &[u8], expected: &str| {
        let told = match decode(body, NOW).unwrap_err() {
            NotRead::Empty => "empty".to_owned(),
            NotRead::Unreadable(unreadable) => unreadable.to_string(),
        };
        assert!(told.contains(expected), "{told}");
    };
    check(b"", "empty");
    check(b" \n", "empty");
    check(b"{}", "expected a list of alerts at line 1, column");
    check(b"[{\"labels\":{\"a\":\"x\"}}", "EOF while parsing a list at line 1, column 21");
    check(b"[\n {\"labels\" {}}]", "expected `:` at line 2, column 12");
    check(b"[] x", "trailing characters at line 1, column 4");
    check(b"[{\"labels\":\n{\"a\":\"\xff\"}}]", "not UTF-8: byte 18 is 0xff at line 2, column 7");
    check(format!("[{}]", vec!["{}"; 10_001].join(",")).as_bytes(), "more than 10000 alerts in one request");
}
