//! What came out of a replay: the incidents as they ended, their alerts, what was told to whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::membership_export::MembershipExport;
use crate::core::engine::{AlertRecord, Effect, Metric};
use crate::core::incidents::{Incident, TimelineKind};
use crate::core::model::{Event, Fingerprint, IncidentId, Timestamp};

/// The consequences of all inputs so far.
#[derive(Default)]
pub struct ReplayResult {
    /// As they stand, by number.
    pub incidents: BTreeMap<u64, Incident>,
    /// The alerts that each ever held, links aside.
    pub members: BTreeMap<u64, BTreeSet<Fingerprint>>,
    /// The alerts as they stand, resolved ones included.
    pub alerts: BTreeMap<Fingerprint, AlertRecord>,
    /// Incidents that somebody was told of.
    pub told: BTreeSet<u64>,
    pub problems: BTreeSet<u64>,
    pub events: u64,
    /// Points that no rule wanted.
    pub unmatched: u64,
    pub duplicates: u64,
    /// Bounds that bit, and how often.
    pub bounds: BTreeMap<&'static str, u64>,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// Nobody will ask for single alerts: they are not kept.
    pub lean: bool,
    /// Which event ended where, if somebody asked.
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
                Effect::Incident(incident) => {
                    self.incidents.insert(incident.id.0, Arc::unwrap_or_clone(incident));
                }
                Effect::Membership { incident, fingerprint, firing: _, link_only: false } if !self.lean => {
                    self.join(incident, fingerprint);
                }
                Effect::Alert(alert) if !self.lean => {
                    self.alerts.insert(alert.fingerprint, Arc::unwrap_or_clone(alert));
                }
                Effect::Problem(problem) => {
                    self.problems.insert(problem.id.0);
                }
                Effect::Timeline(line) if line.kind == TimelineKind::Paged => {
                    self.told.insert(line.incident.0);
                }
                Effect::Count(counted) => self.count(&counted),
                Effect::Alert(_)
                | Effect::Membership { .. }
                | Effect::Staff(_)
                | Effect::AlertTouched { .. }
                | Effect::AlertForgotten { .. }
                | Effect::Timeline(_)
                | Effect::Evidence { .. }
                | Effect::Run(_)
                | Effect::Silence(_)
                | Effect::SilenceForgotten { .. }
                | Effect::Audit(_)
                | Effect::Notice(_)
                | Effect::Delivery(_)
                | Effect::Probe(_)
                | Effect::Answer(_)
                | Effect::Normalised(_) => {}
            }
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

/// When an incident was over: resolved or closed; never, while it goes on.
pub fn ended_at(incident: &Incident) -> Timestamp {
    incident.resolved_at.or(incident.closed_at).unwrap_or(Timestamp::FAR_FUTURE)
}
