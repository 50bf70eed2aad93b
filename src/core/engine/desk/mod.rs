//! The desk, partition 64: incidents on their ladders, problems, inspections, and people's commands on them.
//!
//! It learns of alerts only through decisions, and replays from its own journal alone.

mod assignment;
mod command;
mod escalation;
mod holiday_check;
mod idempotency;
mod incidents;
mod inspections;
mod notifications;
mod problems;
mod sla;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod unattended_audit;
mod unreachable;

pub use state::DeskIncident;
pub use unattended_audit::{AttentionAudit, AttentionSource, WaitingKind};

use std::sync::Arc;

use super::input::signed;
use super::{AuditEntry, DeskInput, Effect, Metric, Outcome, ReloadedBy};
use crate::core::calendar::HOUSE_ZONE;
use crate::core::incidents::{TimelineEntry, TimelineKind};
use crate::core::model::{Cause, Event, IncidentId, Labels, Offset, Partition, Severity, Status, TimeDelta, Timestamp};
use crate::core::rules::Rulebook;
use state::DeskState;
pub(super) use state::PersistentState;

/// How long an answered idempotency key is remembered.
const ANSWERS_KEPT: TimeDelta = TimeDelta::from_hours(24);

/// How long an ended incident stays in memory; afterwards it lives in the tables, read-only.
pub(super) const ENDED_KEPT: TimeDelta = TimeDelta::from_days(7);

/// The desk's state and moves.
#[derive(Clone)]
pub struct Desk {
    state: DeskState,
}

/// One input being handled: its time, its name, the rulebook, and what comes of it.
pub(super) struct DeskContext<'a> {
    pub now: Timestamp,
    pub offset: Offset,
    pub rulebook: &'a Rulebook,
    pub effects: &'a mut Vec<Effect>,
    /// Findings that enter as events, in the same transaction.
    pub events: &'a mut Vec<Event>,
    /// How many notices and audit lines this input has made.
    consequences: u32,
    /// Incidents to write once at the end, however often they changed.
    touched: Vec<IncidentId>,
    /// Where this input's effects begin.
    begin: usize,
}

impl<'a> DeskContext<'a> {
    pub fn new(
        now: Timestamp,
        offset: Offset,
        rulebook: &'a Rulebook,
        effects: &'a mut Vec<Effect>,
        events: &'a mut Vec<Event>,
    ) -> DeskContext<'a> {
        let begin = effects.len();
        DeskContext { now, offset, rulebook, effects, events, consequences: 0, touched: Vec::new(), begin }
    }

    pub fn count(&mut self, counted: Metric) {
        self.effects.push(Effect::Count(counted));
    }

    pub fn timeline(&mut self, incident: IncidentId, kind: TimelineKind, actor: &str, text: impl Into<String>) {
        self.timeline_at(self.now, incident, kind, actor, text);
    }

    /// A line about what happened before.
    pub fn timeline_at(
        &mut self,
        at: Timestamp,
        incident: IncidentId,
        kind: TimelineKind,
        actor: &str,
        text: impl Into<String>,
    ) {
        let (actor, text) = (actor.to_owned(), text.into());
        let entry = TimelineEntry { incident, at, kind, actor, text, tier: None, outage: None };
        self.effects.push(Effect::Timeline(entry));
    }

    pub fn touch(&mut self, incident: IncidentId) {
        if !self.touched.contains(&incident) {
            self.touched.push(incident);
        }
    }

    /// The zone of the people of a team: of its roster, else of the house.
    pub fn zone_of(&self, team: &str) -> &'a str {
        let roster = self.rulebook.teams.get(team).and_then(|team| self.rulebook.rosters.get(team.roster.as_ref()?));
        roster.map_or(HOUSE_ZONE, |roster| roster.zone_name.as_str())
    }

    pub fn next_cause(&mut self) -> Cause {
        let cause = Cause { partition: Partition::DESK, offset: self.offset, n: self.consequences };
        self.consequences += 1;
        cause
    }

    pub fn audit(
        &mut self,
        actor: &str,
        role: &str,
        action: &str,
        subject: &str,
        detail: &str,
        refused: Option<String>,
    ) {
        let entry = AuditEntry {
            cause: self.next_cause(),
            at: self.now,
            actor: actor.to_owned(),
            role: role.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
            refused,
        };
        self.effects.push(Effect::Audit(entry));
    }
}

impl Desk {
    pub fn new() -> Desk {
        Desk { state: DeskState::default() }
    }

    /// Takes one input of its partition; its consequences go into the step.
    pub(super) fn handle(&mut self, input: &DeskInput, mut step: DeskContext<'_>) {
        match input {
            DeskInput::Command(command) => self.command(command, &mut step),
            DeskInput::Decision { cause: _, decision } => self.decision(decision, &mut step),
            DeskInput::Probe(result) => self.probe_result(result, &mut step),
            DeskInput::Delivery(result) => self.delivery(result, &mut step),
            DeskInput::SilenceOnce(once) => self.silence_once(once, &mut step),
        }
        self.finish(step);
    }

    /// Serves every deadline that is due.
    pub(super) fn tick(&mut self, mut step: DeskContext<'_>) {
        self.serve_staff(&mut step);
        self.serve_incidents(&mut step);
        self.serve_inspections(&mut step);
        self.serve_calendars(&mut step);
        self.serve_reviews(&mut step);
        self.serve_digests(&mut step);
        self.state.forget_answers(step.now);
        self.finish(step);
    }

