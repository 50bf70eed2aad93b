//! Episodes become problems, problems lend their workaround to the next incident, and second line works on them.

use crate::core::engine::desk::command::same_version;
use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::engine::{Command, CommandRefusal, Effect, Metric, NotificationKind, Outcome, ProblemAction};
use crate::core::incidents::TimelineKind;
use crate::core::model::{IncidentId, ProblemId, Tier};
use crate::core::problems::{
    Description, IncidentSummary, Problem, ProblemChange, ProblemRefusal, ProblemState, Regrouped,
};

impl Desk {
    /// An incident opened or came back: one more repeat of its fingerprint.
    pub(crate) fn count_episode(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.get(id) else { return };
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
        let change = self.state.kept.core.problems.incident_opened(step.now, &facts, &step.rulebook.problems);
        match change {
            None => {}
            Some(ProblemChange::Opened { problem, incidents }) => {
                for incident in incidents {
                    self.link_problem(incident, problem, step);
                }
                step.count(Metric::ProblemOpened);
                step.audit("problems", "system", "problem.open", &problem.to_string(), "", None);
                self.write_problem(problem, step);
                self.tell_of_problem(problem, step);
            }
            Some(ProblemChange::Linked { problem, incident }) => {
                self.link_problem(incident, problem, step);
                self.write_problem(problem, step);
                self.compare_problem(problem, incident, step);
            }
            Some(ProblemChange::CameBack { problem, incident, was }) => {
                self.link_problem(incident, problem, step);
                let text = format!("{problem} was {}: its fix did not hold, it is investigated again", was.as_str());
                step.timeline(incident, TimelineKind::ProblemLinked, "problems", text);
                step.count(Metric::ProblemReopened);
                step.audit(
                    "recurrence",
                    "system",
                    "problem.reopen",
                    &problem.to_string(),
                    &text_of(incident, was),
                    None,
                );
                self.write_problem(problem, step);
                self.compare_problem(problem, incident, step);
                self.tell_every_tier(problem, incident, step);
            }
        }
    }

    /// Shows a known error's workaround on an incident that just opened.
    pub(crate) fn offer_workaround(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.kept.incidents.get_mut(&id) else { return };
        let Some(known) = self.state.kept.core.problems.known_error_for(incident.record.fingerprint) else { return };
        incident.record.workaround = Some(known.workaround.to_owned());
        let text = format!("known error {}: {}", known.problem, known.workaround);
        step.timeline(id, TimelineKind::WorkaroundOffered, "problems", text);
    }

    /// An incident was resolved: what it was an episode of ends there.
    pub(crate) fn end_episode(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let Some(cause) = self.state.get(id).map(|incident| incident.record.fingerprint) else { return };
        if let Some(problem) = self.state.kept.core.problems.incident_ended(step.now, id, cause) {
            self.write_problem(problem, step);
        }
    }

    pub(crate) fn problem_command(
        &mut self,
        id: ProblemId,
        action: &ProblemAction,
        command: &Command,
        step: &mut DeskContext<'_>,
    ) -> Result<Outcome, CommandRefusal> {
        let current = self.state.kept.core.problems.get(id).ok_or_else(|| not_found(id))?.version;
        same_version(command, current)?;
        let actor = command.actor.as_str();
        match action {
            ProblemAction::Merge { into, reason } => {
                let regrouped = self.state.kept.core.problems.merge(step.now, id, *into, reason, actor);
                self.regrouped(regrouped.map_err(refused)?, step);
            }
            ProblemAction::Split { incidents, reason } => {
                let regrouped = self.state.kept.core.problems.split(step.now, id, incidents, reason, actor);
                let regrouped = regrouped.map_err(refused)?;
                let why = format!("split off {id}");
                step.audit("problems", "system", "problem.open", &regrouped.to.to_string(), &why, None);
                self.regrouped(regrouped, step);
            }
            ProblemAction::Comment { .. }
            | ProblemAction::Own { .. }
            | ProblemAction::Move { .. }
            | ProblemAction::Describe { .. }
            | ProblemAction::LinkIncident { .. }
            | ProblemAction::Accept
            | ProblemAction::Reject { .. }
            | ProblemAction::Review { .. } => self.edit_problem(id, action, actor, step)?,
        }
        let version = self.state.kept.core.problems.get(id).map_or(current, |problem| problem.version);
        Ok(Outcome::Problem { id, version })
    }

