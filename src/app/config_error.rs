//! Mistakes of the configuration, each with its setting and what was expected.

use crate::core::model::TimeDelta;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{path}: {reason}")]
    Malformed { path: String, reason: String },
    #[error("{name} = {value:?}: {reason}")]
    Value { name: &'static str, value: String, reason: String },
}

/// A length of time, or the setting that holds none.
pub(super) fn span(name: &'static str, text: &str) -> Result<TimeDelta, ConfigError> {
    text.parse().map_err(|bad: crate::core::model::ParseTimeDeltaError| ConfigError::Value {
        name,
        value: text.to_owned(),
        reason: bad.to_string(),
    })
}
