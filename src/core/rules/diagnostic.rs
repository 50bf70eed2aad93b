//! A mistake in a rule file, as a person wants it: which file, where in it, what is wrong, what was expected.

use std::fmt;

/// How much of a line is shown on each side of the mistake, in characters.
const SHOWN_AROUND: usize = 60;

/// Where something stands. Line and column count from 1, the column in characters.
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

/// One thing that is wrong. Line and column count from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub path: String,
    pub line: usize,
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right; empty where the message says it already.
    pub expected: String,
    /// The line of the file, cut around the mistake, and where in it to point.
    snippet: String,
    pointer: usize,
}

impl Diagnostic {
    /// A mistake at a place of a text. A place outside of it (a file without lines) is moved to the nearest inside.
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

    /// Without the line of the file: there stands what must not be shown.
    pub(super) fn unquoted(self) -> Diagnostic {
        Diagnostic { snippet: String::new(), pointer: 0, ..self }
    }
}

/// Tabs and control characters take one column each, so that the pointer below points.
fn plain(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

impl fmt::Display for Diagnostic {
    /// `rules/x.yaml:12:7: what is wrong; expected …`; with `{:#}` the line of the file below it.
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
