//! A diagnostic of a rule file for people: the file, the place in it, the error, the expected value.

use std::fmt;

/// Number of characters shown of a line on each side of the error.
const SHOWN_AROUND: usize = 60;

/// A location in a file. Line and column count from 1, the column in characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct SourceLocation {
    pub path: String,
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// One error. Line and column count from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub path: String,
    pub line: usize,
    pub column: usize,
    /// The error.
    pub message: String,
    /// The correct form; empty if the message contains it.
    pub expected: String,
    /// The line of the file, cut around the error, and the position to point at.
    snippet: String,
    pointer: usize,
}

impl Diagnostic {
    /// A diagnostic at a location of a text. A location outside of it (a file without lines) is moved to the nearest
    /// inside.
    pub(super) fn at(
        path: &str,
        text: &str,
        (line, column): (usize, usize),
        message: impl Into<String>,
        expected: impl Into<String>,
    ) -> Diagnostic {
        let last = text.lines().count().max(1);
        let line = line.clamp(1, last);
        let shown = text.lines().nth(line - 1).unwrap_or_default();
        let column = column.clamp(1, shown.chars().count() + 1);
        let skipped = column.saturating_sub(SHOWN_AROUND + 1);
        let snippet = shown.chars().skip(skipped).take(2 * SHOWN_AROUND).map(plain).collect();
        let (message, expected) = (message.into(), expected.into());
        Diagnostic { path: path.to_owned(), line, column, message, expected, snippet, pointer: column - 1 - skipped }
    }

    /// Drops the line of the file, because it contains a secret.
    pub(super) fn unquoted(self) -> Diagnostic {
        Diagnostic { snippet: String::new(), pointer: 0, ..self }
    }
}

/// Tabs and control characters take one column each, so that the pointer below points.
fn plain(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

impl fmt::Display for Diagnostic {
    /// `rules/x.yaml:12:7: message; expected …`; with `{:#}` the line of the file below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.message)?;
        if !self.expected.is_empty() {
            write!(f, "; expected {}", self.expected)?;
        }
        if f.alternate() && !self.snippet.trim().is_empty() {
            let before: String = self.snippet.chars().take(self.pointer).collect();
            let indent = unicode_width::UnicodeWidthStr::width(before.as_str());
            write!(f, "\n{:>6} | {}\n       | {:indent$}^", self.line, self.snippet, "")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}
