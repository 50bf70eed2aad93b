//! Teams, and how they are told.

use serde::{Deserialize, Serialize};

use super::Channel;
use crate::core::model::{Tier, TimeDelta};

/// People who take work together, and how they are told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Team {
    pub name: String,
    pub title: String,
    pub members: Vec<String>,
    pub channels: Vec<Channel>,
    /// The vendors for whom it takes what their contracts cover.
    pub vendors: Vec<String>,
    /// The line of support that it is, where it says so.
    pub tier: Option<Tier>,
    /// Where it works; empty: everywhere.
    pub sites: Vec<String>,
    /// What it takes, by the incident's `skill`; empty: anything.
    pub skills: Vec<String>,
    /// Whose people they are: the centre, an outsourcer, a vendor; empty: not said.
    pub organisation: String,
    /// The roster that says who of it works when; `None`: its members, always.
    pub roster: Option<String>,
    /// How its work finds a person.
    pub dispatch: Dispatch,
    /// In which its notices are worded.
    pub language: Language,
    /// When its channels gather; `None`: by default, and only those that people read.
    pub digest: Option<DigestPolicy>,
}

/// How a team's work finds a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dispatch {
    /// Somebody takes it, or gives it to somebody.
    #[default]
    ByHand,
    /// The responder who holds the least gets it at once, up to their limit; what nobody can take waits.
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
    /// A step whose team nobody is in and nothing reaches is skipped at once.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.channels.is_empty() && self.roster.is_none()
    }
}

/// The words of a notice around what the incident says.
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

/// When a channel stops telling of each incident by itself. P1 never waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestPolicy {
    /// More than that many notices, 1 to 1,000,
    pub above: u32,
    /// within that time, 10 s to a day:
    pub within: TimeDelta,
    /// what follows is gathered, and told that often, 10 s to a day.
    pub every: TimeDelta,
}

impl DigestPolicy {
    pub const STANDARD: DigestPolicy =
        DigestPolicy { above: 10, within: TimeDelta::from_minutes(5), every: TimeDelta::from_minutes(5) };

    /// How a channel gathers under a team's or a person's policy; `None`: never.
    pub fn of(own: Option<DigestPolicy>, channel: &Channel) -> Option<DigestPolicy> {
        own.or(channel.is_read_by_people().then_some(DigestPolicy::STANDARD))
    }
}
