//! Why a text is no expression.

/// Maximum length of an evaluation's error, in characters: the library puts whole values into its messages.
const REASON_MAX_CHARS: usize = 300;

/// Reason why a text is not an expression, and its position: line and column count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ParseExpressionError {
    pub reason: String,
    pub line: usize,
    pub column: usize,
}

impl ParseExpressionError {
    pub(super) fn at_start(reason: String) -> ParseExpressionError {
        ParseExpressionError { reason, line: 1, column: 1 }
    }
}

pub(super) fn shorten(message: &str) -> String {
    let mut short: String = message.chars().take(REASON_MAX_CHARS).collect();
    if short.len() < message.len() {
        short.push('…');
    }
    short
}
