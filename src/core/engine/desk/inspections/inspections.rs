//! Runs come due, probes and people answer them, and what they found enters as an event.

use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::engine::{Command, CommandRefusal, Effect, Metric, NotificationKind, Outcome, RunAction};
use crate::core::incidents::{Incident, TimelineKind};
use crate::core::inspections::{FindingSubject, ItemReport, ProbeResult, Run, RunChange, RunRefusal, SignOffPolicy};
use crate::core::model::{Fingerprint, IncidentId, RunId, TimeDelta};
use crate::core::rules::Rulebook;

impl Desk {
    pub(crate) fn serve_inspections(&mut self, step: &mut DeskContext<'_>) {
        let inspections = &mut self.state.kept.core.inspections;
        if inspections.next_deadline().is_some_and(|at| at <= step.now) {
            let changes = inspections.tick(step.now, &step.rulebook.plans);
            self.follow(changes, step);
        }
    }

    pub(crate) fn change_plans(&mut self, step: &mut DeskContext<'_>) {
        let changes = self.state.kept.core.inspections.plans_changed(step.now, &step.rulebook.plans);
        self.follow(changes, step);
    }

    pub(crate) fn resume_inspections(&mut self, gap: TimeDelta, step: &mut DeskContext<'_>) {
        let changes = self.state.kept.core.inspections.resumed(step.now, gap, &step.rulebook.plans);
        self.follow(changes, step);
    }

    pub(crate) fn probe_result(&mut self, result: &ProbeResult, step: &mut DeskContext<'_>) {
        let changes = self.state.kept.core.inspections.probe_result(step.now, result);
        self.follow(changes, step);
    }

    pub(crate) fn start_run(&mut self, plan: &str, step: &mut DeskContext<'_>) -> Result<Outcome, CommandRefusal> {
        let known = step.rulebook.plans.get(plan);
        let plan = known.ok_or_else(|| CommandRefusal::NotFound { what: format!("inspection plan {plan}") })?;
        let started = self.state.kept.core.inspections.start_now(step.now, plan);
        let (id, changes) = started.map_err(|not| CommandRefusal::NotAllowed { reason: not.reason })?;
        self.follow(changes, step);
        Ok(self.run_outcome(id))
    }

    pub(crate) fn run_command(
        &mut self,
        id: RunId,
        action: &RunAction,
        command: &Command,
        step: &mut DeskContext<'_>,
    ) -> Result<Outcome, CommandRefusal> {
        let now = step.now;
        let inspections = &mut self.state.kept.core.inspections;
        if let Some(run) = inspections.get(id) {
            crate::core::engine::desk::command::same_version(command, run.version)?;
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
        self.follow(changes, step);
        Ok(self.run_outcome(id))
    }

    fn run_outcome(&self, id: RunId) -> Outcome {
        let version = self.state.kept.core.inspections.get(id).map_or(0, |run| run.version);
        Outcome::Run { id, version }
    }

    /// Records, asks, counts and feeds back what the inspections said.
    fn follow(&mut self, changes: Vec<RunChange>, step: &mut DeskContext<'_>) {
        for change in changes {
            match change {
                RunChange::Changed(id) => {
                    if let Some(run) = self.state.kept.core.inspections.get(id) {
                        step.effects.push(Effect::Run(Box::new(run.clone())));
                    }
                }
                RunChange::Probe(request) => step.effects.push(Effect::Probe(Box::new(request))),
                RunChange::Checked { outcome, .. } => step.count(Metric::ItemChecked { outcome }),
                RunChange::Ended { run, state } => {
                    step.count(Metric::RunEnded { state });
                    step.audit("inspections", "system", "run.end", &run.to_string(), state.as_str(), None);
                }
                RunChange::Found(finding) => {
                    // One finding an outage, however many runs it swallowed.
                    if finding.firing && finding.subject == FindingSubject::Missed {
                        self.tell_of_missed(finding.run, step);
                    }
                    if finding.firing {
                        step.count(Metric::InspectionFound { subject: finding.subject.kind() });
                    }
                    step.events.push(finding.to_event());
                }
                RunChange::Linked { incident, place } => self.note_finding(incident, place, step),
            }
        }
    }

    /// An alert joined an incident: if a run found it, both say so.
    pub(crate) fn link_finding(&mut self, alert: Fingerprint, incident: IncidentId, step: &mut DeskContext<'_>) {
        let changes = self.state.kept.core.inspections.link(step.now, alert, incident);
        self.follow(changes, step);
    }

    fn note_finding(&mut self, id: IncidentId, place: String, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
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

    fn tell_of_missed(&self, id: RunId, step: &mut DeskContext<'_>) {
        let Some(run) = self.state.kept.core.inspections.get(id) else { return };
        let body = serde_json::to_string(run).unwrap_or_else(|_| "{}".to_owned());
        let kind = NotificationKind::InspectionMissed;
        step.tell_team(kind, &run.team, None, &id.to_string(), &missed_title(run), &body);
    }
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

/// The action and its words, as the audit keeps them.
pub(crate) fn describe(action: &RunAction) -> (&'static str, String) {
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
