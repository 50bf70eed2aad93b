//! What people ask of the desk, and which part does it. A refusal is audited with its reason, and changes nothing.

use super::assignment::{dispatch, staff};
use super::context::{Audited, DeskContext, same_version};
use super::escalation::handoff;
use super::idempotency::{AnswerKey, answered};
use super::incidents::{grouping, lifecycle, reopening};
use super::inspections::runs;
use super::problems;
use super::problems::{episodes, reviews};
use super::sla::{clocks, outages};
use super::state::DeskState;
use crate::core::engine::{Action, AuditFact, Command, CommandRefusal, IncidentAction, Metric, Outcome};
use crate::core::model::{IncidentId, ProblemId};
use crate::core::problems::ProblemState;

pub fn command(desk: &mut DeskState, command: &Command, step: &mut DeskContext<'_>) -> Outcome {
    let (verb, subject, detail) = describe(&command.action);
    let asked = command.idempotency_key.as_ref().map(|key| AnswerKey::of(command, key));
    match asked.as_ref().and_then(|asked| answered(desk, asked)) {
        Some(Ok(outcome)) => return outcome,
        Some(Err(refusal)) => {
            step.count(Metric::CommandRefused);
            step.audit(&command.actor, &command.role, &verb, &subject, &detail, Some(refusal.to_string()));
            return Outcome::Refused(refusal);
        }
        None => {}
    }
    // A heartbeat that is no news would bury everything else.
    let is_silent = matches!(&command.action, Action::Staff(action) if staff::is_renewal(desk, action));
    let problem_before = problem_state(desk, &command.action);
    let result = match &command.action {
        Action::Incident { id, action } => incident_command(desk, *id, action, command, step),
        Action::Problem { id, action } => problems::commands::problem_command(desk, *id, action, command, step),
        Action::Run { id, action } => runs::run_command(desk, *id, action, command, step),
        Action::StartRun { plan } => runs::start_run(desk, plan, step),
        Action::Staff(action) => staff::staff_command(desk, action, command, step),
    };
    let (outcome, refused) = match result {
        Ok(outcome) => (outcome, None),
        Err(refusal) => {
            step.count(Metric::CommandRefused);
            (Outcome::Refused(refusal.clone()), Some(refusal.to_string()))
        }
    };
    if let (Action::Problem { id, .. }, None) = (&command.action, &refused) {
        reviews::take_review(desk, *id, step);
    }
    if !is_silent || refused.is_some() {
        let problem_now = problem_state(desk, &command.action).filter(|now| Some(*now) != problem_before);
        let fact = problem_now.map(|(problem, to)| AuditFact::ProblemMoved { problem, to });
        let (actor, role) = (command.actor.as_str(), command.role.as_str());
        let (action, subject, detail) = (verb.as_str(), subject.as_str(), detail.as_str());
        step.audit_fact(Audited { actor, role, action, subject, detail, refused, fact });
    }
    if let Some(asked) = asked {
        desk.keep_answer(asked.whole(), step.now, outcome.clone());
    }
    outcome
}

/// Where the problem stands that a command is about.
fn problem_state(desk: &DeskState, action: &Action) -> Option<(ProblemId, ProblemState)> {
    match action {
        Action::Problem { id, action: _ } => {
            desk.kept.core.problems.get(*id).map(|problem| (problem.id, problem.state))
        }
        Action::Incident { .. } | Action::Run { .. } | Action::StartRun { .. } | Action::Staff(_) => None,
    }
}

fn incident_command(
    desk: &mut DeskState,
    id: IncidentId,
    action: &IncidentAction,
    command: &Command,
    step: &mut DeskContext<'_>,
) -> Result<Outcome, CommandRefusal> {
    let Some(incident) = desk.get(id) else {
        return Err(CommandRefusal::NotFound { what: format!("incident {id}") });
    };
    same_version(command, incident.record.version)?;
    if let IncidentAction::Close { .. } = action {
        handoff::may_close(desk, id, &command.actor, &command.role, step)?;
    }
    act(desk, id, action, &command.actor, step)?;
    step.touch(id);
    // The one version step that `settle` will take for this input.
    let version = desk.get(id).map_or(0, |incident| incident.record.version + 1);
    Ok(Outcome::Incident { id, version })
}

