//! A tool's payload into events, as its source says. The bytes are read here; what they mean is the rules room's.

use axum::http::{HeaderMap, Uri};
use serde_json::{Map, Value};

use super::decoded::{Decoded, Rejected};
use super::unreadable::{self, Unreadable};
use crate::rules::{Format, PayloadContext, Source};

/// How many commas and brackets a JSON payload may have: more would take far more memory than its bytes.
const JSON_MARKS_MAX: usize = 1_000_000;
/// How many fields a form or an environment may have.
const FIELDS_MAX: usize = 10_000;

/// Headers that never reach an event: they let their sender in.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-api-key"];

/// What came along with a payload.
pub type Context = PayloadContext;

/// The context of a message on that MQTT topic.
pub fn mqtt_context(topic: &str) -> Context {
    Context { topic: topic.to_owned(), headers: Value::Object(Map::new()), query: Value::Object(Map::new()) }
}

/// The context of an HTTP request.
pub fn http_context(headers: &HeaderMap, uri: &Uri) -> Context {
    let shown = headers.iter().filter(|(name, _)| !SECRET_HEADERS.contains(&name.as_str()));
    let headers = shown.map(|(name, value)| {
        (name.as_str().to_owned(), Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned()))
    });
    let headers = Value::Object(headers.collect());
    let query = form_fields(uri.query().unwrap_or_default()).unwrap_or_default();
    Context { topic: String::new(), headers, query: Value::Object(query) }
}

/// Decodes one payload by its source.
pub fn decode(source: &Source, payload: &[u8], context: &Context) -> Result<Decoded, Unreadable> {
    let payload = read(source, payload)?;
    let mapped = source.map(&payload, context).map_err(Unreadable::whole)?;
    let rejected = mapped.rejected.into_iter().map(|(index, error)| Rejected { index, error });
    Ok(Decoded { events: mapped.events, rejected: rejected.collect(), skipped: mapped.skipped })
}

fn read(source: &Source, payload: &[u8]) -> Result<Value, Unreadable> {
    let text = unreadable::text(payload)?;
    // collectd sends the end mark of a C text along, some Windows tools a byte order mark.
    let text = text.trim_end_matches('\0').trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(Unreadable::whole("the body is empty"));
    }
    match source.format {
        Format::Json => read_json(source.unwrap.as_deref(), text),
        Format::Text => Ok(Value::String(text.to_owned())),
        Format::Form => form_fields(text).map(Value::Object),
        Format::Env => environment(text).map(Value::Object),
    }
}

fn read_json(unwrap: Option<&str>, text: &str) -> Result<Value, Unreadable> {
    let wrapped = unwrap.and_then(|prefix| text.strip_prefix(prefix));
    // A client that keeps to the form's rules has escaped the JSON; others put it there as it is.
    let unescaped = wrapped.filter(|rest| rest.starts_with('%')).map(percent_decoded).transpose()?;
    let json = unescaped.as_deref().or(wrapped).unwrap_or(text);
    let marks = json.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if marks > JSON_MARKS_MAX {
        return Err(Unreadable::whole(format!("{marks} JSON values in one payload; at most {JSON_MARKS_MAX}")));
    }
    serde_json::from_str(json).map_err(|error| Unreadable::json(json.as_bytes(), &error))
}

/// `a=1&b=%E5%B9%BF`: later fields of the same name win.
fn form_fields(text: &str) -> Result<Map<String, Value>, Unreadable> {
    let mut fields = Map::new();
    for field in text.split('&').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        fields.insert(percent_decoded(name)?, Value::String(percent_decoded(value)?));
        check_fields(&fields)?;
    }
    Ok(fields)
}

/// `NAME=value` lines; a line without a name belongs to the value before it.
fn environment(text: &str) -> Result<Map<String, Value>, Unreadable> {
    let mut fields = Map::new();
    let mut last: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        let named = line.split_once('=').filter(|(name, _)| is_variable_name(name));
        match (named, last.as_ref().and_then(|name| fields.get_mut(name))) {
            (Some((name, value)), _) => {
                fields.insert(name.to_owned(), Value::String(value.to_owned()));
                last = Some(name.to_owned());
            }
            (None, Some(Value::String(value))) => {
                value.push('\n');
                value.push_str(line);
            }
            (None, _) => {
                let reason = "expected lines of NAME=value, as env prints them".to_owned();
                return Err(Unreadable { reason, at: Some((index + 1, 1)) });
            }
        }
        check_fields(&fields)?;
    }
    Ok(fields)
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn check_fields(fields: &Map<String, Value>) -> Result<(), Unreadable> {
    if fields.len() <= FIELDS_MAX {
        return Ok(());
    }
    Err(Unreadable::whole(format!("more than {FIELDS_MAX} fields in one payload")))
}

fn percent_decoded(text: &str) -> Result<String, Unreadable> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = |byte: &u8| char::from(*byte).to_digit(16);
        let escaped = match after {
            [high, low, ..] if *first == b'%' => hex(high).zip(hex(low)),
            _ => None,
        };
        match (first, escaped) {
            (_, Some((high, low))) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
                continue;
            }
            (b'+', None) => bytes.push(b' '),
            (other, None) => bytes.push(*other),
        }
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| Unreadable::whole("a field of the form is not UTF-8"))
}
