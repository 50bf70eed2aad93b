//! Handing an incident up and down the lines: triage before it, hand-backs after it, the playbook in between, and who
//! may close in the end.

use std::collections::BTreeMap;

use super::transitions;
use crate::core::engine::desk::availability;
use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{CommandRefusal, Metric};
use crate::core::incidents::TimelineKind;
use crate::core::model::{IncidentId, Tier};
use crate::core::rules::EscalationPolicy;

/// Roles that are never first line, whatever team their people are in.
const HIGHER_LINES: [&str; 2] = ["second_line", "third_line"];

/// Roles that may close whatever team their people are in.
const MAY_CLOSE: [&str; 4] = ["admin", "first_line", "process_manager", "incident_manager"];

pub fn triage(
    desk: &mut DeskState,
    id: IncidentId,
    fields: &BTreeMap<String, String>,
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    desk.change(id, |record| record.triage(fields))?;
    let text = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ");
    step.timeline(id, TimelineKind::Triaged, actor, text);
    Ok(())
}

/// To the next tier, by a person: with a diagnosis, and with what the present step demands.
pub fn escalate(
    desk: &mut DeskState,
    id: IncidentId,
    actor: &str,
    diagnosis: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    let staffing = availability::staffing_of(desk, id, step);
    let Some(incident) = desk.get_mut(id) else { return Ok(()) };
    incident.record.may_escalate(diagnosis).map_err(|not| refused(not.reason))?;
    let ladder = ladder_of(step, &incident.climb.ladder, id, "escalate")?;
    let missing = incident.climb.missing(ladder, &incident.record.support.triage);
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(refused(format!("cannot escalate {id}: write down {missing} first (triage)")));
    }
    let moves = incident
        .climb
        .escalate(step.now, ladder, &staffing)
        .ok_or_else(|| refused(format!("cannot escalate {id}: no further tier has anybody on it")))?;
    incident.record.diagnosis = Some(diagnosis.to_owned());
    step.timeline(id, TimelineKind::Commented, actor, format!("diagnosis: {diagnosis}"));
    transitions::carry_out(desk, id, moves, step);
    Ok(())
}

/// To a lower tier again: it was handed on too early, or its people can do the rest.
pub fn hand_back(
    desk: &mut DeskState,
    id: IncidentId,
    actor: &str,
    reason: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    let staffing = availability::staffing_of(desk, id, step);
    let Some(incident) = desk.get_mut(id) else { return Ok(()) };
    incident.record.may_hand_back(reason).map_err(|not| refused(not.reason))?;
    let ladder = ladder_of(step, &incident.climb.ladder, id, "hand back")?;
    if incident.record.unpaged {
        return Err(refused(format!("cannot hand back {id}: it climbs no ladder")));
    }
    let moves = incident
        .climb
        .hand_back(step.now, ladder, &staffing)
        .ok_or_else(|| refused(format!("cannot hand back {id}: no lower tier has anybody on it")))?;
    step.timeline(id, TimelineKind::Commented, actor, format!("handed back: {reason}"));
    transitions::carry_out(desk, id, moves, step);
    Ok(())
}

pub fn tick_playbook(
    desk: &mut DeskState,
    id: IncidentId,
    actor: &str,
    name: &str,
    note: Option<&str>,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    let now = step.now;
    desk.change(id, |record| record.tick(now, actor, name, note))?;
    let text = note.map_or_else(|| name.to_owned(), |note| format!("{name}: {note}"));
    step.timeline(id, TimelineKind::StepTicked, actor, text);
    step.count(Metric::StepTicked);
    Ok(())
}

/// First line owns tracking and closing; the others resolve, or hand back. Whoever is in a team of the ladder counts
/// by that team; whoever is in none counts by the role.
pub fn may_close(
    desk: &DeskState,
    id: IncidentId,
    actor: &str,
    role: &str,
    step: &DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    if MAY_CLOSE.contains(&role) {
        return Ok(());
    }
    let Some(incident) = desk.get(id) else { return Ok(()) };
    let steps = step.rulebook.ladder(&incident.climb.ladder).map(|ladder| ladder.steps.as_slice());
    let is_member = |team: &str| {
        let members = step.rulebook.teams.get(team).map(|team| team.members.as_slice()).unwrap_or_default();
        members.iter().any(|member| member == actor)
    };
    let vendors = step.rulebook.teams.values().filter(|team| !team.vendors.is_empty());
    let is_of_a_vendor = vendors.into_iter().any(|team| team.members.iter().any(|member| member == actor));
    let tiers: Vec<Tier> = steps
        .unwrap_or_default()
        .iter()
        .filter(|one| if one.vendor { is_of_a_vendor } else { is_member(&one.team) })
        .map(|one| one.tier)
        .collect();
    let is_higher = HIGHER_LINES.contains(&role) || (!tiers.is_empty() && !tiers.contains(&Tier::First));
    if is_higher {
        let reason = format!("only first line closes {id}; {actor} is of a higher line: resolve it, or hand it back");
        return Err(CommandRefusal::Forbidden { reason });
    }
    Ok(())
}

fn ladder_of<'a>(
    step: &DeskContext<'a>,
    name: &str,
    id: IncidentId,
    verb: &str,
) -> Result<&'a EscalationPolicy, CommandRefusal> {
    let ladder = step.rulebook.ladder(name);
    ladder.ok_or_else(|| refused(format!("cannot {verb} {id}: its ladder is gone from the rules")))
}

fn refused(reason: String) -> CommandRefusal {
    CommandRefusal::NotAllowed { reason }
}
