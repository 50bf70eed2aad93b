//! Result of a replay: the final incidents, their alerts, and the notifications.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::membership_export::MembershipExport;
use crate::core::engine::{AlertRecord, Effect, Metric, RecordChange};
use crate::core::incidents::{Incident, TimelineKind};
use crate::core::model::{Event, Fingerprint, IncidentId, Timestamp};

/// The consequences of all inputs so far.
#[derive(Default)]
pub struct ReplayResult {
    /// In their current state, by number.
    pub incidents: BTreeMap<u64, Incident>,
    /// The alerts that each ever had, without links.
    pub members: BTreeMap<u64, BTreeSet<Fingerprint>>,
    /// The current alerts, resolved ones included.
    pub alerts: BTreeMap<Fingerprint, AlertRecord>,
    /// Incidents with at least one notification.
    pub told: BTreeSet<u64>,
    pub problems: BTreeSet<u64>,
    pub events: u64,
    /// Points that matched no rule.
    pub unmatched: u64,
    pub duplicates: u64,
    /// Hit limits, with their counts.
    pub bounds: BTreeMap<&'static str, u64>,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// Single alerts are not needed, so they are not kept.
    pub lean: bool,
    /// The incident of each event, if requested.
    pub following: MembershipExport,
}

impl ReplayResult {
    /// Before an event is handled.
    pub fn event(&mut self, event: &Event) {
        self.events += 1;
        self.following.event(event);
    }

    /// After an input was handled: its effects, in order.
    pub fn take(&mut self, at: Timestamp, effects: &mut Vec<Effect>) {
        self.first_at.get_or_insert(at);
        self.last_at = Some(at);
        self.following.effects(effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Record(change) => self.record(change),
                Effect::Count(counted) => self.count(&counted),
                Effect::Live(_) | Effect::Do(_) => {}
            }
        }
    }

    fn record(&mut self, change: RecordChange) {
        match change {
            RecordChange::Incident(incident) => {
                self.incidents.insert(incident.id.0, Arc::unwrap_or_clone(incident));
            }
            RecordChange::Membership { incident, fingerprint, firing: _, link_only: false } if !self.lean => {
                self.join(incident, fingerprint);
            }
            RecordChange::Alert(alert) if !self.lean => {
                self.alerts.insert(alert.fingerprint, Arc::unwrap_or_clone(alert));
            }
            RecordChange::Problem(problem) => {
                self.problems.insert(problem.id.0);
            }
            RecordChange::Timeline(line) if line.kind == TimelineKind::Paged => {
                self.told.insert(line.incident.0);
            }
            RecordChange::Alert(_)
            | RecordChange::Membership { .. }
            | RecordChange::Timeline(_)
            | RecordChange::Evidence { .. }
            | RecordChange::Run(_)
            | RecordChange::Silence(_)
            | RecordChange::Audit(_)
            | RecordChange::Delivery(_) => {}
        }
    }

    fn join(&mut self, incident: IncidentId, fingerprint: Fingerprint) {
        self.members.entry(incident.0).or_default().insert(fingerprint);
    }

    fn count(&mut self, counted: &Metric) {
        if let Metric::Unmatched { .. } = counted {
            self.unmatched += 1;
        } else if let Metric::Duplicate { .. } = counted {
            self.duplicates += 1;
        } else if let Metric::Bound { which } = counted {
            *self.bounds.entry(which.as_str()).or_default() += 1;
        }
    }
}

/// End of an incident: resolved or closed; never while it continues.
pub fn ended_at(incident: &Incident) -> Timestamp {
    incident.resolved_at.or(incident.closed_at).unwrap_or(Timestamp::FAR_FUTURE)
}
