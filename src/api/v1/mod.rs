//! The native API, `/api/v1`, a file or folder for each noun.

pub(super) mod alerts;
pub(super) mod audit;
pub(super) mod dead_letters;
pub(super) mod escalation_policies;
pub(super) mod explain;
pub(super) mod health;
pub(super) mod incidents;
pub(super) mod inspections;
pub(super) mod normalisation;
pub(super) mod on_call;
pub(super) mod problems;
pub(super) mod reports;
pub(super) mod rules;
pub(super) mod silences;
pub(super) mod sla;
pub(super) mod sources;
pub(super) mod stream;
