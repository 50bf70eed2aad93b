//! What a move on a ladder means: who is told, timeline, counts.

use super::{Desk, Step};
use crate::engine::{Breach, Counted, NoticeKind};
use crate::incidents::TimelineKind;
use crate::model::IncidentId;
use crate::tiers::Move;

/// The actor of what the ladder does by itself.
pub(super) const LADDER: &str = "ladder";

impl Desk {
    /// Carries out the moves of one incident's climb, in order.
    pub(super) fn carry_out(&mut self, id: IncidentId, moves: Vec<Move>, step: &mut Step<'_>) {
        for one in moves {
            match one {
                Move::Page => self.tell(id, NoticeKind::Page, "first page", step),
                Move::PageAgain { reason } => self.tell(id, NoticeKind::PageAgain, &reason, step),
                Move::RespondByMissed { tier } => self.breach(id, Breach::RespondBy, tier, step),
                Move::ResolveByMissed { tier } => self.breach(id, Breach::ResolveBy, tier, step),
                Move::Skipped { tier, team: _, reason } => {
                    let text = format!("tier {tier} skipped: {reason}");
                    step.timeline(id, TimelineKind::StepSkipped, LADDER, text);
                }
                Move::Climbed { from, to } => {
                    self.take_team(id, step);
                    if let Some(incident) = self.state.get_mut(id) {
                        incident.record.escalations += 1;
                        incident.record.acknowledged = false;
                    }
                    step.timeline(id, TimelineKind::Escalated, LADDER, format!("from tier {from} to tier {to}"));
                    step.count(Counted::Escalated { from, to });
                    self.tell(id, NoticeKind::Escalated, &format!("handed on from tier {from}"), step);
                }
            }
        }
        step.touch(id);
    }

    /// Writes the present step's tier and team into the record.
    pub(super) fn take_team(&mut self, id: IncidentId, step: &Step<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        let ladder = step.rulebook.ladder(&incident.climb.ladder);
        if let Some(rung) = ladder.and_then(|ladder| ladder.steps.get(incident.climb.step as usize)) {
            incident.record.tier = rung.tier;
            incident.record.team = rung.team.clone();
        }
    }

    fn breach(&mut self, id: IncidentId, what: Breach, tier: crate::model::Tier, step: &mut Step<'_>) {
        if let Some(incident) = self.state.get_mut(id) {
            incident.record.breached = true;
        }
        let (name, meaning) = match what {
            Breach::RespondBy => ("respond-by", "nobody acknowledged in time"),
            Breach::ResolveBy => ("resolve-by", "it was not resolved in time"),
        };
        step.timeline(id, TimelineKind::Breached, LADDER, format!("{name} of tier {tier} passed: {meaning}"));
        step.count(Counted::Breached { tier, what });
    }
}
