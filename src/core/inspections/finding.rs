//! What an inspection found, as an event that enters watchfire like any tool's.

use serde::{Deserialize, Serialize};

use crate::core::model::{Event, Fingerprint, IncidentId, Labels, RunId, Severity, Status, Timestamp};

/// What is wrong. With the plan it is the identity: a later look at the same thing clears it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FindingSubject {
    /// That item of the plan failed or warned.
    Item(String),
    /// That item was not done at a time at which it was due.
    Slot(String),
    /// The values of that item go towards its limit.
    Trend(String),
    /// A run is not finished in its time, but still can be.
    Overdue,
    /// A finished run waits for its signature past the time that it would have been missed.
    Unsigned,
    /// A run was never finished.
    Missed,
}

impl FindingSubject {
    pub const fn kind(&self) -> SubjectKind {
        match self {
            FindingSubject::Item(_) => SubjectKind::Item,
            FindingSubject::Slot(_) => SubjectKind::Slot,
            FindingSubject::Trend(_) => SubjectKind::Trend,
            FindingSubject::Overdue => SubjectKind::Overdue,
            FindingSubject::Unsigned => SubjectKind::Unsigned,
            FindingSubject::Missed => SubjectKind::Missed,
        }
    }

    /// The item of the plan that it is about.
    pub fn item(&self) -> Option<&str> {
        match self {
            FindingSubject::Item(item) | FindingSubject::Slot(item) | FindingSubject::Trend(item) => Some(item),
            FindingSubject::Overdue | FindingSubject::Unsigned | FindingSubject::Missed => None,
        }
    }
}

/// What findings are about, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SubjectKind {
    Item,
    Slot,
    Trend,
    Overdue,
    Unsigned,
    Missed,
}

impl SubjectKind {
    pub const ALL: [SubjectKind; 6] = [
        SubjectKind::Item,
        SubjectKind::Slot,
        SubjectKind::Trend,
        SubjectKind::Overdue,
        SubjectKind::Unsigned,
        SubjectKind::Missed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            SubjectKind::Item => "item",
            SubjectKind::Slot => "slot",
            SubjectKind::Trend => "trend",
            SubjectKind::Overdue => "overdue",
            SubjectKind::Unsigned => "unsigned",
            SubjectKind::Missed => "missed",
        }
    }

    const fn alertname(self) -> &'static str {
        match self {
            SubjectKind::Item => "InspectionItemFailed",
            SubjectKind::Slot => "InspectionSlotMissed",
            SubjectKind::Trend => "InspectionTrend",
            SubjectKind::Overdue => "InspectionOverdue",
            SubjectKind::Unsigned => "InspectionUnsigned",
            SubjectKind::Missed => "InspectionMissed",
        }
    }
}

/// Something found, or found well again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub run: RunId,
    pub plan: String,
    pub subject: FindingSubject,
    /// The item of the run that found it; empty when it is about the run as a whole.
    pub item: String,
    pub severity: Severity,
    /// The item's own labels.
    pub labels: Labels,
    pub summary: String,
    pub at: Timestamp,
    /// Whether it is so now; otherwise this clears it.
    pub firing: bool,
    /// The incident that it led to.
    pub incident: Option<IncidentId>,
}

impl Finding {
    /// The source under which findings enter.
    pub const SOURCE: &'static str = "inspection";

    /// Where it was found: `RUN-7/ups`, or `RUN-7`.
    pub fn place(&self) -> String {
        if self.item.is_empty() { self.run.to_string() } else { format!("{}/{}", self.run, self.item) }
    }

    /// The alert that it becomes.
    pub fn fingerprint(&self) -> Fingerprint {
        self.event_labels().fingerprint()
    }

    /// As it enters.
    pub fn to_event(&self) -> Event {
        let status = if self.firing { Status::Firing } else { Status::Resolved };
        Event {
            severity: Some(self.severity),
            summary: self.summary.clone(),
            annotations: Labels::from_pairs([("run", self.place())]),
            occurred_at: Some(self.at),
            ..Event::new(Finding::SOURCE, status, self.event_labels())
        }
    }

    /// `alertname`, `plan`, `item` and the item's own, which may rename the alert of a failure but never the thing.
    fn event_labels(&self) -> Labels {
        let kind = self.subject.kind();
        let item = self.subject.item().unwrap_or_default();
        let identity =
            [("plan", self.plan.as_str()), ("item", item)].into_iter().filter(|(_, value)| !value.is_empty());
        let name = ("alertname", kind.alertname());
        let labels = [name].into_iter().chain(self.labels.iter()).chain(identity);
        // What renames a failure must not make a drift or a missed hour look like it.
        let fixed = (kind != SubjectKind::Item).then_some(name);
        Labels::from_pairs(labels.chain(fixed))
    }
}
