//! Teams, and how they are told.

use serde::{Deserialize, Serialize};

use super::Channel;
use crate::model::Span;

/// People who take work together, and how they are told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Team {
    pub name: String,
    pub title: String,
    pub members: Vec<String>,
    pub channels: Vec<Channel>,
    /// In which its notices are worded.
    pub language: Language,
    /// When its channels gather; `None`: by default, and only those that people read.
    pub digest: Option<DigestPolicy>,
}

impl Team {
    /// A step whose team nobody is in and nothing reaches is skipped at once.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.channels.is_empty()
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
    type Err = crate::model::BadWord;

    fn from_str(word: &str) -> Result<Language, crate::model::BadWord> {
        Language::ALL.into_iter().find(|language| language.as_str() == word).ok_or_else(|| crate::model::BadWord {
            what: "language",
            word: word.to_owned(),
            expected: "en or zh",
        })
    }
}

/// When a channel stops telling of each incident by itself. P1 never waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestPolicy {
    /// More than that many notices, 1 to 1,000,
    pub above: u32,
    /// within that time, 10 s to a day:
    pub within: Span,
    /// what follows is gathered, and told that often, 10 s to a day.
    pub every: Span,
}

impl DigestPolicy {
    pub const STANDARD: DigestPolicy =
        DigestPolicy { above: 10, within: Span::from_minutes(5), every: Span::from_minutes(5) };

    /// How a channel gathers under a team's or a person's policy; `None`: never.
    pub fn of(own: Option<DigestPolicy>, channel: &Channel) -> Option<DigestPolicy> {
        own.or(channel.is_read_by_people().then_some(DigestPolicy::STANDARD))
    }
}
