//! Escalation policies: the team that gets an incident, and the time limits; the managers that are notified, and the
//! delays.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::core::model::{ParseWordError, Priority, Tier, TimeDelta};

/// The steps of an incident's escalation, in the order of the tiers.
#[derive(Debug, Clone, PartialEq)]
pub struct EscalationPolicy {
    pub name: String,
    pub steps: Vec<EscalationStep>,
    /// Managers notified in addition, in the order of time; the incident stays with its team.
    pub hierarchy: Vec<ManagerNotification>,
}

/// One step. Its times count from when the step was really entered.
#[derive(Debug, Clone, PartialEq)]
pub struct EscalationStep {
    pub tier: Tier,
    /// Empty if the item's vendor decides.
    pub team: String,
    /// True if the team is that of the failed item's vendor, by its contract.
    pub vendor: bool,
    /// Mode of dispatching its people.
    pub kind: DispatchMode,
    /// Without acknowledgement for that long, the incident goes to the next step.
    pub respond_by: TimeDelta,
    /// Interval of repeated pages until acknowledgement.
    pub page_every: TimeDelta,
    /// True if it pages until the incident is over, whoever acknowledges it.
    pub keeps_paging: bool,
    /// Acknowledged but unresolved for that long: paged once more `page_every` before, then the incident goes to the
    /// next step.
    pub resolve_by: Option<TimeDelta>,
    /// Calendar in whose working time its times count; `None`: wall time.
    pub calendar: Option<String>,
    /// Triage fields required before a person may escalate from here.
    pub demands: Vec<String>,
}

impl EscalationStep {
    /// A step in wall time without required fields.
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
            keeps_paging: false,
            resolve_by,
            calendar: None,
            demands: Vec::new(),
        }
    }

    /// The name of the step's team for people.
    pub fn whom(&self) -> &str {
        if self.vendor { "the vendor's team" } else { &self.team }
    }
}

/// Mode of dispatching a step's people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchMode {
    /// By phone.
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

    /// Its text on a dispatch order.
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

/// Hierarchical escalation: a manager is notified of an incident that others work on.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagerNotification {
    /// Delay from the start of escalation.
    pub after: TimeDelta,
    /// Only for these priorities; empty: for all.
    pub priorities: Vec<Priority>,
    pub told: Recipient,
    /// Number of repeats, and the interval.
    pub repeat: u32,
    pub every: TimeDelta,
    /// Reasons to stop other than the end of the incident.
    pub stop_when: Vec<StopWhen>,
    /// Calendar in whose working time `after` and `every` count; `None`: wall time.
    pub calendar: Option<String>,
}

/// Recipient of hierarchical escalation.
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

/// Reason to stop notifying a manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopWhen {
    /// A person acknowledged it at its present step.
    Acknowledged,
    /// It waits for an outside party.
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
