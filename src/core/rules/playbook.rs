//! Playbooks: what is done about an incident, step by step.

/// The predefined response to a kind of incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playbook {
    pub name: String,
    /// As people read it.
    pub title: String,
    pub steps: Vec<PlaybookStep>,
}

/// One thing to do, ticked by whoever did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaybookStep {
    pub name: String,
    pub title: String,
    /// Whether ticking it demands a note: what was seen, or a link.
    pub evidence: bool,
}
