//! What the correlators decide becomes incidents.

use super::grouping::standing_of;
use crate::core::engine::desk::state::{ConditionStatus, DeskIncident, MemberAlert, condition_id};
use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::engine::{Decision, Effect, Member, Metric, Raised, Verdict};
use crate::core::escalation::{EscalationProgress, EscalationStart, TeamAvailability};
use crate::core::incidents::{Incident, IncidentState, OpenPlaybook, SupportLog, TimelineKind};
use crate::core::model::{Fingerprint, IncidentId, Labels, Tier, TimeDelta, one_line};
use crate::core::rules::{CATCH_ALL, Rule};

/// How many timeline lines an incident spends on alerts that come and go; its counts go on.
const MEMBER_LINES_MAX: u32 = 100;

/// For the catch-all and for rules that are gone: how long all must be clear before an incident resolves.
const RESOLVE_AFTER_DEFAULT: TimeDelta = TimeDelta::from_minutes(5);

/// The same, for the reopening instead of a new incident.
const REOPEN_WITHIN_DEFAULT: TimeDelta = TimeDelta::from_hours(1);

/// How long after resolving an unpaged incident is closed without a person.
const CATCH_ALL_CLOSES_AFTER: TimeDelta = TimeDelta::from_hours(24);

impl Desk {
    pub(crate) fn decision(&mut self, decision: &Decision, step: &mut DeskContext<'_>) {
        let condition = condition_id(&decision.rule, &decision.key);
        let id = self.state.of_condition(condition);
        match &decision.verdict {
            Verdict::Raised(raised) => self.raised(decision, condition, id, raised, step),
            Verdict::Joined { alert } => self.joined(decision, condition, id, alert, step),
            Verdict::Left { fingerprint } => self.left(id, *fingerprint, condition, step),
            Verdict::Grouped(joins) => self.grouped(id, joins, step),
            Verdict::Held { by, pauses } => {
                self.stands(id, condition, ConditionStatus::Held { by: by.clone(), pauses: *pauses }, step);
            }
            Verdict::Released => self.stands(id, condition, ConditionStatus::Raised, step),
            Verdict::Cleared => self.cleared(id, condition, step),
            Verdict::Retired => self.retired(id, condition, &decision.rule, step),
        }
    }

    fn raised(
        &mut self,
        decision: &Decision,
        condition: Fingerprint,
        id: Option<IncidentId>,
        raised: &Raised,
        step: &mut DeskContext<'_>,
    ) {
        step.count(Metric::RuleFired { rule: decision.rule.clone() });
        let was_open = id.and_then(|id| self.state.get(id)).is_some_and(|incident| incident.record.state.is_open());
        let joined = raised.joins.as_ref();
        let id = match (self.usable(id, condition, &decision.rule, step), joined.and_then(|joins| self.open_of(joins)))
        {
            (Some(id), _) => {
                self.state.set_condition(id, condition, standing_of(raised));
                self.note_part(id, decision, condition, raised);
                self.recurs(id, raised.counts_for_recurrence);
                self.fires_again(id, &raised.reason, step);
                self.hold_or_release(id, step);
                id
            }
            (None, Some(into)) => {
                self.take_in(into, decision, condition, raised, step);
                into
            }
            (None, None) => self.open(decision, condition, raised, step),
        };
        for member in &raised.members {
            self.join(id, condition, member, step);
        }
        if raised.members.is_empty()
            && let Some(last) = raised.evidence.last()
        {
            let item = item_of(&last.labels, step);
            self.affect(id, item, raised.severity, last.at, condition);
        }
        if raised.held.is_none() {
            self.page_for(id, &decision.rule, step);
        }
        self.follow_alerts(id, step);
        if let Some(joins) = joined {
            self.grouped(Some(id), joins, step);
        }
        // What opened it (again) is kept; what only goes on does not replace it.
        if !was_open {
            for (n, evidence) in raised.evidence.iter().enumerate() {
                let evidence = Box::new(evidence.clone());
                step.effects.push(Effect::Evidence { incident: id, n: n as u32, evidence });
            }
            self.compare(id, &raised.members, &raised.evidence, step);
        }
        step.touch(id);
    }

    /// The incident of that condition, if it still stands for it: open, or resolved so recently that it reopens.
    /// Of an incident with other conditions too, one that is clear is no part any more: what fails next is grouped anew.
    fn usable(
        &self,
        id: Option<IncidentId>,
        condition: Fingerprint,
        rule: &str,
        step: &DeskContext<'_>,
    ) -> Option<IncidentId> {
        let id = id?;
        let incident = self.state.get(id)?;
        let record = &incident.record;
        if incident.parts.len() > 1 {
            let is_part =
                incident.conditions.get(&condition).is_some_and(|standing| *standing != ConditionStatus::Clear);
            return (record.state.is_open() && is_part).then_some(id);
        }
        let within = step.rulebook.rule(rule).map_or(REOPEN_WITHIN_DEFAULT, |rule| rule.reopen_within);
        let recent = record.resolved_at.is_some_and(|at| at + within > step.now);
        (record.state.is_open() || (record.state == IncidentState::Resolved && recent)).then_some(id)
    }

