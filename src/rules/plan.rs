//! Inspection plans: checklists on a schedule.

use serde::{Deserialize, Serialize};

use crate::calendar::Schedule;
use crate::model::{Severity, Span};

/// An inspection checklist on a schedule.
#[derive(Debug, Clone)]
pub struct Plan {
    pub name: String,
    pub title: String,
    pub schedule: Schedule,
    pub team: String,
    pub items: Vec<Item>,
    /// From its scheduled time: not finished by then is overdue.
    pub due_within: Span,
    /// From its scheduled time: not finished by then is missed.
    pub missed_after: Span,
    /// Whether a person must sign the finished run.
    pub sign_off: bool,
}

/// One check of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub name: String,
    pub title: String,
    pub check: Check,
    /// What a failure is worth.
    pub severity: Severity,
    /// Labels of the event that a failure becomes.
    pub labels: crate::model::Labels,
}

/// How an item is checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Check {
    /// By a person; `evidence`: a text or link must come with the result.
    Manual { evidence: bool },
    /// GET answers with `status` (any 2xx when unset) and holds `contains`.
    Http { url: String, status: Option<u16>, contains: Option<String>, timeout: Span },
    /// A connection opens.
    Tcp { address: String, timeout: Span },
    /// The certificate there lives longer than the spans.
    Tls { address: String, warn_below: Span, fail_below: Span, timeout: Span },
    /// An instant query against a Prometheus; compared with the limits, worst sample counts; no sample fails.
    Promql { server: String, query: String, warn: Option<Limit>, fail: Option<Limit>, timeout: Span },
    /// A message on that topic comes within the time.
    Mqtt { topic: String, within: Span },
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
