//! Several conditions in one incident: what joins it, and incidents that become one.

use crate::core::engine::desk::state::{ConditionPart, ConditionStatus, condition_id};
use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::engine::{Decision, Effect, GroupingDecision, Raised};
use crate::core::incidents::{IncidentState, TimelineEntry, TimelineKind, TransitionRefused};
use crate::core::model::{Fingerprint, IncidentId};

/// Who joins incidents by itself.
const GROUPING: &str = "grouping";

impl Desk {
    /// The open incident of another condition.
    pub(crate) fn open_of(&self, joins: &GroupingDecision) -> Option<IncidentId> {
        let id = self.state.of_condition(condition_id(&joins.rule, &joins.key))?;
        self.state.get(id).is_some_and(|incident| incident.record.state.is_open()).then_some(id)
    }

    /// A condition that was just raised is part of an incident that is there already.
    pub(crate) fn take_in(
        &mut self,
        into: IncidentId,
        decision: &Decision,
        condition: Fingerprint,
        raised: &Raised,
        step: &mut DeskContext<'_>,
    ) {
        self.state.set_condition(into, condition, standing_of(raised));
        self.note_part(into, decision, condition, raised);
        let because = raised.joins.as_ref().and_then(|joins| joins.because.as_ref());
        let because = because.map(|link| format!(": {link}")).unwrap_or_default();
        self.member_line(into, TimelineKind::Grouped, GROUPING, &format!("{}{because}", raised.title), step);
        if raised.held.is_none() {
            self.fires_again(into, &raised.reason, step);
        }
        self.hold_or_release(into, step);
    }

    /// What the desk keeps of a condition itself.
    pub(crate) fn note_part(&mut self, id: IncidentId, decision: &Decision, condition: Fingerprint, raised: &Raised) {
        let Some(incident) = self.state.get_mut(id) else { return };
        let part = incident.parts.entry(condition).or_insert_with(|| ConditionPart {
            rule: decision.rule.clone(),
            title: raised.title.clone(),
            severity: raised.severity,
            firing: Default::default(),
        });
        part.severity = raised.severity;
    }

    /// Two raised conditions are one incident: the oldest carries on.
    pub(crate) fn grouped(&mut self, id: Option<IncidentId>, joins: &GroupingDecision, step: &mut DeskContext<'_>) {
        let (Some(one), Some(other)) = (id, self.open_of(joins)) else { return };
        let is_open = self.state.get(one).is_some_and(|incident| incident.record.state.is_open());
        if one == other || !is_open {
            return;
        }
        let because = joins.because.as_ref().map(|link| format!(": {link}")).unwrap_or_default();
        let (merged, into) = (one.max(other), one.min(other));
        // Both are open and two, so nothing is refused.
        if self.fold(merged, into, GROUPING, &because, step).is_ok() {
            self.follow_alerts(into, step);
        }
    }

    /// Ends an incident as a part of another one, which takes over its conditions, alerts and whatever somebody has
    /// done about it.
    pub(crate) fn fold(
        &mut self,
        id: IncidentId,
        into: IncidentId,
        actor: &str,
        because: &str,
        step: &mut DeskContext<'_>,
    ) -> Result<(), TransitionRefused> {
        let Some(survivor) = self.state.get(into).map(|incident| incident.record.clone()) else { return Ok(()) };
        let Some(incident) = self.state.get_mut(id) else { return Ok(()) };
        let merged = incident.clone();
        incident.record.merge_into(&survivor)?;
        self.end(id, "merged");
        for (condition, standing) in &merged.conditions {
            // What is clear may stand again, here or elsewhere.
            let stands = *standing == ConditionStatus::Clear && self.stands_elsewhere(*condition, into);
            if !stands {
                self.state.set_condition(into, *condition, standing.clone());
            }
        }
        self.state.take_over(into, &merged);
        for (fingerprint, member) in &merged.members {
            step.effects.push(Effect::Membership {
                incident: into,
                fingerprint: *fingerprint,
                firing: member.firing,
                link_only: false,
            });
        }
        self.carry_on(into, &merged, step);
        self.inherit_promises(into, &merged, step);
        if let Some(incident) = self.state.get_mut(into).filter(|incident| !incident.is_clear()) {
            incident.resolve_at = None;
            if let Some(ladder) = step.rulebook.ladder(&incident.climb.ladder) {
                incident.climb.fires_again(step.now, ladder);
            }
        }
        self.hold_or_release(into, step);
        step.timeline(id, TimelineKind::Merged, actor, format!("{}{into}{because}", TimelineEntry::MERGED_INTO));
        step.timeline(into, TimelineKind::Merged, actor, format!("{id} is part of it now{because}"));
        step.touch(id);
        step.touch(into);
        Ok(())
    }

