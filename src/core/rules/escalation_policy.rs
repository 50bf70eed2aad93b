//! Ladders: who gets an incident, and by when; which managers are told of it, and when.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::core::model::{ParseWordError, Priority, Tier, TimeDelta};

/// Who gets an incident, by when: its steps in the order of the tiers.
#[derive(Debug, Clone, PartialEq)]
pub struct EscalationPolicy {
    pub name: String,
    pub steps: Vec<EscalationStep>,
    /// Who is told besides, in the order of time; the incident stays where it is.
    pub hierarchy: Vec<ManagerNotification>,
}

/// One rung. Its spans count from when the step was really entered.
#[derive(Debug, Clone, PartialEq)]
pub struct EscalationStep {
    pub tier: Tier,
    /// Empty when the vendor of the item decides.
    pub team: String,
    /// Whether the team is that of the failed item's vendor, by its contract.
    pub vendor: bool,
    /// How its people are sent to work.
    pub kind: DispatchMode,
    /// Unacknowledged for that long: on to the next step.
    pub respond_by: TimeDelta,
    /// Pages again that often until somebody acknowledges.
    pub page_every: TimeDelta,
    /// Acknowledged but unresolved for that long: paged once more `page_every` before, then on to the next step.
    pub resolve_by: Option<TimeDelta>,
    /// Its spans are working time of that calendar; `None`: wall time.
    pub calendar: Option<String>,
    /// What must be written down before a person may hand it on from here.
    pub demands: Vec<String>,
}

impl EscalationStep {
    /// A step of wall time that demands nothing.
    pub fn wall(
        tier: Tier,
        team: &str,
        respond_by: TimeDelta,
        page_every: TimeDelta,
        resolve_by: Option<TimeDelta>,
    ) -> EscalationStep {
        EscalationStep {
            tier,
            team: team.to_owned(),
            vendor: false,
            kind: DispatchMode::Phone,
            respond_by,
            page_every,
            resolve_by,
            calendar: None,
            demands: Vec::new(),
        }
    }

    /// As people call whoever has the step.
    pub fn whom(&self) -> &str {
        if self.vendor { "the vendor's team" } else { &self.team }
    }
}

/// How a step's people are sent to work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchMode {
    /// On the hot line.
    #[default]
    Phone,
    /// An engineer on site.
    Visit,
    /// A senior engineer on site, at once.
    SeniorVisit,
}

impl DispatchMode {
    pub const ALL: [DispatchMode; 3] = [DispatchMode::Phone, DispatchMode::Visit, DispatchMode::SeniorVisit];

    pub const fn as_str(self) -> &'static str {
        match self {
            DispatchMode::Phone => "phone",
            DispatchMode::Visit => "visit",
            DispatchMode::SeniorVisit => "senior_visit",
        }
    }

    /// As it stands on a dispatch order.
    pub const fn title(self) -> &'static str {
        match self {
            DispatchMode::Phone => "热线支持",
            DispatchMode::Visit => "现场服务",
            DispatchMode::SeniorVisit => "高级工程师紧急上门",
        }
    }
}

impl fmt::Display for DispatchMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DispatchMode {
    type Err = ParseWordError;
    fn from_str(word: &str) -> Result<DispatchMode, ParseWordError> {
        DispatchMode::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| ParseWordError {
            word: word.chars().take(64).collect(),
            what: "kind of dispatch",
            expected: "phone, visit, senior_visit",
        })
    }
}

/// Hierarchical escalation: somebody is told of an incident that others work on.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagerNotification {
    /// From when the incident began to climb.
    pub after: TimeDelta,
    /// Only for these; empty: for all.
    pub priorities: Vec<Priority>,
    pub told: Recipient,
    /// How often again, and how far apart.
    pub repeat: u32,
    pub every: TimeDelta,
    /// What ends it besides the end of the incident.
    pub stop_when: Vec<StopWhen>,
    /// `after` and `every` are working time of that calendar; `None`: wall time.
    pub calendar: Option<String>,
}

/// Whom hierarchical escalation tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    Team(String),
    Person(String),
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recipient::Team(name) => write!(f, "team {name}"),
            Recipient::Person(name) => f.write_str(name),
        }
    }
}

/// What makes telling a manager (again) needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopWhen {
    /// Somebody has taken it at its present step.
    Acknowledged,
    /// It waits for somebody outside.
    Pending,
}

impl StopWhen {
    pub const ALL: [StopWhen; 2] = [StopWhen::Acknowledged, StopWhen::Pending];

    pub const fn as_str(self) -> &'static str {
        match self {
            StopWhen::Acknowledged => "acknowledged",
            StopWhen::Pending => "pending",
        }
    }
}

impl FromStr for StopWhen {
    type Err = ParseWordError;
    fn from_str(word: &str) -> Result<StopWhen, ParseWordError> {
        StopWhen::ALL.into_iter().find(|stop| stop.as_str() == word).ok_or_else(|| ParseWordError {
            word: word.chars().take(64).collect(),
            what: "reason to stop",
            expected: "acknowledged, pending",
        })
    }
}
