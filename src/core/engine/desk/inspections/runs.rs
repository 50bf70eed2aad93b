//! What happens to runs, and what their findings lead to.

use crate::core::engine::desk::context::{Audited, DeskContext, same_version};
use crate::core::engine::desk::notifications::team::{Notified, tell_team};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::notification::NotificationKind;
use crate::core::engine::{AuditFact, Command, CommandRefusal, Effect, Metric, Outcome, RecordChange, RunAction, Task};
use crate::core::incidents::{Incident, TimelineKind};
use crate::core::inspections::{FindingSubject, ItemReport, ProbeResult, Run, RunChange, RunRefusal, SignOffPolicy};
use crate::core::model::{Fingerprint, IncidentId, RunId, TimeDelta};
use crate::core::rules::Rulebook;

pub fn serve_inspections(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    let inspections = &mut desk.kept.core.inspections;
    let changes = inspections.tick(step.now, &step.rulebook.plans);
    follow(desk, changes, step);
}

pub fn change_plans(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    let changes = desk.kept.core.inspections.plans_changed(step.now, &step.rulebook.plans);
    follow(desk, changes, step);
}

pub fn resume_inspections(desk: &mut DeskState, gap: TimeDelta, step: &mut DeskContext<'_>) {
    let changes = desk.kept.core.inspections.resumed(step.now, gap, &step.rulebook.plans);
    follow(desk, changes, step);
}

pub fn probe_result(desk: &mut DeskState, result: &ProbeResult, step: &mut DeskContext<'_>) {
    let changes = desk.kept.core.inspections.probe_result(step.now, result);
    follow(desk, changes, step);
}

pub fn start_run(desk: &mut DeskState, plan: &str, step: &mut DeskContext<'_>) -> Result<Outcome, CommandRefusal> {
    let known = step.rulebook.plans.get(plan);
    let plan = known.ok_or_else(|| CommandRefusal::NotFound { what: format!("inspection plan {plan}") })?;
    let started = desk.kept.core.inspections.start_now(step.now, plan);
    let (id, changes) = started.map_err(|not| CommandRefusal::NotAllowed { reason: not.reason })?;
    follow(desk, changes, step);
    Ok(run_outcome(desk, id))
}

pub fn run_command(
    desk: &mut DeskState,
    id: RunId,
    action: &RunAction,
    command: &Command,
    step: &mut DeskContext<'_>,
) -> Result<Outcome, CommandRefusal> {
    let now = step.now;
    let inspections = &mut desk.kept.core.inspections;
    if let Some(run) = inspections.get(id) {
        same_version(command, run.version)?;
    }
    let signing = signing(inspections.get(id), step.rulebook);
    let changed = match action {
        RunAction::RecordItem { item, outcome, evidence, value, found } => {
            let (item, evidence, found) = (item.clone(), evidence.clone(), found.clone());
            let report = ItemReport { item, outcome: *outcome, evidence, value: *value, found };
            inspections.record_item(now, id, report, &command.actor)
        }
        RunAction::SignOff { .. } => inspections.sign_off(now, id, &command.actor, signing),
        RunAction::Reject { reason } => inspections.reject(now, id, reason, &command.actor, signing),
        RunAction::Skip { reason } => inspections.skip(now, id, reason, &step.rulebook.plans),
    };
    let changes = changed.map_err(|refused| match refused {
        RunRefusal::Unknown(id) => CommandRefusal::NotFound { what: format!("inspection run {id}") },
        RunRefusal::NotAllowed(not) => CommandRefusal::NotAllowed { reason: not.reason },
    })?;
    follow(desk, changes, step);
    Ok(run_outcome(desk, id))
}

/// An alert joined an incident: if a run found it, both say so.
pub fn link_finding(desk: &mut DeskState, alert: Fingerprint, incident: IncidentId, step: &mut DeskContext<'_>) {
    let changes = desk.kept.core.inspections.link(step.now, alert, incident);
    follow(desk, changes, step);
}

