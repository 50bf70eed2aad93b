//! Severity, priority and tier: the three ranks for sorting.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word outside a closed set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a {what}; expected one of {expected}")]
pub struct ParseWordError {
    pub word: String,
    pub what: &'static str,
    pub expected: &'static str,
}

/// Perceived severity of ITU-T X.733, least first, so that `max` is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Cleared,
    Indeterminate,
    Warning,
    Minor,
    Major,
    Critical,
}

impl Severity {
    pub const ALL: [Severity; 6] = [
        Severity::Critical,
        Severity::Major,
        Severity::Minor,
        Severity::Warning,
        Severity::Indeterminate,
        Severity::Cleared,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Major => "major",
            Severity::Minor => "minor",
            Severity::Warning => "warning",
            Severity::Indeterminate => "indeterminate",
            Severity::Cleared => "cleared",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = ParseWordError;
    fn from_str(word: &str) -> Result<Self, ParseWordError> {
        Severity::ALL.into_iter().find(|severity| severity.as_str() == word).ok_or_else(|| ParseWordError {
            word: word.chars().take(64).collect(),
            what: "severity",
            expected: "critical, major, minor, warning, indeterminate, cleared",
        })
    }
}

/// Urgency of the work, P1 first. Kept as an attribute of an incident, always with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    P1,
    P2,
    P3,
    P4,
}

impl Priority {
    pub const ALL: [Priority; 4] = [Priority::P1, Priority::P2, Priority::P3, Priority::P4];

    pub const fn as_str(self) -> &'static str {
        match self {
            Priority::P1 => "P1",
            Priority::P2 => "P2",
            Priority::P3 => "P3",
            Priority::P4 => "P4",
        }
    }

    /// The priority of a severity if no rule sets another.
    pub const fn from_severity(severity: Severity) -> Priority {
        match severity {
            Severity::Critical => Priority::P1,
            Severity::Major => Priority::P2,
            Severity::Minor => Priority::P3,
            Severity::Warning | Severity::Indeterminate | Severity::Cleared => Priority::P4,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = ParseWordError;
    fn from_str(word: &str) -> Result<Self, ParseWordError> {
        Priority::ALL.into_iter().find(|priority| priority.as_str() == word).ok_or_else(|| ParseWordError {
            word: word.chars().take(64).collect(),
            what: "priority",
            expected: "P1, P2, P3, P4",
        })
    }
}

/// A line of support: first (service desk), second (experts), third (vendors, carriers). Shown as 1, 2, 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    First,
    Second,
    Third,
}

impl Tier {
    pub const ALL: [Tier; 3] = [Tier::First, Tier::Second, Tier::Third];

    pub const fn number(self) -> u8 {
        match self {
            Tier::First => 1,
            Tier::Second => 2,
            Tier::Third => 3,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Tier::First => "1",
            Tier::Second => "2",
            Tier::Third => "3",
        }
    }

    pub const fn from_number(number: u8) -> Option<Tier> {
        match number {
            1 => Some(Tier::First),
            2 => Some(Tier::Second),
            3 => Some(Tier::Third),
            _ => None,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Tier {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Tier {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        Tier::from_number(number)
            .ok_or_else(|| serde::de::Error::custom(format!("{number} is not a tier; expected 1, 2 or 3")))
    }
}
