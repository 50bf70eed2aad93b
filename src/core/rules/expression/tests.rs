//! Tests of expressions.

use proptest::prelude::*;
use serde_json::json;

use super::Expression;
use crate::core::model::{Event, Labels, Severity, Status};

fn holds(condition: &Expression, event: &Event) -> bool {
    condition.holds(event, event.normalised_severity(), &Labels::from_pairs([("site", "机房A")]))
}

fn event() -> Event {
    let labels =
        Labels::from_pairs([("alertname", "LinkDown"), ("site", "GZ01"), ("机房", "广州三楼"), ("team", "net")]);
    let mut event = Event::new("zabbix", Status::Firing, labels);
    event.severity = Some(Severity::Major);
    event.summary = "核心链路中断".to_owned();
    event.value = Some(93.5);
    event.annotations = Labels::from_pairs([("runbook", "https://runbooks/link")]);
    event
}

fn check_holds(text: &str, expected: bool) {
    let condition = Expression::condition(text).unwrap_or_else(|bad| panic!("{text}: {bad:?}"));
    assert_eq!(holds(&condition, &event()), expected, "{text}");
}

#[test]
fn a_condition_sees_the_event() {
    check_holds("labels.site == 'GZ01' && value > 90", true);
    check_holds("labels['机房'].startsWith('广州')", true);
    check_holds("summary.contains('中断') && source == 'zabbix'", true);
    check_holds("severity in ['major', 'critical']", true);
    check_holds("status == 'resolved'", false);
    check_holds("size(labels) == 4 && 'site' in labels && !('rack' in labels)", true);
    check_holds("has(labels.site) && !has(labels.rack) && has(annotations.runbook)", true);
    check_holds("labels.exists(name, labels[name] == 'net')", true);
    check_holds("labels.map(name, name) == ['alertname', 'site', 'team', '机房']", true);
    check_holds("labels == {'alertname': 'LinkDown', 'site': 'GZ01', '机房': '广州三楼', 'team': 'net'}", true);
    check_holds("labels.?rack.orValue('none') == 'none'", true);
    check_holds(
        "labels.site.matches('^GZ[0-9]+$') && matches(labels.team, 'n.t') && !labels.site.matches('^SZ')",
        true,
    );
    check_holds(r"labels.site.matches(r'\d\d')", true);
}

#[test]
fn what_cannot_be_computed_does_not_hold() {
    check_holds("labels.rack == 'r1'", false);
    check_holds("labels.rack != 'r1'", false);
    check_holds("labels.site > 3", false);
    check_holds("labels.site", false);
    check_holds("value.matches('9')", false);
    let mut without_value = event();
    without_value.value = None;
    assert!(!holds(&Expression::condition("value > 0").unwrap(), &without_value));
}

fn check_value(text: &str, expected: serde_json::Value) {
    let payload = json!({
        "host": "北塔-01", "sev": 4, "big": u64::MAX, "ratio": 0.5, "ok": true, "none": null,
        "alerts": [{"labels": {"a": "1"}, "tags": ["x", "y"]}, {"labels": {"a": "2"}}],
    });
    let topic = json!(["sites", "GZ01", "links"]);
    let expression = Expression::compile(text, &["payload", "topic"]).unwrap_or_else(|bad| panic!("{text}: {bad:?}"));
    assert_eq!(expression.evaluate(&[("payload", &payload), ("topic", &topic)]), Ok(expected), "{text}");
}

#[test]
fn a_value_comes_out_as_json() {
    check_value("payload.host", json!("北塔-01"));
    check_value("payload.sev + 1", json!(5));
    check_value("payload.big", json!(u64::MAX));
    check_value("payload.ratio * 2.0", json!(1.0));
    check_value("payload.none", json!(null));
    check_value("payload.alerts", json!([{"labels": {"a": "1"}, "tags": ["x", "y"]}, {"labels": {"a": "2"}}]));
    check_value("payload.alerts[0].labels", json!({"a": "1"}));
    check_value("payload.alerts.map(alert, alert.labels.a)", json!(["1", "2"]));
    check_value("payload.alerts[0].tags.join('/')", json!("x/y"));
    check_value("payload.?missing.?deep.orValue('-')", json!("-"));
    check_value("payload.?host", json!("北塔-01"));
    check_value("has(payload.host) && !has(payload.hosts)", json!(true));
    check_value("topic[1].lowerAscii()", json!("gz01"));
    check_value("{'4': 'major', '5': 'critical'}[string(payload.sev)]", json!("major"));
    check_value("{'site': topic[1], 'sev': payload.sev}", json!({"site": "GZ01", "sev": 4}));
    check_value("payload.ok ? 'firing' : 'resolved'", json!("firing"));
    check_value("payload.host.split('-')[1]", json!("01"));
    check_value("int('7') + size('广州')", json!(9));
    check_value("optional.of(3)", json!(3));
    check_value("type(payload.sev) == int", json!(true));
}

