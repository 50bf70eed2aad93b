//! Selection of the source for a topic, and its decoding into a submission.

use std::sync::Arc;

use super::{Decode, TopicFilters, presence};
use crate::core::model::{DeadLetter, Timestamp};
use crate::core::rules::Rulebook;
use crate::ingest::{DecodeError, Decoded, Submission, decode, native};

/// Topics of native events, without any source file.
pub const NATIVE_FILTER: &str = "watchfire/events/#";

/// The topic filters of a rulebook's sources, and the native one.
pub fn filters(rulebook: &Rulebook) -> Vec<String> {
    let mut filters = vec![NATIVE_FILTER.to_owned(), presence::FILTER.to_owned()];
    for filter in rulebook.sources.iter().flat_map(|source| &source.topics) {
        if !filters.contains(filter) {
            filters.push(filter.clone());
        }
    }
    filters
}

/// Decodes by the first source whose topics fit, in file order, then as native events. Unreadable items are kept as one
/// dead letter beside the readable ones.
pub fn decoder(rulebook: Arc<dyn Fn() -> Arc<Rulebook> + Send + Sync>) -> Decode {
    let native_topics = TopicFilters::parse([NATIVE_FILTER]).expect("the native filter is a good one");
    Arc::new(move |topic, payload, _redelivery| {
        if let Some(person) = presence::person_of(topic) {
            return match presence::read(person, payload) {
                Ok(heartbeat) => Submission::Presence(heartbeat),
                Err(unreadable) => parcel(presence::SOURCE, topic, payload, Err(unreadable)),
            };
        }
        let rulebook = rulebook();
        let source = rulebook.sources.iter().find(|source| source.takes_topic(topic));
        let (name, decoded) = match source {
            Some(source) => (source.name.as_str(), decode::decode(source, payload, &decode::mqtt_context(topic))),
            None if native_topics.take(topic) => (native::SOURCE, native::decode(payload)),
            None => (native::SOURCE, Err(DecodeError::whole("no source takes this topic"))),
        };
        parcel(name, topic, payload, decoded)
    })
}

fn parcel(source: &str, topic: &str, payload: &[u8], decoded: Result<Decoded, DecodeError>) -> Submission {
    let dead_letter = |reason: String| DeadLetter {
        at: Timestamp::EPOCH,
        source: source.to_owned(),
        door: topic.to_owned(),
        reason,
        payload: String::from_utf8_lossy(&payload[..payload.len().min(DeadLetter::PAYLOAD_MAX_BYTES)]).into_owned(),
        payload_bytes: payload.len() as u64,
    };
    match decoded {
        Err(unreadable) => Submission::DeadLetter(dead_letter(unreadable.to_string())),
        Ok(Decoded { events, rejected, .. }) if rejected.is_empty() => Submission::Events(events),
        Ok(Decoded { events, rejected, .. }) => {
            let reasons = rejected.iter().take(10).map(|one| format!("item {}: {}", one.index, one.error));
            let reason = format!("{} items unread: {}", rejected.len(), reasons.collect::<Vec<_>>().join("; "));
            Submission::Partly { events, dead_letter: dead_letter(reason) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::DupFlag;
    use super::*;

    fn check(topic: &str, payload: &str, expected: &str) {
        let decode = decoder(Arc::new(|| Arc::new(Rulebook::empty())));
        let shown = match decode(topic, payload.as_bytes(), DupFlag { dup: false }) {
            Submission::Events(events) => format!("{} events", events.len()),
            Submission::DeadLetter(letter) => format!("dead: {}", letter.reason),
            Submission::Presence(heartbeat) => format!("{heartbeat:?}"),
            Submission::Partly { events, dead_letter } => format!("{} events, {}", events.len(), dead_letter.reason),
        };
        assert!(shown.starts_with(expected), "{shown}");
    }

    #[test]
    fn native_topics_need_no_source_and_bad_items_do_not_take_good_ones_along() {
        check("watchfire/events/GZ01", r#"{"labels": {"alertname": "链路中断"}}"#, "1 events");
        check("watchfire/events", r#"[{"labels": {"a": "b"}}, {"labels": {}}]"#, "1 events, 1 items unread: item 1");
        check("watchfire/events/x", "not json", "dead: ");
        check("other/topic", "{}", "dead: no source takes this topic");
    }
}
