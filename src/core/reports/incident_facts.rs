//! The report's data of one incident, from its record or from its timeline.

use std::collections::BTreeMap;

use crate::core::incidents::{Incident, IncidentState, TimelineEntry, TimelineFact, TimelineKind};
use crate::core::model::{IncidentId, Outage, Tier, Timestamp};

/// End of an incident, as far as reports need it.
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
pub struct IncidentFacts {
    pub id: IncidentId,
    pub opened_at: Timestamp,
    pub acknowledged_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub ending: Ending,
    /// The tier in charge, or at its resolution; `None`: it pages no one, and is measured for no one.
    pub tier: Option<Tier>,
    /// Number of escalations, and number of hand-backs.
    pub escalations: u64,
    pub bounces: u64,
    pub reopened: u64,
    /// True if one of its time limits passed.
    pub overdue: bool,
    /// The code of the breach reason, if given.
    pub late_because: Option<String>,
    /// It belongs to a problem.
    pub recurring: bool,
    /// Outages that it caused.
    pub outages: Vec<Outage>,
}

impl IncidentFacts {
    pub fn of_record(record: &Incident) -> IncidentFacts {
        IncidentFacts {
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
            escalations: u64::from(record.escalations),
            bounces: u64::from(record.support.bounces),
            reopened: u64::from(record.reopened),
            overdue: record.breached,
            late_because: record.breach_reason.as_ref().map(|reason| reason.code.clone()),
            recurring: record.problem.is_some(),
            outages: record.outages.clone(),
        }
    }

    /// True if it went beyond its first tier.
    pub fn is_escalated(&self) -> bool {
        self.escalations > 0
    }

    fn opened(first: &TimelineEntry) -> IncidentFacts {
        IncidentFacts {
            id: first.incident,
            opened_at: first.at,
            acknowledged_at: None,
            resolved_at: None,
            ending: Ending::Open,
            tier: None,
            escalations: 0,
            bounces: 0,
            reopened: 0,
            overdue: false,
            late_because: None,
            recurring: false,
            outages: Vec::new(),
        }
    }

    fn follow(&mut self, line: &TimelineEntry) {
        self.tier = line.tier;
        match line.kind {
            TimelineKind::Opened => self.opened_at = line.at,
            TimelineKind::Acknowledged => {
                self.acknowledged_at.get_or_insert(line.at);
            }
            TimelineKind::Escalated => self.escalations += 1,
            TimelineKind::HandedBack => self.bounces += 1,
            TimelineKind::Breached => self.overdue |= line.fact != Some(TimelineFact::BreachedOnTrial),
            TimelineKind::BreachExplained => {
                if let Some(TimelineFact::LateBecause { code }) = &line.fact {
                    self.late_because = Some(code.clone());
                }
            }
            TimelineKind::ProblemLinked => self.recurring = true,
            TimelineKind::Resolved => {
                self.ending = Ending::Resolved;
                self.resolved_at = Some(line.at);
                self.end_outages(line.at);
            }
            TimelineKind::Reopened => {
                self.ending = Ending::Open;
                self.resolved_at = None;
                self.reopened += 1;
            }
            TimelineKind::Merged if matches!(line.fact, Some(TimelineFact::MergedInto { .. })) => {
                self.ending = Ending::Merged;
                // The outages continue in the surviving incident, whose entries record them.
                self.outages.clear();
            }
            TimelineKind::Cancelled => {
                self.ending = Ending::Cancelled;
                self.end_outages(line.at);
            }
            TimelineKind::OutageNoted => self.note_outage(line),
            TimelineKind::Merged
            | TimelineKind::AlertJoined
            | TimelineKind::AlertCleared
            | TimelineKind::SeverityChanged
            | TimelineKind::Grouped
            | TimelineKind::RootChanged
            | TimelineKind::Paged
            | TimelineKind::Queued
            | TimelineKind::StepSkipped
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
            | TimelineKind::WorkaroundTried
            | TimelineKind::FoundDuring => {}
        }
    }

    /// Replaces an earlier outage of the same time, service and customer.
    fn note_outage(&mut self, line: &TimelineEntry) {
        let Some(outage) = &line.outage else { return };
        self.outages.retain(|old| !outage.corrects(old));
        self.outages.push(outage.clone());
        if self.ending != Ending::Open {
            self.end_outages(self.resolved_at.unwrap_or(line.at));
        }
    }

    /// Its outages end with the incident.
    fn end_outages(&mut self, at: Timestamp) {
        for outage in self.outages.iter_mut().filter(|outage| outage.to.is_none()) {
            outage.to = Some(at.max(outage.from));
        }
    }
}

/// Every incident from its timeline, by id. `lines` in the order of writing.
pub fn cases_of_log<'a>(lines: impl IntoIterator<Item = &'a TimelineEntry>) -> Vec<IncidentFacts> {
    let mut cases: BTreeMap<IncidentId, IncidentFacts> = BTreeMap::new();
    for line in lines {
        cases.entry(line.incident).or_insert_with(|| IncidentFacts::opened(line)).follow(line);
    }
    cases.into_values().collect()
}
