//! Teams, and their notification channels.

use serde::{Deserialize, Serialize};

use super::Channel;
use crate::core::model::{Tier, TimeDelta};

/// A team that shares work, and its channels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Team {
    pub name: String,
    pub title: String,
    pub members: Vec<String>,
    pub channels: Vec<Channel>,
    /// The vendors whose contracted work it takes.
    pub vendors: Vec<String>,
    /// Its line of support, if given.
    pub tier: Option<Tier>,
    /// Its sites; empty: everywhere.
    pub sites: Vec<String>,
    /// The work it accepts, by the incident's `skill`; empty: anything.
    pub skills: Vec<String>,
    /// Employer of its people: the centre, an outsourcer, a vendor; empty: not given.
    pub organisation: String,
    /// The on-call schedule of its members; `None`: all of them, always.
    pub roster: Option<String>,
    /// Assignment of its work to people.
    pub dispatch: Dispatch,
    /// Language of its notifications.
    pub language: Language,
    /// Digest policy of its channels; `None`: the default, for channels that people read.
    pub digest: Option<DigestPolicy>,
}

/// Assignment of a team's work to people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dispatch {
    /// A person takes it, or assigns it.
    #[default]
    ByHand,
    /// The least loaded responder gets it at once, up to their limit; work that no one can take waits.
    LeastLoaded,
}

impl Dispatch {
    pub const ALL: [Dispatch; 2] = [Dispatch::ByHand, Dispatch::LeastLoaded];

    pub const fn as_str(self) -> &'static str {
        match self {
            Dispatch::ByHand => "by_hand",
            Dispatch::LeastLoaded => "least_loaded",
        }
    }
}

impl Team {
    /// A step is skipped at once if its team has neither members nor channels.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.channels.is_empty() && self.roster.is_none()
    }
}

/// Language of a notification's fixed texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    En,
    Zh,
}

impl Language {
    pub const ALL: [Language; 2] = [Language::En, Language::Zh];

    pub const fn as_str(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Zh => "zh",
        }
    }
}

impl std::str::FromStr for Language {
    type Err = crate::core::model::ParseWordError;

    fn from_str(word: &str) -> Result<Language, crate::core::model::ParseWordError> {
        Language::ALL.into_iter().find(|language| language.as_str() == word).ok_or_else(|| {
            crate::core::model::ParseWordError { what: "language", word: word.to_owned(), expected: "en or zh" }
        })
    }
}

/// Condition for a channel to send digests instead of single notifications. P1 never waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestPolicy {
    /// Above that number of notifications, 1 to 1,000,
    pub above: u32,
    /// within that time, 10 s to a day:
    pub within: TimeDelta,
    /// further ones are collected into a digest, sent at that interval, 10 s to a day.
    pub every: TimeDelta,
}

impl DigestPolicy {
    pub const STANDARD: DigestPolicy =
        DigestPolicy { above: 10, within: TimeDelta::from_minutes(5), every: TimeDelta::from_minutes(5) };

    /// A channel's digest policy under its team's or person's; `None`: no digest.
    pub fn of(own: Option<DigestPolicy>, channel: &Channel) -> Option<DigestPolicy> {
        own.or(channel.is_read_by_people().then_some(DigestPolicy::STANDARD))
    }
}
