//! A silence: a person's decision that some alerts page no one for a while.

use serde::{Deserialize, Serialize};

use super::{Labels, Matchers, SilenceId, Stamp, Timestamp};

/// One silence, kept until its end plus the retention. Its state follows from the two times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    pub id: SilenceId,
    pub matchers: Matchers,
    pub starts_at: Stamp,
    pub ends_at: Stamp,
    pub updated_at: Timestamp,
    pub created_by: String,
    pub comment: String,
    pub annotations: Labels,
    /// It ends for each alert that resolves under it, and as a whole with the last of them.
    pub until_resolved: bool,
}

impl Silence {
    pub fn is_pending(&self, now: Timestamp) -> bool {
        now < self.starts_at.at
    }

    pub fn is_active(&self, now: Timestamp) -> bool {
        self.starts_at.at <= now && now < self.ends_at.at
    }

    /// That many microseconds later.
    pub fn shifted(&self, micros: i64) -> Silence {
        Silence {
            starts_at: self.starts_at.shifted(micros),
            ends_at: self.ends_at.shifted(micros),
            updated_at: self.updated_at.shifted(micros),
            ..self.clone()
        }
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.ends_at.at
    }

    pub fn silences(&self, labels: &Labels) -> bool {
        self.matchers.matches(labels)
    }
}
