//! Overrides (替班): one person replaces another, or everyone, for a while.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::Roster;

/// Maximum number of overrides.
pub const OVERRIDES_MAX: usize = 1_000;

/// Maximum length of an override, and maximum time ahead.
const LENGTH_MAX: TimeDelta = TimeDelta::from_days(92);
const AHEAD_MAX: TimeDelta = TimeDelta::from_days(366);

/// A person on duty outside the rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    pub id: u64,
    pub roster: String,
    /// The replacing person.
    pub person: String,
    /// The replaced person, in every shift of that time; `None`: alone in place of everyone.
    pub instead_of: Option<String>,
    /// Half-open.
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: String,
    /// The person who entered it, and the time.
    pub by: String,
    pub at: Timestamp,
}

/// A requested override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOverride {
    pub person: String,
    pub instead_of: Option<String>,
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: String,
}

/// The overrides that have not ended, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    last: u64,
    kept: BTreeMap<u64, Override>,
}

/// Reason to refuse an override.
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
    /// Adds an override, or returns the refusal; returns its number.
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
            // A replacing person may be replaced in turn.
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

    /// Drops ended overrides.
    pub fn forget(&mut self, now: Timestamp) {
        self.kept.retain(|_, one| one.until > now);
    }

    /// Time of the next end.
    pub fn next_end(&self) -> Option<Timestamp> {
        self.kept.values().map(|one| one.until).min()
    }

    /// By number, hence in order of entry.
    pub fn iter(&self) -> impl Iterator<Item = &Override> {
        self.kept.values()
    }

    /// The overrides of one schedule.
    pub fn of<'a>(&'a self, roster: &'a str) -> impl Iterator<Item = &'a Override> {
        self.kept.values().filter(move |one| one.roster == roster)
    }

    /// Adds an override as published by another node.
    pub fn take(&mut self, one: Override) {
        self.last = self.last.max(one.id);
        self.kept.insert(one.id, one);
    }

    /// From a published list.
    pub fn from_list(list: Vec<Override>) -> Overrides {
        let last = list.iter().map(|one| one.id).max().unwrap_or(0);
        Overrides { last, kept: list.into_iter().map(|one| (one.id, one)).collect() }
    }
}