#[test]
fn a_missing_key_and_a_wrong_type_are_errors_with_a_reason() {
    let check = |text: &str, reason: &str| {
        let payload = json!({"host": "sw3", "list": [1], "long": "界".repeat(5000)});
        let error = Expression::compile(text, &["payload"]).unwrap().evaluate(&[("payload", &payload)]).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
        assert!(error.chars().count() <= 301, "{text}: {error}");
    };
    check("payload.port", "port");
    check("payload.host + 1", "add");
    check("payload.list[3]", "3");
    check("payload.?port", "empty optional");
    check("b'x'", "bytes");
    check("{1: 'x'}", "key");
    check("1.0 / 0.0", "not a number in JSON");
    check("payload.long - 1", "sub");
}

#[test]
fn mistakes_are_found_at_load_and_say_where() {
    let check = |text: &str, line: usize, column: usize, reason: &str| {
        let bad = Expression::condition(text).expect_err(text);
        assert!(bad.reason.contains(reason), "{text}: {}", bad.reason);
        assert_eq!((bad.line, bad.column), (line, column), "{text}: {}", bad.reason);
    };
    check("", 1, 1, "empty");
    check("labels.site ==", 1, 15, "not a CEL expression");
    check("labels.site == 'GZ01' &&\n  labls.team == 'x'", 2, 3, "unknown name \"labls\"");
    check("'广州' == label.site", 1, 9, "unknown name \"label\"; known are labels, annotations");
    check("labels.site.startswith('GZ')", 1, 13, "did you mean \"startsWith\"?");
    check("foo(labels)", 1, 1, "unknown function \"foo\"");
    check("labels.exists(n, m == 'x')", 1, 18, "unknown name \"m\"");
    check("labels.site.matches('(')", 1, 13, "bad regular expression");
    check("labels.site.matches(labels.team)", 1, 13, "takes one pattern");
    check("{'a': 1}.map(k, k) == ['a']", 1, 13, "no fixed order");
    check("labels.all(a, labels.all(b, labels.all(c, true)))", 1, 39, "loops nested too deeply");
    check("acme.Thing{a: 1}", 1, 11, "messages cannot be built");
    check("'''x'''", 1, 1, "one pair of quotes");
    check("labels.site == 'x", 1, 16, "one pair of quotes");
    check(&format!("labels.site == '{}'", "x".repeat(3000)), 1, 1, "at most 2048");
    check(&"(".repeat(100), 1, 21, "nested too deeply");
    check("'广州' == ", 1, 9, "not a CEL expression");
}