    fn edit_problem(
        &mut self,
        id: ProblemId,
        action: &ProblemAction,
        actor: &str,
        step: &mut DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        let now = step.now;
        if let ProblemAction::LinkIncident { incident } = action
            && self.state.get(*incident).is_none()
        {
            return Err(CommandRefusal::NotFound { what: format!("incident {incident}") });
        }
        let problems = &mut self.state.kept.core.problems;
        let edit = match action {
            ProblemAction::Comment { text } => problems.comment(now, id, text, actor),
            ProblemAction::Own { owner } => problems.own(now, id, owner),
            ProblemAction::Move { to, reason } => problems.move_to(now, id, *to, reason.as_deref(), actor),
            ProblemAction::Describe { root_cause, workaround, fix, change } => {
                let texts = Description {
                    root_cause: root_cause.as_deref(),
                    workaround: workaround.as_deref(),
                    fix: fix.as_deref(),
                    change: change.as_deref(),
                };
                problems.describe(now, id, &texts)
            }
            ProblemAction::LinkIncident { incident } => problems.link(now, id, *incident),
            ProblemAction::Accept => problems.accept(now, id, actor),
            ProblemAction::Reject { reason } => problems.reject(now, id, reason, actor),
            ProblemAction::Review { note } => problems.review(now, id, note, actor),
            // They change two problems: see `problem_command`.
            ProblemAction::Merge { .. } | ProblemAction::Split { .. } => return Ok(()),
        };
        let edit = edit.map_err(refused)?;
        if let ProblemAction::LinkIncident { incident } = action {
            self.link_problem(*incident, id, step);
        }
        if edit.published {
            self.publish_workaround(id, step);
        }
        self.write_problem(id, step);
        Ok(())
    }

    /// After a merge or a split: incidents say where they belong now, and see that problem's workaround.
    fn regrouped(&mut self, regrouped: Regrouped, step: &mut DeskContext<'_>) {
        for incident in &regrouped.moved {
            self.link_problem(*incident, regrouped.to, step);
        }
        self.publish_workaround(regrouped.to, step);
        for problem in regrouped.problems {
            self.write_problem(problem, step);
        }
    }

    /// First line tried the workaround: counted on the problem that offered it.
    pub(crate) fn workaround_tried(
        &mut self,
        id: IncidentId,
        (helped, note): (bool, Option<&str>),
        actor: &str,
        step: &mut DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        let refuse = |reason: String| CommandRefusal::NotAllowed { reason };
        let Some(record) = self.state.get(id).map(|incident| &incident.record) else { return Ok(()) };
        let (Some(problem), Some(_)) = (record.problem, &record.workaround) else {
            return Err(refuse(format!("cannot say whether a workaround helped with {id}: it was offered none")));
        };
        self.state.kept.core.problems.tried(step.now, problem, helped).map_err(refused)?;
        let note = note.map(|note| format!(": {note}")).unwrap_or_default();
        let verdict = if helped { "helped" } else { "did not help" };
        step.timeline(id, TimelineKind::WorkaroundTried, actor, format!("the workaround of {problem} {verdict}{note}"));
        step.count(Metric::WorkaroundTried { helped });
        self.write_problem(problem, step);
        Ok(())
    }

    /// One fault, split over several incidents, counts once.
    pub(crate) fn found_during(
        &mut self,
        id: IncidentId,
        of: IncidentId,
        actor: &str,
        step: &mut DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        let refuse =
            |why: &str| CommandRefusal::NotAllowed { reason: format!("cannot link {id} as found during {of}: {why}") };
        let Some(other) = self.state.get(of) else {
            return Err(CommandRefusal::NotFound { what: format!("incident {of}") });
        };
        // Links lead to the fault's first incident, never in a chain or a ring.
        let root = other.record.found_during.unwrap_or(of);
        if root == id {
            return Err(refuse("that one was found during this"));
        }
        if self.state.incidents_found_during(id) {
            return Err(refuse("others were found during it; link them first"));
        }
        let Some(incident) = self.state.get_mut(id) else { return Ok(()) };
        if incident.record.found_during.is_some() {
            return Err(refuse("it is linked already"));
        }
        incident.record.found_during = Some(root);
        let cause = incident.record.fingerprint;
        step.timeline(id, TimelineKind::FoundDuring, actor, format!("a piece of {root}'s fault: counted there"));
        if let Some(problem) = self.state.kept.core.problems.found_during(step.now, id, cause) {
            self.write_problem(problem, step);
        }
        Ok(())
    }

