//! The desk ("service desk" is ITIL's word), partition 64: incidents on their ladders, problems, inspections, and people's
//! commands on them. It learns of alerts only through decisions, and replays from its own journal alone.
//!
//! A pipeline. An input goes to the part that it is for; what that changes is carried through the parts in one order:
//! incidents, problems, inspections, sla, assignment, escalation, notifications. A part may ask a later one, as data
//! ([`requests::Requests`]) or at once; none names an earlier one. What all stand on is in the files of this folder.

mod assignment;
mod availability;
mod command;
mod context;
mod escalation;
mod holiday_check;
mod idempotency;
mod incident;
mod incidents;
mod inspections;
mod invariants;
mod notifications;
mod problems;
mod requests;
mod sla;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod timers;
mod unattended_audit;

pub use incident::DeskIncident;
pub use unattended_audit::{AttentionAudit, AttentionSource, WaitingKind};

use super::input::signed;
use super::{DeskInput, Effect, IdempotentSilence, Outcome, ReloadedBy};
use crate::core::model::{Event, IncidentId, Labels, Severity, Status, TimeDelta, Timestamp};
use crate::core::rules::Rulebook;
use assignment::{dispatch, staff};
pub(super) use context::DeskContext;
use escalation::transitions;
use idempotency::AnswerKey;
use incident::IncidentTimer;
use inspections::runs;
use notifications::{delivery, digest, notify};
use problems::reviews;
use sla::{clocks, outages};
use state::DeskState;
pub(super) use state::PersistentState;
use timers::Timer;

/// The desk's state and moves.
#[derive(Clone)]
pub struct Desk {
    state: DeskState,
}

impl Desk {
    pub fn new() -> Desk {
        Desk { state: DeskState::default() }
    }

    /// Takes one input of its partition; its consequences go into the step. Answers what became of a command.
    pub(super) fn handle(&mut self, input: &DeskInput, mut step: DeskContext<'_>) -> Option<Outcome> {
        let (desk, cx) = (&mut self.state, &mut step);
        let outcome = match input {
            DeskInput::Command(command) => Some(command::command(desk, command, cx)),
            DeskInput::SilenceOnce(once) => idempotency::silence_once(desk, once, cx),
            DeskInput::Decision { cause: _, decision } => {
                incidents::decisions::decision(desk, decision, cx);
                None
            }
            DeskInput::Probe(result) => {
                runs::probe_result(desk, result, cx);
                None
            }
            DeskInput::Delivery(result) => {
                delivery::delivery(desk, result, cx);
                None
            }
        };
        self.finish(step);
        outcome
    }

    /// Serves every timer that is due.
    pub(super) fn tick(&mut self, mut step: DeskContext<'_>) {
        for timer in Timer::ALL {
            if timer.due_at(&self.state).is_some_and(|at| at <= step.now) {
                self.serve(timer, &mut step);
                self.run_pages(&mut step);
            }
        }
        self.finish(step);
    }

    fn serve(&mut self, timer: Timer, step: &mut DeskContext<'_>) {
        let desk = &mut self.state;
        match timer {
            Timer::Staff => staff::serve_staff(desk, step),
            Timer::Incidents => self.serve_incidents(step),
            Timer::Inspections => runs::serve_inspections(desk, step),
            Timer::Holidays => holiday_check::look(&mut desk.kept.core.calendars, step),
            Timer::Reviews => reviews::serve_reviews(desk, step),
            Timer::Digests => digest::serve_digests(desk, step),
            Timer::Budgets => outages::follow_budgets(desk, step),
            Timer::Answers => desk.forget_answers(step.now),
        }
    }

    /// Serves every incident that is due, in the order of (deadline, id).
    fn serve_incidents(&mut self, step: &mut DeskContext<'_>) {
        while let Some(id) = self.state.due(step.now) {
            self.serve_incident(id, step);
            // Who is told has it, so that the next incident finds others.
            self.run_pages(step);
            self.state.arm(id);
        }
    }

    fn serve_incident(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let desk = &mut self.state;
        match desk.get(id).and_then(|incident| incident.due(step.now)) {
            Some(IncidentTimer::Clocks) => clocks::serve_clocks(desk, id, step),
            Some(IncidentTimer::Forget) => incidents::timers::forget(desk, id, step),
            Some(IncidentTimer::Close) => incidents::timers::close(desk, id, step),
            Some(IncidentTimer::Resolve) => incidents::timers::resolve(desk, id, step),
            Some(IncidentTimer::Calls) => notify::make_calls(desk, id, step),
            Some(IncidentTimer::Mute) => incidents::standing::hold_or_release(desk, id, step),
            Some(IncidentTimer::NewAlerts) => incidents::new_alerts::tell(desk, id, step),
            Some(IncidentTimer::Escalation) => transitions::tick(desk, id, step),
            None => {}
        }
    }

