//! Inspection plans: checklists on a schedule.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::calendar::Schedule;
use crate::core::model::{Severity, TimeDelta};

/// An inspection checklist on a schedule.
#[derive(Debug, Clone)]
pub struct Plan {
    pub name: String,
    pub title: String,
    pub schedule: Schedule,
    pub team: String,
    /// Each item once for every device that the plan is of, by unique names.
    pub items: Vec<ChecklistItem>,
    /// From its scheduled time: not finished by then is overdue.
    pub due_within: TimeDelta,
    /// From its scheduled time: not finished by then is missed.
    pub missed_after: TimeDelta,
    /// Whether a person must sign the finished run.
    pub sign_off: bool,
    /// The team whose members may sign or reject; `None`: whoever has the role.
    pub signers: Option<String>,
    /// Whether who recorded an item of a run may not sign it.
    pub four_eyes: bool,
    /// When every item is looked at several times in one run.
    pub slots: Option<Slots>,
    /// What its team can do in a run's time.
    pub crew: Option<InspectionTeam>,
}

/// The times within one run at which all its items are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    pub every: TimeDelta,
    /// From the run's scheduled time; no slot begins later.
    pub lasts: TimeDelta,
    /// From the slot's time: an item not done by then is missed.
    pub within: TimeDelta,
}

impl Slots {
    /// How many there are.
    pub fn count(self) -> u32 {
        let whole = (self.lasts.as_micros() - 1).div_euclid(self.every.as_micros().max(1)) + 1;
        u32::try_from(whole.max(1)).unwrap_or(u32::MAX)
    }
}

/// Who works on a plan, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectionTeam {
    /// `None`: as many as the team has members.
    pub inspectors: Option<u32>,
    /// What one of them works on a day of the window.
    pub hours_a_day: TimeDelta,
    /// The open time of this calendar counts instead of `hours_a_day`.
    pub calendar: Option<String>,
}

/// One check of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct ChecklistItem {
    /// Once in the plan; with a device `looks@sw3`.
    pub name: String,
    pub title: String,
    /// The item of the inventory that it is about.
    pub device: Option<String>,
    pub check: Check,
    /// What a failure is worth.
    pub severity: Severity,
    /// Labels of the event that a failure becomes.
    pub labels: crate::core::model::Labels,
    /// The measured value warns or fails beyond these, whatever the check itself said.
    pub warn: Option<Limit>,
    pub fail: Option<Limit>,
    /// What must be found.
    pub expect: Option<Expected>,
    /// How far ahead a steady drift towards the limit warns; `None`: it is not watched.
    pub trend: Option<TimeDelta>,
    /// What it takes a person.
    pub minutes: u32,
}

impl ChecklistItem {
    /// Beyond which it fails, or if nothing makes it fail, beyond which it warns.
    pub fn limit(&self) -> Option<Limit> {
        let (warn, fail) = match &self.check {
            Check::Promql { warn, fail, .. } => (*warn, *fail),
            Check::Manual { .. } | Check::Http { .. } | Check::Tcp { .. } | Check::Tls { .. } | Check::Mqtt { .. } => {
                (None, None)
            }
        };
        self.fail.or(fail).or(self.warn).or(warn)
    }
}

/// A fact of the inventory that an inspection must find on the spot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    pub fact: String,
    /// `None`: the inventory does not say.
    pub value: Option<String>,
}

/// How an item is checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Check {
    /// By a person; `evidence`: a text or link must come with the result.
    Manual { evidence: bool },
    /// GET answers with `status` (any 2xx when unset) and holds `contains`; `json` points at what is found in it.
    Http { url: String, status: Option<u16>, contains: Option<String>, json: Option<String>, timeout: TimeDelta },
    /// A connection opens.
    Tcp { address: String, timeout: TimeDelta },
    /// The certificate there lives longer than the spans.
    Tls { address: String, warn_below: TimeDelta, fail_below: TimeDelta, timeout: TimeDelta },
    /// An instant query against a Prometheus; compared with the limits, worst sample counts; no sample fails.
    Promql { server: String, query: String, warn: Option<Limit>, fail: Option<Limit>, timeout: TimeDelta },
    /// A message on that topic comes within the time.
    Mqtt { topic: String, within: TimeDelta },
}

impl Check {
    pub const fn is_manual(&self) -> bool {
        match self {
            Check::Manual { .. } => true,
            Check::Http { .. } | Check::Tcp { .. } | Check::Tls { .. } | Check::Promql { .. } | Check::Mqtt { .. } => {
                false
            }
        }
    }

    pub const fn kind(&self) -> &'static str {
        match self {
            Check::Manual { .. } => "manual",
            Check::Http { .. } => "http",
            Check::Tcp { .. } => "tcp",
            Check::Tls { .. } => "tls",
            Check::Promql { .. } => "promql",
            Check::Mqtt { .. } => "mqtt",
        }
    }
}

/// A bound that a measured value breaks, written `> 0.9`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    pub comparison: Comparison,
    pub value: f64,
}

impl fmt::Display for Limit {
    /// `above 0.9`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.comparison {
            Comparison::Above => "above",
            Comparison::AtLeast => "at least",
            Comparison::Below => "below",
            Comparison::AtMost => "at most",
        };
        write!(f, "{word} {}", self.value)
    }
}

impl Limit {
    pub fn is_broken_by(self, value: f64) -> bool {
        match self.comparison {
            Comparison::Above => value > self.value,
            Comparison::AtLeast => value >= self.value,
            Comparison::Below => value < self.value,
            Comparison::AtMost => value <= self.value,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}