    /// From here on another rulebook.
    pub(super) fn rulebook_changed(&mut self, mut step: DeskContext<'_>, old: &Rulebook, by: Option<&ReloadedBy>) {
        let detail = format!("{} → {}, {} rules", old.hash, step.rulebook.hash, step.rulebook.rules.len());
        let (actor, role) = by.map_or(("watchfire", "system"), |by| (by.actor.as_str(), by.role.as_str()));
        step.audit(actor, role, "rulebook.change", &step.rulebook.hash.to_string(), &detail, None);
        self.change_plans(&mut step);
        self.change_rosters(old, &mut step);
        self.look_at_calendars(&mut step);
        self.change_promises(old, &mut step);
        self.finish(step);
    }

    /// The service was away: missed runs are materialised; ladders simply find their deadlines overdue, once.
    pub(super) fn resumed(&mut self, mut step: DeskContext<'_>, gap: TimeDelta) {
        step.audit("watchfire", "system", "service.resume", "watchfire", &format!("away for {gap}"), None);
        self.resume_inspections(gap, &mut step);
        self.resume_staff(&mut step);
        self.finish(step);
    }

    /// The wall clock was set: durations go on as before, civil time follows it, and people hear of it. `old`: the
    /// rulebook under the clock of before.
    pub(super) fn clock_stepped(&mut self, mut step: DeskContext<'_>, old: &Rulebook, forward: bool, by: TimeDelta) {
        let direction = if forward { "forward" } else { "back" };
        step.audit("watchfire", "system", "clock.step", "watchfire", &format!("{by} {direction}"), None);
        step.events.push(Event {
            severity: Some(Severity::Warning),
            summary: format!("the wall clock was set {by} {direction}"),
            occurred_at: Some(step.now),
            ..Event::new("watchfire", Status::Point, Labels::from_pairs([("alertname", "WatchfireClockStepped")]))
        });
        self.override_ends_follow(signed(forward, by), &mut step);
        self.change_plans(&mut step);
        self.change_rosters(old, &mut step);
        self.look_at_calendars(&mut step);
        self.change_promises(old, &mut step);
        self.finish(step);
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        [
            self.state.next_incident_deadline(),
            self.state.kept.core.inspections.next_deadline(),
            self.state.kept.core.outages.next_deadline(),
            self.state.kept.core.digests.next_deadline(),
            self.state.next_answer_expiry(),
            self.state.next_review,
            self.state.kept.core.staff.next_deadline(),
            self.state.kept.core.calendars.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Counts this input as one change of each incident that it touched, and writes into its lines who has them now;
    /// [`Desk::write_records`] writes the records.
    fn finish(&mut self, mut step: DeskContext<'_>) {
        self.follow_reviews(&mut step);
        self.give_out(&mut step);
        self.follow_promises(&mut step);
        for effect in step.effects.iter_mut().skip(step.begin) {
            if let Effect::Timeline(entry) = effect {
                let incident = self.state.get(entry.incident).map(|incident| &incident.record);
                entry.tier = incident.filter(|record| !record.unpaged).map(|record| record.tier);
            }
        }
        for id in std::mem::take(&mut step.touched) {
            self.follow_priority(id, &step);
            self.state.settle(id, step.now);
        }
    }

    /// The records of the incidents that changed since the last call, each as it stands.
    pub(super) fn write_records(&mut self, effects: &mut Vec<Effect>) {
        for id in self.state.take_unwritten() {
            if let Some(incident) = self.state.get(id) {
                effects.push(Effect::Incident(Arc::new(incident.record.clone())));
            }
        }
    }

    fn answer(&mut self, key: Option<String>, outcome: Outcome, step: &mut DeskContext<'_>) {
        if let Some(key) = key {
            self.state.keep_answer(key, step.now, outcome.clone());
        }
        step.effects.push(Effect::Answer(outcome));
    }
}

/// What others may ask of the desk's state.
impl Desk {
    pub fn incidents(&self) -> impl Iterator<Item = &DeskIncident> {
        self.state.kept.incidents.iter().map(|(_, incident)| incident)
    }

    pub fn problems(&self) -> impl Iterator<Item = &crate::core::problems::Problem> {
        self.state.kept.core.problems.iter().map(|problem| problem.as_ref())
    }

    /// Automated items that still wait for their result: asked again after a restart.
    pub fn pending_probes(&self) -> Vec<crate::core::inspections::ProbeRequest> {
        self.state.kept.core.inspections.pending_probes().collect()
    }

    /// Everybody who was heard of.
    pub fn presences(&self) -> impl Iterator<Item = &crate::core::on_call::Presence> {
        self.state.kept.core.staff.attendance.iter()
    }

    /// Overrides that are not over.
    pub fn overrides(&self) -> impl Iterator<Item = &crate::core::on_call::Override> {
        self.state.kept.core.staff.overrides.iter()
    }

    /// Every broken invariant, in words; empty when all is well.
    pub fn broken_invariants(&self) -> Vec<String> {
        let mut broken = self.state.broken_invariants();
        broken.extend(self.state.kept.attendance().broken);
        broken
    }

    pub(super) fn kept(&self) -> &PersistentState {
        &self.state.kept
    }

    pub(super) fn from_kept(kept: PersistentState) -> Desk {
        Desk { state: DeskState::from_kept(kept) }
    }
}
