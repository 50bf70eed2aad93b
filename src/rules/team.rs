//! Teams, and how they are told.

use serde::{Deserialize, Serialize};

/// People who take work together, and how they are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Team {
    pub name: String,
    pub title: String,
    pub members: Vec<String>,
    pub channels: Vec<Channel>,
    /// The vendors for whom it takes what their contracts cover.
    pub vendors: Vec<String>,
}

impl Team {
    /// A step whose team nobody is in and nothing reaches is skipped at once.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.channels.is_empty()
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
