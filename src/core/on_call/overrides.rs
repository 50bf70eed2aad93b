//! Overrides (替班): somebody stands in for somebody else, or for everybody, for a while.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::Roster;

/// How many overrides are kept at once.
pub const OVERRIDES_MAX: usize = 1_000;

/// How long one may last, and how far ahead it may end.
const LENGTH_MAX: TimeDelta = TimeDelta::from_days(92);
const AHEAD_MAX: TimeDelta = TimeDelta::from_days(366);

/// Somebody on duty who is not by the rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    pub id: u64,
    pub roster: String,
    /// Who is on instead.
    pub person: String,
    /// Whose place it is, wherever the rotation has them in that time; `None`: alone in place of everybody.
    pub instead_of: Option<String>,
    /// Half-open.
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: String,
    /// Who put it in, and when.
    pub by: String,
    pub at: Timestamp,
}

/// An override as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOverride {
    pub person: String,
    pub instead_of: Option<String>,
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: String,
}

/// Those that are not over yet, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    last: u64,
    kept: BTreeMap<u64, Override>,
}

/// Why an override is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    #[error("an override ends after it begins; it was asked for from {from} until {until}")]
    Backwards { from: Timestamp, until: Timestamp },
    #[error("the override would be over by {until}; it is later than that now")]
    Over { until: Timestamp },
    #[error("an override lasts at most {LENGTH_MAX} and ends within {AHEAD_MAX}")]
    TooLong,
    #[error("{person} cannot stand in for themselves")]
    Oneself { person: String },
    #[error("{person} is never on the roster {roster}; name somebody who is, or leave instead_of out")]
    NotOnRoster { person: String, roster: String },
    #[error("override {id} already has somebody in that place from {from} until {until}; delete it first")]
    Taken { id: u64, from: Timestamp, until: Timestamp },
    #[error("{OVERRIDES_MAX} overrides are kept at once; delete one that is not needed")]
    TooMany,
}

impl Overrides {
    /// Takes one in, or says why not; answers its number.
    pub fn put(&mut self, roster: &Roster, new: NewOverride, by: &str, now: Timestamp) -> Result<u64, OverrideError> {
        let NewOverride { person, instead_of, from, until, reason } = new;
        if until <= from {
            return Err(OverrideError::Backwards { from, until });
        }
        if until <= now {
            return Err(OverrideError::Over { until });
        }
        if until.since(from) > LENGTH_MAX || until.since(now) > AHEAD_MAX {
            return Err(OverrideError::TooLong);
        }
        if let Some(absent) = &instead_of {
            if *absent == person {
                return Err(OverrideError::Oneself { person });
            }
            // Who stands in may be stood in for in turn.
            let stands_in = |one: &Override| one.roster == roster.name && one.person == *absent;
            if !roster.people().any(|one| one == absent) && !self.kept.values().any(stands_in) {
                return Err(OverrideError::NotOnRoster { person: absent.clone(), roster: roster.name.clone() });
            }
        }
        let same_place = |one: &&Override| one.roster == roster.name && one.instead_of == instead_of;
        let overlapping = |one: &&Override| one.from < until && from < one.until;
        if let Some(other) = self.kept.values().filter(same_place).find(overlapping) {
            return Err(OverrideError::Taken { id: other.id, from: other.from, until: other.until });
        }
        if self.kept.len() >= OVERRIDES_MAX {
            return Err(OverrideError::TooMany);
        }
        self.last += 1;
        let (id, roster, by) = (self.last, roster.name.clone(), by.to_owned());
        self.kept.insert(id, Override { id, roster, person, instead_of, from, until, reason, by, at: now });
        Ok(id)
    }

    pub fn get(&self, id: u64) -> Option<&Override> {
        self.kept.get(&id)
    }

    pub fn remove(&mut self, id: u64) -> Option<Override> {
        self.kept.remove(&id)
    }

    /// The wall clock was set that many microseconds forward: what people typed by it comes so much sooner. Answers all.
    pub fn follow_clock(&mut self, micros: i64) -> Vec<Override> {
        for one in self.kept.values_mut() {
            one.from = one.from.shifted(micros.saturating_neg());
            one.until = one.until.shifted(micros.saturating_neg());
        }
        self.kept.values().cloned().collect()
    }

    /// Lets go of what is over.
    pub fn forget(&mut self, now: Timestamp) {
        self.kept.retain(|_, one| one.until > now);
    }

    /// When the next of them is over.
    pub fn next_end(&self) -> Option<Timestamp> {
        self.kept.values().map(|one| one.until).min()
    }

    /// By number, so in the order in which they were put in.
    pub fn iter(&self) -> impl Iterator<Item = &Override> {
        self.kept.values()
    }

    /// Those of one roster.
    pub fn of<'a>(&'a self, roster: &'a str) -> impl Iterator<Item = &'a Override> {
        self.kept.values().filter(move |one| one.roster == roster)
    }

    /// As another one tells it.
    pub fn take(&mut self, one: Override) {
        self.last = self.last.max(one.id);
        self.kept.insert(one.id, one);
    }

    /// Of a list as it is published.
    pub fn from_list(list: Vec<Override>) -> Overrides {
        let last = list.iter().map(|one| one.id).max().unwrap_or(0);
        Overrides { last, kept: list.into_iter().map(|one| (one.id, one)).collect() }
    }
}