#[test]
fn no_shape_of_expression_overflows_the_stack_of_a_small_thread() {
    let shapes: Vec<String> = vec![
        "!".repeat(2000) + "true",
        "-".repeat(2000) + "1",
        "(".repeat(1000) + "1" + &")".repeat(1000),
        "[".repeat(1000) + &"]".repeat(1000),
        "1".to_owned() + &"+1".repeat(1000),
        "labels".to_owned() + &".a".repeat(1000),
        "labels".to_owned() + &"[0]".repeat(600),
        "true".to_owned() + &"?1:1".repeat(400),
        "1".to_owned() + &" in 1".repeat(400),
        "true".to_owned() + &"&&true".repeat(330),
        "true".to_owned() + &"||false".repeat(280),
        "size(".repeat(400) + "1",
        "{1:".repeat(600),
        "r'\\'".to_owned() + &"+1".repeat(1000),
        "[1".to_owned() + &",1".repeat(1000) + "]",
        "(".repeat(20) + "1" + &")".repeat(20),
        "!".repeat(60) + "true",
        "labels".to_owned() + &".a".repeat(60),
        "1".to_owned() + &"+1".repeat(60),
        "true".to_owned() + &"?1:1".repeat(20),
        "1".to_owned() + &" in 1".repeat(60),
        ("(true".to_owned() + &"&&true".repeat(40)).repeat(7) + &")".repeat(7),
    ];
    let small = std::thread::Builder::new().stack_size(512 << 10);
    let run = move || {
        for shape in shapes {
            if let Ok(condition) = Expression::condition(&shape) {
                holds(&condition, &event());
            }
        }
    };
    small.spawn(run).expect("a thread can be started").join().expect("no shape ends the thread");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_or_the_evaluator_panic(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "labels", ".site", "['site']", "==", "!=", "'GZ01'", "1", "-1", "2.5", "100", "+", "-", "*", "/", "%", "(", ")",
            "[", "]", "{", "}", ",", ":", "?", "&&", "||", "!", ".size()", ".matches('G.')", ".substring(1, 0)",
            ".substring(9)", ".indexOf('Z', 9)", ".lastIndexOf('Z', -1)", ".charAt(5)", ".replace('G', 'x', -1)",
            ".split('', 3)", ".split(',')", ".join('-')", ".exists(x, x == 'a')", ".map(x, x)", ".all(x, x in labels)",
            "in", "value", "has(labels.site)", "'%s%d'", ".format([1, 2])", ".reverse()", "int('9')", "double(1)", "值",
            ".trim()", "null", "true", "dyn(1)", "string(2)", "bytes('x')", ".?rack", ".orValue(1)", "[?labels.?x]",
        ]), 0..14),
        spaced in any::<bool>(),
    ) {
        let text = words.join(if spaced { " " } else { "" });
        if let Ok(condition) = Expression::condition(&text) {
            holds(&condition, &event());
            let value = json!({"site": "GZ01"});
            let _ = condition.evaluate(&[("labels", &value), ("value", &json!(3))]);
        }
    }

    #[test]
    fn no_bytes_make_the_parser_panic(text in ".{0,60}") {
        let _ = Expression::condition(&text);
    }
}

/// An event with so many labels of so many bytes.
fn large(labels: usize, bytes: usize) -> Event {
    let named: Vec<(String, String)> =
        (0..labels).map(|number| (format!("label{number:02}"), "x".repeat(bytes))).collect();
    let pairs = named.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Event::new("zabbix", Status::Firing, Labels::from_pairs(pairs))
}

#[test]
fn what_takes_too_many_steps_is_broken_off_counted_and_does_not_hold() {
    for text in [
        "labels.all(a, labels.all(b, labels[a].matches('x$') && labels[b].matches('^x')))",
        "!labels.exists(a, labels.exists(b, labels[a] + labels[b] == 'y'))",
        "labels.map(a, labels.map(b, labels[a] + labels[b])).size() > 0",
        "labels.filter(a, labels.filter(b, labels[b].contains('x')).size() > 0).size() > 0",
        "labels.exists_one(a, labels.exists_one(b, labels[b] == 'y')) == false",
    ] {
        let condition = Expression::condition(text).unwrap();
        assert!(holds(&condition, &large(8, 20)), "{text}");
        assert_eq!(condition.broken_off(), 0, "{text}");
        assert!(!holds(&condition, &large(64, 4_000)), "{text}");
        assert_eq!(condition.broken_off(), 1, "{text}");
        assert!(condition.cost().usual < u64::from(super::STEPS_MAX), "{text}: {:?}", condition.cost());
        assert!(condition.cost().most > u64::from(super::STEPS_MAX), "{text}: {:?}", condition.cost());
    }
}

#[test]
fn ordinary_conditions_are_far_from_the_bound_on_any_event() {
    for text in [
        "labels.label00 == 'GZ01' && summary.contains('中断')",
        "labels.exists(name, labels[name] == 'net')",
        "labels.label01.matches('^GZ[0-9]+$') || annotations.exists(name, name.startsWith('run'))",
    ] {
        let condition = Expression::condition(text).unwrap();
        holds(&condition, &large(64, 4_000));
        assert_eq!(condition.broken_off(), 0, "{text}");
        assert!(condition.cost().most < u64::from(super::STEPS_MAX), "{text}: {:?}", condition.cost());
    }
}

#[test]
fn the_bound_counts_steps_so_that_every_run_decides_alike() {
    let condition = Expression::condition("labels.all(a, labels.all(b, labels[a] == labels[b]))").unwrap();
    let first_broken = |condition: &Expression| {
        (1..=64).find(|labels| {
            let before = condition.broken_off();
            holds(condition, &large(*labels, 300));
            condition.broken_off() > before
        })
    };
    let first = first_broken(&condition);
    assert!(first.is_some_and(|labels| (10..64).contains(&labels)), "{first:?}");
    assert_eq!(first, first_broken(&condition));
}