    fn link_problem(&mut self, incident: IncidentId, problem: ProblemId, step: &mut DeskContext<'_>) {
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
    fn publish_workaround(&mut self, id: ProblemId, step: &mut DeskContext<'_>) {
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

    fn write_problem(&self, id: ProblemId, step: &mut DeskContext<'_>) {
        if let Some(problem) = self.state.kept.core.problems.get(id) {
            step.effects.push(Effect::Problem(Box::new(problem.as_ref().clone())));
        }
    }

    /// Hands it to the second line's channels.
    fn tell_of_problem(&self, id: ProblemId, step: &mut DeskContext<'_>) {
        let Some(problem) = self.state.kept.core.problems.get(id) else { return };
        let title = format!("{id} {}: {}", problem.title, problem.reason);
        tell(problem, NotificationKind::ProblemOpened, &title, &[(problem.team.clone(), Tier::Second)], step);
    }

    /// A fix did not hold: every tier on the incident's ladder hears of it, and the problem's own team.
    fn tell_every_tier(&self, id: ProblemId, incident: IncidentId, step: &mut DeskContext<'_>) {
        let Some(problem) = self.state.kept.core.problems.get(id) else { return };
        let ladder = self.state.get(incident).and_then(|one| step.rulebook.ladder(&one.climb.ladder));
        let mut teams: Vec<(String, Tier)> = Vec::new();
        let vendor = self.staffing_of(incident, step).vendor.ok();
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
}

fn tell(problem: &Problem, kind: NotificationKind, title: &str, teams: &[(String, Tier)], step: &mut DeskContext<'_>) {
    let body = serde_json::to_string(problem).unwrap_or_else(|_| "{}".to_owned());
    for (team, tier) in teams {
        step.tell_team(kind, team, Some(*tier), &problem.id.to_string(), title, &body);
    }
}

fn text_of(incident: IncidentId, was: ProblemState) -> String {
    format!("{incident} came back while it was {}", was.as_str())
}

fn refused(refusal: ProblemRefusal) -> CommandRefusal {
    match refusal {
        ProblemRefusal::Unknown(id) => not_found(id),
        ProblemRefusal::NotAllowed(not) => CommandRefusal::NotAllowed { reason: not.reason },
    }
}

fn not_found(id: ProblemId) -> CommandRefusal {
    CommandRefusal::NotFound { what: format!("problem {id}") }
}

/// The action and its words, as the audit keeps them.
pub(crate) fn describe(action: &ProblemAction) -> (&'static str, String) {
    match action {
        ProblemAction::Comment { text } => ("comment", text.clone()),
        ProblemAction::Own { owner } => ("own", owner.clone()),
        ProblemAction::Move { to, reason } => {
            ("move", format!("to {}: {}", to.as_str(), reason.as_deref().unwrap_or("no reason given")))
        }
        ProblemAction::Describe { root_cause, workaround, fix, change } => {
            let part = |name: &str, text: &Option<String>| text.as_ref().map(|text| format!("{name}: {text}"));
            let parts = [
                part("root cause", root_cause),
                part("workaround", workaround),
                part("fix", fix),
                part("change", change),
            ];
            ("describe", parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
        }
        ProblemAction::LinkIncident { incident } => ("link", incident.to_string()),
        ProblemAction::Accept => ("accept", String::new()),
        ProblemAction::Reject { reason } => ("reject", reason.clone()),
        ProblemAction::Merge { into, reason } => ("merge", format!("into {into}: {reason}")),
        ProblemAction::Split { incidents, reason } => {
            let ids: Vec<String> = incidents.iter().map(ToString::to_string).collect();
            ("split", format!("{}: {reason}", ids.join(" ")))
        }
        ProblemAction::Review { note } => ("review", note.clone()),
    }
}
