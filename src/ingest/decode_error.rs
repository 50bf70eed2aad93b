//! A decode error: a payload that could not be read at all, with reason and position.

use std::fmt;

use crate::core::model::excerpt;

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
        if let Err(broken) = text(payload) {
            return broken;
        }
        let message = error.to_string();
        let reason = message.split(" at line ").next().unwrap_or(&message);
        let reason = format!("not valid JSON: {}", excerpt_of_message(reason));
        DecodeError { reason, at: (error.line() > 0).then(|| (error.line(), error.column())) }
    }
}

/// The payload as text; else the first byte that is not UTF-8.
pub fn text(payload: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(payload).map_err(|error| {
        let byte = error.valid_up_to();
        let value = payload.get(byte).copied().unwrap_or_default();
        DecodeError { reason: format!("not UTF-8: byte {byte} is 0x{value:02x}"), at: Some(position(payload, byte)) }
    })
}

/// Line and column, both from 1 and in bytes, of a byte of the payload.
fn position(payload: &[u8], byte: usize) -> (usize, usize) {
    let before = &payload[..byte];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}

/// Parsers quote their input; a sender must not make our log lines long with it.
fn excerpt_of_message(message: &str) -> String {
    if message.len() <= 256 { message.to_owned() } else { excerpt(message) }
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
