//! What a move on a ladder means: notices to a team's channels, timeline, counts.

use super::{Desk, Step};
use crate::engine::{Breach, Counted, Effect, Notice, NoticeKind};
use crate::incidents::TimelineKind;
use crate::model::IncidentId;
use crate::tiers::Move;

/// The actor of what the ladder does by itself.
const LADDER: &str = "ladder";

impl Desk {
    /// Carries out the moves of one incident's climb, in order.
    pub(super) fn carry_out(&mut self, id: IncidentId, moves: Vec<Move>, step: &mut Step<'_>) {
        for one in moves {
            match one {
                Move::Page => self.page(id, NoticeKind::Page, "first page", step),
                Move::PageAgain { reason } => self.page(id, NoticeKind::PageAgain, &reason, step),
                Move::RespondByMissed { tier } => self.breach(id, Breach::RespondBy, tier, step),
                Move::ResolveByMissed { tier } => self.breach(id, Breach::ResolveBy, tier, step),
                Move::Skipped { tier, team } => {
                    let text = format!("tier {tier} skipped: nobody is in the team {team}");
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
                    self.page(id, NoticeKind::Escalated, &format!("handed on from tier {from}"), step);
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

    /// One notice a channel of the present team.
    pub(super) fn page(&mut self, id: IncidentId, kind: NoticeKind, why: &str, step: &mut Step<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        if kind != NoticeKind::Resolved {
            let priority = incident.record.priority;
            incident.paged = Some(incident.paged.map_or(priority, |paged| paged.min(priority)));
        }
        let record = &incident.record;
        let (team, tier) = (record.team.clone(), record.tier);
        let title = format!("[{} tier {}] {} {}", record.priority, tier, record.id, record.title);
        // The record is plain data of our own; if it ever could not be written, the title still says what is wrong.
        let body = serde_json::to_string(record).unwrap_or_else(|_| "{}".to_owned());
        let channels = step.rulebook.teams.get(&team).map(|team| team.channels.clone()).unwrap_or_default();
        let reached = channels.len();
        for channel in channels {
            let notice = Notice {
                cause: step.next_cause(),
                at: step.now,
                kind,
                channel,
                team: team.clone(),
                tier: Some(tier),
                subject: id.to_string(),
                title: title.clone(),
                body: body.clone(),
            };
            step.effects.push(Effect::Notice(Box::new(notice)));
        }
        let to =
            if reached == 0 { "no channel; it shows in the queue".to_owned() } else { format!("{reached} channel(s)") };
        let line = match kind {
            NoticeKind::Resolved => return,
            NoticeKind::Page
            | NoticeKind::PageAgain
            | NoticeKind::Escalated
            | NoticeKind::ProblemOpened
            | NoticeKind::ProblemReopened
            | NoticeKind::InspectionMissed => format!("{team} at tier {tier}: {why} ({to})"),
        };
        step.timeline(id, TimelineKind::Paged, LADDER, line);
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
