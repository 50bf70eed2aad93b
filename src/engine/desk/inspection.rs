//! Runs come due, probes and people answer them, and what they found enters as an event.

use super::{Desk, Step};
use crate::engine::{Command, Counted, Effect, NoticeKind, Outcome, Refusal, RunAction};
use crate::inspections::{ItemReport, ProbeResult, Run, RunChange, RunRefusal, Subject};
use crate::model::{RunId, Span};

impl Desk {
    pub(super) fn serve_inspections(&mut self, step: &mut Step<'_>) {
        let inspections = &mut self.state.kept.core.inspections;
        if inspections.next_deadline().is_some_and(|at| at <= step.now) {
            let changes = inspections.tick(step.now, &step.rulebook.plans);
            self.follow(changes, step);
        }
    }

    pub(super) fn change_plans(&mut self, step: &mut Step<'_>) {
        let changes = self.state.kept.core.inspections.plans_changed(step.now, &step.rulebook.plans);
        self.follow(changes, step);
    }

    pub(super) fn resume_inspections(&mut self, gap: Span, step: &mut Step<'_>) {
        let changes = self.state.kept.core.inspections.resumed(step.now, gap, &step.rulebook.plans);
        self.follow(changes, step);
    }

    pub(super) fn probe_result(&mut self, result: &ProbeResult, step: &mut Step<'_>) {
        let changes = self.state.kept.core.inspections.probe_result(step.now, result);
        self.follow(changes, step);
    }

    pub(super) fn start_run(&mut self, plan: &str, step: &mut Step<'_>) -> Result<Outcome, Refusal> {
        let known = step.rulebook.plans.get(plan);
        let plan = known.ok_or_else(|| Refusal::NotFound { what: format!("inspection plan {plan}") })?;
        let started = self.state.kept.core.inspections.start_now(step.now, plan);
        let (id, changes) = started.map_err(|not| Refusal::NotAllowed { reason: not.reason })?;
        self.follow(changes, step);
        Ok(self.run_outcome(id))
    }

    pub(super) fn run_command(
        &mut self,
        id: RunId,
        action: &RunAction,
        command: &Command,
        step: &mut Step<'_>,
    ) -> Result<Outcome, Refusal> {
        let now = step.now;
        let inspections = &mut self.state.kept.core.inspections;
        if let Some(run) = inspections.get(id) {
            super::command::same_version(command, run.version)?;
        }
        let changed = match action {
            RunAction::RecordItem { item, outcome, evidence, value } => {
                let report =
                    ItemReport { item: item.clone(), outcome: *outcome, evidence: evidence.clone(), value: *value };
                inspections.record_item(now, id, report, &command.actor)
            }
            RunAction::SignOff { .. } => inspections.sign_off(now, id, &command.actor),
            RunAction::Reject { reason } => inspections.reject(now, id, reason),
            RunAction::Skip { reason } => inspections.skip(now, id, reason, &step.rulebook.plans),
        };
        let changes = changed.map_err(|refused| match refused {
            RunRefusal::Unknown(id) => Refusal::NotFound { what: format!("inspection run {id}") },
            RunRefusal::NotAllowed(not) => Refusal::NotAllowed { reason: not.reason },
        })?;
        self.follow(changes, step);
        Ok(self.run_outcome(id))
    }

    fn run_outcome(&self, id: RunId) -> Outcome {
        let version = self.state.kept.core.inspections.get(id).map_or(0, |run| run.version);
        Outcome::Run { id, version }
    }

    /// Records, asks, counts and feeds back what the inspections said.
    fn follow(&mut self, changes: Vec<RunChange>, step: &mut Step<'_>) {
        for change in changes {
            match change {
                RunChange::Changed(id) => {
                    if let Some(run) = self.state.kept.core.inspections.get(id) {
                        step.effects.push(Effect::Run(Box::new(run.clone())));
                    }
                }
                RunChange::Probe(request) => step.effects.push(Effect::Probe(Box::new(request))),
                RunChange::Checked { outcome, .. } => step.count(Counted::ItemChecked { outcome }),
                RunChange::Ended { run, state } => {
                    step.count(Counted::RunEnded { state });
                    step.audit("inspections", "system", "run.end", &run.to_string(), state.as_str(), None);
                }
                RunChange::Found(finding) => {
                    // One finding an outage, however many runs it swallowed.
                    if finding.firing && finding.subject == Subject::Missed {
                        self.tell_of_missed(finding.run, step);
                    }
                    step.events.push(finding.to_event());
                }
            }
        }
    }

    fn tell_of_missed(&self, id: RunId, step: &mut Step<'_>) {
        let Some(run) = self.state.kept.core.inspections.get(id) else { return };
        let body = serde_json::to_string(run).unwrap_or_else(|_| "{}".to_owned());
        let kind = NoticeKind::InspectionMissed;
        step.tell_team(kind, &run.team, None, &id.to_string(), &missed_title(run), &body);
    }
}

fn missed_title(run: &Run) -> String {
    let reason = run.reason.as_deref().unwrap_or("not finished in its time");
    format!("{} missed: {} ({reason})", run.id, run.title)
}

/// The action and its words, as the audit keeps them.
pub(super) fn describe(action: &RunAction) -> (&'static str, String) {
    match action {
        RunAction::RecordItem { item, outcome, evidence, .. } => {
            ("record", format!("{item}: {} {evidence}", outcome.as_str()))
        }
        RunAction::SignOff { note } => ("sign_off", note.clone().unwrap_or_default()),
        RunAction::Reject { reason } => ("reject", reason.clone()),
        RunAction::Skip { reason } => ("skip", reason.clone()),
    }
}
