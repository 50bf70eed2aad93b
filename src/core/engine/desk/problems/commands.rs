//! What second line does about a problem.

use super::{episodes, record};
use crate::core::engine::desk::context::{DeskContext, same_version};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{Command, CommandRefusal, Outcome, ProblemAction};
use crate::core::incidents::TimelineKind;
use crate::core::model::ProblemId;
use crate::core::problems::{Description, Regrouped};

pub fn problem_command(
    desk: &mut DeskState,
    id: ProblemId,
    action: &ProblemAction,
    command: &Command,
    step: &mut DeskContext<'_>,
) -> Result<Outcome, CommandRefusal> {
    let current = desk.kept.core.problems.get(id).ok_or_else(|| record::not_found(id))?.version;
    same_version(command, current)?;
    let actor = command.actor.as_str();
    match action {
        ProblemAction::Merge { into, reason } => {
            let regrouped = desk.kept.core.problems.merge(step.now, id, *into, reason, actor);
            follow_regrouping(desk, regrouped.map_err(record::refused)?, step);
        }
        ProblemAction::Split { incidents, reason } => {
            let regrouped = desk.kept.core.problems.split(step.now, id, incidents, reason, actor);
            let regrouped = regrouped.map_err(record::refused)?;
            let why = format!("split off {id}");
            episodes::opened(regrouped.to, &why, step);
            follow_regrouping(desk, regrouped, step);
        }
        ProblemAction::Comment { .. }
        | ProblemAction::Own { .. }
        | ProblemAction::Move { .. }
        | ProblemAction::Describe { .. }
        | ProblemAction::LinkIncident { .. }
        | ProblemAction::Accept
        | ProblemAction::Reject { .. }
        | ProblemAction::Review { .. } => edit_problem(desk, id, action, actor, step)?,
    }
    let version = desk.kept.core.problems.get(id).map_or(current, |problem| problem.version);
    Ok(Outcome::Problem { id, version })
}

fn edit_problem(
    desk: &mut DeskState,
    id: ProblemId,
    action: &ProblemAction,
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    let now = step.now;
    if let ProblemAction::LinkIncident { incident } = action
        && desk.get(*incident).is_none()
    {
        return Err(CommandRefusal::NotFound { what: format!("incident {incident}") });
    }
    let problems = &mut desk.kept.core.problems;
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
    let edit = edit.map_err(record::refused)?;
    if let ProblemAction::LinkIncident { incident } = action {
        record::link_incident(desk, *incident, id, step);
    }
    if edit.published {
        publish_workaround(desk, id, step);
    }
    record::write(desk, id, step);
    Ok(())
}

/// After a merge or a split: incidents say where they belong now, and see that problem's workaround.
fn follow_regrouping(desk: &mut DeskState, regrouped: Regrouped, step: &mut DeskContext<'_>) {
    for incident in &regrouped.moved {
        record::link_incident(desk, *incident, regrouped.to, step);
    }
    publish_workaround(desk, regrouped.to, step);
    for problem in regrouped.problems {
        record::write(desk, problem, step);
    }
}

/// A workaround was published or withdrawn: the open incidents of its cause show it.
fn publish_workaround(desk: &mut DeskState, id: ProblemId, step: &mut DeskContext<'_>) {
    let Some(problem) = desk.kept.core.problems.get(id).cloned() else { return };
    let workaround = problem.published_workaround();
    for incident in &problem.incidents {
        let Some(open) = desk.get_mut(*incident).filter(|one| one.record.state.is_open()) else { continue };
        open.record.workaround = workaround.map(str::to_owned);
        if let Some(text) = workaround {
            let text = format!("known error {id}: {text}");
            step.timeline(*incident, TimelineKind::WorkaroundOffered, "problems", text);
        }
        step.touch(*incident);
    }
}

/// The action and its words, as the audit keeps them.
pub fn describe(action: &ProblemAction) -> (&'static str, String) {
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