    /// What had resolved comes back as an episode that counts, or does not.
    fn recurs(&mut self, id: IncidentId, counts_for_recurrence: bool) {
        if let Some(incident) = self.state.get_mut(id).filter(|one| one.record.state == IncidentState::Resolved) {
            incident.recurs = counts_for_recurrence;
        }
    }

    /// Takes back what was waiting to resolve, and reopens what had resolved.
    pub(crate) fn fires_again(&mut self, id: IncidentId, reason: &str, step: &mut DeskContext<'_>) {
        let now = step.now;
        let Some(incident) = self.state.get_mut(id) else { return };
        incident.resolve_at = None;
        let ladder = step.rulebook.ladder(&incident.climb.ladder);
        if incident.record.state == IncidentState::Resolved {
            if incident.record.reopen(reason).is_err() {
                return;
            }
            incident.record.acknowledged = false;
            incident.close_at = None;
            self.restart_climb(id, step);
            step.timeline(id, TimelineKind::Reopened, "watchfire", format!("it came back: {reason}"));
            step.count(Metric::Reopened);
            self.count_episode(id, step);
        } else if let Some(ladder) = ladder {
            incident.climb.fires_again(now, ladder);
        }
        step.touch(id);
    }

    fn open(
        &mut self,
        decision: &Decision,
        condition: Fingerprint,
        raised: &Raised,
        step: &mut DeskContext<'_>,
    ) -> IncidentId {
        let id = self.state.new_id();
        let rule = step.rulebook.rule(&decision.rule);
        let record = new_record(id, decision, condition, raised, rule, step);
        let items = raised.members.iter().filter_map(|member| item_of(&member.labels, step));
        let items: Vec<String> = items.chain(item_of(&raised.labels, step)).collect();
        let staffing = self.with_closed(&record, self.staffing_for(items.iter().map(String::as_str), step), step);
        let (climb, moves) = new_climb(&record, rule, &staffing, step);
        let priority = record.priority;
        let text = format!("rule {}: {}", decision.rule, raised.reason);
        self.state.put(DeskIncident {
            record,
            members: Default::default(),
            conditions: [(condition, standing_of(raised))].into(),
            parts: Default::default(),
            affected: Default::default(),
            root_of: 0,
            climb,
            resolve_at: None,
            close_at: None,
            forget_at: None,
            member_lines: 0,
            recurs: raised.counts_for_recurrence,
            paged: None,
            responder: None,
            clocks: Default::default(),
            outage_begun: false,
            told: Default::default(),
            calls: Vec::new(),
        });
        self.note_part(id, decision, condition, raised);
        self.take_team(id, step);
        step.timeline(id, TimelineKind::Opened, &format!("rule {}", decision.rule), text);
        step.count(Metric::IncidentOpened { priority });
        self.classified(id, step);
        self.carry_out(id, moves, step);
        self.hold_or_release(id, step);
        self.offer_workaround(id, step);
        self.count_episode(id, step);
        id
    }

    fn joined(
        &mut self,
        decision: &Decision,
        condition: Fingerprint,
        id: Option<IncidentId>,
        member: &Member,
        step: &mut DeskContext<'_>,
    ) {
        match self.usable(id, condition, &decision.rule, step) {
            Some(id) => {
                if member.firing {
                    self.recurs(id, !member.maintained);
                    self.still_stands(id, condition);
                    self.fires_again(id, "an alert of it fires", step);
                    self.hold_or_release(id, step);
                }
                self.join(id, condition, member, step);
                self.follow_alerts(id, step);
            }
            // Its incident has ended while the condition went on; a transition opens a new one.
            None if member.firing => {
                let raised = Raised {
                    title: title_of(&member.labels),
                    reason: "an alert fires under a condition whose incident had ended".to_owned(),
                    severity: member.severity,
                    labels: member.labels.clone(),
                    members: vec![member.clone()],
                    evidence: Vec::new(),
                    counts_for_recurrence: !member.maintained,
                    joins: None,
                    held: None,
                };
                self.raised(decision, condition, None, &raised, step);
            }
            None => {}
        }
    }

