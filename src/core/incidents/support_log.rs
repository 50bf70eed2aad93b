//! The support log of an incident: triage, hand-backs, the playbook's ticks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::model::Timestamp;
use crate::core::rules::{DispatchMode, Playbook};

/// Maximum number of triage fields of an incident, and maximum length of their names, in bytes.
pub(super) const FIELDS_MAX: usize = 32;
pub(super) const FIELD_MAX_BYTES: usize = 64;

/// The part of the record that the tiers write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportLog {
    /// Dispatch mode of the present step.
    pub kind: DispatchMode,
    /// Triage fields: symptom, tried, affected, …
    pub triage: BTreeMap<String, String>,
    /// Number of hand-backs by a higher tier; with `escalations` the bounce rate.
    pub bounces: u32,
    /// Number of manager notifications.
    pub managers_told: u32,
    /// The steps to do, and the done ones.
    pub playbook: Option<OpenPlaybook>,
}

/// A playbook as of the incident's opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPlaybook {
    pub name: String,
    pub title: String,
    pub steps: Vec<OpenStep>,
}

/// One step of it, with the person and time of its completion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenStep {
    pub name: String,
    pub title: String,
    /// True if ticking requires a note.
    pub evidence: bool,
    pub ticked_by: Option<String>,
    pub ticked_at: Option<Timestamp>,
    pub note: Option<String>,
}

impl From<&Playbook> for OpenPlaybook {
    fn from(playbook: &Playbook) -> OpenPlaybook {
        let steps = playbook.steps.iter().map(|step| OpenStep {
            name: step.name.clone(),
            title: step.title.clone(),
            evidence: step.evidence,
            ticked_by: None,
            ticked_at: None,
            note: None,
        });
        OpenPlaybook { name: playbook.name.clone(), title: playbook.title.clone(), steps: steps.collect() }
    }
}