    fn stands_elsewhere(&self, condition: Fingerprint, merged_into: IncidentId) -> bool {
        let Some(id) = self.state.of_condition(condition) else { return false };
        self.state.get(id).is_some_and(|incident| {
            let standing = incident.conditions.get(&condition);
            incident.record.state.is_open()
                && (id != merged_into || standing.is_some_and(|one| *one != ConditionStatus::Clear))
        })
    }

    /// The survivor stands where the further of the two stood: somebody's hand on it, a page, a higher step are kept.
    fn carry_on(
        &mut self,
        into: IncidentId,
        merged: &crate::core::engine::desk::DeskIncident,
        step: &mut DeskContext<'_>,
    ) {
        let Some(incident) = self.state.get_mut(into) else { return };
        let was_unpaged = incident.record.unpaged && !merged.record.unpaged;
        let same_ladder = incident.climb.ladder == merged.climb.ladder;
        let further = same_ladder && incident.climb.step < merged.climb.step;
        let owned = incident.record.state == IncidentState::New && merged.record.state != IncidentState::New;
        if !(was_unpaged || (!incident.record.unpaged && !merged.record.unpaged && (further || owned))) {
            return;
        }
        let record = &mut incident.record;
        let climbs = merged.record.escalations.saturating_sub(record.escalations);
        let bounces = merged.record.support.bounces.saturating_sub(record.support.bounces);
        let taken_at = merged.record.acknowledged_at.filter(|_| record.acknowledged_at.is_none());
        record.unpaged = false;
        (record.tier, record.team) = (merged.record.tier, merged.record.team.clone());
        record.escalations += climbs;
        record.acknowledged = merged.record.acknowledged;
        record.acknowledged_at = record.acknowledged_at.or(merged.record.acknowledged_at);
        if record.state == IncidentState::New {
            record.state = merged.record.state;
            record.assignee = merged.record.assignee.clone();
            record.pending_on = merged.record.pending_on;
        }
        record.runbook = record.runbook.take().or_else(|| merged.record.runbook.clone());
        let support = &merged.record.support;
        record.support.kind = support.kind;
        record.support.playbook = record.support.playbook.take().or_else(|| support.playbook.clone());
        record.support.bounces += bounces;
        for (field, text) in &support.triage {
            record.support.triage.entry(field.clone()).or_insert_with(|| text.clone());
        }
        incident.climb = merged.climb.clone();
        incident.paged = incident.paged.into_iter().chain(merged.paged).min();
        let (from, tier) = (merged.record.id, merged.record.tier);
        // A line for each, so that the lines count what the record does.
        for _ in 0..climbs {
            step.timeline(into, TimelineKind::Escalated, GROUPING, format!("at tier {tier}, where {from} stood"));
        }
        for _ in 0..bounces {
            step.timeline(into, TimelineKind::HandedBack, GROUPING, format!("as {from} was"));
        }
        if let Some(at) = taken_at {
            step.timeline_at(at, into, TimelineKind::Acknowledged, GROUPING, format!("taken, as {from} was"));
        }
        if was_unpaged {
            let text = format!("it pages now, as {} did", merged.record.id);
            step.timeline(into, TimelineKind::Commented, GROUPING, text);
        }
    }

    /// An incident that pages nobody has got a part whose rule pages: its ladder begins now.
    pub(crate) fn page_for(&mut self, id: IncidentId, rule_name: &str, step: &mut DeskContext<'_>) {
        let Some(rule) = step.rulebook.rule(rule_name).filter(|rule| rule.pages) else { return };
        let Some(incident) = self.state.get_mut(id).filter(|incident| incident.record.unpaged) else { return };
        incident.record.unpaged = false;
        incident.record.runbook = incident.record.runbook.take().or_else(|| rule.runbook.clone());
        let playbook = super::decisions::playbook_of(Some(rule), step);
        incident.record.support.playbook = incident.record.support.playbook.take().or(playbook);
        let record = incident.record.clone();
        let (climb, moves) = super::decisions::new_climb(&record, Some(rule), &self.staffing_of(id, step), step);
        let Some(incident) = self.state.get_mut(id) else { return };
        let is_held = incident.held_by().is_some();
        incident.climb = climb;
        if is_held {
            incident.climb.hold();
        }
        self.take_team(id, step);
        step.timeline(id, TimelineKind::Commented, GROUPING, format!("it pages now: rule {rule_name} does"));
        self.carry_out(id, moves, step);
    }
}

/// How a condition stands when it is told.
pub(crate) fn standing_of(raised: &Raised) -> ConditionStatus {
    match &raised.held {
        Some(by) => ConditionStatus::Held { by: by.clone(), pauses: false },
        None => ConditionStatus::Raised,
    }
}
