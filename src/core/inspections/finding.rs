//! Findings of an inspection, as events that enter watchfire like any tool's.

use serde::{Deserialize, Serialize};

use crate::core::model::{Event, Fingerprint, IncidentId, Labels, RunId, Severity, Status, Timestamp};

/// Subject of a finding. With the plan it is the identity: a later check of the same subject clears it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FindingSubject {
    /// That item of the plan failed or warned.
    Item(String),
    /// That item was not done in one of its slots.
    Slot(String),
    /// The values of that item drift towards its limit.
    Trend(String),
    /// A run is not finished in time, but can still be done.
    Overdue,
    /// A finished run waits for its signature beyond its missed time.
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

    /// The item of the plan, if the subject is one.
    pub fn item(&self) -> Option<&str> {
        match self {
            FindingSubject::Item(item) | FindingSubject::Slot(item) | FindingSubject::Trend(item) => Some(item),
            FindingSubject::Overdue | FindingSubject::Unsigned | FindingSubject::Missed => None,
        }
    }
}

/// Kind of subject, as a word.
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

/// A finding, or its clearing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub run: RunId,
    pub plan: String,
    pub subject: FindingSubject,
    /// The run's item with the finding; empty for the run as a whole.
    pub item: String,
    pub severity: Severity,
    /// The item's own labels.
    pub labels: Labels,
    pub summary: String,
    pub at: Timestamp,
    /// True while the finding holds; false clears it.
    pub firing: bool,
    /// Its incident.
    pub incident: Option<IncidentId>,
}

impl Finding {
    /// Source name of findings.
    pub const SOURCE: &'static str = "inspection";

    /// Its run and item: `RUN-7/ups`, or `RUN-7`.
    pub fn place(&self) -> String {
        if self.item.is_empty() { self.run.to_string() } else { format!("{}/{}", self.run, self.item) }
    }

    /// Fingerprint of its alert.
    pub fn fingerprint(&self) -> Fingerprint {
        self.event_labels().fingerprint()
    }

    /// Converts it to an event.
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

    /// `alertname`, `plan`, `item` and the item's own, which may rename the alert of a failure but never the subject.
    fn event_labels(&self) -> Labels {
        let kind = self.subject.kind();
        let item = self.subject.item().unwrap_or_default();
        let identity =
            [("plan", self.plan.as_str()), ("item", item)].into_iter().filter(|(_, value)| !value.is_empty());
        let name = ("alertname", kind.alertname());
        let labels = [name].into_iter().chain(self.labels.iter()).chain(identity);
        // A renamed failure must not make a drift or a missed slot look like it.
        let fixed = (kind != SubjectKind::Item).then_some(name);
        Labels::from_pairs(labels.chain(fixed))
    }
}

/// A finding about a run as a whole.
pub(super) fn run_finding(
    run: RunId,
    plan: &str,
    subject: FindingSubject,
    summary: String,
    at: Timestamp,
    firing: bool,
) -> Finding {
    let severity = match (&subject, firing) {
        (_, false) => Severity::Cleared,
        (FindingSubject::Missed, true) => Severity::Minor,
        (
            FindingSubject::Overdue
            | FindingSubject::Unsigned
            | FindingSubject::Item(_)
            | FindingSubject::Slot(_)
            | FindingSubject::Trend(_),
            true,
        ) => Severity::Warning,
    };
    let (plan, item, labels) = (plan.to_owned(), String::new(), Labels::empty());
    Finding { run, plan, subject, item, severity, labels, summary, at, firing, incident: None }
}
