//! The tests beside the rules: inputs on virtual time, and what must have come of them by when.

use crate::core::model::{Event, Labels, Matchers, Priority, Severity, Status, Tier, TimeDelta, Timestamp};

/// One test of the section `tests:`.
#[derive(Clone, Debug, PartialEq)]
pub struct TestCase {
    pub name: String,
    /// Where it stands.
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
    /// What a tool sends, decoded by its source.
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

/// What must be so at that time after the start, once everything due by then has happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    pub at: TimeDelta,
    pub line: usize,
    /// All incidents that are open then, and those in another state that name it.
    pub incidents: Option<Vec<ExpectedIncident>>,
    /// How many problems there are by then.
    pub problems: Option<u32>,
    /// Alerts that must be among those known then.
    pub alerts: Vec<ExpectedAlert>,
}

/// What of an incident must be so; what is not named may be anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpectedIncident {
    pub line: usize,
    pub rule: Option<String>,
    /// These pairs must be in its key.
    pub key: Labels,
    pub title: Option<String>,
    pub severity: Option<Severity>,
    pub priority: Option<Priority>,
    /// A word of an incident's state; an open one when not named.
    pub state: Option<String>,
    pub tier: Option<Tier>,
    pub team: Option<String>,
    pub alerts: Option<u32>,
    pub firing: Option<u32>,
    pub reopened: Option<u32>,
    /// Whether anybody was told of it by then.
    pub paged: Option<bool>,
    /// A piece of what holds it back; empty: nothing does.
    pub held: Option<String>,
}

/// What of an alert must be so; what is not named may be anything.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedAlert {
    pub line: usize,
    /// These pairs must be among its labels.
    pub labels: Labels,
    pub status: Status,
    pub severity: Option<Severity>,
    /// The rule that owns it.
    pub rule: Option<String>,
    /// A piece of why it raised nothing; empty: it raised.
    pub held: Option<String>,
    pub silenced: Option<bool>,
    pub inhibited: Option<bool>,
}
