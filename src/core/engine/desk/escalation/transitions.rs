//! What a move on a ladder means: who is told, timeline, counts.

use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::engine::{Breach, Metric, NotificationKind};
use crate::core::escalation::EscalationEvent;
use crate::core::incidents::TimelineKind;
use crate::core::model::{IncidentId, Tier};

/// The actor of what the ladder does by itself.
pub(crate) const LADDER: &str = "ladder";

impl Desk {
    /// Carries out the moves of one incident's climb, in order.
    pub(crate) fn carry_out(&mut self, id: IncidentId, moves: Vec<EscalationEvent>, step: &mut DeskContext<'_>) {
        for one in moves {
            match one {
                EscalationEvent::Page => self.tell(id, NotificationKind::Page, "first page", step),
                EscalationEvent::PageAgain { reason } => self.tell(id, NotificationKind::PageAgain, &reason, step),
                EscalationEvent::RespondByMissed { tier } => self.breach(id, Breach::RespondBy, tier, step),
                EscalationEvent::ResolveByMissed { tier } => self.breach(id, Breach::ResolveBy, tier, step),
                EscalationEvent::Skipped { tier, team: _, reason } => {
                    let text = format!("tier {tier} skipped: {reason}");
                    step.audit(LADDER, "system", "step.skip", &id.to_string(), &text, None);
                    step.count(Metric::StepSkipped { tier });
                    step.timeline(id, TimelineKind::StepSkipped, LADDER, text);
                }
                EscalationEvent::Climbed { from, to, demands } => self.climbed(id, (from, to), &demands, step),
                EscalationEvent::HandedBack { from, to } => {
                    self.take_team(id, step);
                    self.leave_to_team(id, step);
                    if let Some(incident) = self.state.get_mut(id) {
                        incident.record.support.bounces += 1;
                        incident.record.acknowledged = false;
                    }
                    let text = format!("from tier {from} back to tier {to}");
                    step.timeline(id, TimelineKind::HandedBack, LADDER, text);
                    step.count(Metric::Bounced { from, to });
                    self.tell(id, NotificationKind::HandedBack, &format!("handed back from tier {from}"), step);
                }
                EscalationEvent::Tell { told, after, time, of } => {
                    let why = format!("unresolved for {after}, {time} of {of}");
                    self.tell_manager(id, &told, &why, step);
                }
            }
        }
        step.touch(id);
    }

    /// Managers are told by the priority that the incident has now, whoever changed it.
    pub(crate) fn follow_priority(&mut self, id: IncidentId, step: &DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        if let Some(ladder) = step.rulebook.ladder(&incident.climb.ladder) {
            incident.climb.follow_priority(step.now, ladder, incident.record.priority);
        }
    }

    fn climbed(&mut self, id: IncidentId, (from, to): (Tier, Tier), demands: &[String], step: &mut DeskContext<'_>) {
        self.take_team(id, step);
        self.leave_to_team(id, step);
        let Some(incident) = self.state.get_mut(id) else { return };
        incident.record.escalations += 1;
        incident.record.acknowledged = false;
        let triage = &incident.record.support.triage;
        let missing: Vec<&str> =
            demands.iter().filter(|field| !triage.contains_key(*field)).map(String::as_str).collect();
        let mut text = format!("from tier {from} to tier {to}");
        if !missing.is_empty() {
            text.push_str(&format!(", without its diagnosis: {} missing", missing.join(", ")));
        }
        step.timeline(id, TimelineKind::Escalated, LADDER, text);
        step.count(Metric::Escalated { from, to });
        self.tell(id, NotificationKind::Escalated, &format!("handed on from tier {from}"), step);
    }

    /// Writes the present step's tier and team into the record.
    pub(crate) fn take_team(&mut self, id: IncidentId, step: &DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        let ladder = step.rulebook.ladder(&incident.climb.ladder);
        if let Some(rung) = ladder.and_then(|ladder| ladder.steps.get(incident.climb.step as usize)) {
            incident.record.tier = rung.tier;
            incident.record.support.kind = rung.kind;
        }
        if !incident.climb.team.is_empty() {
            incident.record.team = incident.climb.team.clone();
        }
    }

    fn breach(&mut self, id: IncidentId, what: Breach, tier: Tier, step: &mut DeskContext<'_>) {
        if let Some(incident) = self.state.get_mut(id) {
            incident.record.breached = true;
        }
        let (name, meaning) = match what {
            Breach::RespondBy => ("respond-by", "nobody acknowledged in time"),
            Breach::ResolveBy => ("resolve-by", "it was not resolved in time"),
        };
        step.timeline(id, TimelineKind::Breached, LADDER, format!("{name} of tier {tier} passed: {meaning}"));
        step.count(Metric::Breached { tier, what });
    }
}
