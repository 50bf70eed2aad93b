//! The raw item of a tool, for the evidence of an incident: cut at its limit, and without secrets.

use std::io::Write;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::core::model::Event;

/// Members whose values are never shown, whatever their case.
const SECRETS: [&str; 10] = [
    "token",
    "password",
    "passwd",
    "secret",
    "api_key",
    "apikey",
    "authorization",
    "routing_key",
    "integration_key",
    "service_key",
];
const HIDDEN: &str = "(hidden)";

/// The item as JSON (a text as itself), at most [`Event::RAW_MAX_BYTES`] long.
pub(super) fn raw(item: &Value) -> String {
    let mut cut = Cut { bytes: Vec::new() };
    match item {
        Value::String(text) => cut.bytes.extend_from_slice(&text.as_bytes()[..text.len().min(Event::RAW_MAX_BYTES)]),
        other => {
            // The only error is the full buffer, and then it contains the wanted part.
            let _ = serde_json::to_writer(&mut cut, &RedactedValue(other));
        }
    }
    let mut text = String::from_utf8_lossy(&cut.bytes).into_owned();
    // A character that was cut in half reads as a replacement mark, which may be longer than what is left of it.
    text.truncate(text.floor_char_boundary(Event::RAW_MAX_BYTES));
    text.retain(|c| c != '\0');
    text
}

/// Takes bytes until it is full and then fails, so that a large item is not written out whole.
struct Cut {
    bytes: Vec<u8>,
}

impl Write for Cut {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = Event::RAW_MAX_BYTES - self.bytes.len();
        if room == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        let taken = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A value whose secret members are hidden.
struct RedactedValue<'a>(&'a Value);

impl Serialize for RedactedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| sequence.serialize_element(&RedactedValue(item)))?;
                sequence.end()
            }
            Value::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    if SECRETS.contains(&name.to_ascii_lowercase().as_str()) {
                        map.serialize_entry(name, HIDDEN)?;
                    } else {
                        map.serialize_entry(name, &RedactedValue(value))?;
                    }
                }
                map.end()
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_raw_item_is_bounded_and_shows_no_secret() {
        let item = json!({"Token": "abc", "host": "核心", "payload": {"routing_key": "x", "severity": "error"}});
        let shown = r#"{"Token":"(hidden)","host":"核心","payload":{"routing_key":"(hidden)","severity":"error"}}"#;
        assert_eq!(raw(&item), shown);
        let long = raw(&json!({"text": "磁".repeat(100_000)}));
        assert!(long.len() <= Event::RAW_MAX_BYTES && long.starts_with(r#"{"text":"磁磁"#));
        assert!(raw(&json!("盘".repeat(100_000))).len() <= Event::RAW_MAX_BYTES);
    }
}
