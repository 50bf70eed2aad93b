//! What the figures need of one incident, taken from its record or from its timeline.

use std::collections::BTreeMap;

use crate::incidents::{Incident, IncidentState, TimelineEntry, TimelineKind};
use crate::model::{IncidentId, Moment, Tier};

/// How an incident stands, as far as the figures care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    #[default]
    Open,
    /// Or closed.
    Resolved,
    Merged,
    Cancelled,
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub id: IncidentId,
    pub opened_at: Moment,
    pub acknowledged_at: Option<Moment>,
    pub resolved_at: Option<Moment>,
    pub ending: Ending,
    /// Who has it, or had it when it was resolved; `None`: it pages nobody, and nobody is measured by it.
    pub tier: Option<Tier>,
    /// It went beyond the line that had it first.
    pub escalated: bool,
    pub reopened: u64,
    /// Some time limit of it passed.
    pub overdue: bool,
    /// The code of why it was late, if somebody said it.
    pub late_because: Option<String>,
    /// It belongs to a problem.
    pub recurring: bool,
}

impl Case {
    pub fn of_record(record: &Incident) -> Case {
        Case {
            id: record.id,
            opened_at: record.opened_at,
            acknowledged_at: record.acknowledged_at,
            resolved_at: record.resolved_at,
            ending: match record.state {
                IncidentState::New | IncidentState::Assigned | IncidentState::InProgress | IncidentState::Pending => {
                    Ending::Open
                }
                IncidentState::Resolved | IncidentState::Closed => Ending::Resolved,
                IncidentState::Merged => Ending::Merged,
                IncidentState::Cancelled => Ending::Cancelled,
            },
            tier: (!record.unpaged).then_some(record.tier),
            escalated: record.escalations > 0,
            reopened: u64::from(record.reopened),
            overdue: record.breached,
            late_because: record.breach_reason.as_ref().map(|reason| reason.code.clone()),
            recurring: record.problem.is_some(),
        }
    }

    fn opened(first: &TimelineEntry) -> Case {
        Case {
            id: first.incident,
            opened_at: first.at,
            acknowledged_at: None,
            resolved_at: None,
            ending: Ending::Open,
            tier: None,
            escalated: false,
            reopened: 0,
            overdue: false,
            late_because: None,
            recurring: false,
        }
    }

    fn follow(&mut self, line: &TimelineEntry) {
        self.tier = line.tier;
        match line.kind {
            TimelineKind::Opened => self.opened_at = line.at,
            TimelineKind::Acknowledged => {
                self.acknowledged_at.get_or_insert(line.at);
            }
            TimelineKind::Escalated => self.escalated = true,
            TimelineKind::Breached => self.overdue |= !line.is_on_trial(),
            // The line begins with the code, its title in parentheses.
            TimelineKind::BreachExplained => self.late_because = line.text.split(" (").next().map(str::to_owned),
            TimelineKind::ProblemLinked => self.recurring = true,
            TimelineKind::Resolved => {
                self.ending = Ending::Resolved;
                self.resolved_at = Some(line.at);
            }
            TimelineKind::Reopened => {
                self.ending = Ending::Open;
                self.resolved_at = None;
                self.reopened += 1;
            }
            TimelineKind::Merged if line.is_end_by_merging() => self.ending = Ending::Merged,
            TimelineKind::Cancelled => self.ending = Ending::Cancelled,
            TimelineKind::Merged
            | TimelineKind::AlertJoined
            | TimelineKind::AlertCleared
            | TimelineKind::SeverityChanged
            | TimelineKind::Grouped
            | TimelineKind::RootChanged
            | TimelineKind::Paged
            | TimelineKind::Queued
            | TimelineKind::StepSkipped
            | TimelineKind::HandedBack
            | TimelineKind::Triaged
            | TimelineKind::StepTicked
            | TimelineKind::ManagersTold
            | TimelineKind::Assigned
            | TimelineKind::Commented
            | TimelineKind::Pended
            | TimelineKind::Resumed
            | TimelineKind::Held
            | TimelineKind::Released
            | TimelineKind::Closed
            | TimelineKind::WorkaroundOffered
            | TimelineKind::Delivered
            | TimelineKind::DeliveryFailed
            | TimelineKind::Promised
            | TimelineKind::TargetWarning
            | TimelineKind::Contacted
            | TimelineKind::OutageNoted
            | TimelineKind::WorkaroundTried
            | TimelineKind::FoundDuring => {}
        }
    }
}

/// Every incident as its timeline tells it, by id. `lines` in the order in which they were written.
pub fn cases_of_log<'a>(lines: impl IntoIterator<Item = &'a TimelineEntry>) -> Vec<Case> {
    let mut cases: BTreeMap<IncidentId, Case> = BTreeMap::new();
    for line in lines {
        cases.entry(line.incident).or_insert_with(|| Case::opened(line)).follow(line);
    }
    cases.into_values().collect()
}
