//! People: who they are, what they can take, and how each wants to be told.

use super::{Channel, Language};
use crate::core::model::{Priority, TimeDelta};

/// How many open incidents somebody may hold who says nothing of it.
pub const LIMIT_DEFAULT: u32 = 5;

/// Somebody who works here, or for a vendor.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// As commands, teams and rosters name them.
    pub name: String,
    /// As others read it.
    pub title: String,
    /// The employer: the centre itself, an outsourcer, a vendor.
    pub organisation: String,
    /// Where they work; empty: everywhere.
    pub sites: Vec<String>,
    pub skills: Vec<String>,
    /// How many open incidents they may hold at a time.
    pub limit: u32,
    /// In which their notices are worded.
    pub language: Language,
    /// How they are told, besides their team's channels.
    pub contacts: Vec<Contact>,
}

/// One way to tell a person, and when it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    pub channel: Channel,
    /// Only for these; empty: for all.
    pub priorities: Vec<Priority>,
    /// Only while this calendar is open; `None`: always.
    pub calendar: Option<String>,
    /// How long after the page, if it is not acknowledged by then.
    pub after: TimeDelta,
}
