//! Teams, and how they are told.

use serde::{Deserialize, Serialize};

use crate::model::Tier;

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

/// A way to tell a team.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Channel {
    /// POST of the notice as JSON.
    Webhook { url: String },
    /// A message on that topic; `{id}` becomes the incident's id.
    Mqtt { topic: String },
}
