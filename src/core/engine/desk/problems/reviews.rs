//! Problems past their review date climb the same ladders, by the same clock, as incidents do.
//!
//! A climb begins at the review date, at the step of the problem's team. Whatever a person does to the problem takes it;
//! a new review date, or its end, ends the climb. What an inspection finds, and a run that is late, unsigned or missed,
//! climbs too: its finding enters as an event and becomes an incident.

use super::review_state::{Review, review_due};
use crate::core::engine::desk::availability;
use crate::core::engine::desk::context::{DeskContext, LADDER};
use crate::core::engine::desk::notifications::managers;

use crate::core::engine::desk::notifications::managers::ManagerDraft;
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::notification::NotificationKind;
use crate::core::engine::{Breach, Metric};
use crate::core::escalation::{EscalationEvent, EscalationProgress, EscalationStart};
use crate::core::model::{Priority, ProblemId, TimeDelta};
use crate::core::problems::Problem;
use crate::core::rules::{EscalationPolicy, Recipient};

/// The ladder that reviews climb.
const REVIEW_LADDER: &str = "default";

/// Brings the reviews in line with the problems that this input has changed.
pub fn follow_reviews(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    let changed = std::mem::take(&mut step.reviewed);
    if changed.is_empty() {
        return;
    }
    for id in changed {
        let due = desk.kept.core.problems.get(id).and_then(|problem| review_due(problem));
        let reviews = &mut desk.kept.core.reviews;
        match (due, reviews.get(&id).map(|review| review.due)) {
            (Some(due), known) if known != Some(due) => {
                reviews.insert(id, Review { due, climb: None });
            }
            (Some(_), _) => {}
            (None, _) => {
                reviews.remove(&id);
            }
        }
    }
    desk.arm_reviews();
}

/// Somebody does something about a problem that is being climbed for: the step that was paged has it.
pub fn take_review(desk: &mut DeskState, id: ProblemId, step: &DeskContext<'_>) {
    let review = desk.kept.core.reviews.get_mut(&id);
    let Some(climb) = review.and_then(|review| review.climb.as_mut()) else { return };
    if let Some(ladder) = step.rulebook.ladder(&climb.ladder) {
        climb.acknowledge(step.now, ladder, &step.rulebook.calendars);
    }
    desk.arm_reviews();
}

/// Serves every review that is due, in the order of the ids.
pub fn serve_reviews(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    while desk.next_review.is_some_and(|at| at <= step.now) {
        let now = step.now;
        let reviews = &desk.kept.core.reviews;
        let due: Vec<ProblemId> = reviews
            .iter()
            .filter(|(_, review)| review.next_deadline().is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            serve_review(desk, id, step);
        }
        desk.arm_reviews();
    }
}

fn serve_review(desk: &mut DeskState, id: ProblemId, step: &mut DeskContext<'_>) {
    let staffing = availability::staffing(step);
    let Some(problem) = desk.kept.core.problems.get(id).cloned() else {
        desk.kept.core.reviews.remove(&id);
        return;
    };
    let Some(review) = desk.kept.core.reviews.get_mut(&id) else { return };
    let moves = match (&mut review.climb, step.rulebook.ladder(REVIEW_LADDER)) {
        (Some(climb), Some(ladder)) => climb.tick(step.now, ladder, &staffing),
        (None, Some(ladder)) => {
            let start = EscalationStart {
                now: step.now,
                settle: TimeDelta::ZERO,
                priority: Priority::P3,
                team: Some(&problem.team),
            };
            let (climb, moves) = EscalationProgress::start(ladder, &staffing, start);
            review.climb = Some(climb);
            moves
        }
        (climb, None) => {
            let empty = EscalationPolicy { name: REVIEW_LADDER.to_owned(), steps: Vec::new(), hierarchy: Vec::new() };
            *climb = Some(EscalationProgress::silent(&empty, step.now, "there is no ladder to climb"));
            Vec::new()
        }
    };
    for one in moves {
        carry_out_review(desk, &problem, one, step);
    }
}

fn carry_out_review(desk: &DeskState, problem: &Problem, one: EscalationEvent, step: &mut DeskContext<'_>) {
    let subject = problem.id.to_string();
    let mut audit = |action: &str, detail: String| step.audit(LADDER, "system", action, &subject, &detail, None);
    match one {
        EscalationEvent::Page => page_review(desk, problem, "its review is due", step),
        EscalationEvent::PageAgain { reason } => page_review(desk, problem, &reason, step),
        EscalationEvent::RespondByMissed { tier } => {
            audit("problem.breach", format!("nobody of tier {tier} has looked at it in time"));
            step.count(Metric::Breached { tier, what: Breach::RespondBy });
        }
        EscalationEvent::ResolveByMissed { tier } => {
            audit("problem.breach", format!("tier {tier} has not finished its review in time"));
            step.count(Metric::Breached { tier, what: Breach::ResolveBy });
        }
        EscalationEvent::Skipped { tier, team: _, reason } => {
            audit("problem.skip", format!("tier {tier} skipped: {reason}"));
        }
        EscalationEvent::Climbed { from, to, demands: _ } | EscalationEvent::HandedBack { from, to } => {
            audit("problem.escalate", format!("its review goes from tier {from} to tier {to}"));
            step.count(Metric::Escalated { from, to });
            page_review(desk, problem, &format!("tier {from} has not reviewed it"), step);
        }
        EscalationEvent::Tell { told, after, time, of } => {
            let why = format!("not reviewed for {after}, {time} of {of}");
            notify_review(desk, problem, &told, NotificationKind::ManagersTold, &why, step);
            step.count(Metric::ManagersTold);
        }
    }
}

fn page_review(desk: &DeskState, problem: &Problem, why: &str, step: &mut DeskContext<'_>) {
    let review = desk.kept.core.reviews.get(&problem.id);
    let Some(climb) = review.and_then(|review| review.climb.as_ref()) else { return };
    let told = Recipient::Team(climb.team.clone());
    notify_review(desk, problem, &told, NotificationKind::ReviewDue, why, step);
}

fn notify_review(
    desk: &DeskState,
    problem: &Problem,
    told: &Recipient,
    kind: NotificationKind,
    why: &str,
    step: &mut DeskContext<'_>,
) {
    let review = desk.kept.core.reviews.get(&problem.id);
    let climb = review.and_then(|review| review.climb.as_ref());
    let ladder = step.rulebook.ladder(REVIEW_LADDER);
    let body = serde_json::to_string(problem).unwrap_or_else(|_| "{}".to_owned());
    let telling = ManagerDraft {
        kind,
        subject: problem.id.to_string(),
        tier: climb.zip(ladder).map(|(climb, ladder)| climb.tier(ladder)),
        title: format!("{} 评审到期: {} ({why})", problem.id, problem.title),
        body: &body,
    };
    let reached = managers::send(told, &telling, step);
    let detail = format!("{told}: {why} ({reached} channel(s))");
    step.audit(LADDER, "system", "problem.page", &problem.id.to_string(), &detail, None);
}
