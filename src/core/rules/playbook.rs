//! Playbooks: the steps to take on an incident.

/// The predefined response to a kind of incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playbook {
    pub name: String,
    /// Display name.
    pub title: String,
    pub steps: Vec<PlaybookStep>,
}

/// One step, ticked by the person who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaybookStep {
    pub name: String,
    pub title: String,
    /// True if ticking requires a note: an observation, or a link.
    pub evidence: bool,
}
