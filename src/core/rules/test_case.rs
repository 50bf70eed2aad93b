//! The tests beside the rules: inputs on virtual time, and the expected results with their times.

use crate::core::model::{Event, Labels, Matchers, Priority, Severity, Status, Tier, TimeDelta, Timestamp};

/// One test of the section `tests:`.
#[derive(Clone, Debug, PartialEq)]
pub struct TestCase {
    pub name: String,
    /// Path of its file.
    pub path: String,
    pub line: usize,
    /// The virtual time of `0s`.
    pub start: Timestamp,
    /// In the order of their times.
    pub steps: Vec<TestStep>,
    /// In the order of their times.
    pub expectations: Vec<Expectation>,
}

/// One input, at that time after the start.
#[derive(Clone, Debug, PartialEq)]
pub struct TestStep {
    pub at: TimeDelta,
    pub line: usize,
    pub input: TestInput,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TestInput {
    Event(Box<Event>),
    /// The payload of a tool, decoded by its source.
    Payload {
        source: String,
        payload: String,
        topic: String,
    },
    Silence {
        matchers: Matchers,
        length: TimeDelta,
    },
}

/// Expected results at that time after the start, once everything due by then has run.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    pub at: TimeDelta,
    pub line: usize,
    /// All incidents that are open then, and ended ones if the entry names such a state.
    pub incidents: Option<Vec<ExpectedIncident>>,
    /// Number of problems by then.
    pub problems: Option<u32>,
    /// Alerts that must be among the known ones then.
    pub alerts: Vec<ExpectedAlert>,
}

/// Expected fields of an incident; unnamed ones are not checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpectedIncident {
    pub line: usize,
    pub rule: Option<String>,
    /// These pairs must be in its key.
    pub key: Labels,
    pub title: Option<String>,
    pub severity: Option<Severity>,
    pub priority: Option<Priority>,
    /// An incident state; an open one if not given.
    pub state: Option<String>,
    pub tier: Option<Tier>,
    pub team: Option<String>,
    pub alerts: Option<u32>,
    pub firing: Option<u32>,
    pub reopened: Option<u32>,
    /// True if a page was sent by then.
    pub paged: Option<bool>,
    /// A part of its suppression text; empty: not suppressed.
    pub held: Option<String>,
}

/// Expected fields of an alert; unnamed ones are not checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedAlert {
    pub line: usize,
    /// These pairs must be among its labels.
    pub labels: Labels,
    pub status: Status,
    pub severity: Option<Severity>,
    /// The rule that owns it.
    pub rule: Option<String>,
    /// A part of the reason why it raised nothing; empty: it raised.
    pub held: Option<String>,
    pub silenced: Option<bool>,
    pub inhibited: Option<bool>,
}
