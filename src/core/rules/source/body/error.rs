//! Why a payload cannot be read, and where in it.

use std::fmt;

use crate::core::model::excerpt;

/// Why a payload is not of its format, in words for the one that sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseBodyError {
    pub reason: String,
    /// Line and column of the byte where reading stopped, both from 1; `None` when the whole payload is meant.
    pub at: Option<(usize, usize)>,
}

impl ParseBodyError {
    pub fn whole(reason: impl Into<String>) -> ParseBodyError {
        ParseBodyError { reason: reason.into(), at: None }
    }

    /// After a failed parse: the parser's own words, and where.
    pub fn json(error: &serde_json::Error) -> ParseBodyError {
        let message = error.to_string();
        let reason = message.split(" at line ").next().unwrap_or(&message);
        // Parsers quote what they found; a sender must not make our log lines long with it.
        let reason = if reason.len() <= 256 { reason.to_owned() } else { excerpt(reason) };
        let at = (error.line() > 0).then(|| (error.line(), error.column()));
        ParseBodyError { reason: format!("not valid JSON: {reason}"), at }
    }

    /// That byte of the payload.
    pub(super) fn at_byte(reason: impl Into<String>, payload: &[u8], byte: usize) -> ParseBodyError {
        ParseBodyError { reason: reason.into(), at: Some(position(payload, byte.min(payload.len()))) }
    }
}

/// The payload as text; else the first byte that is not UTF-8.
pub fn utf8(payload: &[u8]) -> Result<&str, ParseBodyError> {
    std::str::from_utf8(payload).map_err(|error| {
        let byte = error.valid_up_to();
        let value = payload.get(byte).copied().unwrap_or_default();
        ParseBodyError::at_byte(format!("not UTF-8: byte {byte} is 0x{value:02x}"), payload, byte)
    })
}

/// Line and column, both from 1 and in bytes, of a byte of the payload.
fn position(payload: &[u8], byte: usize) -> (usize, usize) {
    let before = &payload[..byte];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}

impl fmt::Display for ParseBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match self.at {
            Some((line, column)) => write!(f, " at line {line}, column {column}"),
            None => Ok(()),
        }
    }
}
