//! SLA targets with their versions; the grading of a rule's incidents; the outage budget of a year.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::model::{CauseParty, Class, ContactBy, Labels, Level, Matchers, Priority, TimeDelta, Timestamp};

/// One version of an SLA target. An incident keeps the version under which it opened.
#[derive(Debug, Clone, PartialEq)]
pub struct SlaTarget {
    pub name: String,
    pub version: u32,
    /// In effect for incidents that open in `[from, until)`; `None`: unlimited.
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Reason for this version; empty if not given.
    pub because: String,
    /// Over the incident's labels, and the facts of its item as `fact.<name>`.
    pub matchers: Matchers,
    /// Empty: all.
    pub classes: Vec<Class>,
    /// Empty: all.
    pub priorities: Vec<Priority>,
    /// Only for incidents that open while this calendar is open.
    pub during: Option<String>,
    pub tto: Option<Promise>,
    pub ttr: Option<Promise>,
    /// Percentages of the limit, in working time, at which warnings are sent; ascending.
    pub warnings: Vec<u8>,
    pub pauses: Pauses,
    /// Clocks run and are shown, but no notification is sent, and no breach reason is required.
    pub shadow: bool,
    pub on_breach: OnBreach,
    pub indicators: Vec<Indicator>,
}

impl SlaTarget {
    /// True if the target applies to an incident of that kind, opened then. `is_open`: state of a calendar at that
    /// time.
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

    /// True if the two are ever in effect at the same time.
    pub fn overlaps(&self, other: &SlaTarget) -> bool {
        let begins_before_end = |one: &SlaTarget, other: &SlaTarget| match (one.from, other.until) {
            (Some(from), Some(until)) => from < until,
            (None, _) | (_, None) => true,
        };
        begins_before_end(self, other) && begins_before_end(other, self)
    }
}

/// A limit in working time.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    pub within: TimeDelta,
    /// The calendar of that working time.
    pub calendar: String,
    /// Other limits for incidents that came by that channel (the label `channel`).
    pub by_channel: BTreeMap<ContactBy, TimeDelta>,
}

/// Reasons that pause the time-to-resolve clock while an incident is pending. An approved change always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pauses {
    pub customer: bool,
    pub vendor: bool,
    pub change: bool,
}

/// Action on a breach, beyond its record and count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnBreach {
    /// The incident's team is notified.
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

/// One measure that a target is judged by, and its goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    pub name: String,
    pub measure: Measure,
    /// In percent: at least that, or at most for [`Measure::Reopened`].
    pub goal: u8,
}

/// The share that is measured.
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
    /// Reached by that channel within that time, of those reached by it at all.
    Contact { by: ContactBy, within: TimeDelta },
}

impl Measure {
    /// The four that every target has; [`Measure::Contact`] is set by the rule file.
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

/// A rule's grading of the incidents that it opens.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grading {
    /// `None`: not given, which `check` reports; its incidents have class incident then.
    pub class: Option<Class>,
    /// Outside the service catalogue: counted, but without a target.
    pub out_of_catalogue: bool,
    pub urgency: Option<Urgency>,
    pub outage: Option<OutageCause>,
}

impl Grading {
    /// Every priority that follows from impact and urgency; empty if they are not given.
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
    /// `None`: the value of the label `service`, else the rule's name.
    pub service: Option<String>,
    pub party: CauseParty,
}

/// Maximum outage of services in a calendar year.
#[derive(Debug, Clone, PartialEq)]
pub struct OutageBudget {
    pub name: String,
    /// Over `customer` and `service` of an outage.
    pub matchers: Matchers,
    /// The party whose outages count.
    pub party: CauseParty,
    pub a_year: TimeDelta,
    /// Time zone in which the year begins.
    pub zone: String,
    /// Percentages used at which an event is raised; ascending.
    pub warn_at: Vec<u8>,
}

/// Codes of reasons for a breach, with their titles, by code.
pub type BreachReasons = BTreeMap<String, String>;
