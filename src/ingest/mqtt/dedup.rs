//! The cache of messages without an identity: it recognises redeliveries, as far as possible.

use std::collections::{BTreeMap, VecDeque};

use sha2::{Digest, Sha256};

use crate::core::model::{TimeDelta, Timestamp};

const MEMORY: TimeDelta = TimeDelta::from_minutes(10);

/// More than can be unacknowledged at once, so that every redelivery after a lost connection is recognised.
const MESSAGES_MAX: usize = 131_072;

/// Topic and payload hashes of the last ten minutes, the oldest forgotten first if there are too many.
#[derive(Default)]
pub(super) struct RedeliveryCache {
    last_seen: BTreeMap<u128, Timestamp>,
    /// In order of arrival; an entry older than the one in `last_seen` was seen again since.
    arrivals: VecDeque<(Timestamp, u128)>,
}

impl RedeliveryCache {
    /// Remembers the message, and returns true for a repeat: marked as sent again, and seen in the last ten minutes.
    pub fn seen(&mut self, topic: &str, payload: &[u8], again: bool, now: Timestamp) -> bool {
        self.forget(now);
        let hash = digest(topic, payload);
        let before = self.last_seen.insert(hash, now);
        self.arrivals.push_back((now, hash));
        again && before.is_some()
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((at, hash)) = self.arrivals.front().copied() {
            if now.since(at) <= MEMORY && self.arrivals.len() < MESSAGES_MAX {
                break;
            }
            self.arrivals.pop_front();
            if self.last_seen.get(&hash) == Some(&at) {
                self.last_seen.remove(&hash);
            }
        }
    }
}

/// Half a SHA-256 over topic and payload.
pub(super) fn digest(topic: &str, payload: &[u8]) -> u128 {
    let mut hasher = Sha256::new();
    hasher.update((topic.len() as u64).to_be_bytes());
    hasher.update(topic);
    hasher.update(payload);
    let digest = hasher.finalize();
    digest.iter().take(16).fold(0, |hash, byte| (hash << 8) | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (seconds, topic, payload, sent again, is a repeat)
    fn check(messages: &[(i64, &str, &str, bool, bool)]) {
        let mut memory = RedeliveryCache::default();
        for (index, (seconds, topic, payload, again, expected)) in messages.iter().enumerate() {
            let repeat = memory.seen(topic, payload.as_bytes(), *again, Timestamp::from_seconds(*seconds));
            assert_eq!(repeat, *expected, "message {index} of {messages:?}");
        }
    }

    #[test]
    fn only_what_is_sent_again_and_was_seen_is_a_repeat() {
        check(&[(0, "t", "门开", false, false), (1, "t", "门开", false, false), (2, "t", "门开", true, true)]);
        check(&[(0, "t", "a", true, false), (1, "t", "a", true, true)]);
        check(&[(0, "t", "a", false, false), (1, "u", "a", true, false), (2, "t", "b", true, false)]);
        check(&[(0, "ab", "c", false, false), (1, "a", "bc", true, false)]);
    }

    #[test]
    fn after_ten_minutes_it_is_news_again() {
        check(&[(0, "t", "a", false, false), (600, "t", "a", true, true)]);
        check(&[(0, "t", "a", false, false), (601, "t", "a", true, false)]);
        check(&[(0, "t", "a", false, false), (400, "t", "a", false, false), (900, "t", "a", true, true)]);
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest() {
        let mut memory = RedeliveryCache::default();
        let now = Timestamp::from_seconds(1);
        for index in 0..MESSAGES_MAX + 10 {
            memory.seen("t", &index.to_be_bytes(), false, now);
        }
        assert!(memory.last_seen.len() <= MESSAGES_MAX && memory.arrivals.len() <= MESSAGES_MAX);
        assert!(!memory.seen("t", &0_usize.to_be_bytes(), true, now));
        assert!(memory.seen("t", &(MESSAGES_MAX - 1).to_be_bytes(), true, now));
    }
}
