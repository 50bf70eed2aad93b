//! Queries over the tables: filters, pages, rows.

use serde::{Deserialize, Serialize};

use crate::core::engine::{DeliveryOutcome, Notification};
use crate::core::incidents::IncidentState;
use crate::core::inspections::RunState;
use crate::core::model::{DeadLetter, Fingerprint, Offset, ParseWordError, Priority, ProblemId, Tier, Timestamp};
use crate::core::problems::ProblemState;

/// A part of a list, and the cursor of the next one.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Opaque; `None` at the end.
    pub next: Option<String>,
}

#[derive(Clone, Debug)]
pub struct PageRequest {
    /// From a previous page's `next`.
    pub cursor: Option<String>,
    /// 1–500.
    pub limit: u32,
}

impl Default for PageRequest {
    fn default() -> Self {
        PageRequest { cursor: None, limit: 100 }
    }
}

/// Newest first. Empty fields do not filter.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    pub states: Vec<IncidentState>,
    pub tiers: Vec<Tier>,
    pub priorities: Vec<Priority>,
    pub team: Option<String>,
    pub assignee: Option<String>,
    pub rule: Option<String>,
    pub problem: Option<ProblemId>,
    pub alert: Option<Fingerprint>,
    /// A part of the title or the labels, any script, case-insensitive for ASCII.
    pub text: Option<String>,
    pub opened_after: Option<Timestamp>,
    pub opened_before: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    pub firing: Option<bool>,
    pub rule: Option<String>,
    pub source: Option<String>,
    pub text: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct ProblemFilter {
    pub states: Vec<ProblemState>,
    pub team: Option<String>,
    pub text: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    pub states: Vec<RunState>,
    pub plan: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub actor: Option<String>,
    /// `INC-12`, a silence's id, …
    pub subject: Option<String>,
    pub action: Option<String>,
}

/// Metadata of a journal block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    pub first: Offset,
    pub entries: u64,
    /// The engine version that made its effects.
    pub engine_version: u32,
    /// Over all effects of its batch, see [`super::effects_hash`].
    pub effects_hash: [u8; 32],
    /// The `now` of its newest entry.
    pub written_at: Timestamp,
    /// As stored, compressed.
    pub bytes: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct DeadLetterRow {
    pub id: i64,
    #[serde(flatten)]
    pub letter: DeadLetter,
}

/// A notification to be delivered, with the number of attempts.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    pub notice: Notification,
    pub attempts: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct DeliveryRow {
    pub notice: Notification,
    pub attempts: u32,
    /// `None` while it waits for its first attempt.
    pub outcome: Option<DeliveryOutcome>,
    pub delivered_at: Option<Timestamp>,
}

/// Permissions of a token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenRole {
    /// Push events of one source (`*`: any) and nothing else.
    Ingest {
        source: String,
    },
    Viewer,
    FirstLine,
    SecondLine,
    ThirdLine,
    /// Merges, cancels, reopens and closes incidents.
    IncidentManager,
    /// Closes problems, or accepts their risk.
    ProblemManager,
    /// Plans maintenance: silences alerts that a change causes.
    ChangeManager,
    /// Reloads rules and inventory.
    ConfigurationManager,
    /// All of these.
    ProcessManager,
    Admin,
    /// Push events of one source (`*`: any), and read the metrics: a Prometheus with one token.
    Monitoring {
        source: String,
    },
}

impl TokenRole {
    pub fn as_str(&self) -> &'static str {
        match self {
            TokenRole::Ingest { .. } => "ingest",
            TokenRole::Viewer => "viewer",
            TokenRole::FirstLine => "first_line",
            TokenRole::SecondLine => "second_line",
            TokenRole::ThirdLine => "third_line",
            TokenRole::IncidentManager => "incident_manager",
            TokenRole::ProblemManager => "problem_manager",
            TokenRole::ChangeManager => "change_manager",
            TokenRole::ConfigurationManager => "configuration_manager",
            TokenRole::ProcessManager => "process_manager",
            TokenRole::Admin => "admin",
            TokenRole::Monitoring { .. } => "monitoring",
        }
    }

    /// `ingest:zabbix`, `monitoring`, `viewer`, `first_line`, …
    pub fn parse(text: &str) -> Result<TokenRole, ParseWordError> {
        if let Some(source) = text.strip_prefix("ingest:") {
            return Ok(TokenRole::Ingest { source: source.to_owned() });
        }
        if let Some(source) = text.strip_prefix("monitoring:") {
            return Ok(TokenRole::Monitoring { source: source.to_owned() });
        }
        Ok(match text {
            "ingest" => TokenRole::Ingest { source: "*".to_owned() },
            "monitoring" => TokenRole::Monitoring { source: "*".to_owned() },
            "viewer" => TokenRole::Viewer,
            "first_line" => TokenRole::FirstLine,
            "second_line" => TokenRole::SecondLine,
            "third_line" => TokenRole::ThirdLine,
            "incident_manager" => TokenRole::IncidentManager,
            "problem_manager" => TokenRole::ProblemManager,
            "change_manager" => TokenRole::ChangeManager,
            "configuration_manager" => TokenRole::ConfigurationManager,
            "process_manager" => TokenRole::ProcessManager,
            "admin" => TokenRole::Admin,
            _ => {
                return Err(ParseWordError {
                    word: text.chars().take(64).collect(),
                    what: "role",
                    expected: "ingest[:SOURCE], monitoring[:SOURCE], viewer, first_line, second_line, third_line, incident_manager, problem_manager, change_manager, configuration_manager, process_manager, admin",
                });
            }
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Unique name of the person or tool. It is the actor in the audit.
    pub name: String,
    pub role: TokenRole,
    pub sha256: [u8; 32],
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}
