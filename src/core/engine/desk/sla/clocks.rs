//! The clocks of incidents: people are warned and told of breaches, and say why something was late.

use super::facts::{TARGETS, breach_reason_line, described};
use super::outages;
use crate::core::calendar::on_the_wall_in;
use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::incident::{DeskIncident, closes_after};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::notification::NotificationKind;
use crate::core::engine::{CommandRefusal, Metric, TargetOutcome};
use crate::core::incidents::{Incident, IncidentState, PendingOn, TimelineFact, TimelineKind};
use crate::core::model::{BreachReason, ClockKind, ContactBy, ContactLog, IncidentId, TimeDelta};
use crate::core::rules::Rulebook;
use crate::core::sla::{ClockStage, Situation, Turn, WaitingOn};

/// The promises of all that changed, and the budgets of outages.
pub fn run(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    let mut outages_changed = false;
    for id in std::mem::take(&mut step.requests.changed) {
        follow_clocks(desk, id, step);
        outages_changed |= outages::follow_outage(desk, id, step);
    }
    if outages_changed {
        outages::follow_budgets(desk, step);
    }
}

/// Another rulebook holds: what has run under old calendars stays as it is.
pub fn change_promises(desk: &mut DeskState, old: &Rulebook, step: &mut DeskContext<'_>) {
    let (before, after) = (&old.calendars, &step.rulebook.calendars);
    let running = desk.kept.incidents.iter().filter(|(_, one)| one.clocks.is_running());
    let ids: Vec<IncidentId> = running.map(|(id, _)| *id).collect();
    for id in ids.into_iter().filter(|_| before != after) {
        if let Some(incident) = desk.get_mut(id) {
            incident.clocks.change_calendars(step.now, before, after);
            step.touch(id);
        }
    }
    outages::follow_budgets(desk, step);
}

/// Serves what is due on an incident's clocks.
pub fn serve_clocks(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    let turns = incident.clocks.tick(step.now, &step.rulebook.calendars);
    incident.record.clocks = incident.clocks.faces(step.now, &step.rulebook.calendars);
    announce(desk, id, turns, step);
    step.touch(id);
}

/// What opened is counted by its class.
pub fn classified(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(record) = desk.get(id).map(|incident| &incident.record) else { return };
    step.count(Metric::Classified { class: record.class });
    if record.out_of_catalogue {
        step.count(Metric::OutOfCatalogue);
    }
}

pub fn log_contact(
    desk: &mut DeskState,
    id: IncidentId,
    by: ContactBy,
    note: &str,
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    let now = step.now;
    let after = desk.get(id).map_or(TimeDelta::ZERO, |incident| {
        incident.clocks.since(incident.record.opened_at, now, &step.rulebook.calendars)
    });
    let contact = ContactLog { at: now, by, actor: actor.to_owned(), note: note.to_owned(), after };
    desk.change(id, |record| record.log_contact(contact))?;
    let words = if note.is_empty() { String::new() } else { format!(": {note}") };
    step.timeline(id, TimelineKind::Contacted, actor, format!("by {by} after {after}{words}"));
    Ok(())
}

/// Refuses to end what broke its promise without a word on why.
pub fn must_be_explained(desk: &DeskState, id: IncidentId, verb: &str) -> Result<(), CommandRefusal> {
    let is_silent = |incident: &DeskIncident| incident.clocks.is_breached() && incident.record.breach_reason.is_none();
    if desk.get(id).is_some_and(is_silent) {
        let reason = format!("cannot {verb} {id}: it was late; say why with a breach_reason of code and text");
        return Err(CommandRefusal::NotAllowed { reason });
    }
    Ok(())
}

/// Refuses what `lifecycle` would, before anything has changed.
pub fn may_resolve(desk: &DeskState, id: IncidentId) -> Result<(), CommandRefusal> {
    let is_open = desk.get(id).is_some_and(|incident| incident.record.state.is_open());
    let reason = || format!("cannot resolve {id}: it is not open");
    if is_open { Ok(()) } else { Err(CommandRefusal::NotAllowed { reason: reason() }) }
}

