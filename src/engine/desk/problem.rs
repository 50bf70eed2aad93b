//! Episodes become problems, problems lend their workaround to the next incident, and second line works on them.

use super::command::same_version;
use super::{Desk, Step};
use crate::engine::{Command, Counted, Effect, NoticeKind, Outcome, ProblemAction, Refusal};
use crate::incidents::TimelineKind;
use crate::model::{IncidentId, ProblemId, Tier};
use crate::problems::{Facts, ProblemChange, ProblemRefusal};

impl Desk {
    /// An incident opened or came back: one more repeat of its fingerprint.
    pub(super) fn count_episode(&mut self, id: IncidentId, step: &mut Step<'_>) {
        let Some(incident) = self.state.get(id) else { return };
        let record = &incident.record;
        let facts = Facts {
            incident: id,
            fingerprint: record.fingerprint,
            rule: record.rule.clone(),
            key: record.key.clone(),
            labels: record.labels.clone(),
            title: record.title.clone(),
            counts_for_recurrence: incident.recurs,
        };
        let change = self.state.kept.core.problems.incident_opened(step.now, &facts, &step.rulebook.problems);
        match change {
            None => {}
            Some(ProblemChange::Opened { problem, incidents }) => {
                for incident in incidents {
                    self.link_problem(incident, problem, step);
                }
                step.count(Counted::ProblemOpened);
                step.audit("problems", "system", "problem.open", &problem.to_string(), "", None);
                self.write_problem(problem, step);
                self.tell_of_problem(problem, step);
            }
            Some(ProblemChange::Linked { problem, incident }) => {
                self.link_problem(incident, problem, step);
                self.write_problem(problem, step);
            }
            Some(ProblemChange::RecurredWhileObserving { problem, incident }) => {
                self.link_problem(incident, problem, step);
                let text = format!("{problem} was being observed: its fix did not hold, it is investigated again");
                step.timeline(incident, TimelineKind::ProblemLinked, "problems", text);
                self.write_problem(problem, step);
                self.tell_every_tier(problem, incident, step);
            }
        }
    }

    /// Shows a known error's workaround on an incident that just opened.
    pub(super) fn offer_workaround(&mut self, id: IncidentId, step: &mut Step<'_>) {
        let Some(incident) = self.state.kept.incidents.get_mut(&id) else { return };
        let Some(known) = self.state.kept.core.problems.known_error_for(incident.record.fingerprint) else { return };
        incident.record.workaround = Some(known.workaround.to_owned());
        let text = format!("known error {}: {}", known.problem, known.workaround);
        step.timeline(id, TimelineKind::WorkaroundOffered, "problems", text);
    }

    pub(super) fn problem_command(
        &mut self,
        id: ProblemId,
        action: &ProblemAction,
        command: &Command,
        step: &mut Step<'_>,
    ) -> Result<Outcome, Refusal> {
        let now = step.now;
        let problems = &mut self.state.kept.core.problems;
        let current = problems.get(id).ok_or_else(|| not_found(id))?.version;
        same_version(command, current)?;
        let edit = match action {
            ProblemAction::Comment { text } => problems.comment(now, id, text, &command.actor),
            ProblemAction::Own { owner } => problems.own(now, id, owner),
            ProblemAction::Move { to, reason } => problems.move_to(now, id, *to, reason.as_deref(), &command.actor),
            ProblemAction::Describe { root_cause, workaround, fix } => {
                problems.describe(now, id, root_cause.as_deref(), workaround.as_deref(), fix.as_deref())
            }
            ProblemAction::LinkIncident { incident } => {
                if self.state.get(*incident).is_none() {
                    return Err(Refusal::NotFound { what: format!("incident {incident}") });
                }
                self.state.kept.core.problems.link(now, id, *incident)
            }
        };
        let edit = edit.map_err(|refused| match refused {
            ProblemRefusal::Unknown(id) => not_found(id),
            ProblemRefusal::NotAllowed(not) => Refusal::NotAllowed { reason: not.reason },
        })?;
        if let ProblemAction::LinkIncident { incident } = action {
            self.link_problem(*incident, id, step);
        }
        if edit.published {
            self.publish_workaround(id, step);
        }
        self.write_problem(id, step);
        let version = self.state.kept.core.problems.get(id).map_or(current, |problem| problem.version);
        Ok(Outcome::Problem { id, version })
    }

    fn link_problem(&mut self, incident: IncidentId, problem: ProblemId, step: &mut Step<'_>) {
        // An old incident may have left the memory; its row keeps what it said.
        let Some(linked) = self.state.get_mut(incident) else { return };
        if linked.record.problem == Some(problem) {
            return;
        }
        linked.record.problem = Some(problem);
        step.timeline(incident, TimelineKind::ProblemLinked, "problems", format!("belongs to {problem}"));
        step.touch(incident);
    }

    /// A workaround was published or withdrawn: the open incidents of its cause show it.
    fn publish_workaround(&mut self, id: ProblemId, step: &mut Step<'_>) {
        let Some(problem) = self.state.kept.core.problems.get(id).cloned() else { return };
        let workaround = problem.published_workaround();
        for incident in &problem.incidents {
            let Some(open) = self.state.get_mut(*incident).filter(|one| one.record.state.is_open()) else { continue };
            open.record.workaround = workaround.map(str::to_owned);
            if let Some(text) = workaround {
                let text = format!("known error {id}: {text}");
                step.timeline(*incident, TimelineKind::WorkaroundOffered, "problems", text);
            }
            step.touch(*incident);
        }
    }

    fn write_problem(&self, id: ProblemId, step: &mut Step<'_>) {
        if let Some(problem) = self.state.kept.core.problems.get(id) {
            step.effects.push(Effect::Problem(Box::new(problem.as_ref().clone())));
        }
    }

    /// Hands it to the second line's channels.
    fn tell_of_problem(&self, id: ProblemId, step: &mut Step<'_>) {
        let Some(problem) = self.state.kept.core.problems.get(id) else { return };
        let body = serde_json::to_string(problem.as_ref()).unwrap_or_else(|_| "{}".to_owned());
        let title = format!("{id} {}: {}", problem.title, problem.reason);
        let (team, subject) = (problem.team.as_str(), id.to_string());
        step.tell_team(NoticeKind::ProblemOpened, team, Some(Tier::Second), &subject, &title, &body);
    }
}

fn not_found(id: ProblemId) -> Refusal {
    Refusal::NotFound { what: format!("problem {id}") }
}

/// The action and its words, as the audit keeps them.
pub(super) fn describe(action: &ProblemAction) -> (&'static str, String) {
    match action {
        ProblemAction::Comment { text } => ("comment", text.clone()),
        ProblemAction::Own { owner } => ("own", owner.clone()),
        ProblemAction::Move { to, reason } => {
            ("move", format!("to {}: {}", to.as_str(), reason.as_deref().unwrap_or("no reason given")))
        }
        ProblemAction::Describe { root_cause, workaround, fix } => {
            let part = |name: &str, text: &Option<String>| text.as_ref().map(|text| format!("{name}: {text}"));
            let parts = [part("root cause", root_cause), part("workaround", workaround), part("fix", fix)];
            ("describe", parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
        }
        ProblemAction::LinkIncident { incident } => ("link", incident.to_string()),
    }
}
