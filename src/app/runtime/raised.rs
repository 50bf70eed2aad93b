//! What the service says of its own health as an event, so that rules can make an incident of it.

use crate::core::engine::Request;
use crate::core::model::{Event, Labels, Severity, Status, Timestamp};

/// The source of everything that the service says of itself.
const SOURCE: &str = "watchfire";

/// One happening of the service, as a point: `kind` is its `alertname`.
pub fn happening(kind: &str, severity: Severity, summary: String, at: Timestamp) -> Request {
    let labels = Labels::from_pairs([("alertname", kind)]);
    let event =
        Event { severity: Some(severity), summary, occurred_at: Some(at), ..Event::new(SOURCE, Status::Point, labels) };
    Request::Event(Box::new(event))
}
