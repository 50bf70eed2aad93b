//! Recurrence: the memory of episodes behind "the third time this month".

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Burst;
use crate::core::model::{Fingerprint, IncidentId, ShardedMap, TimeDelta, Timestamp};

/// One appearance of a cause: the incident it opened, or reopened. Those near each other are one episode in the
/// statistics; here each is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    pub incident: IncidentId,
    pub at: Timestamp,
    /// Time of its incident's resolution; `None` while it lasts.
    pub until: Option<Timestamp>,
}

impl Episode {
    pub fn bout(&self) -> Burst {
        Burst { from: self.at, until: self.until }
    }
}

/// The newest episodes of every fingerprint. Cloning is cheap: it shares the sections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recurrence {
    episodes: ShardedMap<Fingerprint, VecDeque<Episode>>,
    /// Number of fingerprints forgotten early because of the limit.
    forgotten_early: u64,
}

impl Recurrence {
    /// Episodes kept of one fingerprint; no policy can count further.
    pub const EPISODES_MAX: usize = 64;
    /// Maximum number of fingerprints; beyond it the longest unseen one of the same section is forgotten.
    pub const FINGERPRINTS_MAX: usize = 100_000;
    /// Retention of an episode.
    pub const AGE_MAX: TimeDelta = TimeDelta::from_days(400);

    /// Records one more episode, and forgets old ones in the same section.
    pub fn episode(&mut self, now: Timestamp, incident: IncidentId, fingerprint: Fingerprint) {
        self.forget_old(now, &fingerprint);
        let known = self.episodes.contains_key(&fingerprint);
        if !known && self.episodes.len() >= Recurrence::FINGERPRINTS_MAX {
            self.forget_one(&fingerprint);
        }
        if !known {
            self.episodes.insert(fingerprint, VecDeque::new());
        }
        if let Some(episodes) = self.episodes.get_mut(&fingerprint) {
            let oldest = now - Recurrence::AGE_MAX;
            episodes.retain(|episode| episode.at > oldest);
            if episodes.len() == Recurrence::EPISODES_MAX {
                episodes.pop_front();
            }
            episodes.push_back(Episode { incident, at: now, until: None });
        }
    }

