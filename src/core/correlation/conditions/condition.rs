//! A condition: one rule's state under one key, with its window, its members and its phase.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::core::correlation::output::CountedEvent;
use crate::core::correlation::patterns::Window;
use crate::core::model::{Fingerprint, Labels, Timestamp};

/// Phase of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ConditionPhase {
    /// The pattern did not fire.
    Idle,
    /// It fired, but all counted events are suppressed.
    Waiting,
    /// The condition was reported to the desk, last at `told_at`; `held`: every firing member is suppressed.
    Raised { held: bool, told_at: Timestamp },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Condition {
    pub created_at: Timestamp,
    pub phase: ConditionPhase,
    pub window: Window,
    /// The condition's firing alerts.
    pub members: AlertSet,
    /// Number of members that are not suppressed.
    pub free: u32,
    /// For a raised and suppressed condition: true if clocks pause meanwhile.
    pub pauses: bool,
    /// The newest counted events, oldest first, at most [`crate::core::correlation::EVIDENCE_KEPT`].
    pub evidence: VecDeque<Arc<CountedEvent>>,
    /// Labels of the alert that its rule emitted, while that alert fires.
    pub emitted: Option<Labels>,
    /// Due time under which the timer index holds the condition; never later than it is due.
    #[serde(skip)]
    pub armed: Option<Timestamp>,
    #[serde(skip)]
    pub listed: Listed,
}

/// Indexes of member-less conditions that contain this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Among the windows that count towards its rule's limit.
    pub loose: bool,
    /// Among the conditions that fired.
    pub fired: bool,
}

impl Condition {
    pub fn new(window: Window, now: Timestamp) -> Condition {
        Condition {
            created_at: now,
            phase: ConditionPhase::Idle,
            window,
            members: AlertSet::None,
            free: 0,
            pauses: false,
            evidence: VecDeque::new(),
            emitted: None,
            armed: None,
            listed: Listed::default(),
        }
    }

    /// True if the pattern holds now.
    pub fn is_on(&self) -> bool {
        self.window.is_on(!self.members.is_empty())
    }

    /// True if no state is left that a later event would need.
    pub fn is_spent(&self) -> bool {
        match self.phase {
            ConditionPhase::Idle => self.members.is_empty() && self.window.is_empty(),
            ConditionPhase::Waiting | ConditionPhase::Raised { .. } => false,
        }
    }

    pub fn is_raised(&self) -> bool {
        match self.phase {
            ConditionPhase::Raised { .. } => true,
            ConditionPhase::Idle | ConditionPhase::Waiting => false,
        }
    }

    /// True if it waits, or is raised and suppressed, with no member alert whose release would update it.
    pub fn is_held_memberless(&self) -> bool {
        self.members.is_empty()
            && match self.phase {
                ConditionPhase::Waiting => true,
                ConditionPhase::Raised { held, .. } => held,
                ConditionPhase::Idle => false,
            }
    }

    /// The indexes it belongs into.
    pub fn should_be_listed(&self) -> Listed {
        let loose = self.members.is_empty();
        Listed { loose, fired: loose && self.phase != ConditionPhase::Idle }
    }

    /// Keeps the event as the newest of at most `limit`.
    pub fn remember(&mut self, mut evidence: CountedEvent, limit: usize) {
        // Most events under one key repeat the last one, so its strings are shared.
        if let Some(last) = self.evidence.back() {
            for (new, known) in [(&mut evidence.labels, &last.labels), (&mut evidence.facts, &last.facts)] {
                if new == known {
                    new.clone_from(known);
                }
            }
        }
        if self.evidence.len() >= limit {
            self.evidence.pop_front();
        }
        self.evidence.push_back(Arc::new(evidence));
    }
}

/// A set of alerts that is nearly always empty or one: then it needs no allocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum AlertSet {
    None,
    One(Fingerprint),
    Many(BTreeSet<Fingerprint>),
}

impl AlertSet {
    pub fn len(&self) -> usize {
        match self {
            AlertSet::None => 0,
            AlertSet::One(_) => 1,
            AlertSet::Many(set) => set.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn contains(&self, fingerprint: Fingerprint) -> bool {
        match self {
            AlertSet::None => false,
            AlertSet::One(only) => *only == fingerprint,
            AlertSet::Many(set) => set.contains(&fingerprint),
        }
    }

    /// Returns true if it was absent.
    pub fn insert(&mut self, fingerprint: Fingerprint) -> bool {
        match self {
            AlertSet::None => {
                *self = AlertSet::One(fingerprint);
                true
            }
            AlertSet::One(only) if *only == fingerprint => false,
            AlertSet::One(only) => {
                *self = AlertSet::Many(BTreeSet::from([*only, fingerprint]));
                true
            }
            AlertSet::Many(set) => set.insert(fingerprint),
        }
    }

    /// Returns true if it was present. The shape depends on the content alone, so that snapshots of equal sets are
    /// equal.
    pub fn remove(&mut self, fingerprint: Fingerprint) -> bool {
        match self {
            AlertSet::None => false,
            AlertSet::One(only) => {
                let was_in = *only == fingerprint;
                if was_in {
                    *self = AlertSet::None;
                }
                was_in
            }
            AlertSet::Many(set) => {
                let was_in = set.remove(&fingerprint);
                if set.len() == 1
                    && let Some(only) = set.first()
                {
                    *self = AlertSet::One(*only);
                }
                was_in
            }
        }
    }

    /// In the order of the fingerprints.
    pub fn iter(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        let (one, many) = match self {
            AlertSet::None => (None, None),
            AlertSet::One(only) => (Some(*only), None),
            AlertSet::Many(set) => (None, Some(set)),
        };
        one.into_iter().chain(many.into_iter().flatten().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::correlation::keys::{ConditionKey, RuleId};

    #[test]
    fn members_are_a_set_whose_shape_depends_on_its_content_alone() {
        let mut members = AlertSet::None;
        assert!(members.insert(Fingerprint(2)) && members.insert(Fingerprint(1)) && !members.insert(Fingerprint(2)));
        assert_eq!(members.iter().collect::<Vec<_>>(), [Fingerprint(1), Fingerprint(2)]);
        assert!(members.remove(Fingerprint(2)) && !members.remove(Fingerprint(2)));
        assert_eq!(members, AlertSet::One(Fingerprint(1)));
        assert!(members.remove(Fingerprint(1)));
        assert_eq!((members.len(), members), (0, AlertSet::None));
    }

    #[test]
    fn keys_of_different_rules_differ_and_read_back() {
        let labels = Labels::from_pairs([("site", "广州")]);
        let key = ConditionKey::new(RuleId(1), labels.clone());
        assert_ne!(key, ConditionKey::new(RuleId(2), labels));
        let bytes = postcard::to_allocvec(&key).unwrap();
        assert_eq!(postcard::from_bytes::<ConditionKey>(&bytes).unwrap(), key);
    }
}
