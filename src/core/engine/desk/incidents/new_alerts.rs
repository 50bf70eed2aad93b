//! Alerts that join an acknowledged incident: whoever has it is told of them, several together.

use crate::core::engine::NotificationKind;
use crate::core::engine::desk::context::{DeskContext, item_of};
use crate::core::engine::desk::incident::NewAlerts;
use crate::core::engine::desk::state::DeskState;
use crate::core::model::{Fingerprint, IncidentId, Labels, Priority, TimeDelta};

/// Alertmanager's default `group_interval`.
const GATHERED_FOR: TimeDelta = TimeDelta::from_minutes(5);
/// Maximum number of items that the notice names.
const ITEMS_NAMED: usize = 5;

/// Notes an alert that joined, if the incident is acknowledged and its rule tells of such alerts.
pub fn note(desk: &mut DeskState, id: IncidentId, condition: Fingerprint, labels: &Labels, step: &DeskContext<'_>) {
    let item = item_of(labels, step);
    let Some(incident) = desk.get_mut(id) else { return };
    let record = &incident.record;
    let rule = incident.parts.get(&condition).and_then(|part| step.rulebook.rule(&part.rule));
    let by_priority = matches!(record.priority, Priority::P1 | Priority::P2);
    if !record.acknowledged || !rule.is_some_and(|rule| rule.tells_new_alerts.unwrap_or(by_priority)) {
        return;
    }
    let due = step.now + GATHERED_FOR;
    let new = incident.new_alerts.get_or_insert(NewAlerts { due, count: 0, items: Vec::new() });
    new.count = new.count.saturating_add(1);
    if let Some(item) = item.filter(|item| new.items.len() < ITEMS_NAMED && !new.items.contains(item)) {
        new.items.push(item);
    }
}

/// Tells of the noted alerts, if somebody still works on the incident.
pub fn tell(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    let Some(new) = incident.new_alerts.take() else { return };
    let record = &incident.record;
    if record.acknowledged && record.state.is_open() && record.held.is_none() && !incident.is_clear() {
        let items = if new.items.is_empty() { String::new() } else { format!(": {}", new.items.join(", ")) };
        let more = if (new.count as usize) > new.items.len() && !new.items.is_empty() { ", …" } else { "" };
        let reason = format!("{} more alert(s) since it was acknowledged{items}{more}", new.count);
        step.page(id, NotificationKind::PageAgain, reason);
    }
    step.touch(id);
}
