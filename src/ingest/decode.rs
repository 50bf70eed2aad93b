//! A tool's payload into events, as its source says: the bytes, what came along with them, and what became of them.

use axum::http::{HeaderMap, Uri};
use serde_json::{Map, Value};

use super::decode_error::DecodeError;
use super::decoded::{Decoded, Rejected};
use crate::core::rules::{Mapped, PayloadContext, Source, query_fields};

/// Headers that never reach an event, because they are credentials.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-api-key"];

/// Context of a payload.
pub type DecodeContext = PayloadContext;

/// The context of a message on that MQTT topic.
pub fn mqtt_context(topic: &str) -> DecodeContext {
    DecodeContext { topic: topic.to_owned(), headers: Value::Object(Map::new()), query: Value::Object(Map::new()) }
}

/// The context of an HTTP request.
pub fn http_context(headers: &HeaderMap, uri: &Uri) -> DecodeContext {
    let shown = headers.iter().filter(|(name, _)| !SECRET_HEADERS.contains(&name.as_str()));
    let headers = shown.map(|(name, value)| {
        (name.as_str().to_owned(), Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned()))
    });
    let headers = Value::Object(headers.collect());
    let query = query_fields(uri.query().unwrap_or_default());
    DecodeContext { topic: String::new(), headers, query: Value::Object(query) }
}

/// Decodes one payload by its source.
pub fn decode(source: &Source, payload: &[u8], context: &DecodeContext) -> Result<Decoded, DecodeError> {
    let payload = source.read(payload, context)?;
    let Mapped { events, places, rejected, skipped } = source.map(&payload, context).map_err(DecodeError::whole)?;
    let rejected = rejected.into_iter().map(|(index, error)| Rejected { index, error }).collect();
    Ok(Decoded { events, places, rejected, skipped })
}
#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::rules::SourceSyntax;

    fn source(format: &str) -> Source {
        let text = format!("name: acme\n{format}\nlabels: {{a: item.a, all: payload}}\nannotations: {{all: item}}\n");
        let text: SourceSyntax = serde_saphyr::from_str(&text).unwrap();
        Source::compile(text).unwrap()
    }

    /// The payload's single item as JSON; else the reason why it could not be read.
    fn read(format: &str, payload: &[u8]) -> String {
        match decode(&source(format), payload, &mqtt_context("")) {
            Ok(decoded) if decoded.events.len() == 1 => {
                decoded.events[0].annotations.get("all").unwrap_or_default().to_owned()
            }
            Ok(decoded) => format!("{:?}", decoded.rejected),
            Err(unreadable) => unreadable.to_string(),
        }
    }

    fn check(format: &str, payload: &str, expected: &str) {
        let found = read(format, payload.as_bytes());
        assert!(found == expected || (!expected.starts_with('{') && found.contains(expected)), "{payload}: {found}");
    }

    #[test]
    fn every_format_gives_what_its_payload_says() {
        let json = "format: json\nunwrap: 'payload='";
        check(json, "\u{feff} {\"a\": \"广州\"} \0\0", r#"{"a":"广州"}"#);
        check(json, "payload={\"a\": \"x&y=1+2%zz\"}", r#"{"a":"x&y=1+2%zz"}"#);
        check(json, "payload=%7B%22a%22%3A+%22%E5%B9%BF%22%7D", r#"{"a":"广"}"#);
        check("format: text", "link down\0", "link down");
        check("format: form", "a=1+2&b=%E5%B9%BF&c&a=3&d=%zz", r#"{"a":"3","b":"广","c":"","d":"%zz"}"#);
        check(
            "format: env",
            "a=1=2\nb=\nc=one\nmore: x=y\n\nd=磁盘\n",
            r#"{"a":"1=2","b":"","c":"one\nmore: x=y\n","d":"磁盘"}"#,
        );
    }

    #[test]
    fn a_payload_that_cannot_be_read_says_what_and_where() {
        for format in ["format: json", "format: text", "format: form", "format: env"] {
            check(format, " \0", "the body is empty");
            let found = read(format, b"a=1\nb=\xff");
            assert_eq!(found, "not UTF-8: byte 6 is 0xff at line 2, column 3");
        }
        check("format: json", "{\"a\": 1,\n}", "trailing comma at line 2, column 1");
        check("format: json", "alarm", "not valid JSON: expected value at line 1, column 1");
        check(
            "format: json",
            &("[".repeat(10_000) + &"]".repeat(10_000)),
            "recursion limit exceeded at line 1, column 128",
        );
        check(
            "format: json",
            &format!("[{}1]", "[],".repeat(600_000)),
            "1200001 JSON values in one payload; at most 1000000",
        );
        check("format: env", "just words", "expected lines of NAME=value, as env prints them at line 1, column 1");
        check("format: form", "a=%ff", "not UTF-8");
        let many: String = (0..10_001).map(|n| format!("k{n}=1&")).collect();
        check("format: form", &many, "more than 10000 fields");
        let labels: String = (0..10_000).map(|n| format!("\"k{n}\": 1,")).collect();
        let labelled = "name: acme\nlabels_from: item\n";
        let text: SourceSyntax = serde_saphyr::from_str(labelled).unwrap();
        let payload = format!("{{{labels}\"a\": 1}}");
        let decoded = decode(&Source::compile(text).unwrap(), payload.as_bytes(), &mqtt_context("")).unwrap();
        assert_eq!(decoded.rejected[0].error, "10001 labels on one event; at most 64");
    }

    #[test]
    fn secrets_in_headers_never_reach_an_event() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer x".parse().unwrap());
        headers.insert("x-site", "GZ".parse().unwrap());
        let context = http_context(&headers, &Uri::from_static("/x?team=%E7%BD%91&b"));
        assert_eq!(context.headers, serde_json::json!({"x-site": "GZ"}));
        assert_eq!(context.query, serde_json::json!({"team": "网", "b": ""}));
    }

    proptest! {
        /// Parts of real payloads in any order, cut anywhere: every decoder returns a result, never a panic.
        #[test]
        fn no_payload_makes_a_decoder_panic(
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                "[", "]", "{", "}", ",", ":", "\"labels\"", "\"annotations\"", "\"a\"", "\"\"", "\"磁\\u0000盘\"", "\"\\ud800\"",
                "null", "true", "-1", "1e999", "0.93", "\"startsAt\"", "\"2026-11-21T18:00:00Z\"", "\"0001-01-01T00:00:00Z\"",
                "\"generatorURL\"", "\"http://%\"", "\"severity\"", "\"status\"", "\"firing\"", "\n", " ", "payload=", "%7B", "%",
                "&", "=", "\0", "[{\"labels\":{\"a\":\"x\"}}]", "{\"labels\":{\"a\":\"x\"}}", "{\"a\":",
            ]), 0..24),
            cut in 0_usize..400,
        ) {
            let payload = pieces.concat().into_bytes();
            let payload = &payload[..cut.min(payload.len())];
            let now = crate::core::model::Timestamp::from_seconds(1_795_284_000);
            let _ = crate::ingest::alertmanager::decode(payload, now);
            let _ = crate::ingest::native::decode(payload);
            for format in ["format: json\nunwrap: 'payload='", "format: text", "format: form", "format: env"] {
                let _ = decode(&source(format), payload, &mqtt_context(""));
            }
        }
    }
}
