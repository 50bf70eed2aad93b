//! A decode error: a payload that could not be read at all, with reason and position.

use std::fmt;

use crate::core::rules::{ParseBodyError, utf8};

/// Reason why the payload could not be read, in words for its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    pub reason: String,
    /// Line and column of the byte at which reading stopped, both from 1; `None` for the whole payload.
    pub at: Option<(usize, usize)>,
}

impl DecodeError {
    pub fn whole(reason: impl Into<String>) -> DecodeError {
        DecodeError { reason: reason.into(), at: None }
    }

    /// The slow path after a failed parse: finds reason and position.
    pub fn json(payload: &[u8], error: &serde_json::Error) -> DecodeError {
        text(payload).err().unwrap_or_else(|| ParseBodyError::json(error).into())
    }
}

/// The payload as text; else the first byte that is not UTF-8.
pub fn text(payload: &[u8]) -> Result<&str, DecodeError> {
    Ok(utf8(payload)?)
}

impl From<ParseBodyError> for DecodeError {
    fn from(bad: ParseBodyError) -> DecodeError {
        DecodeError { reason: bad.reason, at: bad.at }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match self.at {
            Some((line, column)) => write!(f, " at line {line}, column {column}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DecodeError {}
