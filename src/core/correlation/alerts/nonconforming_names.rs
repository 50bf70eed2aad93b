//! Names that break the naming standard: a bounded list for people to review. Their events are accepted like any other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::model::Timestamp;

/// Maximum number of names; beyond it, the name that was not seen for the longest time is dropped.
pub const QUARANTINE_MAX: usize = 1_000;

/// A nonconforming name and the label that it was found in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NonconformingName {
    pub label: String,
    pub name: String,
    pub source: String,
}

/// Times at which the name was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sightings {
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// Transitions and points that carried the name.
    pub count: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quarantine {
    names: BTreeMap<NonconformingName, Sightings>,
}

impl Quarantine {
    /// Records a name; returns the name dropped for it, with its count.
    pub fn see(&mut self, name: NonconformingName, now: Timestamp) -> Option<(NonconformingName, u64)> {
        if let Some(seen) = self.names.get_mut(&name) {
            seen.last_at = now;
            seen.count += 1;
            return None;
        }
        self.names.insert(name.clone(), Sightings { first_at: now, last_at: now, count: 1 });
        if self.names.len() <= QUARANTINE_MAX {
            return None;
        }
        let others = self.names.iter().filter(|(other, _)| **other != name);
        let oldest = others.min_by_key(|(name, seen)| (seen.last_at, *name)).map(|(name, _)| name.clone())?;
        self.names.remove(&oldest).map(|seen| (oldest, seen.count))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&NonconformingName, &Sightings)> {
        self.names.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_not_seen_for_longest_goes_first() {
        let name =
            |n: usize| NonconformingName {
                label: "device".to_owned(), name: format!("坏{n}"), source: "x".to_owned()
            };
        let at = |n: usize| Timestamp::from_seconds(n as i64);
        let mut quarantine = Quarantine::default();
        for n in 0..QUARANTINE_MAX {
            assert_eq!(quarantine.see(name(n), at(n)), None);
        }
        assert_eq!(quarantine.see(name(0), at(5_000)), None);
        assert_eq!(quarantine.see(name(7_777), at(5_001)), Some((name(1), 1)));
        let first = quarantine.iter().find(|(one, _)| **one == name(0)).map(|(_, seen)| *seen);
        assert_eq!(first, Some(Sightings { first_at: at(0), last_at: at(5_000), count: 2 }));
        assert_eq!(quarantine.iter().count(), QUARANTINE_MAX);
    }
}
