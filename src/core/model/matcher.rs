//! Label matchers with Alertmanager's meaning: `=`, `!=`, `=~`, `!~`; regular expressions anchored at both ends; an
//! absent label is the empty string.

use super::matcher_error::ParseMatcherError;
use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::Labels;
use super::go_regex::{anchored_regex, spelled_out, sure_bytes};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MatcherOp {
    Equal,
    NotEqual,
    Matches,
    NotMatches,
}

impl MatcherOp {
    pub const fn as_str(self) -> &'static str {
        match self {
            MatcherOp::Equal => "=",
            MatcherOp::NotEqual => "!=",
            MatcherOp::Matches => "=~",
            MatcherOp::NotMatches => "!~",
        }
    }

    pub const fn is_regex(self) -> bool {
        match self {
            MatcherOp::Matches | MatcherOp::NotMatches => true,
            MatcherOp::Equal | MatcherOp::NotEqual => false,
        }
    }

    pub const fn is_positive(self) -> bool {
        match self {
            MatcherOp::Equal | MatcherOp::Matches => true,
            MatcherOp::NotEqual | MatcherOp::NotMatches => false,
        }
    }
}

/// One condition on one label. Equality and order are those of its text.
#[derive(Clone)]
pub struct Matcher {
    name: String,
    op: MatcherOp,
    value: String,
    test: Test,
}

/// Comparison of a value, before the operator's negation.
#[derive(Clone)]
enum Test {
    /// Equal to the matcher's own value.
    Equal,
    /// The expression spells out the values that fit: sorted.
    OneOf(Box<[String]>),
    Regex(Regex),
}

impl Matcher {
    pub fn new(name: impl Into<String>, op: MatcherOp, value: impl Into<String>) -> Result<Matcher, ParseMatcherError> {
        let (name, value) = (name.into(), value.into());
        if !op.is_regex() {
            return Ok(Matcher { name, op, value, test: Test::Equal });
        }
        let regex = anchored_regex(&value)?;
        let test = spelled_out(&value).map_or(Test::Regex(regex), |texts| Test::OneOf(texts.into()));
        Ok(Matcher { name, op, value, test })
    }

    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Matcher {
        Matcher { name: name.into(), op: MatcherOp::Equal, value: value.into(), test: Test::Equal }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn op(&self) -> MatcherOp {
        self.op
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    /// All values that fit, if the text spells them out: one for `=`, several for `=~"a|b"`; never the empty one, which
    /// an absent label has. For an index over values.
    pub fn values(&self) -> Option<Vec<&str>> {
        if !self.op.is_positive() {
            return None;
        }
        let values: Vec<&str> = match &self.test {
            Test::Equal => vec![&self.value],
            Test::OneOf(texts) => texts.iter().map(String::as_str).collect(),
            Test::Regex(_) => return None,
        };
        values.iter().all(|value| !value.is_empty()).then_some(values)
    }

    /// The expression of a matcher that only present values can fit, if it does not spell them out: for an automaton
    /// over many expressions.
    pub fn expression(&self) -> Option<&str> {
        match &self.test {
            Test::Regex(regex) if self.op.is_positive() && !regex.is_match("") => Some(regex.as_str()),
            Test::Regex(_) | Test::Equal | Test::OneOf(_) => None,
        }
    }

    /// Whether every value that fits an expression holds that many bytes which it spells out: of `GZ.*` two, of `广.*`
    /// three, of `.+` none. False of what is no positive expression.
    pub fn spells_out_at_least(&self, bytes: usize) -> bool {
        self.op == MatcherOp::Matches && sure_bytes(&self.value) >= bytes
    }

    /// True if this value (empty for an absent label) fits.
    pub fn matches_value(&self, value: &str) -> bool {
        let hit = match &self.test {
            Test::Equal => self.value == value,
            Test::OneOf(texts) => texts.iter().any(|text| text == value),
            Test::Regex(regex) => regex.is_match(value),
        };
        hit == self.op.is_positive()
    }

    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_value(labels.get(&self.name).unwrap_or_default())
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    /// `site=~"GZ.*"`, which parses as the same matcher.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if needs_quotes(&self.name) {
            write_quoted(f, &self.name)?;
        } else {
            f.write_str(&self.name)?;
        }
        f.write_str(self.op.as_str())?;
        write_quoted(f, &self.value)
    }
}

/// Uses only the escapes that both of Alertmanager's grammars read alike; all other characters are unchanged.
fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '\\' => f.write_str(r"\\")?,
            '"' => f.write_str("\\\"")?,
            '\n' => f.write_str(r"\n")?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Matcher {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.name, self.op, &self.value).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, op, value) = <(String, MatcherOp, String)>::deserialize(deserializer)?;
        Matcher::new(name, op, value).map_err(serde::de::Error::custom)
    }
}

/// Conditions that must all hold. The empty list matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matchers(pub Vec<Matcher>);

impl Matchers {
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels))
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Matcher> {
        self.0.iter()
    }
}

impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, matcher) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{matcher}")?;
        }
        Ok(())
    }
}

/// Characters that need quotes in a label name or value of the UTF-8 grammar, in addition to white space.
const RESERVED: [char; 10] = ['{', '}', '!', '=', '~', ',', '\\', '"', '\'', '`'];

/// True if a name must be quoted to be read as a name.
pub(super) fn needs_quotes(name: &str) -> bool {
    name.is_empty() || name.contains(is_reserved)
}

pub(super) fn is_reserved(c: char) -> bool {
    c.is_whitespace() || RESERVED.contains(&c)
}
