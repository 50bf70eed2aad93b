//! An incident follows its alerts: in severity and priority, in its root candidate and its title.

use super::{member_lines, priority};
use crate::core::engine::desk::context::{DeskContext, GROUPING};
use crate::core::engine::desk::incident::{ConditionStatus, DeskIncident};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::notification::NotificationKind;
use crate::core::incidents::{Affected, TimelineKind, root_candidate};
use crate::core::model::{Fingerprint, IncidentId, Priority, Severity, Timestamp, one_line};
use crate::core::rules::{FailureMode, Rulebook};

/// Up to that many items the root is looked for at every new one, then less and less often.
const ROOT_LOOKED_FOR_UP_TO: usize = 64;

/// Brings severity, priority, root and title in line with what stands in the incident now.
pub fn follow_alerts(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    follow_severity(desk, id, step);
    follow_root(desk, id, step);
    step.touch(id);
}

/// The worst of what fires and is not held back; what is all held back or clear keeps its severity.
pub fn follow_severity(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    let Some((severity, priority, why)) = stands_at(incident, step.rulebook) else { return };
    let (was, before) = (incident.record.severity, incident.record.priority);
    if (was, before) == (severity, priority) {
        return;
    }
    incident.record.severity = severity;
    incident.record.priority = priority;
    incident.record.priority_reason = why;
    let told = incident.paged.filter(|paged| priority < *paged);
    let is_quiet = incident.held_by().is_some() || incident.is_clear() || !incident.record.state.is_open();
    let text = match (was == severity, before == priority) {
        (false, true) => format!("from {was} to {severity}"),
        (false, false) => format!("from {was} to {severity}, priority from {before} to {priority}"),
        (true, _) => format!("priority from {before} to {priority}: {}", incident.record.priority_reason),
    };
    step.timeline(id, TimelineKind::SeverityChanged, "watchfire", text);
    // Whoever was paged for less is told; who was told of as much before is not.
    if let Some(paged) = told.filter(|_| !is_quiet) {
        let why = format!("its priority rose from {paged} to {priority}");
        step.page(id, NotificationKind::PageAgain, why);
    }
    step.touch(id);
}

/// Notes that an alert of that item belongs to the incident.
pub fn affect(
    desk: &mut DeskState,
    id: IncidentId,
    item: Option<String>,
    severity: Severity,
    since: Timestamp,
    condition: Fingerprint,
) {
    let Some(item) = item else { return };
    let Some(incident) = desk.get_mut(id) else { return };
    let gravity = FailureMode::of(severity);
    let affected = incident.affected.entry(item).or_insert(Affected { since, gravity, condition });
    affected.since = affected.since.min(since);
    if affected.gravity < gravity {
        (affected.gravity, affected.condition) = (gravity, condition);
    }
}

fn follow_root(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    let items = incident.affected.len();
    let last = incident.root_of as usize;
    let is_due = items <= ROOT_LOOKED_FOR_UP_TO || items > last + last / 8;
    if items > 0 && is_due {
        incident.root_of = items as u32;
        let root = root_candidate(&incident.affected, &step.rulebook.inventory, &step.rulebook.grouping);
        let before = std::mem::replace(&mut incident.record.root, root);
        let changed = incident.record.root.as_ref().filter(|root| {
            before.as_ref().is_none_or(|before| before.entity != root.entity) && incident.parts.len() > 1
        });
        if let Some(root) = changed {
            let how =
                if root.inferred { ", which says nothing itself: most of what depends on it has failed" } else { "" };
            let text = format!("probably from {}{how} ({})", root.entity, root.path.join(" → "));
            member_lines::member_line(desk, id, TimelineKind::RootChanged, GROUPING, &text, step);
        }
    }
    if let Some(incident) = desk.get_mut(id)
        && let Some(title) = title(incident)
    {
        incident.record.title = one_line(&title).into_owned();
    }
}

/// Severity and priority of what stands in it, and where the priority comes from.
fn stands_at(incident: &DeskIncident, rulebook: &Rulebook) -> Option<(Severity, Priority, String)> {
    let of = |wanted: fn(&ConditionStatus) -> bool| {
        let parts = incident.conditions.iter().filter(move |(_, standing)| wanted(standing));
        parts.filter_map(|(condition, _)| incident.parts.get(condition)).map(|part| {
            let rule = rulebook.rule(&part.rule);
            let worst = part.firing.iter().rev().find(|(_, count)| **count > 0).map(|(severity, _)| *severity);
            let severity = rule.and_then(|rule| rule.severity).or(worst).unwrap_or(part.severity);
            let graded = priority::grade(rule, &part.rule, severity, incident.record.opened_at, rulebook);
            (severity, graded.priority, graded.reason)
        })
    };
    let mut standing = of(|standing| *standing == ConditionStatus::Raised);
    let (mut severity, priority, why) = standing.next()?;
    let mut urgent = (priority, why);
    for (other, priority, why) in standing {
        severity = severity.max(other);
        if priority < urgent.0 {
            urgent = (priority, why);
        }
    }
    Some((severity, urgent.0, urgent.1))
}

/// Of an incident with several conditions: what its root says, and how much more there is.
fn title(incident: &DeskIncident) -> Option<String> {
    if incident.parts.len() < 2 {
        return None;
    }
    let root = incident.record.root.as_ref();
    let of_root = root.and_then(|root| incident.affected.get(&root.entity)).map(|affected| affected.condition);
    let first = incident.record.fingerprint;
    let own = incident.parts.get(&of_root.unwrap_or(first)).or_else(|| incident.parts.get(&first));
    let title = match (root.filter(|root| root.inferred), own) {
        (Some(root), _) => format!("{}, inferred", root.entity),
        (None, Some(part)) => part.title.clone(),
        (None, None) => return None,
    };
    let more = incident.record.alerts.saturating_sub(u64::from(of_root.is_some() || root.is_none()));
    let plural = |count: u64, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    let items = incident.affected.len() as u64;
    Some(match more {
        0 => title,
        more => format!("{title} (+{} on {})", plural(more, "alert"), plural(items, "device")),
    })
}