fn act(
    desk: &mut DeskState,
    id: IncidentId,
    action: &IncidentAction,
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    match action {
        IncidentAction::Acknowledge { note } => lifecycle::acknowledge(desk, id, actor, note.as_deref(), step),
        IncidentAction::Assign { assignee } => dispatch::assign_by_hand(desk, id, assignee, actor, step),
        IncidentAction::Comment { text } => lifecycle::comment(id, actor, text, step),
        IncidentAction::Pend { on, reason } => lifecycle::pend(desk, id, actor, (*on, reason), step),
        IncidentAction::Resume => lifecycle::resume(desk, id, actor, step),
        IncidentAction::Escalate { diagnosis } => handoff::escalate(desk, id, actor, diagnosis, step),
        IncidentAction::Triage { fields } => handoff::triage(desk, id, fields, actor, step),
        IncidentAction::HandBack { reason } => handoff::hand_back(desk, id, actor, reason, step),
        IncidentAction::Tick { step: name, note } => {
            handoff::tick_playbook(desk, id, actor, name, note.as_deref(), step)
        }
        IncidentAction::Resolve { resolution } => {
            clocks::must_be_explained(desk, id, "resolve")?;
            lifecycle::resolve(desk, id, actor, resolution, step)
        }
        IncidentAction::ResolveBreached { resolution, reason } => {
            clocks::may_resolve(desk, id)?;
            clocks::explain_breach(desk, id, reason, actor, step)?;
            lifecycle::resolve(desk, id, actor, resolution, step)
        }
        IncidentAction::Contact { by, note } => clocks::log_contact(desk, id, *by, note, actor, step),
        IncidentAction::ExplainBreach { reason } => clocks::explain_breach(desk, id, reason, actor, step),
        IncidentAction::Outage { outage } => outages::note_outage(desk, id, outage, actor, step),
        IncidentAction::Close { note } => lifecycle::close(desk, id, actor, note.as_deref(), step),
        IncidentAction::Reopen { reason } => reopening::reopen(desk, id, actor, reason, step),
        IncidentAction::Merge { into } => grouping::merge(desk, id, *into, actor, step),
        IncidentAction::Cancel { reason } => lifecycle::cancel(desk, id, actor, reason, step),
        IncidentAction::WorkaroundHelped { helped, note } => {
            episodes::workaround_tried(desk, id, (*helped, note.as_deref()), actor, step)
        }
        IncidentAction::FoundDuring { incident } => episodes::found_during(desk, id, *incident, actor, step),
    }
}

/// The action, its subject and its words, as the audit keeps them.
fn describe(action: &Action) -> (String, String, String) {
    match action {
        Action::Incident { id, action } => {
            let (verb, detail) = describe_incident(action);
            (format!("incident.{verb}"), id.to_string(), detail)
        }
        Action::Problem { id, action } => {
            let (verb, detail) = problems::commands::describe(action);
            (format!("problem.{verb}"), id.to_string(), detail)
        }
        Action::Run { id, action } => {
            let (verb, detail) = runs::describe(action);
            (format!("run.{verb}"), id.to_string(), detail)
        }
        Action::StartRun { plan } => ("inspection.start".to_owned(), plan.clone(), String::new()),
        Action::Staff(action) => {
            let (verb, subject, detail) = staff::describe(action);
            (verb.to_owned(), subject, detail)
        }
    }
}

fn describe_incident(action: &IncidentAction) -> (&'static str, String) {
    match action {
        IncidentAction::Acknowledge { note } => ("acknowledge", note.clone().unwrap_or_default()),
        IncidentAction::Assign { assignee } => ("assign", assignee.clone()),
        IncidentAction::Comment { text } => ("comment", text.clone()),
        IncidentAction::Pend { on, reason } => ("pend", format!("on {}: {reason}", on.as_str())),
        IncidentAction::Resume => ("resume", String::new()),
        IncidentAction::Escalate { diagnosis } => ("escalate", diagnosis.clone()),
        IncidentAction::Triage { fields } => {
            let fields = fields.iter().map(|(name, value)| format!("{name}: {value}"));
            ("triage", fields.collect::<Vec<_>>().join("; "))
        }
        IncidentAction::HandBack { reason } => ("hand_back", reason.clone()),
        IncidentAction::Tick { step, note } => ("tick", format!("{step}: {}", note.as_deref().unwrap_or_default())),
        IncidentAction::Resolve { resolution } => ("resolve", resolution.clone()),
        IncidentAction::Close { note } => ("close", note.clone().unwrap_or_default()),
        IncidentAction::Reopen { reason } => ("reopen", reason.clone()),
        IncidentAction::Merge { into } => ("merge", format!("into {into}")),
        IncidentAction::Cancel { reason } => ("cancel", reason.clone()),
        IncidentAction::WorkaroundHelped { helped, note } => {
            let verdict = if *helped { "it helped" } else { "it did not help" };
            ("workaround", format!("{verdict}{}", note.as_ref().map(|note| format!(": {note}")).unwrap_or_default()))
        }
        IncidentAction::FoundDuring { incident } => ("found_during", incident.to_string()),
        IncidentAction::Contact { by, note } => ("contact", format!("by {by}: {note}")),
        IncidentAction::ExplainBreach { reason } => ("breach_reason", format!("{}: {}", reason.code, reason.text)),
        IncidentAction::ResolveBreached { resolution, reason } => {
            ("resolve", format!("{resolution}; late, {}: {}", reason.code, reason.text))
        }
        IncidentAction::Outage { outage } => ("outage", format!("{} by {}", outage.service, outage.party)),
    }
}
