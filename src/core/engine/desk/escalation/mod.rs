//! Escalation: an incident's way through the steps of its policy, and handing it between teams.

pub(super) mod availability;
pub(super) mod handoff;
pub(super) mod transitions;
