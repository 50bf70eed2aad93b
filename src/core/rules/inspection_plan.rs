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
    /// Each item once for every device of the plan, by unique names.
    pub items: Vec<ChecklistItem>,
    /// From its scheduled time: a run not finished by then is overdue.
    pub due_within: TimeDelta,
    /// From its scheduled time: a run not finished by then is missed.
    pub missed_after: TimeDelta,
    /// True if a person must sign the finished run.
    pub sign_off: bool,
    /// The team whose members may sign or reject; `None`: everyone with the role.
    pub signers: Option<String>,
    /// True if a person who recorded an item of a run may not sign it.
    pub four_eyes: bool,
    /// Slots, if every item is checked several times in one run.
    pub slots: Option<Slots>,
    /// The team's capacity in a run's time.
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
    /// Number of slots.
    pub fn count(self) -> u32 {
        let whole = (self.lasts.as_micros() - 1).div_euclid(self.every.as_micros().max(1)) + 1;
        u32::try_from(whole.max(1)).unwrap_or(u32::MAX)
    }
}

/// The people of a plan, and their hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectionTeam {
    /// `None`: as many as the team has members.
    pub inspectors: Option<u32>,
    /// Working time of one inspector on a day of the window.
    pub hours_a_day: TimeDelta,
    /// The open time of this calendar counts instead of `hours_a_day`.
    pub calendar: Option<String>,
}

/// One check of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct ChecklistItem {
    /// Unique in the plan; with a device `looks@sw3`.
    pub name: String,
    pub title: String,
    /// The inventory item that it checks.
    pub device: Option<String>,
    pub check: Check,
    /// Severity of a failure.
    pub severity: Severity,
    /// Labels of the event that a failure becomes.
    pub labels: crate::core::model::Labels,
    /// Limits beyond which the measured value warns or fails, whatever the check's own result.
    pub warn: Option<Limit>,
    pub fail: Option<Limit>,
    /// The expected fact.
    pub expect: Option<Expected>,
    /// Horizon within which a steady drift towards the limit warns; `None`: not watched.
    pub trend: Option<TimeDelta>,
    /// Minutes of a person's work.
    pub minutes: u32,
}

impl ChecklistItem {
    /// The limit beyond which it fails or, without one, beyond which it warns.
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

/// A fact of the inventory that an inspection must confirm on site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    pub fact: String,
    /// `None`: the inventory has no value.
    pub value: Option<String>,
}

/// Method of checking an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Check {
    /// By a person; `evidence`: a text or link is required with the result.
    Manual { evidence: bool },
    /// GET returns `status` (any 2xx if unset) and contains `contains`; `json` points at the observed value in it.
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

/// A limit on a measured value, written as the violation: `> 0.9`.
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