    /// The remembered episodes later than `after`, oldest first.
    pub fn since(&self, fingerprint: Fingerprint, after: Timestamp) -> impl Iterator<Item = Episode> + '_ {
        let episodes = self.episodes.get(&fingerprint).into_iter().flatten().copied();
        episodes.filter(move |episode| episode.at > after)
    }

    /// Records an incident's resolution: its newest episode ends there.
    pub fn ended(&mut self, now: Timestamp, incident: IncidentId, fingerprint: Fingerprint) {
        let episodes = self.episodes.get_mut(&fingerprint);
        let newest = episodes.and_then(|all| all.iter_mut().rev().find(|episode| episode.incident == incident));
        if let Some(newest) = newest {
            newest.until = Some(now.max(newest.at));
        }
    }

    /// Removes the episodes of those incidents from that cause, oldest first.
    pub fn take(&mut self, fingerprint: Fingerprint, incidents: &[IncidentId]) -> Vec<Episode> {
        let Some(episodes) = self.episodes.get_mut(&fingerprint) else { return Vec::new() };
        let (taken, left): (Vec<Episode>, Vec<Episode>) =
            episodes.drain(..).partition(|episode| incidents.contains(&episode.incident));
        *episodes = left.into();
        taken
    }

    /// Adds episodes of a cause in order of time; the newest are kept.
    pub fn give(&mut self, fingerprint: Fingerprint, given: Vec<Episode>) {
        if !self.episodes.contains_key(&fingerprint) {
            self.episodes.insert(fingerprint, VecDeque::new());
        }
        let Some(episodes) = self.episodes.get_mut(&fingerprint) else { return };
        episodes.extend(given);
        episodes.make_contiguous().sort_by_key(|episode| (episode.at, episode.incident));
        let surplus = episodes.len().saturating_sub(Recurrence::EPISODES_MAX);
        episodes.drain(..surplus);
    }

    /// Number of remembered fingerprints.
    pub fn len(&self) -> usize {
        self.episodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.episodes.is_empty()
    }

    /// Number of times that the limit on fingerprints was hit, ever.
    pub fn forgotten_early(&self) -> u64 {
        self.forgotten_early
    }

    /// One section at a time is enough: fingerprints spread evenly, so every section is visited soon.
    fn forget_old(&mut self, now: Timestamp, near: &Fingerprint) {
        let oldest = now - Recurrence::AGE_MAX;
        let old: Vec<Fingerprint> = self
            .episodes
            .section_of(near)
            .filter(|(_, episodes)| episodes.back().is_none_or(|newest| newest.at <= oldest))
            .map(|(fingerprint, _)| *fingerprint)
            .collect();
        for fingerprint in old {
            self.episodes.remove(&fingerprint);
        }
    }

    fn forget_one(&mut self, near: &Fingerprint) {
        let longest_unseen = self
            .episodes
            .section_of(near)
            .min_by_key(|(fingerprint, episodes)| (episodes.back().map(|newest| newest.at), **fingerprint))
            .map(|(fingerprint, _)| *fingerprint);
        if let Some(fingerprint) = longest_unseen {
            self.episodes.remove(&fingerprint);
            self.forgotten_early += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: Fingerprint = Fingerprint(7);

    fn day(n: i64) -> Timestamp {
        Timestamp::EPOCH + TimeDelta::from_days(n)
    }

    #[test]
    fn the_newest_64_episodes_are_kept_for_400_days() {
        let mut memory = Recurrence::default();
        for n in 1..=70 {
            memory.episode(day(n), IncidentId(n.unsigned_abs()), CAUSE);
        }
        let kept: Vec<u64> = memory.since(CAUSE, Timestamp::EPOCH).map(|episode| episode.incident.0).collect();
        assert_eq!(kept, (7..=70).collect::<Vec<u64>>());
        assert_eq!(memory.since(CAUSE, day(68)).count(), 2);
        memory.episode(day(468), IncidentId(71), CAUSE);
        let kept: Vec<u64> = memory.since(CAUSE, Timestamp::EPOCH).map(|episode| episode.incident.0).collect();
        assert_eq!(kept, [69, 70, 71]);
    }

    #[test]
    fn episodes_end_and_move_from_cause_to_cause() {
        let mut memory = Recurrence::default();
        for n in 1..=4 {
            memory.episode(day(n), IncidentId(n.unsigned_abs()), CAUSE);
        }
        memory.ended(day(9), IncidentId(2), CAUSE);
        memory.ended(day(9), IncidentId(77), CAUSE);
        let taken = memory.take(CAUSE, &[IncidentId(2), IncidentId(4), IncidentId(9)]);
        assert_eq!(
            taken.iter().map(|one| (one.incident.0, one.until)).collect::<Vec<_>>(),
            [(2, Some(day(9))), (4, None)]
        );
        memory.episode(day(3), IncidentId(8), Fingerprint(9));
        memory.give(Fingerprint(9), taken);
        let of = |cause| memory.since(cause, Timestamp::EPOCH).map(|one| one.incident.0).collect::<Vec<_>>();
        assert_eq!((of(CAUSE), of(Fingerprint(9))), (vec![1, 3], vec![2, 8, 4]));
    }

    #[test]
    fn what_was_not_seen_for_400_days_is_forgotten_when_its_section_is_visited() {
        let mut memory = Recurrence::default();
        memory.episode(day(1), IncidentId(1), Fingerprint(64));
        memory.episode(day(1), IncidentId(2), Fingerprint(65));
        memory.episode(day(500), IncidentId(3), Fingerprint(128));
        assert_eq!(memory.len(), 2, "64 shares its section with 128 and is old; 65 lies in another");
        assert_eq!(memory.since(Fingerprint(64), Timestamp::EPOCH).count(), 0);
    }

    #[test]
    fn too_many_fingerprints_cost_the_longest_unseen_one_and_are_counted() {
        let mut memory = Recurrence::default();
        for n in 0..Recurrence::FINGERPRINTS_MAX as u64 {
            memory
                .episodes
                .insert(Fingerprint(n), VecDeque::from([Episode { incident: IncidentId(n), at: day(9), until: None }]));
        }
        memory
            .episodes
            .insert(Fingerprint(64), VecDeque::from([Episode { incident: IncidentId(1), at: day(8), until: None }]));
        memory.episode(day(10), IncidentId(9), Fingerprint(640_000));
        assert_eq!(memory.len(), Recurrence::FINGERPRINTS_MAX);
        assert_eq!(memory.forgotten_early(), 1);
        assert_eq!(memory.since(Fingerprint(64), Timestamp::EPOCH).count(), 0);
        assert_eq!(memory.since(Fingerprint(640_000), Timestamp::EPOCH).count(), 1);
        let bytes = postcard::to_allocvec(&memory).unwrap();
        assert_eq!(postcard::from_bytes::<Recurrence>(&bytes).unwrap(), memory);
    }
}