    fn join(&mut self, id: IncidentId, condition: Fingerprint, member: &Member, step: &mut DeskContext<'_>) {
        // An alert belongs to at most one open incident; to a second it is only linked.
        let link_only = self.state.open_of_alert(member.fingerprint).is_some_and(|other| other != id);
        let is_new = link_only || {
            let own = MemberAlert { firing: member.firing, severity: member.severity, condition };
            self.affect(id, item_of(&member.labels, step), member.severity, member.since, condition);
            self.state.join(id, member.fingerprint, own)
        };
        let membership =
            Effect::Membership { incident: id, fingerprint: member.fingerprint, firing: member.firing, link_only };
        step.effects.push(membership);
        if is_new {
            self.remember_alert(id, member, step);
            self.member_line(id, TimelineKind::AlertJoined, "watchfire", &title_of(&member.labels), step);
        }
        if member.firing && !link_only {
            self.link_finding(member.fingerprint, id, step);
        }
        step.touch(id);
    }

    fn left(
        &mut self,
        id: Option<IncidentId>,
        fingerprint: Fingerprint,
        condition: Fingerprint,
        step: &mut DeskContext<'_>,
    ) {
        let Some(id) = id else { return };
        let known = self.state.leave(id, fingerprint, Some(condition));
        let membership = Effect::Membership { incident: id, fingerprint, firing: false, link_only: !known };
        step.effects.push(membership);
        self.member_line(id, TimelineKind::AlertCleared, "watchfire", &fingerprint.to_string(), step);
        self.follow_severity(id, step);
        step.touch(id);
    }

    /// A condition is held back, or free again.
    fn stands(
        &mut self,
        id: Option<IncidentId>,
        condition: Fingerprint,
        standing: ConditionStatus,
        step: &mut DeskContext<'_>,
    ) {
        let Some(id) = id else { return };
        self.state.set_condition(id, condition, standing);
        self.hold_or_release(id, step);
        self.follow_severity(id, step);
    }

    /// An alert fires under a condition: it is not clear, but what holds it back still does until it is released.
    fn still_stands(&mut self, id: IncidentId, condition: Fingerprint) {
        let standing = self.state.get(id).and_then(|incident| incident.conditions.get(&condition));
        let standing = standing.filter(|standing| **standing != ConditionStatus::Clear).cloned();
        self.state.set_condition(id, condition, standing.unwrap_or(ConditionStatus::Raised));
    }

    /// An incident is held back while everything that stands in it is; what is free again is raised again.
    pub(crate) fn hold_or_release(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        let held_by = incident.held_by().map(str::to_owned);
        if incident.is_paused() {
            incident.climb.pause(step.now);
        } else {
            let ladder = step.rulebook.ladder(&incident.climb.ladder);
            incident.climb.unpause(step.now, ladder, &step.rulebook.calendars);
        }
        let was = std::mem::replace(&mut incident.record.held, held_by.clone());
        if was == held_by {
            return;
        }
        match held_by {
            Some(by) => {
                incident.climb.hold();
                step.timeline(id, TimelineKind::Held, "watchfire", format!("every firing alert is held back by {by}"));
            }
            None => {
                let is_clear = incident.is_clear();
                incident.climb.release(step.now, step.rulebook.ladder(&incident.climb.ladder));
                if !is_clear {
                    step.timeline(id, TimelineKind::Released, "watchfire", "an alert of it is no longer held back");
                }
            }
        }
        step.touch(id);
    }

    fn cleared(&mut self, id: Option<IncidentId>, condition: Fingerprint, step: &mut DeskContext<'_>) {
        let Some(id) = id else { return };
        self.state.set_condition(id, condition, ConditionStatus::Clear);
        self.hold_or_release(id, step);
        self.follow_severity(id, step);
        let Some(incident) = self.state.get_mut(id) else { return };
        if incident.is_clear() && incident.record.state.is_open() {
            let rule = step.rulebook.rule(&incident.record.rule);
            let after = rule.map_or(RESOLVE_AFTER_DEFAULT, |rule| rule.resolve_after);
            incident.resolve_at = Some(step.now + after);
            incident.climb.all_clear();
            step.touch(id);
        }
    }

    fn retired(&mut self, id: Option<IncidentId>, condition: Fingerprint, rule: &str, step: &mut DeskContext<'_>) {
        let Some(id) = id else { return };
        if self.state.get(id).is_some_and(|incident| incident.record.state.is_open()) {
            let text = format!("rule {rule} is gone from the rules; the incident stays as a manual one");
            step.timeline(id, TimelineKind::Commented, "watchfire", text);
        }
        // Not cleared: nobody has seen it clear. A person ends it.
        self.stands(Some(id), condition, ConditionStatus::Raised, step);
        step.touch(id);
    }

    pub(crate) fn member_line(
        &mut self,
        id: IncidentId,
        kind: TimelineKind,
        actor: &str,
        text: &str,
        step: &mut DeskContext<'_>,
    ) {
        let Some(incident) = self.state.get_mut(id) else { return };
        if incident.member_lines < MEMBER_LINES_MAX {
            incident.member_lines += 1;
            step.timeline(id, kind, actor, text);
        }
    }
}

