//! What an inspection found, as an event that enters watchfire like any tool's.

use serde::{Deserialize, Serialize};

use crate::model::{Event, Labels, Moment, RunId, Severity, Status};

/// What is wrong. With the plan it is the identity: a later look at the same thing clears it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    /// That item of the plan failed or warned.
    Item(String),
    /// A run is not finished in its time, but still can be.
    Overdue,
    /// A finished run waits for its signature past the time that it would have been missed.
    Unsigned,
    /// A run was never finished.
    Missed,
}

/// Something found, or found well again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub run: RunId,
    pub plan: String,
    pub subject: Subject,
    pub severity: Severity,
    /// The item's own labels.
    pub labels: Labels,
    pub summary: String,
    pub at: Moment,
    /// Whether it is so now; otherwise this clears it.
    pub firing: bool,
}

impl Finding {
    /// The source under which findings enter.
    pub const SOURCE: &'static str = "inspection";

    /// The labels `alertname`, `plan`, `item` and the item's own, which may rename the alert but never the thing.
    pub fn to_event(&self) -> Event {
        let (alertname, item) = match &self.subject {
            Subject::Item(item) => ("InspectionItemFailed", item.as_str()),
            Subject::Overdue => ("InspectionOverdue", ""),
            Subject::Unsigned => ("InspectionUnsigned", ""),
            Subject::Missed => ("InspectionMissed", ""),
        };
        let identity =
            [("plan", self.plan.as_str()), ("item", item)].into_iter().filter(|(_, value)| !value.is_empty());
        let labels =
            Labels::from_pairs([("alertname", alertname)].into_iter().chain(self.labels.iter()).chain(identity));
        let status = if self.firing { Status::Firing } else { Status::Resolved };
        Event {
            severity: Some(self.severity),
            summary: self.summary.clone(),
            annotations: Labels::from_pairs([("run", self.run.to_string())]),
            occurred_at: Some(self.at),
            ..Event::new(Finding::SOURCE, status, labels)
        }
    }
}
