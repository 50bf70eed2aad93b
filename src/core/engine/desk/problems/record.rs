//! The record of a problem, written as it stands.

use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{CommandRefusal, Effect, RecordChange};
use crate::core::incidents::TimelineKind;
use crate::core::model::{IncidentId, ProblemId};
use crate::core::problems::ProblemRefusal;

/// Writes a problem that changed; its review may be due at another time now.
pub fn write(desk: &DeskState, id: ProblemId, step: &mut DeskContext<'_>) {
    if let Some(problem) = desk.kept.core.problems.get(id) {
        step.effects.push(Effect::Record(RecordChange::Problem(Box::new(problem.as_ref().clone()))));
        step.reviewed.insert(id);
    }
}

pub fn link_incident(desk: &mut DeskState, incident: IncidentId, problem: ProblemId, step: &mut DeskContext<'_>) {
    // An old incident may have left the memory; its row keeps what it said.
    let Some(linked) = desk.get_mut(incident) else { return };
    if linked.record.problem == Some(problem) {
        return;
    }
    linked.record.problem = Some(problem);
    step.timeline(incident, TimelineKind::ProblemLinked, "problems", format!("belongs to {problem}"));
    step.touch(incident);
}

pub fn refused(refusal: ProblemRefusal) -> CommandRefusal {
    match refusal {
        ProblemRefusal::Unknown(id) => not_found(id),
        ProblemRefusal::NotAllowed(not) => CommandRefusal::NotAllowed { reason: not.reason },
    }
}

pub fn not_found(id: ProblemId) -> CommandRefusal {
    CommandRefusal::NotFound { what: format!("problem {id}") }
}
