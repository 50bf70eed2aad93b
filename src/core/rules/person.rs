//! People: their capacity, skills and contacts.

use super::{Channel, Language};
use crate::core::model::{Priority, TimeDelta};

/// Default limit of a person's open incidents.
pub const LIMIT_DEFAULT: u32 = 5;

/// A person of this organisation or of a vendor.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Its name in commands, teams and on-call schedules.
    pub name: String,
    /// Display name.
    pub title: String,
    /// The employer: the centre itself, an outsourcer, a vendor.
    pub organisation: String,
    /// Sites where they work; empty: everywhere.
    pub sites: Vec<String>,
    pub skills: Vec<String>,
    /// Maximum number of their open incidents.
    pub limit: u32,
    /// Language of their notifications.
    pub language: Language,
    /// Their contacts, in addition to their team's channels.
    pub contacts: Vec<Contact>,
}

/// One contact of a person, and its conditions.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    pub channel: Channel,
    /// Only for these priorities; empty: for all.
    pub priorities: Vec<Priority>,
    /// Only while this calendar is open; `None`: always.
    pub calendar: Option<String>,
    /// Delay after the page, if it is still unacknowledged.
    pub after: TimeDelta,
}
