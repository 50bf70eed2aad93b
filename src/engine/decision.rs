//! The seam between a correlator and the desk: plain data, a closed set, an input of partition 64.

use serde::{Deserialize, Serialize};

use super::Evidence;
use crate::model::{Fingerprint, Labels, Severity};

/// What a correlator tells the desk about one condition: a rule's key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub rule: String,
    pub key: Labels,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// The rule's pattern fired. Opens an incident, reopens one, or finds it open.
    Raised(Box<Raised>),
    /// An alert joined the condition, fires again, or changed its severity.
    Joined { alert: Member },
    /// A member stopped firing.
    Left { fingerprint: Fingerprint },
    /// Every firing member is held back now, by that.
    Held { by: String },
    /// A member is free again.
    Released,
    /// Condition and members are clear.
    Cleared,
    /// The rule is gone from the rulebook; nothing more will come from it.
    Retired,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Raised {
    pub title: String,
    /// One sentence: which pattern, the counts, the window.
    pub reason: String,
    pub severity: Severity,
    /// What the members have in common.
    pub labels: Labels,
    /// The alerts under it now, empty for points.
    pub members: Vec<Member>,
    /// The events that counted, at most 20.
    pub evidence: Vec<Evidence>,
    /// Alerts under maintenance only: does not count for recurrence.
    pub counts_for_recurrence: bool,
}

/// An alert inside a condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub fingerprint: Fingerprint,
    pub labels: Labels,
    pub severity: Severity,
    pub firing: bool,
}