pub fn explain_breach(
    desk: &mut DeskState,
    id: IncidentId,
    reason: &BreachReason,
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    let known = &step.rulebook.breach_reasons;
    if !known.contains_key(&reason.code) {
        let codes = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let reason = format!("{:?} is not the code of a breach reason; expected one of {codes}", reason.code);
        return Err(CommandRefusal::NotAllowed { reason });
    }
    if !desk.get(id).is_some_and(|incident| incident.clocks.is_breached()) {
        let reason = format!("cannot explain the breach of {id}: it has broken no promise");
        return Err(CommandRefusal::NotAllowed { reason });
    }
    desk.change(id, |record| record.explain_breach(reason.clone()))?;
    if let Some(incident) = desk.get_mut(id).filter(|one| one.record.state == IncidentState::Resolved) {
        let after = closes_after(&incident.record, step.rulebook);
        incident.close_at = incident.close_at.or(after.map(|after| step.now + after));
    }
    breach_reason_line(id, reason, actor, step);
    Ok(())
}

fn follow_clocks(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    let under_change = incident.is_paused();
    let DeskIncident { record, clocks, .. } = incident;
    // The labels are looked at seldom, and the facts are worth nothing without targets.
    let is_described = clocks.looks_up(record.priority) && !step.rulebook.targets.is_empty();
    let labels = if is_described { described(record, step.rulebook) } else { record.labels.clone() };
    let situation = Situation {
        opened_at: record.opened_at,
        class: record.class,
        priority: record.priority,
        labels: &labels,
        out_of_catalogue: record.out_of_catalogue,
        contacted_at: record.contacts.first().map(|contact| contact.at),
        stage: stage(record),
        under_change,
    };
    let turns = clocks.follow(step.now, &situation, &step.rulebook.targets, &step.rulebook.calendars);
    record.clocks = clocks.faces(step.now, &step.rulebook.calendars);
    announce(desk, id, turns, step);
}

fn announce(desk: &mut DeskState, id: IncidentId, turns: Vec<Turn>, step: &mut DeskContext<'_>) {
    for turn in turns {
        let Some(incident) = desk.get_mut(id) else { return };
        let is_told = incident.clocks.is_told();
        let pages = is_told && !incident.record.unpaged && incident.record.held.is_none();
        let pages_breach = pages && incident.clocks.pages_on_breach();
        let target = incident.clocks.target().unwrap_or_default();
        let trial = if is_told { "" } else { ", on trial" };
        match turn {
            Turn::Promised(text) => step.timeline(id, TimelineKind::Promised, TARGETS, text),
            Turn::Met { clock, elapsed: _ } => {
                let outcome = if is_told { TargetOutcome::Met } else { TargetOutcome::ShadowMet };
                step.count(Metric::Target { clock, outcome });
            }
            Turn::Warned { clock, percent, limit } => {
                let why = format!("{}: {percent} % of {limit} have run ({target}{trial})", meaning(clock));
                step.timeline(id, TimelineKind::TargetWarning, TARGETS, why.clone());
                step.count(Metric::Target { clock, outcome: TargetOutcome::Warned });
                if pages {
                    step.page(id, NotificationKind::TargetWarning, why);
                }
            }
            Turn::Breached { clock, at, limit } => {
                incident.record.breached |= is_told;
                let over = on_the_wall_in(at, step.zone_of(&incident.record.team));
                let why = format!("{}: {limit} were over at {over} ({target}{trial})", meaning(clock));
                let outcome = if is_told { TargetOutcome::Breached } else { TargetOutcome::ShadowBreached };
                let fact = (!is_told).then_some(TimelineFact::BreachedOnTrial);
                step.timeline_fact(id, TimelineKind::Breached, TARGETS, why.clone(), fact);
                step.count(Metric::Target { clock, outcome });
                if pages_breach {
                    step.page(id, NotificationKind::TargetBreached, why);
                }
            }
        }
    }
}

fn meaning(clock: ClockKind) -> &'static str {
    match clock {
        ClockKind::Tto => "time to first contact",
        ClockKind::Ttr => "time to resolve",
    }
}

fn stage(record: &Incident) -> ClockStage {
    match (record.state, record.pending_on) {
        (IncidentState::Pending, Some(PendingOn::Customer)) => ClockStage::Pending(WaitingOn::Customer),
        (IncidentState::Pending, Some(PendingOn::Vendor)) => ClockStage::Pending(WaitingOn::Vendor),
        (IncidentState::Pending, Some(PendingOn::Change)) => ClockStage::Pending(WaitingOn::Change),
        (IncidentState::New | IncidentState::Assigned | IncidentState::InProgress | IncidentState::Pending, _) => {
            ClockStage::Open
        }
        (IncidentState::Resolved | IncidentState::Closed, _) => {
            ClockStage::Resolved(record.resolved_at.unwrap_or(record.updated_at))
        }
        (IncidentState::Merged | IncidentState::Cancelled, _) => ClockStage::Ended,
    }
}
