//! Context guards: boolean expressions over shared contexts, `MAINT_{site} && !(BACKUP || DRILL)`.

use std::fmt;

/// A condition on active contexts. Names contain `{label}` placeholders, filled from the event that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextGuard {
    Alive(String),
    Not(Box<ContextGuard>),
    All(Vec<ContextGuard>),
    Any(Vec<ContextGuard>),
}

/// Reason why a text is not a guard, and the character (from 1) of the error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseGuardError {
    pub reason: String,
    pub column: usize,
}

/// Maximum nesting depth of a guard.
const DEPTH_MAX: usize = 16;
/// Maximum length of a guard, in bytes.
const GUARD_MAX_BYTES: usize = 1024;

impl ContextGuard {
    pub fn parse(text: &str) -> Result<ContextGuard, ParseGuardError> {
        let mut parser = Parser { text, at: 0 };
        if text.len() > GUARD_MAX_BYTES {
            return Err(parser.bad(format!("a guard of {} bytes; at most {GUARD_MAX_BYTES}", text.len())));
        }
        let guard = parser.any(0)?;
        match parser.peek() {
            None => Ok(guard),
            Some(other) => Err(parser.bad(format!("{other:?} after a whole guard"))),
        }
    }

    /// The guard's value, given `alive` for each name (placeholders unfilled).
    pub fn holds(&self, alive: &impl Fn(&str) -> bool) -> bool {
        match self {
            ContextGuard::Alive(name) => alive(name),
            ContextGuard::Not(inner) => !inner.holds(alive),
            ContextGuard::All(parts) => parts.iter().all(|part| part.holds(alive)),
            ContextGuard::Any(parts) => parts.iter().any(|part| part.holds(alive)),
        }
    }

    /// Every name in it, in order.
    pub fn names(&self) -> Vec<&str> {
        match self {
            ContextGuard::Alive(name) => vec![name],
            ContextGuard::Not(inner) => inner.names(),
            ContextGuard::All(parts) | ContextGuard::Any(parts) => parts.iter().flat_map(ContextGuard::names).collect(),
        }
    }
}

impl fmt::Display for ContextGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[ContextGuard], word: &str| {
            for (index, part) in parts.iter().enumerate() {
                let before = if index == 0 { "" } else { word };
                match part {
                    ContextGuard::Alive(_) | ContextGuard::Not(_) => write!(f, "{before}{part}")?,
                    ContextGuard::All(_) | ContextGuard::Any(_) => write!(f, "{before}({part})")?,
                }
            }
            Ok(())
        };
        match self {
            ContextGuard::Alive(name) => f.write_str(name),
            ContextGuard::Not(inner) => match &**inner {
                ContextGuard::Alive(_) | ContextGuard::Not(_) => write!(f, "!{inner}"),
                ContextGuard::All(_) | ContextGuard::Any(_) => write!(f, "!({inner})"),
            },
            ContextGuard::All(parts) => joined(f, parts, " && "),
            ContextGuard::Any(parts) => joined(f, parts, " || "),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Byte.
    at: usize,
}

impl Parser<'_> {
    fn any(&mut self, depth: usize) -> Result<ContextGuard, ParseGuardError> {
        let mut parts = vec![self.all(depth)?];
        while self.take("||") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { ContextGuard::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<ContextGuard, ParseGuardError> {
        let mut parts = vec![self.one(depth)?];
        while self.take("&&") {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { ContextGuard::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<ContextGuard, ParseGuardError> {
        if depth > DEPTH_MAX {
            return Err(self.bad("nested too deeply".to_owned()));
        }
        if self.take("!") {
            return Ok(ContextGuard::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.any(depth + 1)?;
            return if self.take(")") { Ok(inner) } else { Err(self.bad("a bracket is not closed".to_owned())) };
        }
        self.skip_spaces();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let ends = |c: char| c.is_whitespace() || matches!(c, '!' | '&' | '|' | '(' | ')');
        let name = &rest[..rest.find(ends).unwrap_or(rest.len())];
        if name.is_empty() {
            return Err(self.bad("the name of a context is missing".to_owned()));
        }
        self.at += name.len();
        Ok(ContextGuard::Alive(name.to_owned()))
    }

    fn take(&mut self, word: &str) -> bool {
        self.skip_spaces();
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if found {
            self.at += word.len();
        }
        found
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_spaces();
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn skip_spaces(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn bad(&self, reason: String) -> ParseGuardError {
        let before = self.text.get(..self.at).unwrap_or_default();
        ParseGuardError { reason, column: before.chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::ContextGuard;

    #[test]
    fn guards_mean_what_their_words_say() {
        let check = |text: &str, shown: &str, alive: &[&str], holds: bool| {
            let guard = ContextGuard::parse(text).unwrap();
            assert_eq!(guard.to_string(), shown);
            assert_eq!(ContextGuard::parse(shown).unwrap(), guard);
            assert_eq!(guard.holds(&|name| alive.contains(&name)), holds, "{text} with {alive:?}");
        };
        check("MAINT_{site}", "MAINT_{site}", &["MAINT_{site}"], true);
        check("!割接_{site}", "!割接_{site}", &[], true);
        check("A&&!B || C", "(A && !B) || C", &["A", "B"], false);
        check("A && !(B||C)", "A && !(B || C)", &["A"], true);
        check("!!A", "!!A", &["A"], true);
    }

    #[test]
    fn what_is_not_a_guard_says_where() {
        let check = |text: &str, column: usize, reason: &str| {
            let bad = ContextGuard::parse(text).unwrap_err();
            assert!(bad.column == column && bad.reason.contains(reason), "{text}: {bad:?}");
        };
        check("", 1, "name of a context is missing");
        check("A &&", 5, "name of a context is missing");
        check("A B", 3, "after a whole guard");
        check("(A", 3, "not closed");
        check("割接 & B", 4, "after a whole guard");
        check(&"!".repeat(40), 18, "too deeply");
    }
}
