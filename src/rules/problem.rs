//! When incidents become a problem.

use crate::model::{Matchers, Span};

/// When incidents become a problem: the `count`-th of one fingerprint inside `within`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemPolicy {
    pub name: String,
    /// On the incident's labels and `rule`.
    pub matchers: Matchers,
    pub count: u32,
    pub within: Span,
    /// Who reviews it; second line.
    pub team: String,
}
