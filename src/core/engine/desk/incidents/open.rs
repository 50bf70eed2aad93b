//! A condition that was raised opens an incident.

use super::{priority, standing};
use crate::core::engine::desk::availability;
use crate::core::engine::desk::context::{DeskContext, item_of};
use crate::core::engine::desk::escalation::transitions;
use crate::core::engine::desk::incident::{ConditionPart, DeskIncident, standing_of};
use crate::core::engine::desk::problems::episodes;
use crate::core::engine::desk::sla::clocks;
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{Decision, Metric, Raised};
use crate::core::escalation::{EscalationProgress, EscalationStart, TeamAvailability};
use crate::core::incidents::{Incident, IncidentState, OpenPlaybook, SupportLog, TimelineKind};
use crate::core::model::{Fingerprint, IncidentId, Tier, TimeDelta, one_line};
use crate::core::rules::{CATCH_ALL, Rule};

pub fn open(
    desk: &mut DeskState,
    decision: &Decision,
    condition: Fingerprint,
    raised: &Raised,
    step: &mut DeskContext<'_>,
) -> IncidentId {
    let id = desk.new_id();
    let rule = step.rulebook.rule(&decision.rule);
    let record = new_record(id, decision, condition, raised, rule, step);
    let items = raised.members.iter().filter_map(|member| item_of(&member.labels, step));
    let items: Vec<String> = items.chain(item_of(&raised.labels, step)).collect();
    let staffing = availability::staffing_for(items.iter().map(String::as_str), step);
    let staffing = availability::with_closed(desk, &record, staffing, step);
    let (climb, moves) = new_climb(&record, rule, &staffing, step);
    let priority = record.priority;
    let text = format!("rule {}: {}", decision.rule, raised.reason);
    desk.put(DeskIncident {
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
        muted: None,
        mute_ends_at: None,
        told: Default::default(),
        calls: Vec::new(),
        new_alerts: None,
    });
    note_part(desk, id, decision, condition, raised);
    transitions::take_team(desk, id, step);
    step.timeline(id, TimelineKind::Opened, &format!("rule {}", decision.rule), text);
    step.count(Metric::IncidentOpened { priority });
    clocks::classified(desk, id, step);
    transitions::carry_out(desk, id, moves, step);
    standing::hold_or_release(desk, id, step);
    episodes::offer_workaround(desk, id, step);
    episodes::count_episode(desk, id, step);
    id
}

/// What the desk keeps of a condition itself.
pub fn note_part(desk: &mut DeskState, id: IncidentId, decision: &Decision, condition: Fingerprint, raised: &Raised) {
    let Some(incident) = desk.get_mut(id) else { return };
    let part = incident.parts.entry(condition).or_insert_with(|| ConditionPart {
        rule: decision.rule.clone(),
        title: raised.title.clone(),
        severity: raised.severity,
        firing: Default::default(),
    });
    part.severity = raised.severity;
}

pub fn new_climb(
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
    EscalationProgress::start(ladder, &availability::at_start(ladder, staffing), start)
}

/// What its rule says is to be done about it.
pub fn playbook_of(rule: Option<&Rule>, step: &DeskContext<'_>) -> Option<OpenPlaybook> {
    let name = rule?.playbook.as_ref()?;
    step.rulebook.playbooks.get(name).map(OpenPlaybook::from)
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
    let graded = priority::grade(rule, &decision.rule, severity, step.now, step.rulebook);
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
        resolved_by: None,
    }
}
