//! Shared contexts and derived events as the state holds them.

use crate::core::model::{Cause, Labels, SectionKey, Severity, Status, Timestamp, fnv1a};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A context's name, with its placeholders filled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ContextName(pub(super) Arc<str>);

impl SectionKey for ContextName {
    fn spread(&self) -> u64 {
        fnv1a(self.0.as_bytes())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SharedContext {
    pub set_at: Timestamp,
    /// End of the context; `None`: until it is unset.
    pub until: Option<Timestamp>,
    pub(super) on_expiry: Option<Box<Derived>>,
}

/// An event that a rule made, ready to be handled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Derived {
    pub(super) labels: Labels,
    pub(super) severity: Option<Severity>,
    pub(super) summary: String,
    pub(super) status: Status,
    /// The input that caused it.
    pub(super) cause: Cause,
}
