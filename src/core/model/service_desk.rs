//! The words of service: what kind of item it is, how grave and how urgent, who was told by which way, whose fault it
//! was, and how a clock that runs against a promise stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ParseWordError, Priority, TimeDelta, Timestamp};

/// A closed set of words: an enum that is written, read and listed by them.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident ($what:literal, $expected:literal, $count:literal) {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            pub const ALL: [$name; $count] = [$($name::$variant),*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ParseWordError;
            fn from_str(word: &str) -> Result<Self, ParseWordError> {
                let known = $name::ALL.into_iter().find(|known| known.as_str() == word);
                known.ok_or_else(|| ParseWordError { word: word.chars().take(64).collect(), what: $what, expected: $expected })
            }
        }
    };
}

words! {
    /// What kind of item an incident record is: a fault, something to be noted, or something asked for.
    #[derive(Default)]
    Class ("class", "incident, event, request", 3) {
        /// 故障: a service is broken or at risk.
        #[default]
        Incident = "incident",
        /// 监控事件: worth a look, nothing is broken.
        Event = "event",
        /// 服务请求: somebody asks for something.
        Request = "request",
    }
}

words! {
    /// How much is hit (impact), or how little time there is (urgency).
    Level ("level", "high, medium, low", 3) {
        High = "high",
        Medium = "medium",
        Low = "low",
    }
}

words! {
    /// The way by which somebody was in contact with the user.
    ContactBy ("way of contact", "phone, mail, visit, chat", 4) {
        Phone = "phone",
        Mail = "mail",
        Visit = "visit",
        Chat = "chat",
    }
}

words! {
    /// Who caused an outage; only the provider's count against its promise.
    CauseParty ("party", "provider, customer, third_party", 3) {
        Provider = "provider",
        Customer = "customer",
        ThirdParty = "third_party",
    }
}

words! {
    /// What a clock measures.
    ClockKind ("clock", "tto, ttr", 2) {
        /// 响应时限: the time to own, until the first contact is logged.
        Tto = "tto",
        /// 解决时限: the time to resolve.
        Ttr = "ttr",
    }
}

words! {
    /// How a clock stands. Breached is for good, though the clock goes on.
    ClockState ("state of a clock", "idle, running, paused, met, breached", 5) {
        /// Does not run: nothing is promised now, or the item ended otherwise.
        Idle = "idle",
        Running = "running",
        Paused = "paused",
        Met = "met",
        Breached = "breached",
    }
}

impl Priority {
    /// Impact × urgency: 1 2 3 / 2 3 4 / 3 4 4.
    pub const fn of(impact: Level, urgency: Level) -> Priority {
        match (impact, urgency) {
            (Level::High, Level::High) => Priority::P1,
            (Level::High, Level::Medium) | (Level::Medium, Level::High) => Priority::P2,
            (Level::High, Level::Low) | (Level::Medium, Level::Medium) | (Level::Low, Level::High) => Priority::P3,
            (Level::Medium, Level::Low) | (Level::Low, Level::Medium | Level::Low) => Priority::P4,
        }
    }
}

/// A clock as people see it, at the moment its record was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockFace {
    pub clock: ClockKind,
    pub state: ClockState,
    /// The target that promises it, and its version.
    pub target: String,
    pub version: u32,
    /// Whether it only shows what would have been: nobody is told.
    pub shadow: bool,
    /// The promise, in working time of the calendar.
    pub limit: TimeDelta,
    pub calendar: String,
    /// The working time that has run when the record was written.
    pub elapsed: TimeDelta,
    /// When the limit is reached if it goes on as now; `None` while paused, ended, or beyond the calendar's years.
    pub deadline: Option<Timestamp>,
    pub breached_at: Option<Timestamp>,
    /// Why it does not run now, if it is paused.
    pub paused: Option<String>,
    /// When contact was made, or the item resolved.
    pub ended_at: Option<Timestamp>,
}

/// One logged contact with the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactLog {
    pub at: Timestamp,
    pub by: ContactBy,
    pub actor: String,
    pub note: String,
    /// How long after the opening, in working time of the target's calendar; in wall time without a target.
    pub after: TimeDelta,
}

/// Why a promise was broken: a code of the configured list, and a person's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreachReason {
    pub code: String,
    pub text: String,
}

/// A stretch of time in which a service was out for a customer; half-open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Outage {
    /// Empty: all of them.
    pub customer: String,
    pub service: String,
    pub party: CauseParty,
    pub from: Timestamp,
    /// `None`: it goes on.
    pub to: Option<Timestamp>,
}

impl Outage {
    /// Whether it says something new of what another one says: the same service and customer, and they overlap.
    pub fn corrects(&self, other: &Outage) -> bool {
        let same = (&self.service, &self.customer) == (&other.service, &other.customer);
        same && other.to.is_none_or(|to| self.from < to) && self.to.is_none_or(|to| other.from < to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_priorities_is_the_measured_one() {
        let table = Level::ALL.map(|impact| Level::ALL.map(|urgency| Priority::of(impact, urgency).as_str()));
        assert_eq!(table, [["P1", "P2", "P3"], ["P2", "P3", "P4"], ["P3", "P4", "P4"]]);
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for party in CauseParty::ALL {
            assert_eq!(party.as_str().parse::<CauseParty>().unwrap(), party);
            assert_eq!(serde_json::to_string(&party).unwrap(), format!("{:?}", party.as_str()));
        }
        assert!("电话".parse::<ContactBy>().unwrap_err().to_string().contains("phone"));
    }
}
