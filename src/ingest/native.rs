//! The native event: `POST /api/v1/events` and the topic `watchfire/events/#`, the same over both.
//!
//! One object, a list of them, or one a line (NDJSON). Only `labels` is required:
//!
//! ```json
//! {"id": "producer's own id", "status": "firing", "labels": {"alertname": "LinkDown", "site": "GZ01"},
//!  "severity": "major", "summary": "…", "occurred_at": "2026-02-13T17:00:00+08:00", "value": 0.93,
//!  "annotations": {}, "generator_url": "https://…"}
//! ```
//!
//! `status` is firing, resolved or point; without it a severity of `cleared` means resolved, anything else firing.
//! Label values are text: a number has several spellings, and so would be several alerts. Any other member becomes
//! an annotation, scalars as their text, lists and objects as their JSON. An item that is wrong is rejected alone.

use super::native_body;
use super::unreadable::Unreadable;
use crate::model::{EVENTS_MAX, Event};

/// The source that such events have.
pub const SOURCE: &str = "native";

/// What a request, a message or a payload held.
#[derive(Debug, Default, PartialEq)]
pub struct Decoded {
    pub events: Vec<Event>,
    pub rejected: Vec<Rejected>,
    /// Items that the source file says are no events.
    pub skipped: usize,
}

/// An item that could be told from its neighbours, but not taken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Rejected {
    /// Its place in the payload, from 0.
    pub index: usize,
    pub error: String,
}

/// Decodes one payload. With a `request_key` (an `Idempotency-Key`) every item without an id gets `key/index`, so that
/// repeating the request counts nothing twice.
pub fn decode(payload: &[u8], request_key: Option<&str>) -> Result<Decoded, Unreadable> {
    // Some publishers send the end mark of their language's texts along.
    let payload = payload.strip_suffix(b"\0").unwrap_or(payload).trim_ascii();
    let first = *payload.first().ok_or_else(|| Unreadable::whole("the body is empty; expected an event"))?;
    let mut taking = Taking { decoded: Decoded::default(), index: 0, request_key };
    let Err(error) = native_body::parse(payload, |item| taking.take(item)) else { return Ok(taking.decoded) };
    if first == b'{' && payload.contains(&b'\n') {
        if let Some(decoded) = decode_lines(payload, request_key)? {
            return Ok(decoded);
        }
    }
    Err(Unreadable::json(payload, &error))
}

/// NDJSON, if at least one line can be read; a line that cannot is rejected alone.
fn decode_lines(payload: &[u8], request_key: Option<&str>) -> Result<Option<Decoded>, Unreadable> {
    let lines = payload.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.map(|(before, line)| (before + 1, line.trim_ascii())).filter(|(_, line)| !line.is_empty());
    if lines.clone().nth(EVENTS_MAX).is_some() {
        return Err(Unreadable::whole(format!("more than {EVENTS_MAX} lines in one request; send fewer at once")));
    }
    let mut taking = Taking { decoded: Decoded::default(), index: 0, request_key };
    let mut any_read = false;
    for (number, line) in lines {
        match native_body::parse(line, |item| taking.take(item)) {
            Ok(()) => any_read = true,
            Err(error) => taking.take(Err(format!("line {number}: {}", Unreadable::json(line, &error)))),
        }
    }
    Ok(any_read.then_some(taking.decoded))
}

/// What was taken so far.
struct Taking<'k> {
    decoded: Decoded,
    index: usize,
    request_key: Option<&'k str>,
}

impl Taking<'_> {
    fn take(&mut self, item: Result<Event, String>) {
        let index = self.index;
        self.index += 1;
        match item {
            Ok(mut event) => {
                if let (None, Some(key)) = (&event.id, self.request_key) {
                    event.id = Some(format!("{key}/{index}"));
                }
                self.decoded.events.push(event);
            }
            Err(error) => self.decoded.rejected.push(Rejected { index, error }),
        }
    }
}
