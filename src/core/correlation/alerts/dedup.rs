//! The producers' ids of messages that were seen, so that a repeated message counts once, whatever its status.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::core::correlation::{EVENT_ID_RETENTION, EVENT_IDS_MAX};
use crate::core::model::{Event, Offset, SectionKey, ShardedMap, Status, Timestamp};

/// Half a SHA-256 over source and id: short, and still infeasible to collide on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventId(u128);

impl EventId {
    /// The identity of an event whose producer gave an id. Many tools number their alerts, not their messages, so the
    /// state that a message reports and its time belong to the identity of a firing or resolved one.
    pub(crate) fn of(event: &Event) -> Option<EventId> {
        let id = event.id.as_ref()?;
        let named = Sha256::new().chain_update(&event.source).chain_update([0xFF]).chain_update(id);
        let state = match event.status {
            Status::Point => return Some(EventId::half(named)),
            Status::Firing => "firing",
            Status::Resolved => "resolved",
        };
        let at = event.occurred_at.map_or(i64::MIN, Timestamp::as_micros);
        Some(EventId::half(named.chain_update([0xFF]).chain_update(state).chain_update(at.to_be_bytes())))
    }

    fn half(hasher: Sha256) -> EventId {
        let digest = hasher.finalize();
        EventId(digest.iter().take(16).fold(0, |number: u128, byte| (number << 8) | u128::from(*byte)))
    }
}

impl SectionKey for EventId {
    fn spread(&self) -> u64 {
        (self.0 >> 64) as u64
    }
}

/// Time and input at which an id was first seen: the order in which ids are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenId {
    pub at: Timestamp,
    pub offset: Offset,
}

/// Result of remembering an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remembered {
    New,
    /// New, and the oldest id was dropped early to make room.
    NewForOldest,
    SeenBefore,
}

/// Remembers an id for an hour, or until a million newer ones came. `order` holds the same ids, oldest first.
pub(crate) fn remember(
    ids: &mut ShardedMap<EventId, SeenId>,
    order: &mut VecDeque<(Timestamp, EventId)>,
    id: EventId,
    seen: SeenId,
) -> Remembered {
    while let Some((at, oldest)) = order.front().copied()
        && at + EVENT_ID_RETENTION <= seen.at
    {
        order.pop_front();
        ids.remove(&oldest);
    }
    if ids.contains_key(&id) {
        return Remembered::SeenBefore;
    }
    ids.insert(id, seen);
    order.push_back((seen.at, id));
    if order.len() <= EVENT_IDS_MAX {
        return Remembered::New;
    }
    if let Some((_, oldest)) = order.pop_front() {
        ids.remove(&oldest);
    }
    Remembered::NewForOldest
}

/// Rebuilds the order from the ids of a snapshot.
pub(crate) fn order_of(ids: &ShardedMap<EventId, SeenId>) -> VecDeque<(Timestamp, EventId)> {
    let mut order: Vec<(Offset, Timestamp, EventId)> =
        ids.iter().map(|(id, seen)| (seen.offset, seen.at, *id)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, at, id)| (at, id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Labels;

    #[test]
    fn an_id_counts_once_within_an_hour_and_per_source() {
        let (mut ids, mut order) = (ShardedMap::default(), VecDeque::new());
        let mut check = |source: &str, id: &str, second: i64, expected: Remembered| {
            let seen = SeenId { at: Timestamp::from_seconds(second), offset: Offset(second as u64) };
            let event = Event { id: Some(id.to_owned()), ..Event::new(source, Status::Point, Labels::empty()) };
            let id = EventId::of(&event).unwrap();
            assert_eq!(remember(&mut ids, &mut order, id, seen), expected, "{event:?}");
            assert_eq!(order_of(&ids), order);
        };
        check("syslog", "1", 0, Remembered::New);
        check("syslog", "1", 3_599, Remembered::SeenBefore);
        check("trap", "1", 3_599, Remembered::New);
        check("syslog", "1", 3_600, Remembered::New);
        check("syslog", "告警", 3_601, Remembered::New);
    }

    #[test]
    fn a_tool_that_numbers_its_alerts_says_new_things_under_one_id() {
        let said = |status: Status, second: Option<i64>| {
            let mut event = Event::new("tool", status, Labels::empty());
            event.id = Some("alert-7".to_owned());
            event.occurred_at = second.map(Timestamp::from_seconds);
            EventId::of(&event)
        };
        let messages = [
            said(Status::Firing, None),
            said(Status::Resolved, None),
            said(Status::Firing, Some(1)),
            said(Status::Firing, Some(2)),
            said(Status::Point, Some(1)),
        ];
        let different: std::collections::BTreeSet<_> = messages.iter().collect();
        assert_eq!(different.len(), messages.len());
        assert_eq!(said(Status::Point, Some(1)), said(Status::Point, Some(2)));
        assert_eq!(EventId::of(&Event::new("tool", Status::Firing, Labels::empty())), None);
    }
}
