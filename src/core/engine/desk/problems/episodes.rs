//! An incident as an episode of its cause: what repeats becomes a problem, whose workaround the next one is offered.

use super::{comparison, record};
use crate::core::engine::desk::availability;
use crate::core::engine::desk::context::{Audited, DeskContext};
use crate::core::engine::desk::notifications::team::{Notified, tell_team};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::notification::NotificationKind;
use crate::core::engine::{AuditFact, CommandRefusal, Metric};
use crate::core::incidents::TimelineKind;
use crate::core::model::{IncidentId, ProblemId, Tier};
use crate::core::problems::{IncidentSummary, Problem, ProblemChange, ProblemState};

/// An incident opened or came back: one more repeat of its fingerprint.
pub fn count_episode(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get(id) else { return };
    let record = &incident.record;
    let facts = IncidentSummary {
        incident: id,
        fingerprint: record.fingerprint,
        rule: record.rule.clone(),
        key: record.key.clone(),
        labels: record.labels.clone(),
        title: record.title.clone(),
        counts_for_recurrence: incident.recurs,
    };
    let change = desk.kept.core.problems.incident_opened(step.now, &facts, &step.rulebook.problems);
    match change {
        None => {}
        Some(ProblemChange::Opened { problem, incidents }) => {
            for incident in incidents {
                record::link_incident(desk, incident, problem, step);
            }
            step.count(Metric::ProblemOpened);
            opened(problem, "", step);
            record::write(desk, problem, step);
            tell_of_problem(desk, problem, step);
        }
        Some(ProblemChange::Linked { problem, incident }) => {
            record::link_incident(desk, incident, problem, step);
            record::write(desk, problem, step);
            comparison::compare_problem(desk, problem, incident, step);
        }
        Some(ProblemChange::CameBack { problem, incident, was }) => {
            record::link_incident(desk, incident, problem, step);
            let text = format!("{problem} was {}: its fix did not hold, it is investigated again", was.as_str());
            step.timeline(incident, TimelineKind::ProblemLinked, "problems", text);
            step.count(Metric::ProblemReopened);
            step.audit_fact(Audited {
                actor: "recurrence",
                role: "system",
                action: "problem.reopen",
                subject: &problem.to_string(),
                detail: &text_of(incident, was),
                refused: None,
                fact: Some(AuditFact::ProblemMoved { problem, to: ProblemState::Investigating }),
            });
            record::write(desk, problem, step);
            comparison::compare_problem(desk, problem, incident, step);
            tell_every_tier(desk, problem, incident, step);
        }
    }
}

/// Shows a known error's workaround on an incident that just opened.
pub fn offer_workaround(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.kept.incidents.get_mut(&id) else { return };
    let Some(known) = desk.kept.core.problems.known_error_for(incident.record.fingerprint) else { return };
    incident.record.workaround = Some(known.workaround.to_owned());
    let text = format!("known error {}: {}", known.problem, known.workaround);
    step.timeline(id, TimelineKind::WorkaroundOffered, "problems", text);
}

/// An incident was resolved: what it was an episode of ends there.
pub fn end_episode(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(cause) = desk.get(id).map(|incident| incident.record.fingerprint) else { return };
    if let Some(problem) = desk.kept.core.problems.incident_ended(step.now, id, cause) {
        record::write(desk, problem, step);
    }
}

/// First line tried the workaround: counted on the problem that offered it.
pub fn workaround_tried(
    desk: &mut DeskState,
    id: IncidentId,
    (helped, note): (bool, Option<&str>),
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    let refuse = |reason: String| CommandRefusal::NotAllowed { reason };
    let Some(record) = desk.get(id).map(|incident| &incident.record) else { return Ok(()) };
    let (Some(problem), Some(_)) = (record.problem, &record.workaround) else {
        return Err(refuse(format!("cannot say whether a workaround helped with {id}: it was offered none")));
    };
    desk.kept.core.problems.tried(step.now, problem, helped).map_err(record::refused)?;
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    let verdict = if helped { "helped" } else { "did not help" };
    step.timeline(id, TimelineKind::WorkaroundTried, actor, format!("the workaround of {problem} {verdict}{note}"));
    step.count(Metric::WorkaroundTried { helped });
    record::write(desk, problem, step);
    Ok(())
}

