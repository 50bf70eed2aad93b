//! Service desk types: record type, impact and urgency, contacts, outages and their party, and the status of SLA
//! clocks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ParseWordError, Priority, TimeDelta, Timestamp};

/// A closed set of words: an enum written, parsed and listed by them.
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
    /// Type of an incident record: a fault, an event to note, or a request.
    #[derive(Default)]
    Class ("class", "incident, event, request", 3) {
        /// 故障: a service is broken or at risk.
        #[default]
        Incident = "incident",
        /// 监控事件: worth a look, nothing is broken.
        Event = "event",
        /// 服务请求: a user requests a service.
        Request = "request",
    }
}

words! {
    /// Extent of the damage (impact), or shortness of time (urgency).
    Level ("level", "high, medium, low", 3) {
        High = "high",
        Medium = "medium",
        Low = "low",
    }
}

words! {
    /// The channel of a contact with the user.
    ContactBy ("way of contact", "phone, mail, visit, chat", 4) {
        Phone = "phone",
        Mail = "mail",
        Visit = "visit",
        Chat = "chat",
    }
}

words! {
    /// The party at fault for an outage; only the provider's count against its target.
    CauseParty ("party", "provider, customer, third_party", 3) {
        Provider = "provider",
        Customer = "customer",
        ThirdParty = "third_party",
    }
}

words! {
    /// The time that a clock measures.
    ClockKind ("clock", "tto, ttr", 2) {
        /// 响应时限: the time to own, until the first contact is logged.
        Tto = "tto",
        /// 解决时限: the time to resolve.
        Ttr = "ttr",
    }
}

words! {
    /// State of a clock. Breached is for good, though the clock continues.
    ClockState ("state of a clock", "idle, running, paused, met, breached", 5) {
        /// Does not run: no target applies now, or the record ended otherwise.
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

/// A clock as people see it, as of the time its record was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockFace {
    pub clock: ClockKind,
    pub state: ClockState,
    /// The SLA target, and its version.
    pub target: String,
    pub version: u32,
    /// True if the target is on trial: it is shown, but no notification is sent.
    pub shadow: bool,
    /// The limit, in working time of the calendar.
    pub limit: TimeDelta,
    pub calendar: String,
    /// The working time elapsed when the record was written.
    pub elapsed: TimeDelta,
    /// Time of the limit if the clock continues; `None` while paused, ended, or beyond the calendar's years.
    pub deadline: Option<Timestamp>,
    pub breached_at: Option<Timestamp>,
    /// Reason of the pause, if it is paused.
    pub paused: Option<String>,
    /// Time of the contact, or of the resolution.
    pub ended_at: Option<Timestamp>,
}

/// One logged contact with the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactLog {
    pub at: Timestamp,
    pub by: ContactBy,
    pub actor: String,
    pub note: String,
    /// Time since the opening, in working time of the target's calendar; in wall time without a target.
    pub after: TimeDelta,
}

/// Reason for a breach: a code of the configured list, and a person's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreachReason {
    pub code: String,
    pub text: String,
}

/// An outage of a service for a customer; half-open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Outage {
    /// Empty: all customers.
    pub customer: String,
    pub service: String,
    pub party: CauseParty,
    pub from: Timestamp,
    /// `None`: it continues.
    pub to: Option<Timestamp>,
}

impl Outage {
    /// True if it corrects the other outage: the same service and customer, and they overlap.
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
