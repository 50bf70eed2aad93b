//! What a move on a ladder means: who is told, timeline, counts.

use crate::core::engine::desk::availability;
use crate::core::engine::desk::context::{DISPATCH, DeskContext, LADDER};
use crate::core::engine::desk::requests::{NotificationDraft, Unstaffed};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::notification::NotificationKind;
use crate::core::engine::{Breach, Metric};
use crate::core::escalation::EscalationEvent;
use crate::core::incidents::TimelineKind;
use crate::core::model::{IncidentId, Tier};

/// What assignment passed over goes to the next step that can act; where there is none, it waits where it is.
pub fn run(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    while let Some(unstaffed) = step.requests.skips.pop_front() {
        skip(desk, unstaffed, step);
    }
}

/// The ladder of an incident is due.
pub fn tick(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let staffing = availability::staffing_of(desk, id, step);
    let Some(incident) = desk.get_mut(id) else { return };
    let moves = match step.rulebook.ladder(&incident.climb.ladder) {
        Some(ladder) => incident.climb.tick(step.now, ladder, &staffing),
        None => {
            incident.climb.stop("its ladder is gone from the rules");
            Vec::new()
        }
    };
    carry_out(desk, id, moves, step);
}

/// Carries out the moves of one incident's climb, in order.
pub fn carry_out(desk: &mut DeskState, id: IncidentId, moves: Vec<EscalationEvent>, step: &mut DeskContext<'_>) {
    for one in moves {
        match one {
            EscalationEvent::Page => step.page(id, NotificationKind::Page, "first page"),
            EscalationEvent::PageAgain { reason } => step.page(id, NotificationKind::PageAgain, reason),
            EscalationEvent::RespondByMissed { tier } => breach(desk, id, Breach::RespondBy, tier, step),
            EscalationEvent::ResolveByMissed { tier } => breach(desk, id, Breach::ResolveBy, tier, step),
            EscalationEvent::Skipped { tier, team: _, reason } => {
                let text = format!("tier {tier} skipped: {reason}");
                step.audit(LADDER, "system", "step.skip", &id.to_string(), &text, None);
                step.count(Metric::StepSkipped { tier });
                step.timeline(id, TimelineKind::StepSkipped, LADDER, text);
            }
            EscalationEvent::Climbed { from, to, demands } => climbed(desk, id, (from, to), &demands, step),
            EscalationEvent::HandedBack { from, to } => {
                take_team(desk, id, step);
                if let Some(incident) = desk.get_mut(id) {
                    incident.record.support.bounces += 1;
                    incident.record.acknowledged = false;
                }
                let text = format!("from tier {from} back to tier {to}");
                step.timeline(id, TimelineKind::HandedBack, LADDER, text);
                step.count(Metric::Bounced { from, to });
                step.page(id, NotificationKind::HandedBack, format!("handed back from tier {from}"));
            }
            EscalationEvent::Tell { told, after, time, of } => {
                let why = format!("unresolved for {after}, {time} of {of}");
                step.requests.tellings.push_back(NotificationDraft::Manager { incident: id, told, why });
            }
        }
    }
    step.touch(id);
}

/// Managers are told by the priority that the incident has now, whoever changed it.
pub fn follow_priority(desk: &mut DeskState, id: IncidentId, step: &DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    if let Some(ladder) = step.rulebook.ladder(&incident.climb.ladder) {
        incident.climb.follow_priority(step.now, ladder, incident.record.priority);
    }
}

/// Writes the present step's tier and team into the record.
pub fn take_team(desk: &mut DeskState, id: IncidentId, step: &DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    let ladder = step.rulebook.ladder(&incident.climb.ladder);
    if let Some(rung) = ladder.and_then(|ladder| ladder.steps.get(incident.climb.step as usize)) {
        incident.record.tier = rung.tier;
        incident.record.support.kind = rung.kind;
    }
    if !incident.climb.team.is_empty() {
        incident.record.team = incident.climb.team.clone();
    }
}

fn skip(desk: &mut DeskState, unstaffed: Unstaffed, step: &mut DeskContext<'_>) {
    let id = unstaffed.incident;
    let staffing = availability::staffing_of(desk, id, step);
    let Some(incident) = desk.get_mut(id) else { return };
    let (tier, team) = (incident.record.tier, incident.record.team.clone());
    let ladder = step.rulebook.ladder(&incident.climb.ladder);
    let Some(moves) = ladder.and_then(|ladder| incident.climb.escalate(step.now, ladder, &staffing)) else {
        return step.requests.waits.push_back(unstaffed);
    };
    let reason = unstaffed.reason;
    incident.record.waiting = None;
    let text = format!("tier {tier} skipped: {reason}");
    step.timeline(id, TimelineKind::StepSkipped, DISPATCH, &text);
    step.audit(DISPATCH, "system", "step.skip", &id.to_string(), &format!("team {team}: {reason}"), None);
    step.count(Metric::StepSkipped { tier });
    carry_out(desk, id, moves, step);
}

fn climbed(
    desk: &mut DeskState,
    id: IncidentId,
    (from, to): (Tier, Tier),
    demands: &[String],
    step: &mut DeskContext<'_>,
) {
    take_team(desk, id, step);
    let Some(incident) = desk.get_mut(id) else { return };
    incident.record.escalations += 1;
    incident.record.acknowledged = false;
    let triage = &incident.record.support.triage;
    let missing: Vec<&str> = demands.iter().filter(|field| !triage.contains_key(*field)).map(String::as_str).collect();
    let mut text = format!("from tier {from} to tier {to}");
    if !missing.is_empty() {
        text.push_str(&format!(", without its diagnosis: {} missing", missing.join(", ")));
    }
    step.timeline(id, TimelineKind::Escalated, LADDER, text);
    step.count(Metric::Escalated { from, to });
    step.page(id, NotificationKind::Escalated, format!("handed on from tier {from}"));
}

fn breach(desk: &mut DeskState, id: IncidentId, what: Breach, tier: Tier, step: &mut DeskContext<'_>) {
    if let Some(incident) = desk.get_mut(id) {
        incident.record.breached = true;
    }
    let (name, meaning) = match what {
        Breach::RespondBy => ("respond-by", "nobody acknowledged in time"),
        Breach::ResolveBy => ("resolve-by", "it was not resolved in time"),
    };
    step.timeline(id, TimelineKind::Breached, LADDER, format!("{name} of tier {tier} passed: {meaning}"));
    step.count(Metric::Breached { tier, what });
}