/// One fault, split over several incidents, counts once.
pub fn found_during(
    desk: &mut DeskState,
    id: IncidentId,
    of: IncidentId,
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    let refuse =
        |why: &str| CommandRefusal::NotAllowed { reason: format!("cannot link {id} as found during {of}: {why}") };
    let Some(other) = desk.get(of) else {
        return Err(CommandRefusal::NotFound { what: format!("incident {of}") });
    };
    // Links lead to the fault's first incident, never in a chain or a ring.
    let root = other.record.found_during.unwrap_or(of);
    if root == id {
        return Err(refuse("that one was found during this"));
    }
    if desk.incidents_found_during(id) {
        return Err(refuse("others were found during it; link them first"));
    }
    let Some(incident) = desk.get_mut(id) else { return Ok(()) };
    if incident.record.found_during.is_some() {
        return Err(refuse("it is linked already"));
    }
    incident.record.found_during = Some(root);
    let cause = incident.record.fingerprint;
    step.timeline(id, TimelineKind::FoundDuring, actor, format!("a piece of {root}'s fault: counted there"));
    if let Some(problem) = desk.kept.core.problems.found_during(step.now, id, cause) {
        record::write(desk, problem, step);
    }
    Ok(())
}

pub fn opened(problem: ProblemId, why: &str, step: &mut DeskContext<'_>) {
    step.audit_fact(Audited {
        actor: "problems",
        role: "system",
        action: "problem.open",
        subject: &problem.to_string(),
        detail: why,
        refused: None,
        fact: Some(AuditFact::ProblemMoved { problem, to: ProblemState::New }),
    });
}

/// Hands it to the second line's channels.
fn tell_of_problem(desk: &DeskState, id: ProblemId, step: &mut DeskContext<'_>) {
    let Some(problem) = desk.kept.core.problems.get(id) else { return };
    let title = format!("{id} {}: {}", problem.title, problem.reason);
    tell(problem, NotificationKind::ProblemOpened, &title, &[(problem.team.clone(), Tier::Second)], step);
}

/// A fix did not hold: every tier on the incident's ladder hears of it, and the problem's own team.
fn tell_every_tier(desk: &DeskState, id: ProblemId, incident: IncidentId, step: &mut DeskContext<'_>) {
    let Some(problem) = desk.kept.core.problems.get(id) else { return };
    let ladder = desk.get(incident).and_then(|one| step.rulebook.ladder(&one.climb.ladder));
    let mut teams: Vec<(String, Tier)> = Vec::new();
    let vendor = availability::staffing_of(desk, incident, step).vendor.ok();
    let steps = ladder.into_iter().flat_map(|ladder| &ladder.steps).filter_map(|rung| {
        let team = if rung.vendor { vendor.clone()? } else { rung.team.clone() };
        Some((team, rung.tier))
    });
    for (team, tier) in steps.chain([(problem.team.clone(), Tier::Second)]) {
        if teams.iter().all(|(told, _)| *told != team) {
            teams.push((team, tier));
        }
    }
    let title = format!("{id} {}: back with {incident}, its fix did not hold", problem.title);
    tell(problem, NotificationKind::ProblemReopened, &title, &teams, step);
}

fn tell(problem: &Problem, kind: NotificationKind, title: &str, teams: &[(String, Tier)], step: &mut DeskContext<'_>) {
    let body = serde_json::to_string(problem).unwrap_or_else(|_| "{}".to_owned());
    for (team, tier) in teams {
        let (tier, subject, body) = (Some(*tier), problem.id.to_string(), body.as_str());
        tell_team(team, Notified { kind, tier, subject: &subject, title, body }, step);
    }
}

fn text_of(incident: IncidentId, was: ProblemState) -> String {
    format!("{incident} came back while it was {}", was.as_str())
}
