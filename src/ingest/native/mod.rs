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
//! `ts` is a short name of `occurred_at`, if its value is such a time. `status` is firing, resolved or point; without
//! it a severity of `cleared` means resolved, anything else firing. Label values are text: a number has several
//! spellings, and so would be several alerts. Any other member becomes an annotation, scalars as their text, lists and
//! objects as their JSON. A wrong item is rejected alone.

mod body;

pub use body::SOURCE;

use super::decode_error;
use super::decode_error::DecodeError;
use super::decoded::Decoded;
use crate::core::model::EVENTS_MAX;

/// Decodes one payload.
pub fn decode(payload: &[u8]) -> Result<Decoded, DecodeError> {
    let mut decoded = Decoded::default();
    decode_into(payload, &mut decoded)?;
    Ok(decoded)
}

/// Decodes one payload into the space of an earlier one, for a stream of small payloads.
pub fn decode_into(payload: &[u8], decoded: &mut Decoded) -> Result<(), DecodeError> {
    decoded.clear();
    // Some publishers append the terminator of their language's strings.
    let payload = payload.strip_suffix(b"\0").unwrap_or(payload).trim_ascii();
    if payload.is_empty() {
        return Err(DecodeError::whole("the body is empty; expected an event"));
    }
    // Checked once here instead of at each of its strings.
    let text = decode_error::text(payload)?;
    let mut index = 0..;
    let parsed = body::parse(text, |item| decoded.take(index.next().unwrap_or_default(), item));
    let Err(error) = parsed else { return Ok(()) };
    let may_be_lines = text.starts_with('{') && text.contains('\n');
    let lines = if may_be_lines { decode_lines(text)? } else { None };
    *decoded = lines.ok_or_else(|| DecodeError::json(payload, &error))?;
    Ok(())
}

/// NDJSON, if at least one line can be read; a line that cannot is rejected alone.
fn decode_lines(payload: &str) -> Result<Option<Decoded>, DecodeError> {
    let lines = payload.lines().enumerate();
    let lines = lines.map(|(before, line)| (before + 1, line.trim())).filter(|(_, line)| !line.is_empty());
    if lines.clone().nth(EVENTS_MAX).is_some() {
        return Err(DecodeError::whole(format!("more than {EVENTS_MAX} lines in one request; send fewer at once")));
    }
    let mut decoded = Decoded::default();
    let mut any_read = false;
    for (index, (number, line)) in lines.enumerate() {
        let mut items = Vec::new();
        match body::parse(line, |item| items.push(item)) {
            Ok(()) => any_read = true,
            Err(error) => {
                let unreadable = DecodeError::json(line.as_bytes(), &error);
                let at = unreadable.at.map(|(_, column)| (number, column));
                items = vec![Err(DecodeError { at, ..unreadable }.to_string())];
            }
        }
        items.into_iter().for_each(|item| decoded.take(index, item));
    }
    Ok(any_read.then_some(decoded))
}

#[cfg(test)]
mod tests;
