//! Presence: the last heartbeat of each person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::model::{TimeDelta, Timestamp};

/// Maximum number of tracked people.
pub const PEOPLE_MAX: usize = 10_000;

/// Presence of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceStatus {
    Present,
    /// Reported away by themselves.
    Away,
    /// The heartbeat is too old, or the connection broke.
    Lost,
}

/// The last known presence of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    pub person: String,
    pub standing: PresenceStatus,
    /// Start of this status.
    pub since: Timestamp,
    /// The newest heartbeat.
    pub seen_at: Timestamp,
    /// Present until then without another heartbeat; `None`: without a limit.
    pub until: Option<Timestamp>,
}

/// Every person with a presence report so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendance {
    people: BTreeMap<String, Presence>,
}

impl Attendance {
    /// Records a heartbeat: present for that long, or without a limit. Returns true if the status changed; `None` if
    /// the limit of people is reached.
    pub fn here(&mut self, person: &str, lifetime: Option<TimeDelta>, now: Timestamp) -> Option<bool> {
        let until = lifetime.map(|lifetime| now + lifetime);
        self.set(person, PresenceStatus::Present, until, now, now)
    }

    /// Records that they left, or were lost. Returns true if the status changed; `None` as above.
    pub fn gone(&mut self, person: &str, standing: PresenceStatus, now: Timestamp) -> Option<bool> {
        let seen_at = self.people.get(person).map_or(now, |known| known.seen_at);
        self.set(person, standing, None, seen_at, now)
    }

    fn set(
        &mut self,
        person: &str,
        standing: PresenceStatus,
        until: Option<Timestamp>,
        seen_at: Timestamp,
        now: Timestamp,
    ) -> Option<bool> {
        let known = self.people.get(person);
        if known.is_none() && self.people.len() >= PEOPLE_MAX {
            return None;
        }
        let same = known.filter(|known| known.standing == standing);
        let (since, is_news) = (same.map_or(now, |known| known.since), same.is_none());
        let presence = Presence { person: person.to_owned(), standing, since, seen_at, until };
        self.people.insert(person.to_owned(), presence);
        Some(is_news)
    }

    /// Marks people with expired heartbeats as lost; returns them in the order of their names.
    pub fn expire(&mut self, now: Timestamp) -> Vec<String> {
        let mut lost = Vec::new();
        for presence in self.people.values_mut() {
            if presence.until.is_some_and(|until| until <= now) {
                (presence.standing, presence.since, presence.until) = (PresenceStatus::Lost, now, None);
                lost.push(presence.person.clone());
            }
        }
        lost
    }

    /// After a downtime without heartbeats: extends each by its own length, at least `grace`.
    pub fn hold_on(&mut self, now: Timestamp, grace: TimeDelta) {
        for presence in self.people.values_mut() {
            if let Some(until) = presence.until.filter(|until| *until <= now) {
                presence.until = Some(now + until.since(presence.seen_at).max(grace));
            }
        }
    }

    /// Time of the next expiry of a heartbeat.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.people.values().filter_map(|presence| presence.until).min()
    }

    pub fn of(&self, person: &str) -> Option<&Presence> {
        self.people.get(person)
    }

    /// Reason for a person's absence; without any report they count as present, unless presence is required.
    pub fn absence(&self, person: &str, is_required: bool) -> Option<String> {
        match self.people.get(person) {
            None if is_required => Some("no heartbeat yet".to_owned()),
            None => None,
            Some(presence) => match presence.standing {
                PresenceStatus::Present => None,
                PresenceStatus::Away => Some(format!("away since {}", presence.since)),
                PresenceStatus::Lost => Some(format!("no heartbeat since {}", presence.seen_at)),
            },
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Presence> {
        self.people.values()
    }

    /// Adds a presence as published by another node.
    pub fn take(&mut self, presence: Presence) {
        self.people.insert(presence.person.clone(), presence);
    }

    pub fn from_list(list: Vec<Presence>) -> Attendance {
        Attendance { people: list.into_iter().map(|one| (one.person.clone(), one)).collect() }
    }
}