/// The action and its words, as the audit keeps them.
pub fn describe(action: &RunAction) -> (&'static str, String) {
    match action {
        RunAction::RecordItem { item, outcome, evidence, value, found } => {
            let value = value.map(|value| format!(" {value}")).unwrap_or_default();
            let found = found.as_ref().map(|found| format!(" found {found:?}")).unwrap_or_default();
            ("record", format!("{item}: {}{value}{found} {evidence}", outcome.as_str()))
        }
        RunAction::SignOff { note } => ("sign_off", note.clone().unwrap_or_default()),
        RunAction::Reject { reason } => ("reject", reason.clone()),
        RunAction::Skip { reason } => ("skip", reason.clone()),
    }
}

fn run_outcome(desk: &DeskState, id: RunId) -> Outcome {
    let version = desk.kept.core.inspections.get(id).map_or(0, |run| run.version);
    Outcome::Run { id, version }
}

/// Records, asks, counts and feeds back what the inspections said.
fn follow(desk: &mut DeskState, changes: Vec<RunChange>, step: &mut DeskContext<'_>) {
    for change in changes {
        match change {
            RunChange::Changed(id) => {
                if let Some(run) = desk.kept.core.inspections.get(id) {
                    step.effects.push(Effect::Record(RecordChange::Run(Box::new(run.clone()))));
                }
            }
            RunChange::Probe(request) => step.effects.push(Effect::Do(Task::Probe(Box::new(request)))),
            RunChange::Checked { outcome, .. } => step.count(Metric::ItemChecked { outcome }),
            RunChange::Ended { run, state } => {
                step.count(Metric::RunEnded { state });
                step.audit_fact(Audited {
                    actor: "inspections",
                    role: "system",
                    action: "run.end",
                    subject: &run.to_string(),
                    detail: state.as_str(),
                    refused: None,
                    fact: Some(AuditFact::RunEnded { run, state }),
                });
            }
            RunChange::Found(finding) => {
                // One finding an outage, however many runs it swallowed.
                if finding.firing && finding.subject == FindingSubject::Missed {
                    tell_of_missed(desk, finding.run, step);
                }
                if finding.firing {
                    step.count(Metric::InspectionFound { subject: finding.subject.kind() });
                }
                step.events.push(finding.to_event());
            }
            RunChange::Linked { incident, place } => note_finding(desk, incident, place, step),
        }
    }
}

fn note_finding(desk: &mut DeskState, id: IncidentId, place: String, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    if incident.record.findings.contains(&place) {
        return;
    }
    step.timeline(id, TimelineKind::Commented, "watchfire", format!("found by {place}"));
    let findings = &mut incident.record.findings;
    // The newest are worth most; the timeline has them all.
    if findings.len() == Incident::FINDINGS_MAX {
        findings.remove(0);
    }
    findings.push(place);
    step.touch(id);
}

fn tell_of_missed(desk: &DeskState, id: RunId, step: &mut DeskContext<'_>) {
    let Some(run) = desk.kept.core.inspections.get(id) else { return };
    let body = serde_json::to_string(run).unwrap_or_else(|_| "{}".to_owned());
    let kind = NotificationKind::InspectionMissed;
    let (subject, title) = (id.to_string(), missed_title(run));
    tell_team(&run.team, Notified { kind, tier: None, subject: &subject, title: &title, body: &body }, step);
}

/// Who may sign it, as its plan says now.
fn signing<'a>(run: Option<&Run>, rulebook: &'a Rulebook) -> SignOffPolicy<'a> {
    let Some(plan) = run.and_then(|run| rulebook.plans.get(&run.plan)) else { return SignOffPolicy::default() };
    let team = plan.signers.as_ref().and_then(|name| rulebook.teams.get(name));
    SignOffPolicy { team: team.map(|team| (team.name.as_str(), team.members.as_slice())), four_eyes: plan.four_eyes }
}

fn missed_title(run: &Run) -> String {
    let reason = run.reason.as_deref().unwrap_or("not finished in its time");
    format!("{} missed: {} ({reason})", run.id, run.title)
}
