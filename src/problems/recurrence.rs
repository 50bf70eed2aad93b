//! What came back, and when: the memory behind "the third time this month".

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::model::{Fingerprint, IncidentId, Moment, Sections, Span};

/// One time that a cause showed itself: the incident it opened, or reopened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    pub incident: IncidentId,
    pub at: Moment,
}

/// The newest episodes of every fingerprint. Cloning is cheap: it shares the sections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recurrence {
    episodes: Sections<Fingerprint, VecDeque<Episode>>,
    /// How many fingerprints were forgotten young because there were too many.
    forgotten_early: u64,
}

impl Recurrence {
    /// Episodes kept of one fingerprint; no policy can count further.
    pub const EPISODES_MAX: usize = 64;
    /// Fingerprints kept; past it the longest unseen one of the same section goes.
    pub const FINGERPRINTS_MAX: usize = 100_000;
    /// How long an episode is remembered.
    pub const AGE_MAX: Span = Span::from_days(400);

    /// Remembers one more episode, and forgets what is too old near it.
    pub fn episode(&mut self, now: Moment, incident: IncidentId, fingerprint: Fingerprint) {
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
            episodes.push_back(Episode { incident, at: now });
        }
    }

    /// The remembered episodes later than `after`, oldest first.
    pub fn since(&self, fingerprint: Fingerprint, after: Moment) -> impl Iterator<Item = Episode> + '_ {
        let episodes = self.episodes.get(&fingerprint).into_iter().flatten().copied();
        episodes.filter(move |episode| episode.at > after)
    }

    /// How many fingerprints are remembered.
    pub fn len(&self) -> usize {
        self.episodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.episodes.is_empty()
    }

    /// How often the bound on fingerprints bit, ever.
    pub fn forgotten_early(&self) -> u64 {
        self.forgotten_early
    }

    /// One section at a time is enough: fingerprints spread evenly, so every section is visited soon.
    fn forget_old(&mut self, now: Moment, near: &Fingerprint) {
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

    fn day(n: i64) -> Moment {
        Moment::EPOCH + Span::from_days(n)
    }

    #[test]
    fn the_newest_64_episodes_are_kept_for_400_days() {
        let mut memory = Recurrence::default();
        for n in 1..=70 {
            memory.episode(day(n), IncidentId(n.unsigned_abs()), CAUSE);
        }
        let kept: Vec<u64> = memory.since(CAUSE, Moment::EPOCH).map(|episode| episode.incident.0).collect();
        assert_eq!(kept, (7..=70).collect::<Vec<u64>>());
        assert_eq!(memory.since(CAUSE, day(68)).count(), 2);
        memory.episode(day(468), IncidentId(71), CAUSE);
        let kept: Vec<u64> = memory.since(CAUSE, Moment::EPOCH).map(|episode| episode.incident.0).collect();
        assert_eq!(kept, [69, 70, 71]);
    }

    #[test]
    fn what_was_not_seen_for_400_days_is_forgotten_when_its_section_is_visited() {
        let mut memory = Recurrence::default();
        memory.episode(day(1), IncidentId(1), Fingerprint(64));
        memory.episode(day(1), IncidentId(2), Fingerprint(65));
        memory.episode(day(500), IncidentId(3), Fingerprint(128));
        assert_eq!(memory.len(), 2, "64 shares its section with 128 and is old; 65 lies in another");
        assert_eq!(memory.since(Fingerprint(64), Moment::EPOCH).count(), 0);
    }

    #[test]
    fn too_many_fingerprints_cost_the_longest_unseen_one_and_are_counted() {
        let mut memory = Recurrence::default();
        for n in 0..Recurrence::FINGERPRINTS_MAX as u64 {
            memory.episodes.insert(Fingerprint(n), VecDeque::from([Episode { incident: IncidentId(n), at: day(9) }]));
        }
        memory.episodes.insert(Fingerprint(64), VecDeque::from([Episode { incident: IncidentId(1), at: day(8) }]));
        memory.episode(day(10), IncidentId(9), Fingerprint(640_000));
        assert_eq!(memory.len(), Recurrence::FINGERPRINTS_MAX);
        assert_eq!(memory.forgotten_early(), 1);
        assert_eq!(memory.since(Fingerprint(64), Moment::EPOCH).count(), 0);
        assert_eq!(memory.since(Fingerprint(640_000), Moment::EPOCH).count(), 1);
        let bytes = postcard::to_allocvec(&memory).unwrap();
        assert_eq!(postcard::from_bytes::<Recurrence>(&bytes).unwrap(), memory);
    }
}
