//! `POST /api/v2/alerts`: Alertmanager's alerts into events, validated as Alertmanager does.
//!
//! Best effort: every alert is validated alone, and a valid one is kept though others are not, because Prometheus
//! counts any response but 2xx as a lost batch and never repeats it. Two deviations, both on purpose: `[null]` is
//! refused instead of crashing, and a malformed alert does not affect the others. Must never resolve an alert by its
//! `endsAt`: that is the engine's decision, on its own `now`.

mod answer;
mod body;

use super::decode_error;
use super::decode_error::DecodeError;
use crate::core::model::{Event, Expiry, Labels, Stamp, Status, TimeDelta, Timestamp};
pub(super) use answer::answer;
use body::{Element, Posted};

/// Source name of these events.
pub const SOURCE: &str = "v2";

/// Time after its last message at which an alert without an end resolves.
pub const RESOLVE_TIMEOUT: TimeDelta = TimeDelta::from_minutes(5);

/// A decoded request: the valid events, and the faults of the rest.
#[derive(Debug, Default)]
pub struct DecodedRequest {
    pub events: Vec<Event>,
    /// Index of each event in the request, from 0.
    pub places: Vec<usize>,
    pub faults: Vec<AlertFault>,
}

/// The fault of one alert of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertFault {
    /// Its index in the request, from 0.
    pub index: usize,
    pub kind: FaultKind,
    pub message: String,
}

/// The kind of Alertmanager's response to a fault; earlier kinds outrank later ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// 400, code 400: unexpected JSON.
    Malformed,
    /// 422, code 602: a required member is missing.
    Required,
    /// 422, code 601: a member has a bad format.
    Format,
    /// 400 with a plain message: the right shape, but not a valid alert.
    Invalid,
}

/// Reason why a request was not read at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRead {
    /// 422, code 602.
    Empty,
    /// 400, code 400.
    Unreadable(DecodeError),
}

/// Decodes one request's body; `now` stands in for unset times.
pub fn decode(body: &[u8], now: Timestamp) -> Result<DecodedRequest, NotRead> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(NotRead::Empty);
    }
    // Checked once here instead of at each of its strings.
    let text = decode_error::text(body).map_err(NotRead::Unreadable)?;
    let mut decoded = DecodedRequest::default();
    let mut count = 0;
    body::parse(text, |element| {
        match judge(count, element, now) {
            Ok(event) => {
                decoded.events.push(event);
                decoded.places.push(count);
            }
            Err((kind, message)) => decoded.faults.push(AlertFault { index: count, kind, message }),
        }
        count += 1;
    })
    .map_err(|error| NotRead::Unreadable(DecodeError::json(body, &error)))?;
    if count > 1 {
        for fault in decoded.faults.iter_mut().filter(|fault| fault.kind == FaultKind::Invalid) {
            fault.message = format!("{} (alert {})", fault.message, fault.index);
        }
    }
    Ok(decoded)
}

fn judge(index: usize, element: Element, now: Timestamp) -> Result<Event, (FaultKind, String)> {
    let posted = match element {
        Element::Alert(posted) => posted,
        Element::Null => return Err((FaultKind::Required, format!("{index} in body is required"))),
        Element::Malformed(what) => return Err((FaultKind::Malformed, format!("{index}{what}"))),
    };
    let Posted { labels, annotations, starts_at, ends_at, generator_url } = posted;
    let labels = labels.ok_or_else(|| (FaultKind::Required, format!("{index}.labels in body is required")))?;
    if !is_uri(&generator_url) {
        let message = format!("{index}.generatorURL in body must be of type uri: {generator_url:?}");
        return Err((FaultKind::Format, message));
    }
    let invalid = |message: String| (FaultKind::Invalid, message);
    let labels = labels.map_err(|why| invalid(format!("invalid label set: {why}")))?;
    let annotations = annotations.map_err(|why| invalid(format!("invalid annotations: {why}")))?;
    if labels.is_empty() {
        return Err(invalid("at least one label pair required".to_owned()));
    }
    let last = ends_at.map_or(now + RESOLVE_TIMEOUT, |stamp| stamp.at);
    let first = starts_at.or(ends_at).map_or(now, |stamp| stamp.at);
    if last < first {
        return Err(invalid("start time must be before end time".to_owned()));
    }
    Ok(event(labels, annotations, starts_at, ends_at, generator_url))
}

fn event(
    labels: Labels,
    annotations: Labels,
    starts_at: Option<Stamp>,
    ends_at: Option<Stamp>,
    generator_url: String,
) -> Event {
    let summary = ["summary", "description", "message"].into_iter().find_map(|name| annotations.get(name));
    Event {
        summary: summary.map(str::to_owned).unwrap_or_default(),
        annotations,
        generator_url,
        starts_at,
        ends_at,
        expiry: Expiry::AlertmanagerV2,
        ..Event::new(SOURCE, Status::Firing, labels)
    }
}

/// A URI with a scheme, or a path: valid after "GET " in a request, as Alertmanager requires.
fn is_uri(text: &str) -> bool {
    if text.is_empty() || text.starts_with('/') {
        return has_no_broken_escape(text) && !text.bytes().any(|byte| byte.is_ascii_control());
    }
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.bytes();
    let scheme_is_good = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let authority = rest.strip_prefix("//").map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
    scheme_is_good
        && authority.is_none_or(is_authority)
        && has_no_broken_escape(rest)
        && !text.bytes().any(|byte| byte.is_ascii_control())
}

fn is_authority(authority: &str) -> bool {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = match host.rsplit_once(']') {
        Some((_, after)) => after.strip_prefix(':'),
        None => host.split_once(':').map(|(_, port)| port),
    };
    !host.contains([' ', '<', '>', '"', '\\', '^', '`', '{', '|', '}'])
        && port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn has_no_broken_escape(text: &str) -> bool {
    let before_query = text.split('?').next().unwrap_or_default();
    before_query.split('%').skip(1).all(|rest| {
        let mut hex = rest.bytes();
        hex.next().is_some_and(|byte| byte.is_ascii_hexdigit())
            && hex.next().is_some_and(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests;
