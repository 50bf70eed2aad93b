//! Problems past their review date climb the same ladders, by the same clock, as incidents do.
//!
//! A climb begins at the review date, at the step of the problem's team. Whatever a person does to the problem takes it;
//! a new review date, or its end, ends the climb. What an inspection finds, and a run that is late, unsigned or missed,
//! climbs too: its finding enters as an event and becomes an incident.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::engine::desk::escalation::transitions::LADDER;
use crate::core::engine::desk::notifications::managers::{NotificationDraft, send};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::engine::{Breach, Effect, Metric, NotificationKind};
use crate::core::escalation::{EscalationEvent, EscalationProgress, EscalationStart};
use crate::core::model::{Priority, ProblemId, TimeDelta, Timestamp};
use crate::core::problems::Problem;
use crate::core::rules::Recipient;

/// The ladder that reviews climb.
const REVIEW_LADDER: &str = "default";

/// A problem that waits for its review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::core::engine) struct Review {
    /// When it is due.
    due: Timestamp,
    /// From then on.
    climb: Option<EscalationProgress>,
}

impl Review {
    fn next_deadline(&self) -> Option<Timestamp> {
        self.climb.as_ref().map_or(Some(self.due), EscalationProgress::next_deadline)
    }

    /// Why nothing is armed; `None` while something is.
    pub fn unarmed(&self) -> Option<String> {
        self.climb.as_ref().and_then(EscalationProgress::unarmed)
    }
}

/// Problems that wait for their review.
pub(in crate::core::engine) type Reviews = BTreeMap<ProblemId, Review>;

pub(crate) fn next_deadline(reviews: &Reviews) -> Option<Timestamp> {
    reviews.values().filter_map(Review::next_deadline).min()
}

/// When somebody must have looked at it, if anybody must.
pub(crate) fn review_due(problem: &Problem) -> Option<Timestamp> {
    problem.review_by.filter(|_| problem.state.is_open())
}

impl Desk {
    /// Brings the reviews in line with the problems that this input has changed.
    pub(crate) fn follow_reviews(&mut self, step: &mut DeskContext<'_>) {
        let changed = step.effects[step.begin..].iter().filter_map(|effect| match effect {
            Effect::Problem(problem) => Some((problem.id, review_due(problem))),
            _ => None,
        });
        let changed: BTreeMap<ProblemId, Option<Timestamp>> = changed.collect();
        if changed.is_empty() {
            return;
        }
        let reviews = &mut self.state.kept.core.reviews;
        for (id, due) in changed {
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
        self.state.arm_reviews();
    }

    /// Somebody does something about a problem that is being climbed for: the step that was paged has it.
    pub(crate) fn take_review(&mut self, id: ProblemId, step: &DeskContext<'_>) {
        let review = self.state.kept.core.reviews.get_mut(&id);
        let Some(climb) = review.and_then(|review| review.climb.as_mut()) else { return };
        if let Some(ladder) = step.rulebook.ladder(&climb.ladder) {
            climb.acknowledge(step.now, ladder, &step.rulebook.calendars);
        }
        self.state.arm_reviews();
    }

    /// Serves every review that is due, in the order of the ids.
    pub(crate) fn serve_reviews(&mut self, step: &mut DeskContext<'_>) {
        while self.state.next_review.is_some_and(|at| at <= step.now) {
            let now = step.now;
            let reviews = &self.state.kept.core.reviews;
            let due: Vec<ProblemId> = reviews
                .iter()
                .filter(|(_, review)| review.next_deadline().is_some_and(|at| at <= now))
                .map(|(id, _)| *id)
                .collect();
            for id in due {
                self.serve_review(id, step);
            }
            self.state.arm_reviews();
        }
    }

    fn serve_review(&mut self, id: ProblemId, step: &mut DeskContext<'_>) {
        let staffing = self.staffing(step);
        let Some(problem) = self.state.kept.core.problems.get(id).cloned() else {
            self.state.kept.core.reviews.remove(&id);
            return;
        };
        let Some(review) = self.state.kept.core.reviews.get_mut(&id) else { return };
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
                let empty = crate::core::rules::EscalationPolicy {
                    name: REVIEW_LADDER.to_owned(),
                    steps: Vec::new(),
                    hierarchy: Vec::new(),
                };
                *climb = Some(EscalationProgress::silent(&empty, step.now, "there is no ladder to climb"));
                Vec::new()
            }
        };
        for one in moves {
            self.carry_out_review(&problem, one, step);
        }
    }

    fn carry_out_review(&self, problem: &Problem, one: EscalationEvent, step: &mut DeskContext<'_>) {
        let subject = problem.id.to_string();
        let mut audit = |action: &str, detail: String| step.audit(LADDER, "system", action, &subject, &detail, None);
        match one {
            EscalationEvent::Page => self.page_review(problem, "its review is due", step),
            EscalationEvent::PageAgain { reason } => self.page_review(problem, &reason, step),
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
                self.page_review(problem, &format!("tier {from} has not reviewed it"), step);
            }
            EscalationEvent::Tell { told, after, time, of } => {
                let why = format!("not reviewed for {after}, {time} of {of}");
                self.notify_review(problem, &told, NotificationKind::ManagersTold, &why, step);
                step.count(Metric::ManagersTold);
            }
        }
    }

    fn page_review(&self, problem: &Problem, why: &str, step: &mut DeskContext<'_>) {
        let review = self.state.kept.core.reviews.get(&problem.id);
        let Some(climb) = review.and_then(|review| review.climb.as_ref()) else { return };
        let told = Recipient::Team(climb.team.clone());
        self.notify_review(problem, &told, NotificationKind::ReviewDue, why, step);
    }

    fn notify_review(
        &self,
        problem: &Problem,
        told: &Recipient,
        kind: NotificationKind,
        why: &str,
        step: &mut DeskContext<'_>,
    ) {
        let review = self.state.kept.core.reviews.get(&problem.id);
        let climb = review.and_then(|review| review.climb.as_ref());
        let ladder = step.rulebook.ladder(REVIEW_LADDER);
        let body = serde_json::to_string(problem).unwrap_or_else(|_| "{}".to_owned());
        let telling = NotificationDraft {
            kind,
            subject: problem.id.to_string(),
            tier: climb.zip(ladder).map(|(climb, ladder)| climb.tier(ladder)),
            title: format!("{} 评审到期: {} ({why})", problem.id, problem.title),
            body: &body,
        };
        let reached = send(told, &telling, step);
        let detail = format!("{told}: {why} ({reached} channel(s))");
        step.audit(LADDER, "system", "problem.page", &problem.id.to_string(), &detail, None);
    }
}

impl DeskState {
    pub(crate) fn arm_reviews(&mut self) {
        self.next_review = next_deadline(&self.kept.core.reviews);
    }
}
