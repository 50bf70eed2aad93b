//! Targets: what is promised to whom, in which version; how grave a rule's incidents are; how much outage a year allows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::model::{CauseParty, Class, ContactBy, Labels, Level, Matchers, Priority, TimeDelta, Timestamp};

/// A promise in one version. An incident keeps the version under which it opened.
#[derive(Debug, Clone, PartialEq)]
pub struct SlaTarget {
    pub name: String,
    pub version: u32,
    /// In effect for what opens in `[from, until)`; `None`: without that bound.
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Why this version was made; empty where nobody said.
    pub because: String,
    /// On the incident's labels, and the facts of its item as `fact.<name>`.
    pub matchers: Matchers,
    /// Empty: all.
    pub classes: Vec<Class>,
    /// Empty: all.
    pub priorities: Vec<Priority>,
    /// Only for what opens while this calendar is open.
    pub during: Option<String>,
    pub tto: Option<Promise>,
    pub ttr: Option<Promise>,
    /// Percentages of the limit, in working time, at which people are warned; ascending.
    pub warnings: Vec<u8>,
    pub pauses: Pauses,
    /// Clocks run and are shown, but nobody is told, and nobody must say why it was late.
    pub shadow: bool,
    pub on_breach: OnBreach,
    pub indicators: Vec<Indicator>,
}

impl SlaTarget {
    /// Whether it is what an incident of that kind, opened then, was promised. `is_open`: whether a calendar was open
    /// at that moment.
    pub fn promises(
        &self,
        labels: &Labels,
        class: Class,
        priority: Priority,
        opened_at: Timestamp,
        is_open: impl Fn(&str) -> bool,
    ) -> bool {
        self.from.is_none_or(|from| from <= opened_at)
            && self.until.is_none_or(|until| opened_at < until)
            && (self.classes.is_empty() || self.classes.contains(&class))
            && (self.priorities.is_empty() || self.priorities.contains(&priority))
            && self.during.as_deref().is_none_or(is_open)
            && self.matchers.matches(labels)
    }

    /// Whether the two are ever in effect at one moment.
    pub fn overlaps(&self, other: &SlaTarget) -> bool {
        let begins_before_end = |one: &SlaTarget, other: &SlaTarget| match (one.from, other.until) {
            (Some(from), Some(until)) => from < until,
            (None, _) | (_, None) => true,
        };
        begins_before_end(self, other) && begins_before_end(other, self)
    }
}

/// So much working time.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    pub within: TimeDelta,
    /// In whose working time it is counted.
    pub calendar: String,
    /// Other limits for what came in by that channel (the label `channel`).
    pub by_channel: BTreeMap<ContactBy, TimeDelta>,
}

/// What stops the clock of resolving while an incident is pending. An approved change always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pauses {
    pub customer: bool,
    pub vendor: bool,
    pub change: bool,
}

/// What a breach does besides being written down and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnBreach {
    /// The team that has the incident is told.
    Page,
    /// Nothing.
    Note,
}

impl OnBreach {
    pub const ALL: [OnBreach; 2] = [OnBreach::Page, OnBreach::Note];

    pub const fn as_str(self) -> &'static str {
        match self {
            OnBreach::Page => "page",
            OnBreach::Note => "note",
        }
    }
}

/// One figure that a target is judged by, and what it should reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    pub name: String,
    pub measure: Measure,
    /// In percent: at least that, or at most for [`Measure::Reopened`].
    pub goal: u8,
}

/// What is counted, of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// First contacts in time, of those that were due.
    Response,
    /// Resolved in time, of those that were due.
    Resolution,
    /// Resolved by the first line with at most one contact and never reopened, of the resolved ones.
    FirstFix,
    /// Reopened, of the resolved ones.
    Reopened,
    /// Reached by that way within that time, of those reached by it at all.
    Contact { by: ContactBy, within: TimeDelta },
}

impl Measure {
    /// The four that every target has; [`Measure::Contact`] is made by who asks for it.
    pub const ALWAYS: [Measure; 4] = [Measure::Response, Measure::Resolution, Measure::FirstFix, Measure::Reopened];

    pub const fn as_str(self) -> &'static str {
        match self {
            Measure::Response => "response",
            Measure::Resolution => "resolution",
            Measure::FirstFix => "first_fix",
            Measure::Reopened => "reopened",
            Measure::Contact { .. } => "contact",
        }
    }
}

/// What a rule says of the incidents that it opens.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grading {
    /// `None`: not said, which `check` finds; they are incidents then.
    pub class: Option<Class>,
    /// What nobody offers: it is counted, and promised nothing.
    pub out_of_catalogue: bool,
    pub urgency: Option<Urgency>,
    pub outage: Option<OutageCause>,
}

impl Grading {
    /// Every priority that follows from impact and urgency; empty when they are not said.
    pub fn priorities(&self) -> Vec<Priority> {
        let Some(urgency) = &self.urgency else { return Vec::new() };
        let outside = urgency.outside.as_ref().map(|(_, level)| *level);
        [Some(urgency.urgency), outside].into_iter().flatten().map(|one| Priority::of(urgency.impact, one)).collect()
    }
}

/// Impact and urgency, the latter by the hour.
#[derive(Debug, Clone, PartialEq)]
pub struct Urgency {
    pub impact: Level,
    pub urgency: Level,
    /// While that calendar is closed, this urgency.
    pub outside: Option<(String, Level)>,
}

/// An incident is an outage of that service, caused by that party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutageCause {
    /// `None`: what the label `service` says, else the rule's name.
    pub service: Option<String>,
    pub party: CauseParty,
}

/// How long services may be out in a calendar year.
#[derive(Debug, Clone, PartialEq)]
pub struct OutageBudget {
    pub name: String,
    /// On `customer` and `service` of an outage.
    pub matchers: Matchers,
    /// Whose outages count.
    pub party: CauseParty,
    pub a_year: TimeDelta,
    /// Where the year begins.
    pub zone: String,
    /// Percentages used at which an event is raised; ascending.
    pub warn_at: Vec<u8>,
}

/// Codes of reasons why a promise was broken, with their titles, by code.
pub type BreachReasons = BTreeMap<String, String>;