    /// From here on another rulebook.
    pub(super) fn rulebook_changed(&mut self, mut step: DeskContext<'_>, old: &Rulebook, by: Option<&ReloadedBy>) {
        let detail = format!("{} → {}, {} rules", old.hash, step.rulebook.hash, step.rulebook.rules.len());
        let (actor, role) = by.map_or(("watchfire", "system"), |by| (by.actor.as_str(), by.role.as_str()));
        step.audit(actor, role, "rulebook.change", &step.rulebook.hash.to_string(), &detail, None);
        let desk = &mut self.state;
        runs::change_plans(desk, &mut step);
        staff::change_rosters(desk, old, &mut step);
        holiday_check::look(&mut desk.kept.core.calendars, &mut step);
        clocks::change_promises(desk, old, &mut step);
        incidents::standing::follow_rules(desk, &mut step);
        self.finish(step);
    }

    /// The service was away: missed runs are materialised; ladders simply find their deadlines overdue, once.
    pub(super) fn resumed(&mut self, mut step: DeskContext<'_>, gap: TimeDelta) {
        step.audit("watchfire", "system", "service.resume", "watchfire", &format!("away for {gap}"), None);
        runs::resume_inspections(&mut self.state, gap, &mut step);
        staff::resume_staff(&mut self.state, &mut step);
        self.finish(step);
    }

    /// The wall clock was set: durations go on as before, civil time follows it, and people are notified. `old`: the
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
        let desk = &mut self.state;
        staff::override_ends_follow(desk, signed(forward, by), &mut step);
        runs::change_plans(desk, &mut step);
        staff::change_rosters(desk, old, &mut step);
        holiday_check::look(&mut desk.kept.core.calendars, &mut step);
        clocks::change_promises(desk, old, &mut step);
        incidents::standing::follow_rules(desk, &mut step);
        self.finish(step);
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        Timer::next_deadline(&self.state)
    }

    /// Runs the parts in their order, after an input, until none has anything left to do: each at one thing at a time, so that
    /// what comes of it is done before the next. A step that is passed over is one more turn, since then another team needs
    /// somebody.
    fn run_parts(&mut self, step: &mut DeskContext<'_>) {
        reviews::follow_reviews(&mut self.state, step);
        while !(step.requests.is_empty() && dispatch::is_settled(&self.state)) {
            clocks::run(&mut self.state, step);
            self.run_page(step);
        }
    }

    /// The same for pages alone, among the timers of one tick: the queue is looked at once, at its end.
    fn run_pages(&mut self, step: &mut DeskContext<'_>) {
        while step.requests.has_pages() {
            self.run_page(step);
        }
    }

    fn run_page(&mut self, step: &mut DeskContext<'_>) {
        dispatch::run(&mut self.state, step);
        transitions::run(&mut self.state, step);
        notify::run(&mut self.state, step);
    }

    /// Counts this input as one change of each incident that it touched, and writes into its lines who has them now;
    /// [`Desk::write_records`] writes the records.
    fn finish(&mut self, mut step: DeskContext<'_>) {
        self.run_parts(&mut step);
        for entry in step.timeline_lines() {
            let incident = self.state.get(entry.incident).map(|incident| &incident.record);
            entry.tier = incident.filter(|record| !record.unpaged).map(|record| record.tier);
        }
        for id in step.take_touched() {
            transitions::follow_priority(&mut self.state, id, &step);
            self.state.settle(id, step.now);
        }
    }

    /// The records of the incidents that changed since the last call, each as it stands.
    pub(super) fn write_records(&mut self, effects: &mut Vec<Effect>) {
        self.state.write_records(effects);
    }
}

/// What others may ask of the desk's state.
impl Desk {
    /// Whether that person gave this key before, with the same words or with others.
    pub(super) fn has_answered(&self, once: &IdempotentSilence) -> bool {
        idempotency::answered(&self.state, &AnswerKey::of_silence(once)).is_some()
    }

    pub fn incidents(&self) -> impl Iterator<Item = &DeskIncident> {
        self.state.incidents()
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
        let mut broken = invariants::broken_invariants(&self.state);
        broken.extend(self.state.kept.attendance().broken);
        broken
    }

    /// What dispatch must keep, in words; empty when all is well.
    pub fn broken_dispatch(&self, rulebook: &Rulebook, now: Timestamp) -> Vec<String> {
        dispatch::broken_dispatch(&self.state, rulebook, now)
    }

    pub(super) fn kept(&self) -> &PersistentState {
        &self.state.kept
    }

    pub(super) fn from_kept(kept: PersistentState) -> Desk {
        Desk { state: DeskState::from_kept(kept) }
    }
}