fn new_record(
    id: IncidentId,
    decision: &Decision,
    condition: Fingerprint,
    raised: &Raised,
    rule: Option<&Rule>,
    step: &DeskContext<'_>,
) -> Incident {
    let severity = rule.and_then(|rule| rule.severity).unwrap_or(raised.severity);
    let catch_all = decision.rule == CATCH_ALL;
    let graded = super::priority::grade(rule, &decision.rule, severity, step.now, step.rulebook);
    let grading = rule.map(|rule| &rule.grading);
    Incident {
        id,
        version: 0,
        title: one_line(&raised.title).into_owned(),
        state: IncidentState::New,
        pending_on: None,
        merged_into: None,
        tier: Tier::First,
        team: String::new(),
        assignee: None,
        waiting: None,
        priority: graded.priority,
        priority_reason: graded.reason,
        severity,
        rule: decision.rule.clone(),
        key: decision.key.clone(),
        labels: raised.labels.clone(),
        fingerprint: condition,
        reason: raised.reason.clone(),
        root: None,
        alerts: 0,
        firing: 0,
        opened_at: step.now,
        acknowledged_at: None,
        acknowledged: false,
        resolved_at: None,
        closed_at: None,
        breached: false,
        escalations: 0,
        reopened: 0,
        held: None,
        problem: None,
        found_during: None,
        similar: Vec::new(),
        findings: Vec::new(),
        workaround: None,
        runbook: rule.and_then(|rule| rule.runbook.clone()),
        support: SupportLog { playbook: playbook_of(rule, step), ..SupportLog::default() },
        diagnosis: None,
        resolution: None,
        digests: Vec::new(),
        unpaged: catch_all || rule.is_some_and(|rule| !rule.pages),
        next_step_at: None,
        unarmed: None,
        class: grading.and_then(|grading| grading.class).unwrap_or_default(),
        out_of_catalogue: grading.is_some_and(|grading| grading.out_of_catalogue),
        impact: graded.impact,
        urgency: graded.urgency,
        clocks: Vec::new(),
        contacts: Vec::new(),
        breach_reason: None,
        outages: Vec::new(),
        updated_at: step.now,
    }
}

pub(crate) fn new_climb(
    record: &Incident,
    rule: Option<&Rule>,
    staffing: &TeamAvailability<'_>,
    step: &DeskContext<'_>,
) -> (EscalationProgress, Vec<crate::core::escalation::EscalationEvent>) {
    let name = rule.map_or("default", |rule| step.rulebook.ladder_name(rule, step.now));
    let empty =
        crate::core::rules::EscalationPolicy { name: name.to_owned(), steps: Vec::new(), hierarchy: Vec::new() };
    let ladder = step.rulebook.ladder(name).unwrap_or(&empty);
    if record.unpaged {
        let why = if record.rule == CATCH_ALL { "no rule owns it: it pages nobody" } else { "its rule pages nobody" };
        return (EscalationProgress::silent(ladder, step.now, why), Vec::new());
    }
    let settle = rule.map_or(TimeDelta::from_seconds(30), |rule| rule.settle);
    let start = EscalationStart { now: step.now, settle, priority: record.priority, team: None };
    EscalationProgress::start(
        ladder,
        &crate::core::engine::desk::assignment::dispatch::at_start(ladder, staffing),
        start,
    )
}

/// What its rule says is to be done about it.
pub(crate) fn playbook_of(rule: Option<&Rule>, step: &DeskContext<'_>) -> Option<OpenPlaybook> {
    let name = rule?.playbook.as_ref()?;
    step.rulebook.playbooks.get(name).map(OpenPlaybook::from)
}

/// The item that an alert is about.
pub(crate) fn item_of(labels: &Labels, step: &DeskContext<'_>) -> Option<String> {
    let inventory = &step.rulebook.inventory;
    inventory.concerned(labels).map(|item| inventory.item(item).name.clone())
}

/// What an alert is called where there is no rule's title.
fn title_of(labels: &Labels) -> String {
    match labels.get("alertname") {
        Some(name) => format!("{name} {labels}"),
        None => labels.to_string(),
    }
}

/// How an incident that nobody closes ends: unpaged ones by themselves, others by their rule's word or a person.
pub(crate) fn closes_after(record: &Incident, step: &DeskContext<'_>) -> Option<TimeDelta> {
    let by_rule = step.rulebook.rule(&record.rule).and_then(|rule| rule.close_after);
    by_rule.or(if record.rule == CATCH_ALL { Some(CATCH_ALL_CLOSES_AFTER) } else { None })
}
